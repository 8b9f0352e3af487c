#include <mayfly/service/request_error.hpp>
#include <mayfly/service/text.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace mayfly::service {

std::string_view name_of(failure kind) {
  static constexpr std::array<std::string_view, failure_kinds> names{
      "none",    "bad_json",  "repeated_name", "too_deep", "too_big",        "over_budget",
      "expired", "cancelled", "unreadable",    "refused",  "handler_failed", "internal"};
  return names[static_cast<std::size_t>(kind)];
}

void request_error::assign(failure kind, std::string_view text, std::size_t at) {
  size_ = 0;
  at_ = at;
  kind_ = kind;
  append(text);
}

void request_error::append(std::string_view text) {
  std::string_view const kept = whole_characters(text, capacity - size_);
  std::copy(kept.begin(), kept.end(), text_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += kept.size();
}

void request_error::format(failure kind, std::size_t at, char const* pattern, ...) {
  std::array<char, capacity * 2> line;
  std::va_list arguments;
  va_start(arguments, pattern);
  int const wanted = std::vsnprintf(line.data(), line.size(), pattern, arguments);
  va_end(arguments);
  std::size_t const size = wanted < 0 ? 0 : std::min(static_cast<std::size_t>(wanted), line.size() - 1);
  assign(kind, {line.data(), size}, at);
}

}  // namespace mayfly::service
