#include "guarded_note.hpp"
#include <mayfly/detail/fault_handler.hpp>
#include <mayfly/detail/poison.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include <pthread.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

/// Tells of an access to quarantined memory; nothing where the address is not in any.
void tell_if_quarantined(void const* address) noexcept {
  auto const note = find_quarantined(address);
  if (!note) return;
  noted_route route;
  escape_report report = late_access_of(*note, address, route);
  if (auto const allocation = find_quarantined_allocation(address)) {
    report.allocation_bytes = allocation->bytes;
    report.site = allocation->site;
  }
  report_escape_in_signal(report);
}

#ifdef MAYFLY_ASAN

/// AddressSanitizer calls this with the text of its report, before it ends the process.
void on_asan_report(char const* /*text*/) noexcept { tell_if_quarantined(__asan_get_report_address()); }

void install() noexcept { __asan_set_error_report_callback(&on_asan_report); }

#else

/// Who was asked before us. Written before our handler is installed, and never again.
struct sigaction before;
/// Whether a handler that asked to be called once only (SA_RESETHAND) has been.
constinit std::atomic<bool> spent{false};

bool asked_for(unsigned flag) noexcept { return (static_cast<unsigned>(before.sa_flags) & flag) != 0; }
bool sent_by_somebody(siginfo_t const& info) noexcept { return info.si_code <= 0; }

/// What happens without any handler. A fault happens again when we return, and then ends the process where it happened,
/// which is what a core dump is to show; a signal that somebody sent has to be sent again.
void do_default(int signal, siginfo_t const& info) noexcept {
  struct sigaction none{};
  none.sa_handler = SIG_DFL;
  ::sigaction(signal, &none, nullptr);
  if (sent_by_somebody(info)) ::raise(signal);  // is delivered when our handler returns
}

/// As the kernel would have called it, on the stack that we are on.
void call_before(int signal, siginfo_t* info, void* context) noexcept {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, &before.sa_mask, &mask);
  if (asked_for(SA_NODEFER)) {
    sigset_t own;
    ::sigemptyset(&own);
    ::sigaddset(&own, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
  }
  if (asked_for(SA_SIGINFO)) {
    before.sa_sigaction(signal, info, context);
  } else {
    before.sa_handler(signal);
  }
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  int const error_number = errno;
  if (info->si_code == SEGV_ACCERR) tell_if_quarantined(info->si_addr);
  errno = error_number;
  bool const plain = !asked_for(SA_SIGINFO);
  if (plain && before.sa_handler == SIG_IGN && sent_by_somebody(*info)) return;
  // The kernel does not let faults be ignored.
  if (plain && (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) return do_default(signal, *info);
  // Relaxed: nothing goes with the flag.
  if (asked_for(SA_RESETHAND) && spent.exchange(true, std::memory_order_relaxed)) return do_default(signal, *info);
  call_before(signal, info, context);
}

void install() noexcept {
  ::sigaction(SIGSEGV, nullptr, &before);
  struct sigaction ours{};
  ours.sa_sigaction = &on_fault;
  // On the thread's alternate stack where it has one: a stack that has overflowed has no room for us.
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigemptyset(&ours.sa_mask);
  ::sigaction(SIGSEGV, &ours, nullptr);
}

#endif

}  // namespace

void install_fault_handler() noexcept { [[maybe_unused]] static bool const installed = (install(), true); }

signal_stack::signal_stack() noexcept {
  stack_t now{};
  if (sanitized || ::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  constexpr std::size_t enough = std::size_t{64} << 10U;  // a report takes 8 KiB
  std::size_t const bytes = std::max(enough, static_cast<std::size_t>(std::max(0L, ::sysconf(_SC_SIGSTKSZ))));
  memory_ = mapping::zeroed(bytes);
  if (!memory_) return;
  stack_t ours{};
  ours.ss_sp = memory_.start();
  ours.ss_size = memory_.bytes();
  if (::sigaltstack(&ours, nullptr) != 0) memory_ = {};
}

signal_stack::~signal_stack() {
  if (!memory_) return;
  // Where somebody has chosen another one meanwhile, that one stays.
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || now.ss_sp != memory_.start()) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
}

}  // namespace mayfly::detail
