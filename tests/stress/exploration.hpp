#pragma once

#include <mayfly/explorer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

namespace mayfly::explorer {

/// The bounds of a program: small ones for every run of the tests, larger ones where MAYFLY_EXPLORE is "deep"
/// (scripts/verify). Under AddressSanitizer, which looks at memory and not for interleavings, the small ones have one
/// preemption less: a fraction of the time.
struct bounds {
  std::uint32_t preemptions;
  std::uint32_t stale_reads;
};
inline options within(bounds quick, bounds deep) {
  char const* const asked = std::getenv("MAYFLY_EXPLORE");
  bool const is_deep = asked != nullptr && std::strcmp(asked, "deep") == 0;
#if defined(__SANITIZE_ADDRESS__)
  quick.preemptions = std::max(quick.preemptions, 2U) - 1;
#endif
  bounds const& chosen = is_deep ? deep : quick;
  return {.preemptions = chosen.preemptions, .stale_reads = chosen.stale_reads, .executions = 100'000'000};
}

/// Explores a program whose state is a `State`, made anew for each execution. `set_up(execution&, State&)` adds the
/// bodies; they may keep the reference. Prints what was explored, with the invariant in words.
template <typename State, typename SetUp>
report explore_state(char const* invariant, options const& how, SetUp set_up) {
  report found = explore(how, [&](execution& run) {
    auto const state = std::make_shared<State>();
    run.keep(state);
    set_up(run, *state);
  });
  std::printf("[ explored ] %s\n             %s\n", invariant, found.summary.c_str());
  return found;
}

/// Says of a failed exploration what happened.
inline std::string story(report const& found) {
  std::string text = found.summary;
  for (std::string const& each : found.trace) text += "\n  " + each;
  return text;
}

/// The bounds were exhausted and nothing was found.
inline void expect_exhausted(report const& found) {
  EXPECT_FALSE(found.failure) << story(found);
  EXPECT_TRUE(found.exhausted || found.failure) << found.summary;
}

}  // namespace mayfly::explorer
