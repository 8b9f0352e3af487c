#pragma once

#include <mayfly/trace/trace.hpp>

#include <cstdint>
#include <vector>

namespace mayfly::trace {

/// An arena's beginning or end.
struct step {
  std::uint64_t at_ns;
  std::uint32_t life;  ///< index in trace::arenas()
  enum : std::uint8_t { closes_older, opens, closes_its_own } kind;

  [[nodiscard]] bool is_opening() const noexcept { return kind == opens; }
};

/// All steps of the arenas that `threads` threads share out as `thread`'s (those opened by thread, thread + threads,
/// ...), in the order of time. At one instant arenas end that began before it, then others begin, then those end that
/// began at it.
[[nodiscard]] std::vector<step> timeline_of(trace const& of, unsigned thread, unsigned threads);

}  // namespace mayfly::trace
