#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly::test {

/// A system call, of any kind or only where its third argument, a size or a count, is this one.
struct refused_call {
  refused_call(int call_number) noexcept
      : number{call_number} {}  // NOLINT(google-explicit-constructor): a list of them
  refused_call(int call_number, std::uint32_t third_argument) noexcept
      : number{call_number}, third{third_argument}, any{false} {}

  int number;
  std::uint32_t third = 0;
  bool any = true;
};

/// From now on the system refuses these calls, with EPERM, to this thread and to those that it starts. false: it has no
/// filters.
inline bool refuse_calls(std::initializer_list<refused_call> calls) {
  auto const load = static_cast<std::uint16_t>(BPF_LD | BPF_W | BPF_ABS);
  auto const equals = static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K);
  auto const answer = static_cast<std::uint16_t>(BPF_RET | BPF_K);
  std::vector<sock_filter> filter{{load, 0, 0, offsetof(seccomp_data, nr)}};
  for (refused_call const& each : calls) {
    filter.push_back({equals, 0, static_cast<std::uint8_t>(each.any ? 1 : 4), static_cast<std::uint32_t>(each.number)});
    if (!each.any) {
      filter.push_back({load, 0, 0, offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t)});
      filter.push_back({equals, 0, 1, each.third});
    }
    filter.push_back({answer, 0, 0, SECCOMP_RET_ERRNO | 1U});
    if (!each.any) filter.push_back({load, 0, 0, offsetof(seccomp_data, nr)});
  }
  filter.push_back({answer, 0, 0, SECCOMP_RET_ALLOW});
  sock_fprog const program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

enum class child_end : std::uint8_t { right, wrong, no_filters };

/// What `holds()` says in a forked process to which these calls are refused.
template <typename Holds>
[[nodiscard]] child_end where_refused(std::initializer_list<refused_call> calls, Holds const& holds) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(60);
    if (!refuse_calls(calls)) ::_exit(static_cast<int>(child_end::no_filters));
    ::_exit(static_cast<int>(holds() ? child_end::right : child_end::wrong));
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return child_end::wrong;
  return static_cast<child_end>(WEXITSTATUS(status));
}

}  // namespace mayfly::test
