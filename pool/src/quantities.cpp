#include <mayfly/detail/quantities.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

namespace mayfly::detail {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::array<unit, N> const& units,
                                             std::uint64_t most) {
  std::uint64_t number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{}) return std::nullopt;
  std::string_view const name = text.substr(static_cast<std::size_t>(read.ptr - text.data()));
  for (auto const& candidate : units) {
    if (candidate.name != name) continue;
    if (number > most / candidate.factor) return std::nullopt;
    return number * candidate.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> parse_bytes(std::string_view text) {
  static constexpr std::array<unit, 5> units{
      {{"", 1}, {"B", 1}, {"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}}};
  return parse_with_unit(text, units, std::numeric_limits<std::size_t>::max());
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  static constexpr std::array<unit, 4> units{
      {{"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}}};
  auto const ns = parse_with_unit(text, units, std::numeric_limits<std::int64_t>::max());
  if (!ns || *ns == 0) return std::nullopt;
  return std::chrono::nanoseconds(*ns);
}

std::optional<std::size_t> parse_count(std::string_view text, std::size_t least, std::size_t most) {
  std::size_t number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  if (number < least || number > most) return std::nullopt;
  return number;
}

}  // namespace mayfly::detail
