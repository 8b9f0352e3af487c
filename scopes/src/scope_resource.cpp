// The tripwire: what a scope's memory_resource answers, while the scope lives and for ever after.

#include <mayfly/detail/mutant.hpp>
#include <mayfly/detail/scope_resource.hpp>
#include <mayfly/detail/tenancy_report.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_gone.hpp>

#include <cstdint>

namespace mayfly {

namespace detail {

inline scope& scope_resource::slot() const noexcept {
  auto const ring = reinterpret_cast<std::uintptr_t>(this) & ~(std::uintptr_t{alignof(resource_ring)} - 1);
  return static_cast<scope&>(*reinterpret_cast<resource_ring*>(ring));  // NOLINT(performance-no-int-to-ptr)
}

inline bool scope_resource::serves(std::uint64_t generation) const noexcept {
  std::uint64_t const ticket = reinterpret_cast<std::uintptr_t>(this) / sizeof(scope_resource);
  return (ticket ^ generation) % resource_ring::size == 0;
}

/// Containers come here for all they have, so it is a leaf: what it calls is inlined (in position independent code a
/// function of this file that others could replace is not), what it asks of the thread needs no call (see `current`),
/// all else is allocate_otherwise()'s. An allocation went from 65 instructions to 37.
void* scope_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
  scope& owner = slot();
  // A thread has this lane only while it is inside the scope, and there the tenant does not change (S7).
  if (current.lane != &owner.main_ || owner.serving_ != this) [[unlikely]]
    return allocate_otherwise(bytes, alignment);
  return owner.main_.allocate(bytes, alignment);
}

/// In another lane than the arena inside the scope, or a thread's first, or by who is not inside it.
void* scope_resource::allocate_otherwise(std::size_t bytes, std::size_t alignment) const {
  scope& owner = slot();
  if (current.active != &owner || owner.serving_ != this) refuse(bytes);
  return owner.arena().allocate(bytes, alignment);
}

/// Only the lane that a block came from may give it back early. With one lane that is certain; with several the block
/// stays until the scope ends. Trusts nothing: neither that the scope still is there, nor that the memory is its own.
void scope_resource::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) {
  scope& owner = slot();
  // As above: on the thread that is inside it the tenant does not change.
  if (current.active != &owner || owner.serving_ != this) [[unlikely]]
    return take_back_outside(memory, bytes);
  scope_id const holder = scope_id::from_bits(owner.main_.pool().owner_of(memory));
  if (holder != owner.id_) [[unlikely]]
    return report_foreign(memory, bytes, holder ? holder : owner.id_);
  // Relaxed: a lane that appears this moment cannot be the one that `memory` came from on this thread.
  bool const single = owner.lanes_.load(std::memory_order_relaxed) == nullptr;
  if (current.lane == &owner.main_ && single) owner.main_.deallocate(memory, bytes, alignment);
}

/// By a thread that is not inside: the memory stays until the end, if the scope is there.
void scope_resource::take_back_outside(void const* memory, std::size_t bytes) const noexcept {
  scope const& owner = slot();
  // sync scope-open: acquire; pairs with open(); reads the slot's fields
  std::uint64_t const control = owner.control_.load(std::memory_order_acquire);
  std::uint64_t const generation = control >> scope_control::generation_shift;
  // Ended for everybody but pinned, or running its destructors, the scope still has its memory.
  if ((control & scope_control::tenancy_bits) == 0 || !serves(generation)) return report_late(memory, bytes);
  scope_id const id{owner.slot_number_.load(std::memory_order_relaxed), generation};  // relaxed: scope-open, above
  scope_id const holder = scope_id::from_bits(owner.main_.pool().owner_of(memory));
  if (holder != id) report_foreign(memory, bytes, holder ? holder : id);
}

void scope_resource::report_late(void const* memory, std::size_t bytes) const noexcept {
  escape_report late{.rule = escape_rule::late_deallocate, .address = memory, .allocation_bytes = bytes};
  tell(late);
}

/// The scope lives, but what is given back to it is not its memory: it was, of a tenancy that is gone.
void scope_resource::report_foreign(void const* memory, std::size_t bytes, scope_id holder) noexcept {
  report_escape({.rule = escape_rule::late_deallocate, .address = memory, .scope = holder, .allocation_bytes = bytes});
}

/// A caller outside the scope, while it lives; or one that comes late.
void scope_resource::refuse(std::size_t bytes) const {
  scope& owner = slot();
  // sync scope-open: acquire; pairs with open(); reads the slot's fields
  std::uint64_t const control = owner.control_.load(std::memory_order_acquire);
  if ((control & scope_control::live_bit) != 0 && serves(control >> scope_control::generation_shift)) {
    // Relaxed: scope-open, above.
    scope_id const wanted{owner.slot_number_.load(std::memory_order_relaxed),
                          control >> scope_control::generation_shift};
    throw scope_mismatch{wanted, current.active == nullptr ? scope_id{} : current.active->id()};
  }
  escape_report late{.rule = escape_rule::late_allocate, .allocation_bytes = bytes};
  tell(late);
  throw scope_gone{late.scope};
}

/// Reports it, with what is known of the tenancy that it speaks for: which one it must have been, if it was one of the
/// slot's last 32.
void scope_resource::tell(escape_report& late) const noexcept {
  scope const& owner = slot();
  std::uint64_t generation = tenancy_report::last_of(owner);
  while (generation != 0 && !serves(generation)) --generation;
  if (generation != 0) tenancy_report::complete(owner, generation, late);
  if (!MAYFLY_MUTANT("tripwire-is-silent")) report_escape(late);
}

}  // namespace detail
}  // namespace mayfly
