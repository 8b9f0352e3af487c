#pragma once

#include <mayfly/detail/blame.hpp>
#include <mayfly/scope_id.hpp>

#include <type_traits>

/// What may leave a request. A value is *detached* when nothing in it can point into the request's arena: it may
/// travel through a future, a channel or a global. Everything else must be copied out first: <mayfly/detach.hpp>.
///
/// The rule is a list of what may, and looks into everything. Of the standard library's types it means these types
/// themselves, by name: a class that derives from one or looks like one may have fields that nobody sees.
///
/// | may leave | judged by |
/// |---|---|
/// | numbers, enums, std::byte, nullptr_t, clocks' values, error codes, thread ids | |
/// | containers, strings, stacks and queues with std::allocator | elements, order, hash |
/// | optional, variant, pair, tuple, array, C array, expected, future, promise, atomic | what they hold |
/// | unique_ptr with default_delete | what it points to |
/// | shared_ptr, weak_ptr, exception_ptr | here by what they certainly hold, on the way out by where they point |
/// | empty classes, such as closures that capture nothing, and classes too small for a pointer | |
/// | aggregates without bases and unions, up to 40 fields and 1,024 array elements | each field |
/// | scope_id, scoped_ref, stop_token, scope_hold, trusted_value | |
///
/// Pointers, references, views, spans, iterators, pmr containers, Boost.JSON values, std::function, std::any, unions,
/// closures that capture, classes with private members, classes derived from a std type and other libraries' containers
/// may not. Where you know better, say so: `is_detached<T>`; for a template, partially:
///
///     template <class K, class V>
///     inline constexpr bool mayfly::is_detached<boost::container::flat_map<K, V>> = Detached<K> && Detached<V>;
namespace mayfly {

class scope_hold;
class stop_token;
template <typename T>
class scoped_ref;

template <>
inline constexpr bool is_detached<scope_id> = true;
template <>
inline constexpr bool is_detached<stop_token> = true;
/// It keeps its scope open, wherever it is.
template <>
inline constexpr bool is_detached<scope_hold> = true;
/// It answers "gone" when its scope is.
template <typename T>
inline constexpr bool is_detached<scoped_ref<T>> = true;

/// A type whose values may leave a request.
template <class T>
concept Detached = !detail::is_guilty<detail::blame_t<T>>;

}  // namespace mayfly
