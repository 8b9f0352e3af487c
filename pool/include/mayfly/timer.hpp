#pragma once

#include <mayfly/admission.hpp>

#include <chrono>
#include <compare>
#include <cstdint>

namespace mayfly {

/// Names one timer of an executor, for ever. A value: copy it, store it, send it.
class timer_id {
 public:
  /// No timer.
  constexpr timer_id() noexcept = default;
  constexpr timer_id(std::chrono::steady_clock::time_point due, std::uint64_t number) noexcept
      : due_(due), number_(number) {}

  /// When it fires, at the earliest.
  [[nodiscard]] constexpr std::chrono::steady_clock::time_point due() const noexcept { return due_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return number_ != 0; }

  /// By time, then in the order in which they were set.
  friend constexpr auto operator<=>(timer_id const&, timer_id const&) noexcept = default;

 private:
  std::chrono::steady_clock::time_point due_{};
  std::uint64_t number_ = 0;  // from 1, never given twice
};

/// The executor's answer to spawn_after(): true when the timer was set, and then its id; else the reason. A timer that
/// was set ends in exactly one way: fired (its task was accepted as a request), cancelled, or dropped (the executor
/// drained, or refused the task when its time came).
class [[nodiscard]] timer_admission {
 public:
  timer_admission(timer_id set) noexcept : id_(set) {}                      // NOLINT(google-explicit-constructor)
  timer_admission(admission_reason refused) noexcept : reason_(refused) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return reason_ == admission_reason::accepted; }
  [[nodiscard]] admission_reason reason() const noexcept { return reason_; }
  [[nodiscard]] timer_id id() const noexcept { return id_; }

 private:
  admission_reason reason_ = admission_reason::accepted;
  timer_id id_;
};

}  // namespace mayfly
