#include "point.hpp"

#include <execinfo.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly::test::faults {
namespace {

/// What the child tells, in memory it shares with its parent.
struct shared_report {
  bool done;
  bool unharmed;
  std::uint64_t calls;
  std::uint64_t injected;
  std::int64_t blocks;
  char const* violation;  // text of this executable, at the same address in both
  char const* stage;
};

constexpr std::size_t stack_bytes = std::size_t{64} << 10U;

struct shared_memory {
  shared_report* report;
  int stacks;  // a file for what backtrace_symbols_fd() writes

  shared_memory()
      : report(static_cast<shared_report*>(
            mmap(nullptr, sizeof(shared_report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
        stacks(memfd_create("stacks", MFD_CLOEXEC)) {
    if (report == MAP_FAILED || stacks < 0) throw std::runtime_error("no memory to share with a child");
  }
};

shared_memory& shared() {
  static shared_memory the_one;
  return the_one;
}

void say(std::string_view text) noexcept {
  [[maybe_unused]] auto const written = write(shared().stacks, text.data(), text.size());
}

/// SIGALRM: it hangs; the others: it died. The stack goes to the parent; nothing here allocates.
void last_words(int signal) {
  static_cast<void>(disarm());
  say("  the failed call:\n");
  auto const injected_at = first_injection();
  backtrace_symbols_fd(injected_at.data(), static_cast<int>(injected_at.size()), shared().stacks);
  say(signal == SIGALRM ? "  the main thread when time was up:\n" : "  where it died:\n");
  std::array<void*, 48> frames{};
  backtrace_symbols_fd(frames.data(), backtrace(frames.data(), static_cast<int>(frames.size())), shared().stacks);
  std::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
}

[[noreturn]] void child(scenario const& what, plan const& faults, std::chrono::seconds limit) {
  for (int const signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM}) std::signal(signal, last_words);
  alarm(static_cast<unsigned>(limit.count()));
  shared_report& report = *shared().report;
  std::int64_t const before = outstanding_blocks();
  {
    report.stage = "while the call failed";
    ledger book;
    arm(faults);
    what.run(book);
    report.calls = disarm();
    report.injected = injected();
    report.unharmed = book.all_well();
    report.violation = book.violation;
  }
  for (int again = 0; again < 2; ++again) {
    report.stage = "in a run without faults after it";
    ledger book;
    what.run(book);
    if (report.violation == nullptr) report.violation = book.violation;
  }
  report.blocks = outstanding_blocks() - before;
  report.done = true;
  _exit(0);  // no destructors of static objects: the parent has them too
}

std::string stacks_of_child() {
  std::string text(stack_bytes, '\0');
  auto const bytes = pread(shared().stacks, text.data(), text.size(), 0);
  text.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  return text;
}

/// Whether the call that failed was made inside oneTBB or its allocator: between it and the first function of this
/// executable lies one of theirs. Nobody can catch there what they do not. See README.md.
bool is_foreign(std::string_view stacks) noexcept {
  bool within_replacement = true;  // the first frames are malloc() and its kin, which are this executable's
  for (std::size_t at = stacks.find('\n') + 1; at < stacks.size();) {
    std::size_t const end = std::min(stacks.find('\n', at), stacks.size());
    std::string_view const frame = stacks.substr(at, end - at);
    bool const ours = frame.find("fault_driver") != std::string_view::npos;
    if (ours && !within_replacement) return false;
    if (frame.find("libtbb") != std::string_view::npos) return true;
    within_replacement = within_replacement && ours;
    at = end + 1;
  }
  return false;
}

void judge(point_report& result, shared_report const& report, baseline const* reference) {
  result.calls = report.calls;
  result.blocks = report.blocks;
  if (report.violation != nullptr) {
    result.end = verdict::violated;
    result.why = report.violation;
  } else if (reference != nullptr && report.blocks > reference->most_blocks) {
    result.end = verdict::leaked;
    result.why = std::to_string(report.blocks - reference->most_blocks) + " heap blocks more than without a fault";
  } else if (report.injected == 0) {
    result.end = verdict::not_reached;
  } else {
    result.end = report.unharmed ? verdict::unharmed : verdict::clean;
  }
}

}  // namespace

point_report run_point(scenario const& what, plan const& faults, baseline const* reference,
                       std::chrono::seconds limit) {
  shared_memory& with = shared();
  *with.report = {};
  if (ftruncate(with.stacks, 0) != 0 || lseek(with.stacks, 0, SEEK_SET) != 0) {
    throw std::runtime_error("cannot empty the file of stacks");
  }
  pid_t const process = fork();
  if (process < 0) throw std::runtime_error("cannot fork");
  if (process == 0) child(what, faults, limit);
  int status = 0;
  waitpid(process, &status, 0);

  point_report result;
  if (with.report->done) {
    judge(result, *with.report, reference);
    return result;
  }
  result.stacks = stacks_of_child();
  bool const hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  result.end = is_foreign(result.stacks) ? verdict::foreign : hung ? verdict::hung : verdict::died;
  result.why = hung ? "no end in time" : "signal " + std::to_string(WTERMSIG(status));
  if (with.report->stage != nullptr) result.why.append(", ").append(with.report->stage);
  return result;
}

}  // namespace mayfly::test::faults
