#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

/// Between the driver and the part of it that runs in a program's own process.
namespace escape {

/// What is judged in one run of a program. Release builds have all but the last two on, guard and audit sampled.
enum class layer : std::uint8_t {
  egress,    ///< as an executor is made by default: what must not leave is refused
  tripwire,  ///< egress only reports, so that the value gets out and is used
  audit,     ///< and every scope is searched for when it ends
  guard,     ///< and the pages of every closed scope fault
  asan,      ///< the same under AddressSanitizer, where they are poisoned
};

/// A program that has been linked in.
struct program {
  std::string_view name;
  void (*run)();
};

std::vector<program>& programs();

/// In the program's process: the layer whose options it gets.
void choose(layer chosen);

/// One line to standard error, where the reports go too, so that the order shows.
void say(std::string_view line);

inline constexpr std::string_view marker_touch = "escape: touch";
inline constexpr std::string_view marker_end = "escape: end";
inline constexpr std::string_view marker_threw = "escape: threw";
inline constexpr std::string_view marker_failed = "escape: failed";
inline constexpr int exit_broken = 3;

}  // namespace escape
