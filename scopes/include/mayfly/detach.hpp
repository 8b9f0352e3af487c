#pragma once

#include <mayfly/detached.hpp>
#include <mayfly/detail/require_detached.hpp>

#include <any>
#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Copies of what may not leave a request, which may.
namespace mayfly {

namespace detail {

template <class T>
struct detacher;

template <class T>
using detached_t = typename detacher<std::remove_cvref_t<T>>::type;

/// Nothing to copy out: the value goes as it is.
template <class T>
struct detacher {
  using type = T;
  template <class U>
  static type apply(U&& value) {
    return std::forward<U>(value);
  }
};

template <class C, class Traits, class Allocator>
struct detacher<std::basic_string<C, Traits, Allocator>> {
  using type = std::basic_string<C, Traits>;
  template <class U>
  static type apply(U&& value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<U>, type>) {
      return std::forward<U>(value);
    } else {
      return type(value.data(), value.size());
    }
  }
};

template <class C, class Traits>
struct detacher<std::basic_string_view<C, Traits>> {
  using type = std::basic_string<C, Traits>;
  static type apply(std::basic_string_view<C, Traits> value) { return type(value); }
};

template <>
struct detacher<char const*> {
  using type = std::string;
  static type apply(char const* value) { return type(value); }
};

/// Elements of anything with begin() and end().
template <class T, class Range>
std::vector<detached_t<T>> detach_elements(Range const& values) {
  std::vector<detached_t<T>> copy;
  copy.reserve(values.size());
  for (auto const& value : values) copy.push_back(detacher<std::remove_cvref_t<T>>::apply(value));
  return copy;
}

template <class T, class Allocator>
struct detacher<std::vector<T, Allocator>> {
  using type = std::vector<detached_t<T>>;
  template <class U>
  static type apply(U&& value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<U>, type> && Detached<type>) {
      return std::forward<U>(value);
    } else {
      return detach_elements<T>(value);
    }
  }
};

template <class T, std::size_t N>
struct detacher<std::span<T, N>> {
  using type = std::vector<detached_t<T>>;
  static type apply(std::span<T, N> value) { return detach_elements<T>(value); }
};

template <class T>
struct detacher<std::optional<T>> {
  using type = std::optional<detached_t<T>>;
  template <class U>
  static type apply(U&& value) {
    return value ? type(detacher<std::remove_cvref_t<T>>::apply(*std::forward<U>(value))) : type();
  }
};

template <class A, class B>
struct detacher<std::pair<A, B>> {
  using type = std::pair<detached_t<A>, detached_t<B>>;
  template <class U>
  static type apply(U&& value) {
    return {detacher<std::remove_cvref_t<A>>::apply(std::forward<U>(value).first),
            detacher<std::remove_cvref_t<B>>::apply(std::forward<U>(value).second)};
  }
};

/// The order of detached keys: std::less stays std::less, another one must know them too.
template <class Compare, class Key>
struct detached_order {
  using type = Compare;
};
template <class Key>
struct detached_order<std::less<Key>, Key> {
  using type = std::less<detached_t<Key>>;
};

template <class K, class V, class Compare, class Allocator>
struct detacher<std::map<K, V, Compare, Allocator>> {
  using type = std::map<detached_t<K>, detached_t<V>, typename detached_order<Compare, K>::type>;
  template <class U>
  static type apply(U&& value) {
    type copy;
    for (auto const& [key, mapped] : value) {
      copy.emplace_hint(copy.end(), detacher<std::remove_cvref_t<K>>::apply(key),
                        detacher<std::remove_cvref_t<V>>::apply(mapped));
    }
    return copy;
  }
};

}  // namespace detail

/// A copy of `value` that owes the request nothing: strings and views become std::string, vectors and spans
/// std::vector, maps std::map, nested as deep as they are; what is detached already is passed through. Allocates on
/// the global heap, as the copy outlives the request. Throws std::bad_alloc.
template <class T>
[[nodiscard]] auto detach(T&& value) {
  using result = detail::detached_t<std::decay_t<T>>;
  detail::require_detached<escape_rule::detach_type, result>();
  return static_cast<result>(detail::detacher<std::decay_t<T>>::apply(std::forward<T>(value)));
}

}  // namespace mayfly
