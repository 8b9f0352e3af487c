#pragma once

#include <cstddef>
#include <string>

namespace mayfly::trace {

/// What the process holds. Any thread.
class resident_meter {
 public:
  resident_meter() noexcept;
  ~resident_meter();
  resident_meter(resident_meter const&) = delete;
  resident_meter& operator=(resident_meter const&) = delete;

  /// In bytes; 0 where the system does not tell. One system call, some 2 us.
  [[nodiscard]] std::size_t now() const noexcept;

 private:
  int statm_;
  std::size_t page_bytes_;
};

/// The most that the process held since start(): the kernel's own peak, where it lets the process forget an older one
/// (proc(5), clear_refs), and the largest of what see() was told where it does not. One thread.
class peak_meter {
 public:
  explicit peak_meter(std::string clear_refs = "/proc/self/clear_refs") : clear_refs_{std::move(clear_refs)} {}

  /// The process holds so much now.
  void start(std::size_t resident);
  /// Whether peak() is the kernel's. A container may refuse, or take what is written and do nothing.
  [[nodiscard]] bool is_exact() const noexcept { return exact_; }
  void see(std::size_t resident) noexcept {
    if (resident > most_seen_) most_seen_ = resident;
  }
  [[nodiscard]] std::size_t peak() const;

 private:
  std::string clear_refs_;
  bool exact_ = false;
  std::size_t most_seen_ = 0;
};

}  // namespace mayfly::trace
