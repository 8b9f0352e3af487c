#include "native_thread.hpp"

#include <csignal>
#include <system_error>

namespace mayfly::detail {
namespace {

/// Signals blocked for the creating thread while it creates: the new thread inherits the mask. Not those that a thread
/// brings upon itself (a blocked fault kills the process before any handler can report it), nor the profiler's.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (int const own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) {
      sigdelset(&blocked, own);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(signals_blocked const&) = delete;
  signals_blocked& operator=(signals_blocked const&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

void native_thread::start(std::string const& name, std::size_t stack_bytes, void* (*main)(void*), void* argument) {
  pthread_attr_t attributes;
  int failed = pthread_attr_init(&attributes);
  if (failed == 0) {
    failed = pthread_attr_setstacksize(&attributes, stack_bytes);
    if (failed == 0) {
      signals_blocked const quiet;
      failed = pthread_create(&handle_, &attributes, main, argument);
    }
    pthread_attr_destroy(&attributes);
  }
  if (failed != 0) {
    throw std::system_error(failed, std::generic_category(), "mayfly: cannot create thread " + name);
  }
  started_ = true;
  pthread_setname_np(handle_, name.c_str());  // a name that does not fit is left out
}

void native_thread::join() noexcept {
  if (!started_) return;
  pthread_join(handle_, nullptr);
  started_ = false;
}

}  // namespace mayfly::detail
