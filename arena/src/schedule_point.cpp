#include <mayfly/schedule_point.hpp>

#include <atomic>

namespace mayfly {
namespace {

std::atomic<schedule_hook> installed_hook{nullptr};

}  // namespace

void set_schedule_hook(schedule_hook hook) noexcept {
  // sync schedule-hook: release; pairs with reach_schedule_point(); publishes what the hook's owner set up
  installed_hook.store(hook, std::memory_order_release);
}

void detail::reach_schedule_point(char const* step) noexcept {
  // sync schedule-hook: acquire; pairs with set_schedule_hook(); reads what the hook's owner set up
  if (auto const hook = installed_hook.load(std::memory_order_acquire)) hook(step);
}

}  // namespace mayfly
