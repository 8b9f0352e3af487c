#include <mayfly/scope_registry.hpp>
#include <mayfly/scoped_ref.hpp>

#include <stdexcept>
#include <string>

namespace mayfly::detail {

handle_bits scope_handle::make(scope& owner, void const* object) {
  page_pool& pool = owner.registry().pool();
  handle_bits const made = pool.make_handle(object, &owner, owner.id().bits());
  if (made != 0) [[likely]]
    return made;
  if (pool.owner_of(object) != owner.id().bits()) {
    throw std::invalid_argument{"scoped_ref: the object does not lie in the memory of scope " + to_string(owner.id())};
  }
  throw std::length_error{"scoped_ref: the process has no handles left, or no memory for them"};
}

scope_id scope_handle::id(handle_bits handle) noexcept {
  handle_anchor const& anchor = anchor_of(handle);
  handle_owner const in = owner_of(anchor);
  return address_of(anchor, handle) == nullptr ? scope_id{} : scope_id::from_bits(in.tag);
}

}  // namespace mayfly::detail
