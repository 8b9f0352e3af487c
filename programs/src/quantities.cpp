#include <mayfly/programs/quantities.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>

namespace mayfly::programs {

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

std::string with_digits(double value, int digits, char const* unit_name) {
  std::array<char, 64> text;
  int const size = std::snprintf(text.data(), text.size(), "%.*f %s", digits, value, unit_name);
  return {text.data(), static_cast<std::size_t>(size)};
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

std::string with_commas(std::uint64_t number) {
  std::string const digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string readable_bytes(double bytes) {
  static constexpr std::array<char const*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t power = 0;
  while (bytes >= 1024 && power + 1 < units.size()) {
    bytes /= 1024;
    ++power;
  }
  return with_digits(bytes, power == 0 ? 0 : 1, units[power]);
}

std::string readable_time(std::chrono::nanoseconds time) {
  static constexpr std::array<std::pair<double, char const*>, 4> units{
      {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}}};
  auto const ns = static_cast<double>(time.count());
  for (auto const& [factor, name] : units) {
    if (ns < factor) continue;
    double const value = ns / factor;
    int const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return with_digits(value, factor == 1 ? 0 : digits, name);
  }
  return "0 ns";
}

}  // namespace mayfly::programs
