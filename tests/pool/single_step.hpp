#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/// Counts the locked instructions that a thread executes, by stepping through it: every one of them, in our code, in
/// oneTBB and in libc alike, whatever the compiler has made of it. x86-64.
namespace mayfly::test {

/// What a thread executed between two marks.
struct section {
  std::size_t instructions = 0;
  std::size_t locked = 0;
  std::map<std::uintptr_t, std::size_t> places;  ///< how often, by the address of each locked instruction
};
using sections = std::map<std::uint64_t, section>;

/// In a process that is stepped: from here on this thread's instructions count for `section`; 0: for none.
inline void mark(std::uint64_t section) noexcept {
  asm volatile("int3" : : "D"(section) : "memory");  // NOLINT(hicpp-no-assembler)
}

/// Whether an instruction locks the cache line it works on: it has the prefix, or is an exchange with memory.
constexpr bool locks(std::span<unsigned char const> instruction) noexcept {
  std::size_t at = 0;
  constexpr std::array<unsigned char, 10> legacy_prefixes{0x66, 0x67, 0xF2, 0xF3, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65};
  auto const is_prefix = [&](unsigned char byte) {
    bool found = false;
    for (unsigned char const prefix : legacy_prefixes) found = found || prefix == byte;
    return found;
  };
  while (at < instruction.size() && is_prefix(instruction[at])) ++at;
  if (at < instruction.size() && instruction[at] == 0xF0) return true;
  if (at < instruction.size() && (instruction[at] & 0xF0U) == 0x40) ++at;  // REX
  if (at + 1 >= instruction.size() || (instruction[at] & 0xFEU) != 0x86) return false;
  return (instruction[at + 1] & 0xC0U) != 0xC0;  // xchg, and not of two registers
}

/// Runs `scenario` in a forked child, and steps through each of its threads between that thread's marks. Nothing where
/// the kernel does not let us trace. Throws where the child ends otherwise than by its scenario's end.
class single_stepper {
 public:
  template <class Scenario>
  static std::optional<sections> run(Scenario&& scenario) {
    pid_t const child = fork();
    if (child == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(may_not);
      raise(SIGSTOP);
      scenario();
      _exit(0);  // its threads go with it
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return std::nullopt;
    single_stepper stepper(child);
    return stepper.step_to_the_end();
  }

 private:
  static constexpr int may_not = 222;

  explicit single_stepper(pid_t child) : child_(child) {
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
    ptrace(PTRACE_CONT, child, nullptr, nullptr);
  }

  sections step_to_the_end() {
    for (;;) {
      int status = 0;
      pid_t const thread = waitpid(-1, &status, __WALL);
      if (thread < 0) throw std::runtime_error("the stepped process is gone");
      if (!WIFSTOPPED(status)) {
        if (thread != child_) continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the stepped process ended badly");
        return found_;
      }
      go_on(thread, WSTOPSIG(status), status >> 16);
    }
  }

  void go_on(pid_t thread, int signal, int event) {
    bool const ours = signal == SIGTRAP || signal == SIGSTOP;  // a thread begins with the latter
    if (signal == SIGTRAP && event == 0) look(thread);
    auto const at = current_.find(thread);
    bool const steps = at != current_.end() && at->second != 0;
    ptrace(steps ? PTRACE_SINGLESTEP : PTRACE_CONT, thread, nullptr, static_cast<long>(ours ? 0 : signal));
  }

  /// The thread stands behind a mark, or before the next of its instructions.
  void look(pid_t thread) {
    user_regs_struct registers{};
    siginfo_t why{};
    ptrace(PTRACE_GETREGS, thread, nullptr, &registers);
    ptrace(PTRACE_GETSIGINFO, thread, nullptr, &why);
    if (why.si_code == SI_KERNEL) current_[thread] = registers.rdi;
    std::uint64_t const here = current_[thread];
    if (here == 0) return;
    section& counted = found_[here];
    ++counted.instructions;
    if (!locks(bytes_at(registers.rip))) return;
    ++counted.locked;
    ++counted.places[registers.rip];
  }

  std::span<unsigned char const> bytes_at(std::uintptr_t address) {
    iovec to{code_.data(), code_.size()};
    iovec from{reinterpret_cast<void*>(address), code_.size()};  // NOLINT(performance-no-int-to-ptr)
    ssize_t const read = process_vm_readv(child_, &to, 1, &from, 1, 0);
    return {code_.data(), read > 0 ? static_cast<std::size_t>(read) : 0};
  }

  pid_t child_;
  std::map<pid_t, std::uint64_t> current_;  // the section that each thread is in
  sections found_;
  std::array<unsigned char, 16> code_{};
};

}  // namespace mayfly::test
