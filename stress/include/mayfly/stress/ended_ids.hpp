#pragma once

#include <mayfly/scope_registry.hpp>
#include <mayfly/stress/violations.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace mayfly::stress {

/// Says so where an id whose scope has ended is found, can be pinned or cancelled.
void check_ended(scope_registry& registry, scope_id id, std::optional<std::uint64_t> number, violation_log& into);

/// The ids that ended last. Any thread.
class ended_ids {
 public:
  static constexpr std::size_t kept = 8192;

  void add(scope_id id, std::uint64_t number) noexcept;

  /// Checks the id in one place of the ring; false where there is none yet, or it is just being changed.
  bool check(std::size_t place, scope_registry& registry, violation_log& into) const;

 private:
  struct entry {
    std::atomic<std::uint64_t> id{0};
    std::atomic<std::uint64_t> number{0};
  };

  std::array<entry, kept> ring_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace mayfly::stress
