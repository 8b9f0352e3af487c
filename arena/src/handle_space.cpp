#include <mayfly/detail/handle_space.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/span_space.hpp>

#include <cassert>
#include <mutex>

namespace mayfly::detail {
namespace {

constexpr std::size_t all_anchors = std::size_t{1} << handle_anchor_bits;
constexpr std::size_t least_anchors = std::size_t{1} << 14U;
constexpr std::size_t page_bytes = std::size_t{4} << 10U;  // behind the table, for the entry that answers for 0
constexpr std::size_t step_bytes = std::size_t{1} << 20U;  // backed at a time
static_assert(least_anchors * sizeof(handle_anchor) < step_bytes);

struct handle_directory {
  std::mutex mutex;
  mapping memory;
  std::size_t anchors = 0;      // in the table
  std::size_t used = 0;         // anchors from the table's start that were handed out
  std::byte* backed = nullptr;  // up to here
  std::uint32_t free = handle_space::no_group;
};

/// Never destroyed: pools with static storage may end after anything of ours.
handle_directory& directory() noexcept {
  static constinit union storage {
    constexpr storage() noexcept : the_one{} {}
    ~storage() {}
    handle_directory the_one;
  } kept;
  return kept.the_one;
}

/// Under the lock, once. The end of the table stands at the reservation's last page.
bool set_up(handle_directory& all) noexcept {
  for (std::size_t anchors = all_anchors; anchors >= least_anchors; anchors /= 2) {
    std::size_t const bytes = anchors * sizeof(handle_anchor);
    mapping memory = mapping::reserve(bytes + page_bytes, page_bytes);
    if (!memory || !span_space::commit(memory.start() + bytes, page_bytes)) continue;
    auto* const end = reinterpret_cast<handle_anchor*>(memory.start() + bytes);
    end->first.store(handle_used_up, std::memory_order_relaxed);  // relaxed: published below
    all.backed = memory.start();
    all.memory = std::move(memory);
    all.anchors = anchors;
    // sync handle-table: release; pairs with anchor_of(); publishes the entry that answers for 0
    handle_table_end.store(end, std::memory_order_release);
    return true;
  }
  return false;
}

bool back(handle_directory& all, std::byte const* end) noexcept {
  while (all.backed < end) {
    std::size_t const left =
        all.anchors * sizeof(handle_anchor) - static_cast<std::size_t>(all.backed - all.memory.start());
    std::size_t const bytes = left < step_bytes ? left : step_bytes;
    if (!span_space::commit(all.backed, bytes)) return false;
    all.backed += bytes;
  }
  return true;
}

}  // namespace

std::uint32_t handle_space::take_group() noexcept {
  auto& all = directory();
  std::scoped_lock const lock{all.mutex};
  if (std::uint32_t const group = all.free; group != no_group) {
    all.free = static_cast<std::uint32_t>(link_of(group).load(std::memory_order_relaxed));  // relaxed: under the lock
    return group;
  }
  if (all.anchors == 0 && !set_up(all)) return no_group;
  if (all.used == all.anchors) return no_group;
  if (!back(all, all.memory.start() + (all.used + group_anchors) * sizeof(handle_anchor))) return no_group;
  auto const group = static_cast<std::uint32_t>(all.anchors - all.used);
  all.used += group_anchors;
  return group;
}

void handle_space::give_groups(std::uint32_t first) noexcept {
  if (first == no_group) return;
  auto& all = directory();
  std::scoped_lock const lock{all.mutex};
  std::uint32_t last = first;
  // Relaxed: the groups are the caller's, and go on under this lock.
  while (auto const next = static_cast<std::uint32_t>(link_of(last).load(std::memory_order_relaxed))) last = next;
  link_of(last).store(all.free, std::memory_order_relaxed);  // relaxed: under the lock
  all.free = first;
}

}  // namespace mayfly::detail
