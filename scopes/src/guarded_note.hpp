#pragma once

#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>

#include <array>
#include <cstddef>

namespace mayfly::detail {

/// What a quarantine keeps of a guarded scope, in the words of its note:
///
///     [ opened | closed | opener's thread 32, closer's thread 32 | length 8, the route's first 63 characters ]
///
/// The characters themselves, since the memory behind a route is promised for the life of the registry only, and the
/// pool with its quarantine outlives that.
inline constexpr std::size_t route_words = 8;
inline constexpr std::size_t longest_noted_route = route_words * 8 - 1;
static_assert(3 + route_words == quarantine_note::word_count);

/// The note of a scope that ends now, on this thread.
[[nodiscard]] quarantine_note note_of(scope const& ended) noexcept;

/// Room for the route of a report that was made from a note.
using noted_route = std::array<char, longest_noted_route + 1>;

/// MF-E31 at `address`. `route` keeps the characters that the report refers to. Async-signal-safe.
[[nodiscard]] escape_report late_access_of(quarantine_note const& note, void const* address,
                                           noted_route& route) noexcept;

}  // namespace mayfly::detail
