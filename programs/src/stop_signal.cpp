#include <mayfly/programs/stop_signal.hpp>

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::programs {

namespace {

// A signal handler can reach globals only. relaxed everywhere: a flag to be polled, and lock-free.
constinit std::atomic<bool> stop{false};
constinit std::array<int, 2> wake_pipe{-1, -1};

static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) {
  int const kept = errno;
  stop.store(true, std::memory_order_relaxed);
  char const byte = 0;
  if (::write(wake_pipe[1], &byte, 1) < 0) {
    // The pipe is full of such bytes already.
  }
  errno = kept;
}

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

/// What was done with the signal before.
struct sigaction listen_for(int signal) {
  struct sigaction before{};
  ::sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return before;
  struct sigaction action{};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
  return before;
}

}  // namespace

stop_signal::stop_signal() {
  if (::pipe2(wake_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  interrupt_before_ = listen_for(SIGINT);
  terminate_before_ = listen_for(SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

stop_signal::~stop_signal() {
  ::sigaction(SIGINT, &interrupt_before_, nullptr);
  ::sigaction(SIGTERM, &terminate_before_, nullptr);
  ::close(wake_pipe[0]);
  ::close(wake_pipe[1]);
}

std::atomic<bool> const& stop_signal::flag() const { return stop; }
int stop_signal::file() const { return wake_pipe[0]; }

signals_blocked::signals_blocked() {
  sigset_t const set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
}

signals_blocked::~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace mayfly::programs
