#pragma once

#include <mayfly/scope_id.hpp>

#include <array>
#include <new>

namespace mayfly {

/// Thrown where memory is asked of a scope's memory_resource after that scope has ended: by a container that outlived
/// its request, always a bug. Reported as MF-E22 before. Building and copying it allocates nothing.
class scope_gone : public std::bad_alloc {
 public:
  explicit scope_gone(scope_id ended) noexcept;

  [[nodiscard]] char const* what() const noexcept override { return text_.data(); }
  /// The scope that the resource was made for, where known.
  [[nodiscard]] scope_id id() const noexcept { return id_; }

 private:
  scope_id id_;
  std::array<char, 120> text_;
};

}  // namespace mayfly
