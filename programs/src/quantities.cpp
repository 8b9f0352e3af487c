#include <mayfly/programs/quantities.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>

namespace mayfly::programs {

namespace {

std::string with_digits(double value, int digits, char const* unit_name) {
  std::array<char, 64> text;
  int const size = std::snprintf(text.data(), text.size(), "%.*f %s", digits, value, unit_name);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

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
