#pragma once

#include <mayfly/detail/mapping.hpp>

namespace mayfly::detail {

/// Reports faults in quarantined memory from now on, for the whole process and for good: in ordinary builds by a
/// SIGSEGV handler, which hands every fault, ours or not, to the handler that it found; under AddressSanitizer by a
/// callback at the end of its reports. Called again it does nothing.
void install_fault_handler() noexcept;

/// An alternate signal stack for the thread that makes it, to its own end; nothing where the thread has one already,
/// where the system has no memory for it, and under AddressSanitizer, which brings its own.
class signal_stack {
 public:
  signal_stack() noexcept;
  ~signal_stack();
  signal_stack(signal_stack const&) = delete;
  signal_stack& operator=(signal_stack const&) = delete;

 private:
  mapping memory_;
};

}  // namespace mayfly::detail
