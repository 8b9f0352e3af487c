#pragma once

#include <cstddef>

/// Reading the fields of an aggregate, by structured bindings: C++20 has no other way. aggregate_fields.hpp counts them
/// first, and says which aggregates can be taken apart at all.
namespace mayfly::detail {

/// With more fields an aggregate is opaque. A list for each count is read by every source that submits a request: up to
/// 64 fields they cost GCC 222 M instructions, of the 302 M of all the types (callgrind).
inline constexpr std::size_t most_fields = 40;

// The names are a0 to a7, b0 to b7, and so on to e7. MAYFLY_FIELDS_3(MAYFLY_TYPE, b) is decltype(b0), decltype(b1),
// decltype(b2); MAYFLY_EIGHTS_2(X) is all of a and of b, with a comma behind. Flat, as lists made by a recursion of
// macros cost three times as much.
#define MAYFLY_NAME(field) field
#define MAYFLY_TYPE(field) decltype(field)
#define MAYFLY_FIELDS_1(X, eight) X(eight##0)
#define MAYFLY_FIELDS_2(X, eight) X(eight##0), X(eight##1)
#define MAYFLY_FIELDS_3(X, eight) X(eight##0), X(eight##1), X(eight##2)
#define MAYFLY_FIELDS_4(X, eight) X(eight##0), X(eight##1), X(eight##2), X(eight##3)
#define MAYFLY_FIELDS_5(X, eight) X(eight##0), X(eight##1), X(eight##2), X(eight##3), X(eight##4)
#define MAYFLY_FIELDS_6(X, eight) X(eight##0), X(eight##1), X(eight##2), X(eight##3), X(eight##4), X(eight##5)
#define MAYFLY_FIELDS_7(X, eight) \
  X(eight##0), X(eight##1), X(eight##2), X(eight##3), X(eight##4), X(eight##5), X(eight##6)
#define MAYFLY_FIELDS_8(X, eight) \
  X(eight##0), X(eight##1), X(eight##2), X(eight##3), X(eight##4), X(eight##5), X(eight##6), X(eight##7)
#define MAYFLY_EIGHTS_0(X)
#define MAYFLY_EIGHTS_1(X) MAYFLY_FIELDS_8(X, a),
#define MAYFLY_EIGHTS_2(X) MAYFLY_EIGHTS_1(X) MAYFLY_FIELDS_8(X, b),
#define MAYFLY_EIGHTS_3(X) MAYFLY_EIGHTS_2(X) MAYFLY_FIELDS_8(X, c),
#define MAYFLY_EIGHTS_4(X) MAYFLY_EIGHTS_3(X) MAYFLY_FIELDS_8(X, d),
#define MAYFLY_BIND(eights, eight, fields)                                                                         \
  if constexpr (Count == (eights) * 8 + (fields)) {                                                                \
    auto& [MAYFLY_EIGHTS_##eights(MAYFLY_NAME) MAYFLY_FIELDS_##fields(MAYFLY_NAME, eight)] = value;                \
    return fn.template operator()<MAYFLY_EIGHTS_##eights(MAYFLY_TYPE) MAYFLY_FIELDS_##fields(MAYFLY_TYPE, eight)>( \
        MAYFLY_EIGHTS_##eights(MAYFLY_NAME) MAYFLY_FIELDS_##fields(MAYFLY_NAME, eight));                           \
  } else
// clang-format off
#define MAYFLY_BIND_EIGHT(eights, eight)                                                    \
  MAYFLY_BIND(eights, eight, 1) MAYFLY_BIND(eights, eight, 2) MAYFLY_BIND(eights, eight, 3) \
  MAYFLY_BIND(eights, eight, 4) MAYFLY_BIND(eights, eight, 5) MAYFLY_BIND(eights, eight, 6) \
  MAYFLY_BIND(eights, eight, 7) MAYFLY_BIND(eights, eight, 8)
// clang-format on

/// fn.operator()<types as declared...>(fields...) of an aggregate with that many fields. The types keep what the
/// arguments lose: a field that is a reference, and how its constness was written. Arguments are bound as const
/// references by fn, since a bit field cannot be referred to otherwise.
template <std::size_t Count, class T, class Fn>
constexpr decltype(auto) with_fields(T& value, Fn fn) {  // NOLINT(readability-function-size): a branch a count
  // clang-format off
  MAYFLY_BIND_EIGHT(0, a)
  MAYFLY_BIND_EIGHT(1, b)
  MAYFLY_BIND_EIGHT(2, c)
  MAYFLY_BIND_EIGHT(3, d)
  MAYFLY_BIND_EIGHT(4, e)
  // clang-format on
  return fn.template operator()<>();
}

#undef MAYFLY_BIND_EIGHT
#undef MAYFLY_BIND
#undef MAYFLY_TYPE
#undef MAYFLY_NAME
#undef MAYFLY_FIELDS_1
#undef MAYFLY_FIELDS_2
#undef MAYFLY_FIELDS_3
#undef MAYFLY_FIELDS_4
#undef MAYFLY_FIELDS_5
#undef MAYFLY_FIELDS_6
#undef MAYFLY_FIELDS_7
#undef MAYFLY_FIELDS_8
#undef MAYFLY_EIGHTS_0
#undef MAYFLY_EIGHTS_1
#undef MAYFLY_EIGHTS_2
#undef MAYFLY_EIGHTS_3
#undef MAYFLY_EIGHTS_4

}  // namespace mayfly::detail
