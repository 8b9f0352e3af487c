#pragma once

#include <mayfly/detail/egress_check.hpp>
#include <mayfly/detail/marked_scope.hpp>
#include <mayfly/detail/tenancy_report.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope_entry.hpp>
#include <mayfly/scope_id.hpp>

#include <cstdint>
#include <optional>

namespace mayfly::detail {

/// The scope that a channel or promise was made in, if any. What is made and used inside one scope may carry that
/// scope's addresses around in it; whoever takes such a value out of it is found at the other end.
class home_scope {
 public:
  home_scope() noexcept {
    if (scope* const here = current_scope()) {
      id_ = here->id();
      scope_ = marked_scope<scope_mark::watches>{*here};
    }
  }

  /// Whether the calling thread is inside it, or in a scope that lies in it.
  [[nodiscard]] bool is_around() const noexcept {
    if (!id_) return false;
    for (scope const* each = current_scope(); each != nullptr; each = each->parent()) {
      if (each->id() == id_) return true;
    }
    return false;
  }
  /// Whether that is the scope, or one around it.
  [[nodiscard]] bool may_point_into(scope_id owner) const noexcept {
    if (!id_) return false;
    bool inside = false;
    for (scope const* each = current_scope(); each != nullptr; each = each->parent()) {
      inside = inside || each->id() == id_;
      if (inside && each->id() == owner) return true;
    }
    return false;
  }

  /// What is told of a value that is received outside of it: whose, and what is known of that scope. Not the address:
  /// nobody looks into a value whose memory may be gone.
  [[nodiscard]] escape_report received_outside(escape_rule rule) const noexcept {
    escape_report report{.rule = rule, .scope = id_};
    if (scope_) tenancy_report::complete(scope_.known(), id_.generation(), report);
    return report;
  }

 private:
  scope_id id_;
  marked_scope<scope_mark::watches> scope_;  // may have ended
};

/// What is found out about a value that somebody sends.
enum class sent_value : std::uint8_t {
  anybodys,  ///< it may go anywhere
  homes,     ///< it points into the home scope, or one around it: it may be received there
  stopped,   ///< it must not go
};

/// What the egress check says of a value sent by the calling thread (MF-E15). Reports what is none of home's. Nothing
/// but one thread-local load outside every scope.
template <class T>
[[nodiscard]] sent_value look_at_sent(T const& value, home_scope const& home, egress_action action,
                                      std::optional<escape_report>& report) noexcept {
  scope const* const here = current_scope();
  if (here == nullptr) return sent_value::anybodys;
  report = find_escape(escape_rule::value_sent, value, *here);
  if (!report) return sent_value::anybodys;
  if (home.may_point_into(report->scope)) return sent_value::homes;
  return stops(*report, action) ? sent_value::stopped : sent_value::anybodys;
}

}  // namespace mayfly::detail
