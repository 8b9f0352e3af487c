#include "time_slice.hpp"

#include <cstdint>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

/// The kernel's struct sched_attr as it first was; its own header declares sched_param a second time.
struct sched_attributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime_ns;
  std::uint64_t deadline_ns;
  std::uint64_t period_ns;
};
static_assert(sizeof(sched_attributes) == 48);

}  // namespace

void ask_for_time_slice(std::chrono::nanoseconds slice) noexcept {
  if (slice.count() == 0) return;
  sched_attributes attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH) return;
  attributes.runtime_ns = static_cast<std::uint64_t>(slice.count());
  syscall(SYS_sched_setattr, 0, &attributes, 0);  // refused: the slice stays what it was
}

}  // namespace mayfly::detail
