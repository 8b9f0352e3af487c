#pragma once

/// What a function gives lives no longer than the object it is called on, or the parameter this stands behind. Clang
/// warns where such a result of a local object or temporary is returned or kept (-Wreturn-stack-address,
/// -Wdangling-gsl); GCC 12 knows no such thing.
#if defined(__clang__)
#define MAYFLY_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define MAYFLY_LIFETIMEBOUND
#endif
