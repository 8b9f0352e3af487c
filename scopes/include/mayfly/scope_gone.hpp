#pragma once

#include <mayfly/escape_rule.hpp>
#include <mayfly/scope_id.hpp>

#include <array>
#include <new>

namespace mayfly {

/// Thrown where something is asked of a scope that has ended: memory, through its memory_resource or its arena, by
/// whatever outlived its request (reported as MF-E22 before); or to be entered, by a function that was bound to it
/// (MF-E23). Always a bug. Building and copying it allocates nothing.
class scope_gone : public std::bad_alloc {
 public:
  explicit scope_gone(scope_id ended, escape_rule rule = escape_rule::late_allocate) noexcept;

  [[nodiscard]] char const* what() const noexcept override { return text_.data(); }
  /// The scope that was meant, where known.
  [[nodiscard]] scope_id id() const noexcept { return id_; }
  [[nodiscard]] escape_rule rule() const noexcept { return rule_; }

 private:
  scope_id id_;
  escape_rule rule_;
  std::array<char, 120> text_;
};

}  // namespace mayfly
