#include "system_calls.hpp"

#include "support.hpp"

#include <array>
#include <atomic>
#include <cerrno>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mayfly::test {
namespace {

struct call_state {
  std::atomic<int> error_number{0};
  std::atomic<std::size_t> granted{0};
  std::atomic<std::size_t> refusals{0};
  std::atomic<std::size_t> calls{0};
};

constinit std::array<call_state, 3> states{};

call_state& state_of(refused_call::name which) { return states[static_cast<std::size_t>(which)]; }

}  // namespace

#ifdef MAYFLY_TSAN
bool const can_refuse_system_calls = false;
#else
bool const can_refuse_system_calls = true;

bool is_refused(refused_call::name which);

bool is_refused(refused_call::name which) {
  call_state& state = state_of(which);
  ++state.calls;
  if (state.error_number == 0) return false;
  if (state.granted != 0) {
    --state.granted;
    return false;
  }
  ++state.refusals;
  errno = state.error_number;
  return true;
}
#endif

refused_call::refused_call(name which, int error_number, std::size_t granted) : which_{which} {
  call_state& state = state_of(which);
  state.granted = granted;
  state.refusals = 0;
  state.error_number = error_number;
}

refused_call::~refused_call() { state_of(which_).error_number = 0; }

std::size_t refused_call::refusals() const { return state_of(which_).refusals; }

std::size_t calls_of(refused_call::name which) { return state_of(which).calls; }

}  // namespace mayfly::test

#ifndef MAYFLY_TSAN
using mayfly::test::is_refused;
using mayfly::test::refused_call;

// The parameters are named as the manual pages name them; the C library's own calls do not come through here.
extern "C" {

void* mmap(void* addr, size_t length, int prot, int flags, int fd, off_t offset) noexcept {
  if (is_refused(refused_call::name::mmap)) return MAP_FAILED;
  auto const address = ::syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
  return reinterpret_cast<void*>(address);
}

int mprotect(void* addr, size_t len, int prot) noexcept {
  if (is_refused(refused_call::name::mprotect)) return -1;
  return static_cast<int>(::syscall(SYS_mprotect, addr, len, prot));
}

int madvise(void* addr, size_t length, int advice) noexcept {
  if (is_refused(refused_call::name::madvise)) return -1;
  return static_cast<int>(::syscall(SYS_madvise, addr, length, advice));
}

}  // extern "C"
#endif
