#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace mayfly::service {

/// The classes of failure that the summary counts.
enum class failure : unsigned char {
  none,
  bad_json,        ///< not JSON, or a number or an escape that no answer could hold
  repeated_name,   ///< JSON, but with one name twice in an object
  too_deep,        ///< nested deeper than the depth limit
  too_big,         ///< more bytes than a request may have
  over_budget,     ///< no memory left for it: its byte budget, or the process's
  expired,         ///< past its deadline
  cancelled,       ///< the run was stopped before it was done
  unreadable,      ///< its file could not be read
  refused,         ///< by the handler of a plugin
  handler_failed,  ///< the handler of a plugin threw, or gave no answer that is one
  internal,        ///< a bug of ours
};
inline constexpr std::size_t failure_kinds = 12;

/// "bad_json" and so on: the words of the summary.
[[nodiscard]] std::string_view name_of(failure kind);

/// Why a request gets an error instead of an answer: one line of text and the byte of the request it is about.
///
/// The text lies in the object itself: an error is most needed when there is no memory left to describe it in, and
/// it outlives the arena of the request it speaks about. A text that is too long is cut at a whole character.
class request_error {
 public:
  static constexpr std::size_t capacity = 240;

  request_error() = default;
  request_error(failure kind, std::string_view text, std::size_t at) { assign(kind, text, at); }

  void assign(failure kind, std::string_view text, std::size_t at);

  /// More text behind the text. Never throws, never allocates.
  void append(std::string_view text);

  /// As printf does, for texts without a zero byte. Never throws, never allocates.
  [[gnu::format(printf, 4, 5)]] void format(failure kind, std::size_t at, char const* pattern, ...);

  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  /// Offset in bytes from the first byte of the request, from 0.
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] failure kind() const { return kind_; }

 private:
  std::array<char, capacity> text_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  failure kind_ = failure::none;
};

}  // namespace mayfly::service
