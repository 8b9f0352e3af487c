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

enum class hold { none, wanted, inside };

struct call_state {
  std::atomic<int> error_number{0};
  std::atomic<std::size_t> granted{0};
  std::atomic<std::size_t> refusals{0};
  std::atomic<std::size_t> calls{0};
  std::atomic<hold> held{hold::none};
};

constinit std::array<call_state, 4> states{};

call_state& state_of(refused_call::name which) { return states[static_cast<std::size_t>(which)]; }

}  // namespace

bool is_refused(refused_call::name which);

bool is_refused(refused_call::name which) {
  call_state& state = state_of(which);
  ++state.calls;
  if (hold wanted = hold::wanted; state.held.compare_exchange_strong(wanted, hold::inside)) {
    state.held.notify_all();
    state.held.wait(hold::inside);
  }
  if (state.error_number == 0) return false;
  if (state.granted != 0) {
    --state.granted;
    return false;
  }
  ++state.refusals;
  errno = state.error_number;
  return true;
}

refused_call::refused_call(name which, int error_number, std::size_t granted) : which_{which} {
  call_state& state = state_of(which);
  state.granted = granted;
  state.refusals = 0;
  state.error_number = error_number;
}

refused_call::~refused_call() { state_of(which_).error_number = 0; }

std::size_t refused_call::refusals() const { return state_of(which_).refusals; }

held_call::held_call(refused_call::name which) : which_{which} { state_of(which).held = hold::wanted; }

void held_call::wait_for_caller() const { state_of(which_).held.wait(hold::wanted); }

void held_call::let_go() {
  state_of(which_).held = hold::none;
  state_of(which_).held.notify_all();
}

std::size_t calls_of(refused_call::name which) { return state_of(which).calls; }

}  // namespace mayfly::test

using mayfly::test::is_refused;
using mayfly::test::refused_call;

// The parameters are named as the manual pages name them; the C library's own calls do not come through here.
extern "C" {

#ifdef MAYFLY_TSAN
// ThreadSanitizer forgets what it knew of addresses that are mapped anew: what is not refused goes to its own
// functions. It has none for madvise.
void* __interceptor_mmap(void*, size_t, int, int, int, off_t) noexcept;  // NOLINT(bugprone-reserved-identifier)
int __interceptor_mprotect(void*, size_t, int) noexcept;                 // NOLINT(bugprone-reserved-identifier)
#endif

void* mmap(void* addr, size_t length, int prot, int flags, int fd, off_t offset) noexcept {
  if (is_refused(refused_call::name::mmap)) return MAP_FAILED;
#ifdef MAYFLY_TSAN
  return __interceptor_mmap(addr, length, prot, flags, fd, offset);
#else
  auto const address = ::syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
  return reinterpret_cast<void*>(address);
#endif
}

int mprotect(void* addr, size_t len, int prot) noexcept {
  if (is_refused(refused_call::name::mprotect)) return -1;
#ifdef MAYFLY_TSAN
  return __interceptor_mprotect(addr, len, prot);
#else
  return static_cast<int>(::syscall(SYS_mprotect, addr, len, prot));
#endif
}

int madvise(void* addr, size_t length, int advice) noexcept {
  if (is_refused(refused_call::name::madvise)) return -1;
  return static_cast<int>(::syscall(SYS_madvise, addr, length, advice));
}

int mincore(void* start, size_t len, unsigned char* vec) noexcept {
  if (is_refused(refused_call::name::mincore)) return -1;
  return static_cast<int>(::syscall(SYS_mincore, start, len, vec));
}

}  // extern "C"
