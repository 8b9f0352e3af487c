#include "tuning_space.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mayfly::trace {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

template <class Value, std::size_t Count>
Value one_of(std::array<Value, Count> const& values, std::mt19937_64& random) {
  return values[random() % Count];
}

void draw_classes(replay_settings& in, std::mt19937_64& random) {
  std::size_t const first = one_of(std::array{4 * kib, 8 * kib, 16 * kib, 32 * kib, 64 * kib}, random);
  std::size_t const ratio = one_of(std::array<std::size_t, 3>{2, 4, 8}, random);
  std::size_t const next = one_of(std::array<std::size_t, 3>{2, 4, 8}, random);
  std::size_t const largest = std::min(first * ratio * next, 2 * mib);
  in.pages.class_bytes = {first, first * ratio, std::max(largest, first * ratio * 2)};
}

void draw_magazines(replay_settings& in, std::mt19937_64& random) {
  std::uint32_t const first = one_of(std::array<std::uint32_t, 7>{1, 2, 4, 8, 16, 32, 64}, random);
  std::uint32_t const ratio = one_of(std::array<std::uint32_t, 3>{1, 2, 4}, random);
  in.pages.magazine_pages = {first, std::max(first / ratio, 1U), std::max(first / ratio / ratio, 1U)};
}

void draw_first_class(replay_settings& in, std::mt19937_64& random) {
  std::size_t const drawn = random() % 5;  // half of all are adaptive
  in.first_class = drawn < page_pool_options::classes ? std::optional{drawn} : std::nullopt;
}

void draw_retention(replay_settings& in, std::mt19937_64& random) {
  page_pool_options& pages = in.pages;
  pages.idle_floor_bytes = one_of(std::array{0 * kib, 64 * kib, 128 * kib, 512 * kib, 2 * mib}, random);
  pages.idle_cap_bytes = one_of(std::array{4 * mib, 16 * mib, 64 * mib, 256 * mib, 1024 * mib}, random);
  pages.idle_epochs = one_of(std::array<std::uint32_t, 5>{1, 2, 5, 10, 30}, random);
  pages.block_cache_bytes = one_of(std::array{0 * kib, 4 * mib, 16 * mib, 64 * mib, 256 * mib}, random);
}

}  // namespace

replay_settings random_settings(replay_settings const& today, std::mt19937_64& random) {
  replay_settings drawn = today;
  draw_classes(drawn, random);
  draw_magazines(drawn, random);
  draw_first_class(drawn, random);
  draw_retention(drawn, random);
  return drawn;
}

replay_settings neighbour_of(replay_settings const& of, std::mt19937_64& random) {
  replay_settings drawn = of;
  constexpr std::array draws{&draw_classes, &draw_magazines, &draw_first_class, &draw_retention};
  draws[random() % draws.size()](drawn, random);
  return drawn;
}

}  // namespace mayfly::trace
