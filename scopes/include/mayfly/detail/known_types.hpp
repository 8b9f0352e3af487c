#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

/// What the rules know of the standard library: which types are of which kind. Containers and a few others are known by
/// their shape, so that their headers are not needed here and those of other libraries count too.
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

/// Strings, sequences, sets and maps: elements from an allocator.
template <class T>
concept Container = requires(T const& values) {
  typename T::allocator_type;
  typename T::value_type;
  values.begin();
  values.end();
  values.get_allocator();
};

/// A string: its elements are text.
template <class T>
concept Text = Container<T> && requires(T const& text) {
  typename T::traits_type;
  { text.c_str() } -> std::same_as<typename T::value_type const*>;
};

/// std::stack and its kind; iterators that name a container_type cannot tell their size.
template <class T>
concept ContainerAdaptor = requires(T& values) {
  typename T::container_type;
  values.size();
  values.push(std::declval<typename T::value_type const&>());
  values.pop();
};

/// What is inside a std::stack and its kind, where derived classes may see it.
template <class Adaptor>
struct adapted : Adaptor {
  static typename Adaptor::container_type const& of(Adaptor const& adaptor) { return adaptor.*(&adapted::c); }
  static auto const& order_of(Adaptor const& adaptor) { return adaptor.*(&adapted::comp); }
};

/// std::expected and its kind: a value or an error.
template <class T>
concept Expected = requires(T const& result) {
  typename T::value_type;
  typename T::error_type;
  { result.has_value() } -> std::convertible_to<bool>;
  { result.error() } -> std::convertible_to<typename T::error_type const&>;
};

/// std::filesystem::path: a string that it owns, and places in it.
template <class T>
concept Path = requires(T const& path) {
  typename T::string_type;
  { path.native() } -> std::same_as<typename T::string_type const&>;
  { path.parent_path() } -> std::same_as<T>;
} && HeapAllocator<typename T::string_type::allocator_type>;

/// std::complex.
template <class T>
concept Complex = requires(T const& number) {
  { number.real() } -> std::same_as<typename T::value_type>;
  { number.imag() } -> std::same_as<typename T::value_type>;
} && std::is_arithmetic_v<typename T::value_type> && sizeof(T) == 2 * sizeof(typename T::value_type);

/// std::bitset.
template <class T>
concept BitSet = requires(T const& bits) {
  typename T::reference;
  bits.to_ullong();
  { bits.test(std::size_t{}) } -> std::same_as<bool>;
} && std::is_trivially_copyable_v<T>;

/// std::atomic: what it holds.
template <class T>
concept Atomic = requires(T& value) {
  typename T::value_type;
  { value.load(std::memory_order_relaxed) } -> std::same_as<typename T::value_type>;
  { T::is_always_lock_free } -> std::convertible_to<bool>;
};

/// Mutexes and what goes with them: no place for an address of a request's.
template <class T>
concept Lock = is_one_of<T, std::condition_variable, std::once_flag> || (requires(T& mutex) {
                 typename T::native_handle_type;
                 mutex.lock();
                 mutex.try_lock();
                 mutex.unlock();
               } && std::is_default_constructible_v<T> && !std::is_move_constructible_v<T>);

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

template <class T>
inline constexpr bool is_promised =
    is_made_from<T, std::future> || is_made_from<T, std::shared_future> || is_made_from<T, std::promise>;

/// Values of a moment or a length of time.
template <class T>
inline constexpr bool is_time = is_made_from<T, std::chrono::time_point>;
template <class Rep, class Period>
inline constexpr bool is_time<std::chrono::duration<Rep, Period>> = std::is_arithmetic_v<Rep>;

/// Small values without a place for an address, or with one of something that lives for ever (an error's category).
template <class T>
inline constexpr bool is_plain_value =
    is_time<T> || is_one_of<T, std::error_code, std::error_condition, std::thread::id>;

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
