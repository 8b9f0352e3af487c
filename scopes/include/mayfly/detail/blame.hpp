#pragma once

#include <mayfly/detail/aggregate_fields.hpp>
#include <mayfly/detail/known_types.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace mayfly {

namespace detail {

/// What is_detached<T> is unless somebody says otherwise: the rule's answer, worked out when it is asked for. So that
/// the search can see whether somebody does, without asking.
template <class T>
struct by_the_rule {
  constexpr operator bool() const;  // NOLINT(google-explicit-constructor)
};

}  // namespace detail

/// Says of a class of yours that the rule cannot look into, or judges wrongly, whether its values may leave a request:
///
///     template <>
///     inline constexpr bool mayfly::is_detached<price_table> = true;
///
/// Its bytes are still looked at on the way out, and its elements where it is like a container. Where nobody says, it
/// converts to the rule's own answer.
template <class T>
inline constexpr detail::by_the_rule<T> is_detached{};

/// The last word of a path in a compiler's note: why the type before it may not leave a request.
namespace because {
struct it_is_a_pointer;
struct it_is_a_reference;
struct it_is_a_view_of_memory_that_it_does_not_own;
struct its_memory_can_be_a_requests;  // another allocator than std::allocator, or a storage of Boost.JSON
struct its_deleter_is_not_default_delete;
struct its_members_cannot_be_seen;  // specialise mayfly::is_detached for it
struct it_derives_from_or_imitates_a_std_type_so_make_that_a_field_or_specialise_is_detached;
struct mayfly_is_detached_says_so;
}  // namespace because

// The other words: how one gets from a type to the next.
template <std::size_t Number, class Aggregate>
struct field;
template <std::size_t Number, class Of>
struct alternative;
template <class Of>
struct element_of;
template <class Of>
struct value_of;
template <class Of>
struct error_of;
template <class Of>
struct order_or_hash_of;
template <class Of>
struct pointee_of;

namespace detail {

/// The search's answers: nobody is to blame, or the last word is, and the others lead to it.
struct innocent {};
/// See innocent.
template <class... Words>
struct guilty {};

template <class Blame>
inline constexpr bool is_guilty = !std::is_same_v<Blame, innocent>;

template <class Word>
constexpr innocent behind(innocent) {
  return {};
}
template <class Word, class... Words>
constexpr guilty<Word, Words...> behind(guilty<Words...>) {
  return {};
}

constexpr innocent first_of() { return {}; }
template <class First, class... Others>
constexpr auto first_of(First first, Others... others) {
  if constexpr (is_guilty<First>) {
    return first;
  } else {
    return first_of(others...);
  }
}

/// What the search knows: which aggregates it is inside of, as those may hold their own kind; and whether only what is
/// certainly a request's memory counts, as behind a shared_ptr, where the run-time layers look.
template <bool OnlyCertain, class... Inside>
struct searching {
  static constexpr bool only_certain = OnlyCertain;
  template <class T>
  static constexpr bool inside = is_one_of<T, Inside...>;
  template <class T>
  using into = searching<OnlyCertain, Inside..., T>;
  using for_certain = searching<true, Inside...>;
};

template <class T, class Search>
constexpr auto blame();

/// Blames T for something that is bad unless the search is for certainties.
template <class T, class Why, class Search>
constexpr auto blame_unless_certain() {
  if constexpr (Search::only_certain) {
    return innocent{};
  } else {
    return guilty<T, Why>{};
  }
}

template <class Search, class Of, template <std::size_t, class> class Word, class... Ts, std::size_t... I>
constexpr auto blame_each(type_list<Ts...>, std::index_sequence<I...>) {
  return first_of(behind<Word<I, Of>>(blame<Ts, Search>())...);
}
template <class Search, class Of, template <std::size_t, class> class Word, class... Ts>
constexpr auto blame_each(type_list<Ts...> types) {
  return blame_each<Search, Of, Word>(types, std::index_sequence_for<Ts...>{});
}

/// The arguments of a template's specialisation.
template <class T>
struct arguments_of;
template <template <class...> class Template, class... Args>
struct arguments_of<Template<Args...>> {
  using type = type_list<Args...>;
};

/// How a container compares and hashes: captureless, as a rule.
template <class T, class Search>
constexpr auto blame_order() {
  auto const compare = [] {
    if constexpr (requires { typename T::key_compare; }) {
      return blame<typename T::key_compare, Search>();
    } else if constexpr (requires { typename T::hasher; }) {
      return first_of(blame<typename T::hasher, Search>(), blame<typename T::key_equal, Search>());
    } else if constexpr (requires { typename T::value_compare; }) {
      return blame<typename T::value_compare, Search>();
    } else {
      return innocent{};
    }
  };
  return behind<order_or_hash_of<T>>(compare());
}

template <class T, class Search>
constexpr auto blame_container() {
  if constexpr (!HeapAllocator<typename T::allocator_type>) {
    return guilty<T, because::its_memory_can_be_a_requests>{};
  } else {
    return first_of(behind<element_of<T>>(blame<typename T::value_type, Search>()), blame_order<T, Search>());
  }
}

template <class T, class Search>
constexpr auto blame_adaptor() {
  if constexpr (requires { typename T::value_compare; }) {
    return first_of(blame<typename T::container_type, Search>(), blame_order<T, Search>());
  } else {
    return blame<typename T::container_type, Search>();
  }
}

template <class T, class Search>
constexpr auto blame_unique_ptr() {
  if constexpr (!is_default_delete<typename T::deleter_type>) {
    return blame_unless_certain<T, because::its_deleter_is_not_default_delete, Search>();
  } else {
    return behind<pointee_of<T>>(blame<typename T::element_type, Search>());
  }
}

template <class T, class Search>
constexpr auto blame_aggregate() {
  if constexpr (Search::template inside<T>) {
    return innocent{};
  } else {
    return blame_each<typename Search::template into<T>, T, field>(field_types<T>{});
  }
}

/// Holders of one value, or of several.
template <class T>
concept Holder = is_product<T> || is_std_array<T> || is_promised<T> || Variant<T> || is_made_from<T, std::optional> ||
                 Expected<T> || Atomic<T>;

template <class T, class Search>
constexpr auto blame_holder() {
  if constexpr (is_product<T>) {
    return blame_each<Search, T, field>(typename arguments_of<T>::type{});
  } else if constexpr (Variant<T>) {
    return blame_each<Search, T, alternative>(typename arguments_of<T>::type{});
  } else if constexpr (is_promised<T>) {
    return behind<value_of<T>>(blame_each<Search, T, alternative>(typename arguments_of<T>::type{}));
  } else if constexpr (Expected<T>) {
    return first_of(behind<value_of<T>>(blame<typename T::value_type, Search>()),
                    behind<error_of<T>>(blame<typename T::error_type, Search>()));
  } else if constexpr (is_std_array<T>) {
    return behind<element_of<T>>(blame<typename T::value_type, Search>());
  } else {
    return behind<value_of<T>>(blame<typename T::value_type, Search>());
  }
}

/// Values of the standard library that have no room for an address of a request's.
template <class T>
concept Harmless = std::is_empty_v<T> || is_plain_value<T> || is_heap_handle<T> || TooSmallForAddress<T> || Path<T> ||
                   Complex<T> || BitSet<T> || Lock<T>;

/// Somebody's container, in memory of somebody else.
template <class T>
concept HasOtherAllocator = LikeContainer<T> && !HeapAllocator<typename T::allocator_type>;

template <class T, class Search>
constexpr auto blame_class() {
  if constexpr (Harmless<T>) {
    return innocent{};
  } else if constexpr (is_made_from<T, std::unique_ptr>) {
    return blame_unique_ptr<T, Search>();
  } else if constexpr (is_shared_owner<T>) {
    return behind<pointee_of<T>>(blame<typename T::element_type, typename Search::for_certain>());
  } else if constexpr (Holder<T>) {
    return blame_holder<T, Search>();
  } else if constexpr (is_view<T>) {
    return blame_unless_certain<T, because::it_is_a_view_of_memory_that_it_does_not_own, Search>();
  } else if constexpr (KnowsJsonStorage<T>) {
    return guilty<T, because::its_memory_can_be_a_requests>{};
  } else if constexpr (Container<T>) {
    return blame_container<T, Search>();
  } else if constexpr (ContainerAdaptor<T>) {
    return blame_adaptor<T, Search>();
  } else if constexpr (HasOtherAllocator<T> || std::uses_allocator_v<T, std::pmr::polymorphic_allocator<>>) {
    return guilty<T, because::its_memory_can_be_a_requests>{};
  } else if constexpr (TakenApart<T>) {
    return blame_aggregate<T, Search>();
  } else if constexpr (LikeStdType<T>) {
    return blame_unless_certain<
        T, because::it_derives_from_or_imitates_a_std_type_so_make_that_a_field_or_specialise_is_detached, Search>();
  } else {
    return blame_unless_certain<T, because::its_members_cannot_be_seen, Search>();
  }
}

/// Somebody has specialised is_detached for it.
template <class T>
concept Judged = !std::is_same_v<std::remove_cv_t<decltype(is_detached<T>)>, by_the_rule<T>>;

template <class Written, class Search>
constexpr auto blame() {
  using T = std::remove_cv_t<Written>;
  if constexpr (std::is_reference_v<T>) {
    return blame_unless_certain<T, because::it_is_a_reference, Search>();
  } else if constexpr (Judged<T>) {
    if constexpr (is_detached<T>) {
      return innocent{};
    } else {
      return blame_unless_certain<T, because::mayfly_is_detached_says_so, Search>();
    }
  } else if constexpr (std::is_void_v<T> || std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_null_pointer_v<T>) {
    return innocent{};
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T>) {
    return blame_unless_certain<T, because::it_is_a_pointer, Search>();
  } else if constexpr (std::is_array_v<T>) {
    return behind<element_of<T>>(blame<std::remove_extent_t<T>, Search>());
  } else if constexpr (std::is_class_v<T> && Complete<T>) {
    return blame_class<T, Search>();
  } else {
    return blame_unless_certain<T, because::its_members_cannot_be_seen, Search>();
  }
}

/// innocent, or the path to the guilty part of T.
template <class T>
using blame_t = decltype(blame<T, searching<false>>());

template <class T>
constexpr by_the_rule<T>::operator bool() const {
  return !is_guilty<blame_t<T>>;
}

}  // namespace detail
}  // namespace mayfly
