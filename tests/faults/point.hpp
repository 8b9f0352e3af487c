#pragma once

#include "injection.hpp"
#include "scenario.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace mayfly::test::faults {

/// How one point ended. Up to foreign as it must be, or as nobody here can make it.
enum class verdict : std::uint8_t {
  not_reached,  ///< the program made fewer than k such calls
  unharmed,     ///< the call failed, and everything ended as without
  clean,        ///< a documented exception, a refusal, or a request that ended with one; later runs went as without
  spent,        ///< clean, and later executors of the process say that only a restart helps
  foreign,      ///< died inside oneTBB, its allocator or the C library below them
  died,
  hung,
  leaked,
  lost,  ///< an accepted request without exactly one outcome
  violated,
};
inline constexpr std::size_t verdicts = 10;
inline constexpr std::array<char const*, verdicts> verdict_names{
    "not reached", "unharmed", "clean", "spent", "foreign", "died", "hung", "leaked", "lost", "violated"};
[[nodiscard]] constexpr bool is_good(verdict of) noexcept { return of <= verdict::foreign; }

/// What runs without faults leave and say.
struct baseline {
  tally usual;
  std::int64_t most_blocks = 0;  ///< heap blocks: what the libraries keep for good
  std::int64_t most_mapped = 0;  ///< bytes, for the same reason
};

/// What is known of a point, or of a reference run (k = 0), after its process has ended.
struct point_report {
  verdict end = verdict::died;
  bool reached = false;     ///< a call was made to fail
  std::uint64_t calls = 0;  ///< of that kind, in the run that was armed
  tally armed;              ///< the books of that run
  std::int64_t blocks = 0;  ///< heap blocks left after the runs behind it
  std::int64_t mapped = 0;  ///< mapped bytes likewise
  std::string why;
  std::string stacks;  ///< of the failed call, and of where it died
};

/// Runs the scenario in a process of its own: once with the plan, then twice without. Without a baseline it is held to
/// nothing but itself. A process that takes longer than the limit hangs.
[[nodiscard]] point_report run_point(scenario const& what, plan const& faults, baseline const* reference,
                                     std::chrono::seconds limit);

}  // namespace mayfly::test::faults
