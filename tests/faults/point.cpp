#include "point.hpp"

#include <execinfo.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly::test::faults {
namespace {

constexpr int later_runs = 2;

/// What the child tells, in memory it shares with its parent.
struct shared_report {
  bool done;
  bool lost;
  tally armed;
  std::array<tally, later_runs> later;
  std::array<bool, later_runs> spent;
  std::uint64_t calls;
  std::uint64_t injected;
  std::int64_t blocks;
  std::int64_t mapped;
  bool thread_left;
  char const* violation;  // text of this executable, at the same address in both
  char const* stage;
};

constexpr std::string_view died_here = "  where it died:\n";
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
  shared().report->calls = disarm();
  shared().report->injected = injected();
  say("  the failed call:\n");
  auto const injected_at = first_injection();
  backtrace_symbols_fd(injected_at.data(), static_cast<int>(injected_at.size()), shared().stacks);
  say(signal == SIGALRM ? "  the main thread when time was up:\n" : died_here);
  std::array<void*, 48> frames{};
  backtrace_symbols_fd(frames.data(), backtrace(frames.data(), static_cast<int>(frames.size())), shared().stacks);
  std::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
}

/// Whether this process has other threads in the end: a joined one may stay in /proc for a moment.
bool has_other_threads() {
  for (auto const give_up = std::chrono::steady_clock::now() + std::chrono::seconds{2};;) {
    std::filesystem::directory_iterator const tasks("/proc/self/task");
    if (std::distance(begin(tasks), end(tasks)) == 1) return false;
    if (std::chrono::steady_clock::now() > give_up) return true;
    std::this_thread::yield();
  }
}

void add_to(shared_report& report, ledger const& book) noexcept {
  report.lost = report.lost || book.has_lost();
  if (report.violation == nullptr) report.violation = book.violation();
}

[[noreturn]] void child(scenario const& what, plan const& faults, std::chrono::seconds limit) {
  for (int const signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM}) std::signal(signal, last_words);
  alarm(static_cast<unsigned>(limit.count()));
  shared_report& report = *shared().report;
  std::int64_t const blocks_before = outstanding_blocks();
  std::int64_t const mapped_before = mapped_bytes();
  {
    report.stage = "while the call failed";
    ledger book;
    arm(faults);
    what.run(book);
    report.calls = disarm();
    report.injected = injected();
    report.armed = book.sums();
    add_to(report, book);
  }
  for (std::size_t again = 0; again < later_runs; ++again) {
    report.stage = "in a run without faults after it";
    ledger book;
    what.run(book);
    report.later[again] = book.sums();
    report.spent[again] = book.is_spent();
    add_to(report, book);
  }
  report.blocks = outstanding_blocks() - blocks_before;
  report.mapped = mapped_bytes() - mapped_before;
  report.thread_left = has_other_threads();
  report.done = true;
  _exit(0);  // no destructors of static objects: the parent has them too
}

std::string stacks_of_child() {
  std::string text(stack_bytes, '\0');
  auto const bytes = pread(shared().stacks, text.data(), text.size(), 0);
  text.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  return text;
}

/// Whether a stack leads from one of oneTBB's or its allocator's functions down into the C library, with none of this
/// executable's between but its dlopen(). The innermost frames may be malloc() and its kin, or a signal handler, which
/// are.
bool is_below_tbb(std::string_view stack) noexcept {
  bool innermost = true;
  for (std::size_t at = stack.find('\n') + 1; at < stack.size();) {
    std::size_t const end = std::min(stack.find('\n', at), stack.size());
    std::string_view const frame = stack.substr(at, end - at);
    bool const ours =
        frame.find("fault_driver") != std::string_view::npos && frame.find("(dlopen+") == std::string_view::npos;
    if (ours && !innermost) return false;
    if (frame.find("libtbb") != std::string_view::npos) return true;
    innermost = innermost && ours;
    at = end + 1;
  }
  return false;
}

/// Whether both the call that failed and the place where it died are there: nobody else can catch what they do not.
bool is_foreign(std::string_view stacks) noexcept {
  std::size_t const death = stacks.find(died_here);
  return death != std::string_view::npos && is_below_tbb(stacks.substr(0, death)) && is_below_tbb(stacks.substr(death));
}

/// What a run that came to its end has left behind; empty: nothing.
std::string remains(shared_report const& report, baseline const& reference) {
  if (report.thread_left) return "a thread";
  if (report.blocks > reference.most_blocks) {
    return std::to_string(report.blocks - reference.most_blocks) + " heap blocks more than without a fault";
  }
  if (report.mapped > reference.most_mapped) {
    return std::to_string(report.mapped - reference.most_mapped) + " mapped bytes more than without a fault";
  }
  return {};
}

void judge(point_report& result, shared_report const& report, baseline const& reference) {
  bool const spent = std::ranges::all_of(report.spent, [](bool one) { return one; });
  bool const as_before = std::ranges::all_of(report.later, [&](tally const& one) { return one == reference.usual; });
  if (report.violation != nullptr) {
    result.end = report.lost ? verdict::lost : verdict::violated;
    result.why = report.violation;
  } else if (!as_before && !spent) {
    result.end = verdict::violated;
    result.why = "a run without faults after it did not end as usual";
  } else if (std::string const left = remains(report, reference); !left.empty()) {
    result.end = verdict::leaked;
    result.why = left;
  } else if (report.injected == 0) {
    result.end = verdict::not_reached;
  } else if (spent) {
    result.end = verdict::spent;
  } else {
    result.end = report.armed == reference.usual ? verdict::unharmed : verdict::clean;
  }
}

void judge_dead(point_report& result, shared_report const& report, int status) {
  result.stacks = stacks_of_child();
  bool const hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  result.end = hung ? verdict::hung : is_foreign(result.stacks) ? verdict::foreign : verdict::died;
  result.why = hung ? "no end in time" : "signal " + std::to_string(WTERMSIG(status));
  if (report.stage != nullptr) result.why.append(", ").append(report.stage);
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

  shared_report const& report = *with.report;
  point_report result{.end = verdict::died,
                      .reached = report.injected != 0,
                      .calls = report.calls,
                      .armed = report.armed,
                      .blocks = report.blocks,
                      .mapped = report.mapped,
                      .why = {},
                      .stacks = {}};
  if (report.done) {
    judge(result, report, reference != nullptr ? *reference : baseline{report.armed, report.blocks, report.mapped});
  } else {
    judge_dead(result, report, status);
  }
  return result;
}

}  // namespace mayfly::test::faults
