#pragma once

#include "injection.hpp"
#include "scenario.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace mayfly::test::faults {

/// How one point ended. The first three are as they must be.
enum class verdict : std::uint8_t {
  not_reached,  ///< the program made fewer than k such calls
  unharmed,     ///< the call failed, and every request had its value
  clean,        ///< a documented exception, a refusal, or a request that ended with one
  foreign,      ///< died or hung because a call inside oneTBB failed, where nobody can catch it
  died,
  hung,
  leaked,
  violated,
};
inline constexpr std::size_t verdicts = 8;
inline constexpr std::array<char const*, verdicts> verdict_names{"not reached", "unharmed", "clean",  "foreign",
                                                                 "died",        "hung",     "leaked", "violated"};
[[nodiscard]] constexpr bool is_good(verdict of) noexcept { return of <= verdict::foreign; }

/// What is known of a point, or of a reference run (k = 0), after its process has ended.
struct point_report {
  verdict end = verdict::died;
  std::uint64_t calls = 0;  ///< of that kind, in the run that was armed
  std::int64_t blocks = 0;  ///< heap blocks left after the clean run behind it
  std::string why;
  std::string stacks;  ///< of the failed call, and of where it died
};

/// Heap blocks that runs without faults leave: what the libraries keep for good.
struct baseline {
  std::int64_t most_blocks = 0;
};

/// Runs the scenario in a process of its own: once with the plan, then twice without. With a baseline it is judged for
/// leaks. A process that takes longer than the limit hangs.
[[nodiscard]] point_report run_point(scenario const& what, plan const& faults, baseline const* reference,
                                     std::chrono::seconds limit);

}  // namespace mayfly::test::faults
