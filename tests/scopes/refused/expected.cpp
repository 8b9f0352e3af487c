// std::expected, where the library has one: what it holds decides, and what derives from it is refused.
#include <mayfly/detached.hpp>

#include <string>
#include <string_view>
#include <version>

#if __cpp_lib_expected
#include <expected>

struct derived : std::expected<int, int> {
  char const* origin;
};
static_assert(mayfly::Detached<std::expected<std::string, int>> && mayfly::Detached<std::expected<void, int>>);
static_assert(!mayfly::Detached<std::expected<std::string_view, int>>);
static_assert(!mayfly::Detached<std::expected<int, char const*>> && !mayfly::Detached<derived>);
#endif
