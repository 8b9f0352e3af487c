#pragma once

#include <cstddef>

/// Reading the fields of an aggregate, by structured bindings: C++20 has no other way. aggregate_fields.hpp counts them
/// first, and says which aggregates can be taken apart at all.
namespace mayfly::detail {

/// With more fields an aggregate is opaque.
inline constexpr std::size_t most_fields = 64;

// MAYFLY_TYPES(a, b, c) is decltype(a), decltype(b), decltype(c). Each MAYFLY_AGAIN scans what it is given four times
// as often as the one below it, and a scan is one step of the recursion.
#define MAYFLY_AGAIN(...) MAYFLY_AGAIN_3(MAYFLY_AGAIN_3(MAYFLY_AGAIN_3(MAYFLY_AGAIN_3(__VA_ARGS__))))
#define MAYFLY_AGAIN_3(...) MAYFLY_AGAIN_2(MAYFLY_AGAIN_2(MAYFLY_AGAIN_2(MAYFLY_AGAIN_2(__VA_ARGS__))))
#define MAYFLY_AGAIN_2(...) MAYFLY_AGAIN_1(MAYFLY_AGAIN_1(MAYFLY_AGAIN_1(MAYFLY_AGAIN_1(__VA_ARGS__))))
#define MAYFLY_AGAIN_1(...) __VA_ARGS__
#define MAYFLY_BRACKETS ()
#define MAYFLY_TYPES(...) MAYFLY_AGAIN(MAYFLY_TYPES_STEP(__VA_ARGS__))
#define MAYFLY_TYPES_STEP(first, ...) decltype(first) __VA_OPT__(, MAYFLY_TYPES_NEXT MAYFLY_BRACKETS(__VA_ARGS__))
#define MAYFLY_TYPES_NEXT() MAYFLY_TYPES_STEP
#define MAYFLY_BIND(count, ...)                                            \
  if constexpr (Count == (count)) {                                        \
    auto& [__VA_ARGS__] = value;                                           \
    return fn.template operator()<MAYFLY_TYPES(__VA_ARGS__)>(__VA_ARGS__); \
  } else

/// fn.operator()<types as declared...>(fields...) of an aggregate with that many fields. The types keep what the
/// arguments lose: a field that is a reference, and how its constness was written. Arguments are bound as const
/// references by fn, since a bit field cannot be referred to otherwise.
template <std::size_t Count, class T, class Fn>
constexpr decltype(auto) with_fields(T& value, Fn fn) {  // NOLINT(readability-function-size): a branch a count
  // clang-format off
  MAYFLY_BIND(1, f0)
  MAYFLY_BIND(2, f0, f1)
  MAYFLY_BIND(3, f0, f1, f2)
  MAYFLY_BIND(4, f0, f1, f2, f3)
  MAYFLY_BIND(5, f0, f1, f2, f3, f4)
  MAYFLY_BIND(6, f0, f1, f2, f3, f4, f5)
  MAYFLY_BIND(7, f0, f1, f2, f3, f4, f5, f6)
  MAYFLY_BIND(8, f0, f1, f2, f3, f4, f5, f6, f7)
  MAYFLY_BIND(9, f0, f1, f2, f3, f4, f5, f6, f7, f8)
  MAYFLY_BIND(10, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9)
  MAYFLY_BIND(11, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10)
  MAYFLY_BIND(12, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11)
  MAYFLY_BIND(13, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12)
  MAYFLY_BIND(14, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13)
  MAYFLY_BIND(15, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14)
  MAYFLY_BIND(16, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15)
  MAYFLY_BIND(17, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16)
  MAYFLY_BIND(18, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17)
  MAYFLY_BIND(19, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18)
  MAYFLY_BIND(20, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19)
  MAYFLY_BIND(21, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20)
  MAYFLY_BIND(22, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21)
  MAYFLY_BIND(23, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22)
  MAYFLY_BIND(24, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23)
  MAYFLY_BIND(25, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24)
  MAYFLY_BIND(26, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25)
  MAYFLY_BIND(27, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26)
  MAYFLY_BIND(28, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27)
  MAYFLY_BIND(29, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28)
  MAYFLY_BIND(30, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29)
  MAYFLY_BIND(31, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30)
  MAYFLY_BIND(32, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31)
  MAYFLY_BIND(33, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32)
  MAYFLY_BIND(34, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33)
  MAYFLY_BIND(35, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34)
  MAYFLY_BIND(36, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35)
  MAYFLY_BIND(37, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36)
  MAYFLY_BIND(38, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37)
  MAYFLY_BIND(39, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38)
  MAYFLY_BIND(40, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39)
  MAYFLY_BIND(41, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40)
  MAYFLY_BIND(42, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41)
  MAYFLY_BIND(43, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42)
  MAYFLY_BIND(44, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43)
  MAYFLY_BIND(45, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44)
  MAYFLY_BIND(46, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45)
  MAYFLY_BIND(47, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46)
  MAYFLY_BIND(48, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47)
  MAYFLY_BIND(49, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48)
  MAYFLY_BIND(50, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49)
  MAYFLY_BIND(51, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50)
  MAYFLY_BIND(52, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51)
  MAYFLY_BIND(53, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52)
  MAYFLY_BIND(54, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53)
  MAYFLY_BIND(55, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54)
  MAYFLY_BIND(56, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55)
  MAYFLY_BIND(57, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56)
  MAYFLY_BIND(58, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57)
  MAYFLY_BIND(59, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58)
  MAYFLY_BIND(60, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59)
  MAYFLY_BIND(61, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60)
  MAYFLY_BIND(62, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60,
              f61)
  MAYFLY_BIND(63, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60,
              f61, f62)
  MAYFLY_BIND(64, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
              f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
              f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60,
              f61, f62, f63)
  // clang-format on
  return fn.template operator()<>();
}

#undef MAYFLY_AGAIN
#undef MAYFLY_AGAIN_3
#undef MAYFLY_AGAIN_2
#undef MAYFLY_AGAIN_1
#undef MAYFLY_BRACKETS
#undef MAYFLY_TYPES
#undef MAYFLY_TYPES_STEP
#undef MAYFLY_TYPES_NEXT
#undef MAYFLY_BIND

}  // namespace mayfly::detail
