#pragma once

#include <mayfly/escape_report.hpp>

#include <stdexcept>

namespace mayfly {

/// What a future holds, and a call throws, in place of a value that would have carried an address of a request's memory
/// out of it. Its text is the report's.
class escape_refused : public std::runtime_error {
 public:
  explicit escape_refused(escape_report const& report);
  [[nodiscard]] escape_rule rule() const noexcept { return rule_; }
  /// Whose memory it was.
  [[nodiscard]] scope_id scope() const noexcept { return scope_; }

 private:
  escape_rule rule_;
  scope_id scope_;
};

}  // namespace mayfly
