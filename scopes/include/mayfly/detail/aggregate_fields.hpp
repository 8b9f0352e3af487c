#pragma once

#include <mayfly/detail/aggregate_bindings.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

/// How many fields an aggregate has, and of which types.
///
/// Boost.PFR tells that too, but shows a reference as the value it refers to, so that a struct with an `int&` would
/// pass for one with an `int`; and C arrays, bit fields and base classes end its compilation instead of its answer.
/// Here what cannot be taken apart is opaque: docs/decisions/0005-fields-without-pfr.md.
namespace mayfly::detail {

/// Types, as a type.
template <class... Ts>
struct type_list {
  static constexpr std::size_t size = sizeof...(Ts);
};

/// Initialises any field but an lvalue reference. By value: guaranteed elision serves what can be neither copied nor
/// moved.
struct any_value {
  template <class T>
  operator T() const noexcept;  // NOLINT(google-explicit-constructor)
};

/// Initialises a field that is a union.
struct any_union {
  template <class T>
    requires(std::is_union_v<T>)
  operator T() const noexcept;  // NOLINT(google-explicit-constructor)
};

/// Initialises a field that is an lvalue reference.
struct any_reference {
  template <class T>
  operator T&() const noexcept;  // NOLINT(google-explicit-constructor)
};

/// Initialises what can be made from anything whatever.
struct anything {};

/// Initialises a base class of T.
template <class T>
struct any_base_of {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base() const noexcept;  // NOLINT(google-explicit-constructor)
};

template <std::size_t>
using numbered_any = any_value;

// A slot is what one initialiser in `T{a, b, c}` fills: a field, or an element of a field that is a C array.

/// Whether T{any...} compiles, with that many slots filled.
template <class T, std::size_t... I>
constexpr bool takes_slots(std::index_sequence<I...>) {
  return requires { T{numbered_any<I>{}...}; };
}

/// The same with the slots between in braces of their own, as one field: T{any, any, {any, any}, any}.
template <class T, std::size_t... Before, std::size_t... In, std::size_t... Behind>
constexpr bool takes_group(std::index_sequence<Before...>, std::index_sequence<In...>, std::index_sequence<Behind...>) {
  return requires { T{numbered_any<Before>{}..., {numbered_any<In>{}...}, numbered_any<Behind>{}...}; };
}

/// Whether there is something behind that many slots which any_value does not fill.
template <class T, std::size_t... I>
constexpr bool goes_on(std::index_sequence<I...>) {
  return requires { T{numbered_any<I>{}..., {}}; } || requires { T{numbered_any<I>{}..., any_reference{}}; };
}

template <class First, class T, std::size_t... I>
constexpr bool begins_with(std::index_sequence<0, I...>) {
  return requires { T{First{}, numbered_any<I>{}...}; };
}

template <class T, std::size_t... Before, std::size_t... Behind>
constexpr bool has_union_at(std::index_sequence<Before...>, std::index_sequence<Behind...>) {
  return requires { T{numbered_any<Before>{}..., any_union{}, numbered_any<Behind>{}...}; } &&
         !requires { T{numbered_any<Before>{}..., anything{}, numbered_any<Behind>{}...}; };
}

template <std::size_t N>
using upto = std::make_index_sequence<N>;

/// Of what fills slots: the count, or that it is not to be found.
inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);
/// With more slots an aggregate is opaque: the compiler's time grows with them.
inline constexpr std::size_t most_slots = 1024;

/// The last N of [Low, High) for which `Test::holds<N>`, which holds at Low and no more from some N on.
template <class Test, std::size_t Low, std::size_t High>
constexpr std::size_t last_that_holds() {
  if constexpr (High - Low == 1) {
    return Low;
  } else if constexpr (constexpr std::size_t middle = Low + (High - Low) / 2; Test::template holds<middle>) {
    return last_that_holds<Test, middle, High>();
  } else {
    return last_that_holds<Test, Low, middle>();
  }
}

/// The same without a bound known: `no_count` when it still holds at Most.
template <class Test, std::size_t Most, std::size_t Low = 0, std::size_t Step = 1>
constexpr std::size_t search_up() {
  if constexpr (Low + Step > Most) {
    return Test::template holds<Most> ? no_count : last_that_holds<Test, Low, Most>();
  } else if constexpr (Test::template holds<Low + Step>) {
    return search_up<Test, Most, Low + Step, Step * 2>();
  } else {
    return last_that_holds<Test, Low, Low + Step>();
  }
}

/// Where T{} does not compile, since some field must be given: the last of an unbroken run.
template <class Test, std::size_t Most, std::size_t N = 1, bool Found = false>
constexpr std::size_t walk_up() {
  if constexpr (N > Most) {
    return no_count;
  } else if constexpr (Test::template holds<N>) {
    return walk_up<Test, Most, N + 1, true>();
  } else {
    return Found ? N - 1 : walk_up<Test, Most, N + 1, false>();
  }
}

/// For search_up: whether N slots can be filled.
template <class T>
struct slot_test {
  template <std::size_t N>
  static constexpr bool holds = takes_slots<T>(upto<N>{});
};

/// Whether the field from slot First on takes more than N slots: {} then stands for more than N of them.
template <class T, std::size_t Slots, std::size_t First>
struct width_test {
  template <std::size_t N>
  static constexpr bool holds = !takes_group<T>(upto<First>{}, upto<0>{}, upto<Slots - First - N>{});
};

template <class T>
constexpr std::size_t count_slots() {
  if constexpr (slot_test<T>::template holds<0>) {
    return search_up<slot_test<T>, most_slots>();
  } else {
    return walk_up<slot_test<T>, most_fields>();
  }
}

/// The width, in slots, of a field that {} does not initialise. An array's braces stand for all its elements, so that
/// with them full no slot more is left behind; a class's braces stand for one slot however much they hold.
template <class T, std::size_t Slots, std::size_t First, std::size_t N = 2>
constexpr std::size_t width_by_trial() {
  if constexpr (First + N > Slots) {
    return 1;
  } else if constexpr (takes_group<T>(upto<First>{}, upto<N>{}, upto<Slots - First - N>{}) &&
                       !takes_group<T>(upto<First>{}, upto<N>{}, upto<Slots - First - N + 1>{})) {
    return N;
  } else {
    return width_by_trial<T, Slots, First, N + 1>();
  }
}

/// The same where T{} does not compile, so that what is left out of T{...} decides too.
template <class T, std::size_t Slots, std::size_t First, std::size_t N = 1>
constexpr std::size_t width_step_by_step() {
  if constexpr (First + N > Slots) {
    return width_by_trial<T, Slots, First>();
  } else if constexpr (!width_test<T, Slots, First>::template holds<N>) {
    return N;
  } else {
    return width_step_by_step<T, Slots, First, N + 1>();
  }
}

/// How many slots the field from slot First on takes, of Slots in all.
template <class T, std::size_t Slots, std::size_t First>
constexpr std::size_t width_of_field() {
  if constexpr (!width_test<T, Slots, First>::template holds<1>) {
    return 1;
  } else if constexpr (!width_test<T, Slots, First>::template holds<Slots - First>) {
    return search_up<width_test<T, Slots, First>, Slots - First, 1>() + 1;
  } else {
    return width_step_by_step<T, Slots, First>();
  }
}

template <class T, std::size_t Slots, std::size_t First = 0, std::size_t Fields = 0>
constexpr std::size_t count_fields() {
  if constexpr (First == Slots) {
    return Fields;
  } else if constexpr (has_union_at<T>(upto<First>{}, upto<Slots - First - 1>{})) {
    return no_count;
  } else {
    return count_fields<T, Slots, First + width_of_field<T, Slots, First>(), Fields + 1>();
  }
}

/// The number of T's fields, `no_count` when T cannot be taken apart: no aggregate, a base class, a union, more than
/// most_fields fields, a field of a kind that nothing initialises.
template <class T>
constexpr std::size_t fields_of() {
  if constexpr (!std::is_aggregate_v<T> || std::is_union_v<T> || std::is_array_v<T>) {
    return no_count;
  } else {
    constexpr std::size_t slots = count_slots<T>();
    if constexpr (slots == no_count || slots == 0) {
      return no_count;
    } else if constexpr (goes_on<T>(upto<slots>{})) {
      return no_count;
    } else if constexpr (begins_with<any_base_of<T>, T>(upto<slots>{}) && !begins_with<anything, T>(upto<slots>{})) {
      return no_count;
    } else {
      constexpr std::size_t fields = count_fields<T, slots>();
      return fields <= most_fields ? fields : no_count;  // no_count is the largest
    }
  }
}

template <class T>
inline constexpr std::size_t field_count = fields_of<T>();

/// An aggregate that can be taken apart.
template <class T>
concept TakenApart = field_count<T> != no_count;

/// For with_fields: the types alone.
struct as_type_list {
  template <class... Ts>
  constexpr type_list<Ts...> operator()(auto const&...) const {
    return {};
  }
};

/// The types of its fields, as declared.
template <TakenApart T>
using field_types = decltype(with_fields<field_count<T>>(std::declval<T&>(), as_type_list{}));

}  // namespace mayfly::detail
