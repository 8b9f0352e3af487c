#pragma once

#include <mayfly/detail/egress_walk.hpp>
#include <mayfly/detail/marked_scope.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>

// The egress checks: whether something that is about to leave a scope holds an address of that scope's memory.
//
// A word counts as an address only where the page that it names belongs to the scope at this moment. Any other word in
// the reservation (a hash that happens to fall there, a stale pointer to an idle page) is left alone: a legal program
// must not be refused for it.
namespace mayfly::detail {

/// Whose memory counts.
enum class egress_reach : std::uint8_t {
  line,    ///< the scope's, and that of the scopes around it
  itself,  ///< the scope's alone: what leaves it stays inside the one around it
};

/// The addresses that `of` can have memory at.
[[nodiscard]] address_range reservation_of(scope const& of) noexcept;

/// `from` or a scope around it, whichever owns the memory at `address` now; null: neither.
[[nodiscard]] scope const* owner_in_line(scope const& from, void const* address, egress_reach reach) noexcept;

/// The same, for a memory resource whichever's memory() it is: who carries that out carries a container along.
[[nodiscard]] scope const* resource_in_line(scope const& from, void const* address, egress_reach reach) noexcept;

/// The report of a hit, with all that the owner can tell.
[[nodiscard]] escape_report describe(escape_rule rule, scope const& owner, egress_hit const& hit) noexcept;

/// Reports, and does what `action` says. True: the value must not leave.
[[nodiscard]] bool stops(escape_report const& report, egress_action action) noexcept;

/// The word by which a scope_hold or scope_pin keeps `owner`. What else may point to a scope (a stop_token, a bound
/// function, a reference, the first of its memory resources) has another, and excuses nothing.
[[nodiscard]] inline address_range holder_range(scope const& owner) noexcept {
  if (MAYFLY_MUTANT("any-handle-is-a-hold")) return {reinterpret_cast<std::uintptr_t>(&owner), sizeof(void*)};
  return {marked_scope<scope_mark::keeps>::word_of(owner), 1};
}

/// An address of `from`'s memory in an exception: its what(), its object's bytes, a pointer or string_view thrown as
/// such, and those nested in it. Rethrows it: some microseconds.
[[nodiscard]] std::optional<escape_report> find_escape_in_exception(std::exception_ptr const& error, scope const& from,
                                                                    egress_reach reach = egress_reach::line) noexcept;

/// What is asked of each address in a value, and of each exception.
struct scope_question {
  scope const& from;
  egress_reach reach;
  void const* value;
  bool (*brings)(void const* value, address_range holder) noexcept;  // whether it holds an address there

  [[nodiscard]] address_filter filter() const noexcept;
  /// Whose memory, or memory resource, this is; null: nobody's in reach.
  [[nodiscard]] scope const* lender(void const* address) const noexcept;
  /// The same, but for a scope that the value keeps alive.
  [[nodiscard]] bool escapes(void const* address) const noexcept;
};

/// An address of `from`'s memory in `value`, a detached type. A value that brings a hold of that scope along may point
/// into it.
template <class T>
[[nodiscard]] std::optional<escape_report> find_escape(escape_rule rule, T const& value, scope const& from,
                                                       egress_reach reach = egress_reach::line) noexcept {
  if constexpr (walks<T>) {
    // Asked of each address: behind one that is nobody's there may be one of the scope's.
    scope_question const asked{from, reach, &value, [](void const* held, address_range range) noexcept {
                                 return find_address(*static_cast<T const*>(held), range).has_value();
                               }};
    if (auto const hit = find_address(value, reservation_of(from), asked.filter())) {
      // Null: another thread of the scope has just given the page back, and with it what was there to escape.
      if (scope const* const owner = asked.lender(hit->address)) return describe(rule, *owner, *hit);
    }
  }
  return std::nullopt;
}

/// Whether padding in the bytes has been cleared. Where it has not, a word whose lowest byte is 0 or 1 is taken for a
/// bool with stale bytes behind it.
enum class padding : std::uint8_t { cleared, unknown };

/// The same for the bytes of an object whose members nobody can name: a closure. Words are looked at where they are
/// aligned. Here the request's handles count too, which name no page: the scope, its memory resource and arena (unless
/// a hold is brought along), and the request_context (always: it ends before the scope).
[[nodiscard]] std::optional<escape_report> find_escape_in_bytes(escape_rule rule, void const* bytes, std::size_t count,
                                                                scope const& from, padding of_bytes) noexcept;

}  // namespace mayfly::detail
