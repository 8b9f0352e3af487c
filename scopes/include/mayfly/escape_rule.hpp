#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly {

/// What may not happen to a request's memory. The number is the rule's name, printed as MF-Exx, and stable for ever.
///
///     1-7      types: refused when compiling            21-23    tripwire: a scope that is gone is asked for something
///     11-16    egress: what leaves is looked at         31-32    guard: memory that is gone is touched
///                                                       41-43    audit: who still holds an address when a scope ends
enum class escape_rule : std::uint8_t {
  handler_result = 1,       ///< the result of submit() or run() can carry arena memory
  detach_type = 2,          ///< detach() does not know the type
  task_capture = 3,         ///< a detached task captures
  task_argument = 4,        ///< an argument of a detached task or timer is not detached
  nested_result = 5,        ///< the result of a nested scope can carry its memory
  channel_value = 6,        ///< the value type of a channel or promise is not detached
  coroutine_parameter = 7,  ///< a parameter of a detached coroutine is not detached

  closure_sent = 11,        ///< a closure given to submit() inside a scope holds an address of that scope
  result_sent = 12,         ///< a result on its way into a future holds an address of the request
  exception_sent = 13,      ///< an exception that leaves a request holds one
  argument_sent = 14,       ///< an argument of a detached task, timer or coroutine holds one
  value_sent = 15,          ///< a value sent into a channel or promise holds one
  nested_result_sent = 16,  ///< the result of a nested scope holds an address of that scope

  late_deallocate = 21,  ///< memory is given back to a scope that is gone
  late_allocate = 22,    ///< memory is asked of a scope that is gone
  late_call = 23,        ///< a function bound to a scope that is gone is called

  late_access = 31,         ///< memory of a closed scope is read or written
  overwritten_canary = 32,  ///< somebody wrote beyond an allocation

  held_by_global = 41,        ///< a global holds an address of a scope that ends
  held_by_thread_local = 42,  ///< a thread-local does (suspect)
  held_by_heap_block = 43,    ///< a heap block does (suspect)
};

/// One above the largest number.
inline constexpr std::size_t escape_rule_limit = 44;

/// "MF-E01".
[[nodiscard]] std::string_view code(escape_rule rule) noexcept;
/// What is wrong, in one line without the code.
[[nodiscard]] std::string_view title(escape_rule rule) noexcept;
/// The way out, in one line.
[[nodiscard]] std::string_view remedy(escape_rule rule) noexcept;

/// Whether there is a rule of that number.
[[nodiscard]] bool is_escape_rule(std::uint8_t number) noexcept;

}  // namespace mayfly
