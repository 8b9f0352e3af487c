#pragma once

#include <mayfly/detached.hpp>
#include <mayfly/detail/detacher.hpp>
#include <mayfly/detail/require_detached.hpp>

#include <type_traits>
#include <utility>

namespace mayfly {

/// A copy of `value` that owes the request nothing, on the global heap. What is detached already is passed through:
/// copied from an lvalue, moved from an rvalue.
///
/// - strings, string views, C strings, character arrays: to `std::basic_string`
/// - vectors, deques, lists, sets, maps, hashed ones, stacks, queues: to the same with std::allocator, of detached
///   elements
/// - spans, initializer_list: to `std::vector`
/// - optional, pair, tuple, variant, array, C array (to std::array): to the same of what they hold, detached
/// - unique_ptr, shared_ptr to what is not detached: to the same to a detached copy
/// - Boost.JSON values: to `detached_json`, `std::string`, with <mayfly/json_detach.hpp>
/// - anything with a `detach_traits`: to what that gives
///
/// As deep as they are nested. Whatever else is not detached does not compile (MF-E02). Ordering and hashing by
/// std::less, std::hash and their kind follow the new key; others must know it. Throws std::bad_alloc, and what copying
/// throws. Costs what the copy costs: one allocation for each node and each long string.
template <class T>
[[nodiscard]] auto detach(T&& value) {
  using source = std::remove_cvref_t<T>;
  using result = detail::detached_t<source>;
  detail::require_detached<escape_rule::detach_type, result>();
  return detail::copy_out<source>(std::forward<T>(value));
}

}  // namespace mayfly
