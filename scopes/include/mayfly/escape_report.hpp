#pragma once

#include <mayfly/escape_rule.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_id.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mayfly {

/// What an egress check does about a hit, beside reporting it.
enum class egress_action : std::uint8_t {
  refuse,  ///< the value does not leave: the caller or the waiting future is told
  log,     ///< it leaves
  abort,   ///< std::abort(), after the report
};

/// One escape, as whichever layer found it tells it. Plain, no heap: made in signal handlers too. What is not known
/// keeps its default.
struct escape_report {
  escape_rule rule{};
  void const* address = nullptr;  ///< what points in, what was touched, or what was given back
  scope_id scope{};               ///< whose memory
  std::string_view route{};
  scope_clock::time_point opened = scope_clock::time_point::min();
  scope_clock::time_point closed = scope_clock::time_point::min();  ///< min(): unknown, or still open
  scope_clock::time_point told = scope_clock::time_point::min();    ///< now; report_escape() fills it in
  std::int32_t opened_thread = 0;                                   ///< as gettid() counts
  std::int32_t closed_thread = 0;
  std::int32_t this_thread = 0;  ///< report_escape() fills it in
  /// Where somebody says it: tripwire and canaries. An arena keeps no sizes, so the other layers do not know.
  std::size_t allocation_bytes = 0;
  void const* site = nullptr;  ///< code address of the allocation
  std::size_t offset = 0;      ///< egress: where in the value, in bytes
  std::string_view holder{};   ///< audit: a symbol, or "heap block"
  std::size_t holder_bytes = 0;
  void const* holder_address = nullptr;
  bool suspect = false;  ///< stale words exist: somebody has to look
};

/// Room for every report in either format: a route or holder of more than 256 characters is cut.
inline constexpr std::size_t longest_escape_report = 4'096;

/// Writes the report as two lines, "MF-Exx: what is wrong: field=value, ..." and the way out, each ended by a newline.
/// Fields that are not known are left out. Returns the characters written; what does not fit is cut. Async-signal-safe.
std::size_t format_text(escape_report const& report, std::span<char> into) noexcept;

/// Writes the report as one JSON object without line breaks: the same fields under the same names, null where not
/// known; times in nanoseconds of scope_clock, ages in nanoseconds before the report, addresses as "0x..." strings.
/// Bytes of a name outside printable ASCII are written as \u00XX. Returns the characters written, or 0 where they do
/// not fit. Async-signal-safe.
std::size_t format_json(escape_report const& report, std::span<char> into) noexcept;

/// Hears of every escape, on the thread that found it, several at once. Must not block for long nor call mayfly.
using escape_handler = void (*)(escape_report const& report, void* user) noexcept;

/// Whether a handler may be called from a signal handler.
enum class handler_safety : std::uint8_t { ordinary, signal_safe };

/// Chooses who hears, for the whole process. Null: the default, which writes format_text() to standard error. A thread
/// that is reporting meanwhile may still call the handler before: `user` must outlive all that can report. A fault is
/// reported from a signal handler and goes to the default where `safety` is ordinary. Throws std::bad_alloc.
void set_escape_handler(escape_handler handler, void* user, handler_safety safety = handler_safety::ordinary);

/// Tells the handler, and counts. Any thread.
void report_escape(escape_report const& report) noexcept;
/// The same from a signal handler.
void report_escape_in_signal(escape_report const& report) noexcept;

/// How many reports there have been in this process; and of one rule.
[[nodiscard]] std::uint64_t escape_reports() noexcept;
[[nodiscard]] std::uint64_t escape_reports(escape_rule rule) noexcept;

}  // namespace mayfly
