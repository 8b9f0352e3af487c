#pragma once

/// MAYFLY_SCHEDULE_POINT("name") marks one step of a lock-free algorithm.
///
/// In ordinary builds it expands to nothing. Built with MAYFLY_SCHEDULE_POINTS, every step calls the hook installed
/// with mayfly::set_schedule_hook, which may yield, sleep or switch to another thread of a test: schedules that real
/// time rarely produces can then be forced. The name is a string literal, unique for its step.
namespace mayfly {

/// Called at each step; runs on the thread that takes the step, may block, must not throw or allocate from mayfly.
using schedule_hook = void (*)(char const* step) noexcept;

/// Installs `hook` for the whole process (null removes it). Safe from any thread; takes effect at the next step. In
/// builds without MAYFLY_SCHEDULE_POINTS no step ever calls it.
void set_schedule_hook(schedule_hook hook) noexcept;

namespace detail {
void reach_schedule_point(char const* step) noexcept;
}

}  // namespace mayfly

#ifdef MAYFLY_SCHEDULE_POINTS
#define MAYFLY_SCHEDULE_POINT(step) ::mayfly::detail::reach_schedule_point(step)
#else
#define MAYFLY_SCHEDULE_POINT(step) static_cast<void>(0)
#endif
