#pragma once

// Counts the system calls of a process from within, exactly: the kernel asks a thread of ours about each (seccomp,
// SECCOMP_RET_USER_NOTIF), which counts it and lets it go on.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bench::system_calls {

// No destructors: the counting thread lives until the process ends, and nobody of us can call the kernel without it.
inline std::atomic<bool> counting{false};
inline std::atomic<std::uint64_t> sleeps_and_wakes{0};  // futex, clock_nanosleep
inline std::atomic<std::uint64_t> others{0};
inline std::atomic<int> listener{-1};

// Relaxed throughout: figures that order nothing. Who reads them has stopped counting.
[[noreturn]] inline void count_for(std::uint32_t left_out) noexcept {
  int fd = -1;
  while ((fd = listener.load(std::memory_order_relaxed)) < 0) std::this_thread::yield();
  for (;;) {
    seccomp_notif asked{};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;  // a signal, or who called has ended
    if (asked.pid != left_out && counting.load(std::memory_order_relaxed)) {
      bool const sleeps = asked.data.nr == __NR_futex || asked.data.nr == __NR_clock_nanosleep;
      (sleeps ? sleeps_and_wakes : others).fetch_add(1, std::memory_order_relaxed);
    }
    seccomp_notif_resp answer{};
    answer.id = asked.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

/// From here on, while `counting`, all calls are counted that are made by threads which the calling thread starts, or
/// theirs; not its own. Once a process, before it has other threads. Returns errno where the kernel does not let us.
inline int watch() {
  static_assert(std::atomic<int>::is_always_lock_free);
  auto const self = static_cast<std::uint32_t>(gettid());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  std::thread([self] { count_for(self); }).detach();  // before the filter, which it does not have then
  constexpr auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{static_cast<unsigned short>(sizeof program / sizeof program[0]), program};
  long const fd = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (fd < 0) return errno;
  listener.store(static_cast<int>(fd), std::memory_order_relaxed);
  return 0;
}

}  // namespace bench::system_calls
