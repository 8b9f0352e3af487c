#include "tuning_space.hpp"

#include <mayfly/trace/tune.hpp>

#include <algorithm>
#include <array>
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

template <auto Field>
void copy_of(replay_settings& to, replay_settings const& from) {
  to.pages.*Field = from.pages.*Field;
}
template <auto Field>
bool equal_in(replay_settings const& a, replay_settings const& b) {
  return a.pages.*Field == b.pages.*Field;
}
template <auto Field>
constexpr dimension field_of_pages(void (*draw)(replay_settings&, std::mt19937_64&)) {
  return {draw, &copy_of<Field>, &equal_in<Field>};
}

void draw_classes(replay_settings& in, std::mt19937_64& random) {
  std::size_t const first = one_of(std::array{4 * kib, 8 * kib, 16 * kib, 32 * kib, 64 * kib}, random);
  std::size_t const ratio = one_of(std::array<std::size_t, 3>{2, 4, 8}, random);
  std::size_t const next = one_of(std::array<std::size_t, 3>{2, 4, 8}, random);
  std::size_t const largest = std::min(first * ratio * next, 2 * mib);
  in.pages.class_bytes = {first, first * ratio, std::max(largest, first * ratio * 2)};
}

void draw_first_class(replay_settings& in, std::mt19937_64& random) {
  std::size_t const drawn = random() % 5;  // two of five are adaptive
  in.first_class = drawn < page_pool_options::classes ? std::optional{drawn} : std::nullopt;
}
void copy_first_class(replay_settings& to, replay_settings const& from) { to.first_class = from.first_class; }
bool same_first_class(replay_settings const& a, replay_settings const& b) { return a.first_class == b.first_class; }

void draw_growth(replay_settings& in, std::mt19937_64& random) {
  in.pages.growth_percent = one_of(std::array<std::uint32_t, 6>{25, 50, 100, 200, 400, 1'600}, random);
}

void draw_largest_in_page(replay_settings& in, std::mt19937_64& random) {
  std::size_t const part = one_of(std::array<std::size_t, 5>{0, 2, 8, 16, 32}, random);
  // 0: the quarter that is the default
  in.pages.largest_in_page_bytes = part == 0 ? 0 : std::max(in.pages.class_bytes.back() / part, 4 * kib);
}

void draw_magazines(replay_settings& in, std::mt19937_64& random) {
  std::uint32_t const first = one_of(std::array<std::uint32_t, 7>{1, 2, 4, 8, 16, 32, 64}, random);
  std::uint32_t const ratio = one_of(std::array<std::uint32_t, 3>{1, 2, 4}, random);
  in.pages.magazine_pages = {first, std::max(first / ratio, 1U), std::max(first / ratio / ratio, 1U)};
}

void draw_idle_floor(replay_settings& in, std::mt19937_64& random) {
  in.pages.idle_floor_bytes = one_of(std::array{0 * kib, 64 * kib, 128 * kib, 512 * kib, 2 * mib, 8 * mib}, random);
}
void draw_idle_cap(replay_settings& in, std::mt19937_64& random) {
  in.pages.idle_cap_bytes = one_of(std::array{1 * mib, 4 * mib, 16 * mib, 64 * mib, 256 * mib, 1024 * mib}, random);
}
void draw_idle_epochs(replay_settings& in, std::mt19937_64& random) {
  in.pages.idle_epochs = one_of(std::array<std::uint32_t, 6>{1, 2, 5, 10, 30, 60}, random);
}
void draw_block_cache(replay_settings& in, std::mt19937_64& random) {
  in.pages.block_cache_bytes = one_of(std::array{0 * kib, 4 * mib, 16 * mib, 64 * mib, 256 * mib}, random);
}

// Classes first: what goes by them is mended after.
constexpr std::array all_dimensions{
    field_of_pages<&page_pool_options::class_bytes>(&draw_classes),
    dimension{&draw_first_class, &copy_first_class, &same_first_class},
    field_of_pages<&page_pool_options::growth_percent>(&draw_growth),
    field_of_pages<&page_pool_options::largest_in_page_bytes>(&draw_largest_in_page),
    field_of_pages<&page_pool_options::magazine_pages>(&draw_magazines),
    field_of_pages<&page_pool_options::idle_floor_bytes>(&draw_idle_floor),
    field_of_pages<&page_pool_options::idle_cap_bytes>(&draw_idle_cap),
    field_of_pages<&page_pool_options::idle_epochs>(&draw_idle_epochs),
    field_of_pages<&page_pool_options::block_cache_bytes>(&draw_block_cache),
};

/// What no page pool would take is made the nearest that one takes.
void mend(replay_settings& in) {
  in.pages.largest_in_page_bytes = std::min(in.pages.largest_in_page_bytes, in.pages.class_bytes.back() / 2);
}

}  // namespace

std::span<dimension const> dimensions() noexcept { return all_dimensions; }

bool same(replay_settings const& a, replay_settings const& b) noexcept {
  return std::ranges::all_of(all_dimensions, [&](dimension const& each) { return each.agree(a, b); }) &&
         a.pages.huge_pages == b.pages.huge_pages;
}

std::vector<replay_settings> with_other_huge_pages(replay_settings const& of) {
  std::vector<replay_settings> others;
  for (huge_page_use const use : {huge_page_use::system, huge_page_use::advise, huge_page_use::always}) {
    if (use == of.pages.huge_pages) continue;
    others.push_back(of);
    others.back().pages.huge_pages = use;
  }
  return others;
}

replay_settings random_settings(replay_settings const& today, std::mt19937_64& random) {
  replay_settings drawn = today;
  for (dimension const& each : all_dimensions) each.draw(drawn, random);
  return drawn;
}

replay_settings neighbour_of(replay_settings const& of, std::mt19937_64& random) {
  replay_settings drawn = of;
  all_dimensions[random() % all_dimensions.size()].draw(drawn, random);
  mend(drawn);
  return drawn;
}

replay_settings with(replay_settings const& of, dimension const& as_in, replay_settings const& today) {
  replay_settings changed = of;
  as_in.copy(changed, today);
  mend(changed);
  return changed;
}

}  // namespace mayfly::trace
