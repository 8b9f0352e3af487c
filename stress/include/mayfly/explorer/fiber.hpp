#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace mayfly::explorer {

/// A stack of its own and a place to go on at; switched to and from by hand. The sanitizers are told of each switch.
class fiber {
 public:
  using entry_function = void (*)(void* argument);

  /// The thread that calls the first switch_to().
  fiber() noexcept;
  /// Enters `entry(argument)` at the first switch; it must never return.
  fiber(entry_function entry, void* argument);
  ~fiber();
  fiber(fiber const&) = delete;
  fiber& operator=(fiber const&) = delete;

  /// Goes on in `to`; returns when somebody switches back here. On the fiber that `this` is.
  void switch_to(fiber& to) noexcept;

 private:
  static void enter(unsigned low, unsigned high) noexcept;
  void arrived() noexcept;

  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
  entry_function entry_ = nullptr;
  void* argument_ = nullptr;
  [[maybe_unused]] void* sanitizer_state_ = nullptr;     // AddressSanitizer's fake stack, ThreadSanitizer's fiber
  [[maybe_unused]] void const* stack_bottom_ = nullptr;  // as AddressSanitizer wants to know it
  [[maybe_unused]] std::size_t stack_bytes_ = 0;
  [[maybe_unused]] fiber* from_ = nullptr;  // who switched here last
};

}  // namespace mayfly::explorer
