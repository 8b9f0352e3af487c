#pragma once

#include <mayfly/detail/blame.hpp>
#include <mayfly/escape_rule.hpp>

namespace mayfly::detail {

/// Does not compile unless T is detached: what everything that can outlive a scope asks of what it takes. The error is
/// the rule's; the compiler's note with the name of this function has in Blame the way to the guilty part of T:
///
///     guilty<field<1, answer>, element_of<std::vector<item>>, field<0, item>, std::string_view,
///     because::it_is_a_view_...>
///
/// With MAYFLY_NO_ESCAPE_CHECKS defined everything compiles: for tests of the run-time layers, and for finding out what
/// a check refuses. Concepts answer as ever.
template <escape_rule Rule, class T, class Blame = blame_t<T>>
constexpr void require_detached() {
#ifndef MAYFLY_NO_ESCAPE_CHECKS
  if constexpr (Rule == escape_rule::handler_result) {
    static_assert(!is_guilty<Blame>,
                  "MF-E01: the handler's result can carry arena memory out of its scope; return detach(value) or a "
                  "detached type");
  } else if constexpr (Rule == escape_rule::detach_type) {
    static_assert(!is_guilty<Blame>,
                  "MF-E02: detach() does not know how to copy this type out of the request's memory; build a detached "
                  "value from it, or specialise mayfly::detach_traits for it");
  } else if constexpr (Rule == escape_rule::task_argument) {
    static_assert(!is_guilty<Blame>,
                  "MF-E04: an argument of a detached task or timer can carry arena memory out of its scope; pass "
                  "detach(value) or a detached type");
  } else if constexpr (Rule == escape_rule::nested_result) {
    static_assert(!is_guilty<Blame>,
                  "MF-E05: the result of a nested scope can carry its memory out of it; return detach(value) or a "
                  "detached type");
  } else if constexpr (Rule == escape_rule::channel_value) {
    static_assert(
        !is_guilty<Blame>,
        "MF-E06: values of a channel or promise of this type can carry arena memory out of their scope; use a "
        "detached type and send detach(value)");
  } else {
    static_assert(Rule == escape_rule::coroutine_parameter, "no rule about types");
    static_assert(
        !is_guilty<Blame>,
        "MF-E07: a parameter of a detached coroutine can carry arena memory out of its scope; take a detached "
        "type and pass detach(value)");
  }
#endif
}

}  // namespace mayfly::detail
