#include <mayfly/escape_rule.hpp>

#include <array>

namespace mayfly {
namespace {

struct rule_text {
  escape_rule rule;
  std::string_view code;
  std::string_view title;
  std::string_view remedy;
};

constexpr std::array rules{
    rule_text{escape_rule::handler_result, "MF-E01", "the handler's result can carry arena memory out of its scope",
              "return detach(value) or a detached type"},
    rule_text{escape_rule::detach_type, "MF-E02", "detach() does not know how to copy this type out of the arena",
              "specialise detach_traits for it, or copy what is needed by hand"},
    rule_text{escape_rule::task_capture, "MF-E03", "a detached task captures, and would outlive what it captures",
              "give it a function or a closure without captures, and hand what it needs over as arguments"},
    rule_text{escape_rule::task_argument, "MF-E04",
              "an argument of a detached task can carry arena memory out of its scope",
              "pass detach(value), a scoped_ref or another detached type"},
    rule_text{escape_rule::nested_result, "MF-E05", "the result of a nested scope can carry that scope's memory out",
              "return detach(value), or write the result into memory of the scope around it"},
    rule_text{escape_rule::channel_value, "MF-E06", "the values of a channel or promise can carry arena memory",
              "make it a channel or promise of a detached type, and send detach(value)"},
    rule_text{escape_rule::coroutine_parameter, "MF-E07",
              "a parameter of a detached coroutine can carry arena memory into its frame",
              "take a detached type by value"},

    rule_text{escape_rule::closure_sent, "MF-E11",
              "a closure submitted inside a scope holds an address of that scope, which may end first",
              "capture detach(value) or a scoped_ref, or use a task_group, which is joined"},
    rule_text{escape_rule::result_sent, "MF-E12", "a result on its way into a future points into the request's memory",
              "return detach(value)"},
    rule_text{escape_rule::exception_sent, "MF-E13", "an exception that leaves the request points into its memory",
              "throw an exception that owns its text on the heap, such as std::runtime_error"},
    rule_text{escape_rule::argument_sent, "MF-E14",
              "an argument of a detached task, timer or coroutine points into the caller's scope",
              "pass detach(value) or a scoped_ref"},
    rule_text{escape_rule::value_sent, "MF-E15",
              "a value sent into a channel or promise points into the sender's scope",
              "send detach(value) or a scoped_ref"},
    rule_text{escape_rule::nested_result_sent, "MF-E16", "the result of a nested scope points into that scope's memory",
              "return detach(value)"},

    rule_text{escape_rule::late_deallocate, "MF-E21", "memory is given back to a scope that is gone",
              "end the container before its request, or detach() it"},
    rule_text{escape_rule::late_allocate, "MF-E22", "memory is asked of a scope that is gone",
              "end the container before its request, or detach() it"},
    rule_text{escape_rule::late_call, "MF-E23", "a function bound to a scope is called when that is gone",
              "call it before the request ends, or take a hold() along and end it after the call"},

    rule_text{escape_rule::late_access, "MF-E31", "memory of a closed scope is touched",
              "detach() what outlives the request, or keep a scoped_ref"},
    rule_text{escape_rule::overwritten_canary, "MF-E32", "somebody wrote beyond an allocation",
              "look at who writes into the allocation named here, and build with AddressSanitizer"},

    rule_text{escape_rule::held_by_global, "MF-E41", "a global holds an address of a scope that ends",
              "store detach(value) or a scoped_ref there, or clear it before the request ends"},
    rule_text{escape_rule::held_by_thread_local, "MF-E42", "a thread-local holds an address of a scope that ends",
              "store detach(value) or a scoped_ref there, or clear it before the request ends"},
    rule_text{escape_rule::held_by_heap_block, "MF-E43", "a heap block holds an address of a scope that ends",
              "store detach(value) or a scoped_ref there, or clear it before the request ends"},
};

constexpr rule_text unknown{escape_rule{}, "MF-E??", "a rule that this version does not know", "see docs/escape.md"};

rule_text const& text_of(escape_rule rule) noexcept {
  for (rule_text const& each : rules) {
    if (each.rule == rule) return each;
  }
  return unknown;
}

}  // namespace

std::string_view code(escape_rule rule) noexcept { return text_of(rule).code; }
std::string_view title(escape_rule rule) noexcept { return text_of(rule).title; }
std::string_view remedy(escape_rule rule) noexcept { return text_of(rule).remedy; }

bool is_escape_rule(std::uint8_t number) noexcept { return &text_of(escape_rule{number}) != &unknown; }

}  // namespace mayfly
