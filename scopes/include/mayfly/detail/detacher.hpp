#pragma once

#include <mayfly/detached.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace mayfly {

/// How detach() copies a class of yours: give it a function, and what that returns must be detached.
///
///     template <>
///     struct mayfly::detach_traits<order> {
///       static order_record copy(order const& from) { return {detach(from.customer), from.total}; }
///     };
template <class T>
struct detach_traits;

namespace detail {

template <class T>
concept HasDetachTraits = requires(T const& value) { detach_traits<T>::copy(value); };

/// detach() of one kind of type: `type`, and copy(value). Only asked for what is not detached; what nobody knows stays
/// as it is, and is refused by name.
template <class T>
struct detacher {
  using type = T;
};

template <class T>
constexpr auto detached_type() {
  if constexpr (HasDetachTraits<T>) {
    return std::type_identity<std::remove_cvref_t<decltype(detach_traits<T>::copy(std::declval<T const&>()))>>{};
  } else if constexpr (Detached<T> && !std::is_array_v<T>) {
    return std::type_identity<T>{};
  } else {
    return std::type_identity<typename detacher<T>::type>{};
  }
}

/// What detach() makes of a T.
template <class T>
using detached_t = typename decltype(detached_type<std::remove_cv_t<T>>())::type;

/// Makes it.
template <class T, class U>
constexpr detached_t<T> copy_out(U&& value) {
  if constexpr (HasDetachTraits<T>) {
    return detach_traits<T>::copy(std::as_const(value));
  } else if constexpr (std::is_same_v<detached_t<T>, T>) {
    return static_cast<T>(std::forward<U>(value));
  } else {
    return detacher<T>::copy(std::forward<U>(value));
  }
}

/// A part, to be moved from where the whole may be.
template <class Whole, class Part>
constexpr decltype(auto) passed_on(Part& part) noexcept {
  if constexpr (std::is_lvalue_reference_v<Whole>) {
    return std::as_const(part);
  } else {
    return std::move(part);
  }
}

/// std::less<K> and its kind follow the key; another order must know the new one.
template <class Function, class Key>
struct following {
  using type = Function;
  static Function make(Function const& old) { return old; }
};
template <template <class> class Function, class Key>
  requires(!std::is_same_v<Key, detached_t<Key>> && std::is_empty_v<Function<Key>> &&
           std::is_default_constructible_v<Function<detached_t<Key>>>)
struct following<Function<Key>, Key> {
  using type = Function<detached_t<Key>>;
  static type make(Function<Key> const&) { return {}; }
};
template <class Function, class Key>
using following_t = typename following<Function, std::remove_cv_t<Key>>::type;

// Text.

template <Text T>
struct detacher<T> {
  using type = std::basic_string<typename T::value_type, typename T::traits_type>;
  static type copy(T const& text) { return type(text.data(), text.size()); }
};
template <class C, class Traits>
struct detacher<std::basic_string_view<C, Traits>> {
  using type = std::basic_string<C, Traits>;
  static type copy(std::basic_string_view<C, Traits> text) { return type(text); }
};
template <class C>
concept Character = is_one_of<C, char, wchar_t, char8_t, char16_t, char32_t>;
template <class C>
  requires Character<std::remove_const_t<C>>
struct detacher<C*> {
  using type = std::basic_string<std::remove_const_t<C>>;
  static type copy(C const* text) { return text == nullptr ? type() : type(text); }
};
/// Up to its NUL, or its end.
template <Character C, std::size_t N>
struct detacher<C[N]> {
  using type = std::basic_string<C>;
  static type copy(C const (&text)[N]) {
    std::basic_string_view<C> const all(text, N);
    return type(all.substr(0, all.find(C{})));
  }
};

// Containers: `rebound` is the same kind with std::allocator and detached elements.

template <class T>
struct rebound;
template <template <class, class> class Sequence, class T, class Allocator>
struct rebound<Sequence<T, Allocator>> {
  using type = Sequence<detached_t<T>, std::allocator<detached_t<T>>>;
  static type make(auto const&) { return {}; }
};
template <template <class, class, class> class Set, class K, class Compare, class Allocator>
struct rebound<Set<K, Compare, Allocator>> {
  using type = Set<detached_t<K>, following_t<Compare, K>, std::allocator<detached_t<K>>>;
  static type make(auto const& from) { return type(following<Compare, K>::make(from.key_comp())); }
};
template <class K, class V>
using entry_allocator = std::allocator<std::pair<detached_t<K> const, detached_t<V>>>;
template <template <class, class, class, class> class Map, class K, class V, class Compare, class Allocator>
struct rebound<Map<K, V, Compare, Allocator>> {
  using type = Map<detached_t<K>, detached_t<V>, following_t<Compare, K>, entry_allocator<K, V>>;
  static type make(auto const& from) { return type(following<Compare, K>::make(from.key_comp())); }
};
template <template <class, class, class, class> class Set, class K, class Hash, class Equal, class Allocator>
  requires requires { typename Set<K, Hash, Equal, Allocator>::hasher; }
struct rebound<Set<K, Hash, Equal, Allocator>> {
  using type = Set<detached_t<K>, following_t<Hash, K>, following_t<Equal, K>, std::allocator<detached_t<K>>>;
  static type make(auto const& from) {
    return type(from.size(), following<Hash, K>::make(from.hash_function()), following<Equal, K>::make(from.key_eq()));
  }
};
template <template <class, class, class, class, class> class Map, class K, class V, class Hash, class Equal,
          class Allocator>
struct rebound<Map<K, V, Hash, Equal, Allocator>> {
  using type = Map<detached_t<K>, detached_t<V>, following_t<Hash, K>, following_t<Equal, K>, entry_allocator<K, V>>;
  static type make(auto const& from) {
    return type(from.size(), following<Hash, K>::make(from.hash_function()), following<Equal, K>::make(from.key_eq()));
  }
};

template <class T>
concept Rebindable = Container<T> && !Text<T> && requires { typename rebound<T>::type; };

template <Rebindable T>
struct detacher<T> {
  using type = typename rebound<T>::type;

  template <class U>
  static type copy(U&& from) {
    type to = rebound<T>::make(from);
    if constexpr (requires { to.before_begin(); }) {
      auto last = to.before_begin();
      for (auto&& element : from) last = to.emplace_after(last, copy_element(passed_on<U>(element)));
    } else if constexpr (requires { to.emplace_back(); }) {
      if constexpr (requires { to.reserve(from.size()); }) to.reserve(from.size());
      for (auto&& element : from) to.push_back(copy_element(passed_on<U>(element)));
    } else {
      for (auto&& element : from) to.insert(to.end(), copy_element(passed_on<U>(element)));
    }
    return to;
  }

 private:
  template <class U>
  static auto copy_element(U&& element) {
    return copy_out<std::remove_cv_t<typename T::value_type>>(std::forward<U>(element));
  }
};

template <template <class, class> class Adaptor, class T, class Inside>
  requires ContainerAdaptor<Adaptor<T, Inside>>
struct detacher<Adaptor<T, Inside>> {
  using type = Adaptor<detached_t<T>, detached_t<Inside>>;
  static type copy(Adaptor<T, Inside> const& from) {
    return type(copy_out<Inside>(adapted<Adaptor<T, Inside>>::of(from)));
  }
};
template <template <class, class, class> class Adaptor, class T, class Inside, class Compare>
  requires ContainerAdaptor<Adaptor<T, Inside, Compare>>
struct detacher<Adaptor<T, Inside, Compare>> {
  using source = Adaptor<T, Inside, Compare>;
  using type = Adaptor<detached_t<T>, detached_t<Inside>, following_t<Compare, T>>;
  static type copy(source const& from) {
    return type(following<Compare, T>::make(adapted<source>::order_of(from)),
                copy_out<Inside>(adapted<source>::of(from)));
  }
};

template <class T>
std::vector<detached_t<T>> copy_elements(auto const& from) {
  std::vector<detached_t<T>> to;
  to.reserve(from.size());
  for (auto const& element : from) to.push_back(copy_out<std::remove_cv_t<T>>(element));
  return to;
}
template <class T, std::size_t N>
struct detacher<std::span<T, N>> {
  using type = std::vector<detached_t<T>>;
  static type copy(std::span<T, N> from) { return copy_elements<T>(from); }
};
template <class T>
struct detacher<std::initializer_list<T>> {
  using type = std::vector<detached_t<T>>;
  static type copy(std::initializer_list<T> from) { return copy_elements<T>(from); }
};

/// Arrays of either kind.
template <class T, std::size_t N>
struct array_detacher {
  using type = std::array<detached_t<T>, N>;
  template <class U>
  static type copy(U&& from) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return type{{copy_out<std::remove_cv_t<T>>(passed_on<U>(from[I]))...}};
    }(std::make_index_sequence<N>{});
  }
};
template <class T, std::size_t N>
struct detacher<std::array<T, N>> : array_detacher<T, N> {};
template <class T, std::size_t N>
struct detacher<T[N]> : array_detacher<T, N> {};

// What holds one value or several.

template <class T>
struct detacher<std::optional<T>> {
  using type = std::optional<detached_t<T>>;
  template <class U>
  static type copy(U&& from) {
    return from ? type(copy_out<std::remove_cv_t<T>>(passed_on<U>(*from))) : type();
  }
};

template <class A, class B>
struct detacher<std::pair<A, B>> {
  using type = std::pair<detached_t<A>, detached_t<B>>;
  template <class U>
  static type copy(U&& from) {
    return type(copy_out<std::remove_cv_t<A>>(passed_on<U>(from.first)),
                copy_out<std::remove_cv_t<B>>(passed_on<U>(from.second)));
  }
};

template <class... Ts>
struct detacher<std::tuple<Ts...>> {
  using type = std::tuple<detached_t<Ts>...>;
  template <class U>
  static type copy(U&& from) {
    return std::apply([](auto&... parts) { return type(copy_out<std::remove_cv_t<Ts>>(passed_on<U>(parts))...); },
                      from);
  }
};

/// In a source, so that <variant> is included by those alone who have one.
[[noreturn]] void throw_bad_variant_access();

template <template <class...> class Template, class... Ts>
  requires Variant<Template<Ts...>>
struct detacher<Template<Ts...>> {
  using type = Template<detached_t<Ts>...>;
  /// Throws std::bad_variant_access from one that an exception has left without a value.
  template <class U>
  static type copy(U&& from) {
    return copy_alternative<0, U>(from);
  }

 private:
  template <std::size_t I, class U>
  static type copy_alternative(auto& from) {
    if constexpr (I == sizeof...(Ts)) {
      throw_bad_variant_access();
    } else {
      if (from.index() != I) return copy_alternative<I + 1, U>(from);
      using alternative = std::remove_cv_t<std::tuple_element_t<I, std::tuple<Ts...>>>;
      return type(std::in_place_index<I>, copy_out<alternative>(passed_on<U>(*get_if<I>(&from))));
    }
  }
};

// Owners, of one object. Each shared_ptr gets a copy of its own.

template <class T, class Deleter>
  requires(std::is_object_v<T> && !std::is_array_v<T>)
struct detacher<std::unique_ptr<T, Deleter>> {
  using type = std::unique_ptr<detached_t<T>>;
  static type copy(std::unique_ptr<T, Deleter> const& from) {
    return from == nullptr ? type() : std::make_unique<detached_t<T>>(copy_out<std::remove_cv_t<T>>(*from));
  }
};
template <class T>
  requires(std::is_object_v<T> && !std::is_array_v<T>)
struct detacher<std::shared_ptr<T>> {
  using type = std::shared_ptr<detached_t<T>>;
  static type copy(std::shared_ptr<T> const& from) {
    return from == nullptr ? type() : std::make_shared<detached_t<T>>(copy_out<std::remove_cv_t<T>>(*from));
  }
};

}  // namespace detail
}  // namespace mayfly
