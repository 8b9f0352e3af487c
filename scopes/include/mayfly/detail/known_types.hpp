#pragma once

#include <mayfly/detail/std_kinds.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

/// What the rules know of the standard library: which types are of which kind. A type is of a kind when it is made from
/// a std template itself, or is the std class itself. Whoever derives from one may have fields of its own, which nobody
/// sees; so has whoever only looks like one: other libraries' containers.
namespace mayfly::detail {

template <class T, template <class...> class Template>
inline constexpr bool is_made_from = false;
template <template <class...> class Template, class... Args>
inline constexpr bool is_made_from<Template<Args...>, Template> = true;

template <class T, class... Others>
inline constexpr bool is_one_of = (std::is_same_v<T, Others> || ...);

/// A type whose definition has been seen.
template <class T>
concept Complete = requires { sizeof(T); };

/// The allocator of containers on the global heap.
template <class Allocator>
concept HeapAllocator = is_made_from<Allocator, std::allocator>;

/// A string: its elements are text.
template <class T>
concept Text = kind_by_template<T> == std_kind::text;

/// Strings, sequences, sets and maps: elements from an allocator.
template <class T>
concept Container = Text<T> || kind_by_template<T> == std_kind::container;

/// std::stack and its kind.
template <class T>
concept ContainerAdaptor = kind_by_template<T> == std_kind::adaptor;

/// std::variant: its alternatives.
template <class T>
concept Variant = kind_by_template<T> == std_kind::variant;

/// What `function` says of what a variant holds; false of one that an exception has left without a value. <variant> is
/// not included for it, since most sources have no other use for it: whoever has a variant has get_if().
template <std::size_t I = 0, template <class...> class Template, class... Ts>
  requires Variant<Template<Ts...>>
constexpr bool with_alternative(Template<Ts...> const& whole, auto const& function) {
  if (auto const* const held = get_if<I>(std::addressof(whole))) return function(*held);
  if constexpr (I + 1 < sizeof...(Ts)) {
    return with_alternative<I + 1>(whole, function);
  } else {
    return false;
  }
}

/// std::expected, where there is one: a value or an error.
template <class T>
concept Expected = kind_by_template<T> == std_kind::expected;

/// A class that has a base, or public names, of a container.
template <class T>
concept LikeContainer = requires(T const& values) {
  typename T::allocator_type;
  typename T::value_type;
  values.begin();
  values.end();
  values.get_allocator();
};

/// A class that has a base, or public names, of an adaptor. Iterators that name a container_type cannot tell their
/// size.
template <class T>
concept LikeAdaptor = requires(T& values) {
  typename T::container_type;
  values.size();
  values.push(std::declval<typename T::value_type const&>());
  values.pop();
} && !std::is_final_v<T>;

/// What is inside a std::stack and its kind, where derived classes may see it.
template <class Adaptor>
struct adapted : Adaptor {
  static constexpr bool is_seen = requires(Adaptor const& adaptor) {
    { adaptor.*(&adapted::c) } -> std::same_as<typename Adaptor::container_type const&>;
  };
  static typename Adaptor::container_type const& of(Adaptor const& adaptor) { return adaptor.*(&adapted::c); }
  static auto const& order_of(Adaptor const& adaptor) { return adaptor.*(&adapted::comp); }
};

/// std::filesystem::path: a string that it owns, and places in it.
template <class T>
concept Path = requires { typename T::string_type; } && class_kind<T> == std_kind::path;

/// std::complex.
template <class T>
concept Complex = kind_by_template<T> == std_kind::complex && std::is_arithmetic_v<typename T::value_type>;

/// std::bitset.
template <class T>
concept BitSet = kind_by_template<T> == std_kind::bitset;

/// std::atomic: what it holds.
template <class T>
concept Atomic = is_made_from<T, std::atomic>;

/// Mutexes and what goes with them: no place for an address of a request's.
template <class T>
concept Lock = is_one_of<T, std::mutex, std::recursive_mutex, std::timed_mutex, std::recursive_timed_mutex,
                         std::condition_variable, std::once_flag> ||
               (requires(T& mutex) { mutex.try_lock_shared(); } && class_kind<T> == std_kind::lock);

/// A class that is of no kind above, and has a base, or public names, of one.
template <class T>
concept LikeStdType = LikeContainer<T> || requires { typename T::container_type; } || requires(T& value) {
  typename T::value_type;
  value.load(std::memory_order_relaxed);
} || requires(T const& bits) { bits.to_ullong(); } || requires(T const& number) {
  number.real();
  number.imag();
} || requires(T const& result) {
  result.has_value();
  result.error();
} || requires(T& mutex) {
  typename T::native_handle_type;
  mutex.try_lock();
};

/// Views: somebody else's memory.
template <class T>
inline constexpr bool is_view = false;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T>
inline constexpr bool is_default_delete = false;
template <class T>
inline constexpr bool is_default_delete<std::default_delete<T>> = true;

/// std::pair and std::tuple; alternatives of a variant are found the same way.
template <class T>
inline constexpr bool is_product = is_made_from<T, std::pair> || is_made_from<T, std::tuple>;

/// Pointers that the run-time layers look at; what they point to may be anything but memory of a request by its type.
template <class T>
inline constexpr bool is_shared_owner = is_made_from<T, std::shared_ptr> || is_made_from<T, std::weak_ptr>;

/// std::future and its kind.
template <class T>
inline constexpr bool is_promised = kind_by_template<T> == std_kind::promised;

/// Values of a moment or a length of time.
template <class T>
inline constexpr bool is_time = is_made_from<T, std::chrono::time_point>;
template <class Rep, class Period>
inline constexpr bool is_time<std::chrono::duration<Rep, Period>> = std::is_arithmetic_v<Rep>;

/// std::thread::id.
template <class T>
concept ThreadId = std::is_class_v<T> && sizeof(T) <= sizeof(void*) && class_kind<T> == std_kind::thread_id;

/// Small values without a place for an address, or with one of something that lives for ever (an error's category).
template <class T>
inline constexpr bool is_plain_value = is_time<T> || is_one_of<T, std::error_code, std::error_condition> || ThreadId<T>;

/// Handles on the heap of the library that made them.
template <class T>
inline constexpr bool is_heap_handle = is_one_of<T, std::exception_ptr, std::stop_token, std::stop_source>;

/// Boost.JSON's way: the object knows the storage it lives in.
template <class T>
concept KnowsJsonStorage = requires(T const& value) { value.storage().is_deallocate_trivial(); };

/// A class too small for an address.
template <class T>
concept TooSmallForAddress = sizeof(T) < sizeof(void*);

}  // namespace mayfly::detail
