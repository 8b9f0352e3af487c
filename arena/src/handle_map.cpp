#include <mayfly/detail/handle_map.hpp>

#include <cassert>

namespace mayfly::detail {

/// The unit's anchor, given to it now unless another thread was faster.
handle_anchor* handle_map::assign(std::size_t unit) noexcept {
  std::scoped_lock const lock{mutex_};
  if (!memory_) {
    memory_ = mapping::zeroed(bytes_ / handle_unit_bytes * sizeof(unit_anchor));
    if (!memory_) return nullptr;
    // sync handle-unit: release; pairs with find(); publishes the table of units
    units_.store(reinterpret_cast<unit_anchor*>(memory_.start()), std::memory_order_release);
  }
  unit_anchor& mine = units_.load(std::memory_order_relaxed)[unit];  // relaxed: written under this lock
  std::uint32_t back = mine.load(std::memory_order_relaxed);         // relaxed: as above
  if (back != 0) return &handle_space::anchor(back);
  back = next_anchor();
  if (back == 0) return nullptr;
  handle_anchor& anchor = handle_space::anchor(back);
  // Relaxed: the anchor is ours alone, and published below.
  if (anchor.first.load(std::memory_order_relaxed) == 0) {
    handle_bits const number = (handle_bits{1} << handle_anchor_bits) - back;
    anchor.first.store(handle_flag | number << handle_anchor_shift, std::memory_order_relaxed);  // relaxed: as above
  }
  anchor.address.store(start_ + unit * handle_unit_bytes, std::memory_order_relaxed);  // relaxed: as above
  // sync handle-unit: release; pairs with find(); publishes the anchor's address and generation
  mine.store(back, std::memory_order_release);
  return &anchor;
}

/// An anchor that no unit has, with generations left; 0 where there is none.
std::uint32_t handle_map::next_anchor() noexcept {
  while (true) {
    while (left_in_group_ != 0) {
      std::uint32_t const back = groups_ - (handle_space::group_anchors - left_in_group_--);
      // Relaxed: the group is ours.
      if (handle_space::anchor(back).first.load(std::memory_order_relaxed) != handle_used_up) return back;
    }
    std::uint32_t const group = handle_space::take_group();
    if (group == handle_space::no_group) return 0;
    handle_space::link_of(group).store(groups_, std::memory_order_relaxed);  // relaxed: the group is ours
    groups_ = group;
    left_in_group_ = handle_space::group_anchors - 1;
  }
}

void handle_map::retire(std::size_t offset, std::size_t bytes) noexcept {
  // Relaxed throughout: the units are the caller's alone, and what hands them on orders these stores before whatever
  // their next owner writes. A thread that looks meanwhile may find the generation before: see scoped_ref::pin().
  unit_anchor* const units = units_.load(std::memory_order_relaxed);
  assert(units != nullptr && "only where a handle has been made");
  std::size_t const end = (offset + bytes) / handle_unit_bytes;
  for (std::size_t unit = offset / handle_unit_bytes; unit != end; ++unit) {
    std::uint32_t const back = units[unit].load(std::memory_order_relaxed);
    if (back == 0) continue;
    handle_anchor& anchor = handle_space::anchor(back);
    if (anchor.owner.load(std::memory_order_relaxed) == nullptr) continue;
    anchor.owner.store(nullptr, std::memory_order_relaxed);
    handle_bits const ended = anchor.first.load(std::memory_order_relaxed);
    bool const last = (ended >> handle_offset_bits & largest_handle_generation) == largest_handle_generation;
    anchor.first.store(last ? handle_used_up : ended + handle_unit_bytes, std::memory_order_relaxed);
    if (last) units[unit].store(0, std::memory_order_relaxed);
  }
}

}  // namespace mayfly::detail
