#pragma once

#include <chrono>

namespace mayfly::detail {

/// Asks the kernel to let the calling thread run for so long at a time before others that wait get their turn:
/// sched_setattr(2), sched_runtime of a thread without real-time priority (Linux 6.12 and later; before that the kernel
/// takes no notice). Nothing where the thread has another policy than SCHED_OTHER or SCHED_BATCH, where `slice` is
/// zero, or where the system call is refused. Its policy and nice value stay.
void ask_for_time_slice(std::chrono::nanoseconds slice) noexcept;

}  // namespace mayfly::detail
