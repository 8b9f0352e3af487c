#include <mayfly/stress/thread_stacks.hpp>

#include <cxxabi.h>
#include <execinfo.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mayfly::stress {

namespace {

constexpr int most_frames = 64;
constexpr int own_frames = 2;  // the handler, and what the kernel returns to

int stack_signal() { return SIGRTMIN + 5; }

/// What a thread answers into. Kept for ever, and never used again: an answer that comes too late goes where nobody
/// looks any more.
struct question {
  std::int32_t thread = 0;
  std::array<void*, most_frames> frames{};
  int count = 0;
  std::atomic<bool> answered{false};
};

// A signal handler reaches globals only.
constinit std::atomic<question*> asked{nullptr};
static_assert(std::atomic<question*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void answer_with_stack(int) {
  int const kept = errno;
  // sync stack-asked: acquire; pairs with ask(); the question is ready
  question* const mine = asked.load(std::memory_order_acquire);
  if (mine != nullptr && mine->thread == static_cast<std::int32_t>(::gettid())) {  // else it is too late
    mine->count = ::backtrace(mine->frames.data(), most_frames);
    // sync stack-answered: release; pairs with ask(); publishes the frames
    mine->answered.store(true, std::memory_order_release);
  }
  errno = kept;
}

std::string name_of_thread(std::int32_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::string frame_text(void* address) {
  Dl_info info{};
  std::array<char, 32> hex;
  std::snprintf(hex.data(), hex.size(), "%p", address);
  if (::dladdr(address, &info) == 0) return hex.data();
  std::string text = hex.data();
  if (info.dli_sname != nullptr) {
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> const readable(
        abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), &std::free);
    return text + " " + (status == 0 ? readable.get() : info.dli_sname);
  }
  std::string const file = info.dli_fname == nullptr ? "?" : std::filesystem::path(info.dli_fname).filename().string();
  std::snprintf(hex.data(), hex.size(), "+0x%zx",
                reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  return text + " " + file + hex.data();
}

thread_stack ask(std::int32_t thread, std::chrono::milliseconds patience) {
  thread_stack stack{thread, name_of_thread(thread), {}, {}};
  static std::deque<question> kept;
  auto* const mine = &kept.emplace_back();
  mine->thread = thread;
  // sync stack-asked: release; pairs with answer_with_stack(); hands the question over
  asked.store(mine, std::memory_order_release);
  if (::syscall(SYS_tgkill, ::getpid(), thread, stack_signal()) != 0) {
    stack.missing = "no signal could be sent to it: " + std::string(std::strerror(errno));
  }
  auto const until = std::chrono::steady_clock::now() + patience;
  // sync stack-answered: acquire; pairs with answer_with_stack(); reads the frames
  while (stack.missing.empty() && !mine->answered.load(std::memory_order_acquire)) {
    if (std::chrono::steady_clock::now() >= until) {
      stack.missing = "it did not answer within " + std::to_string(patience.count()) +
                      " ms: it blocks signals, or is inside the kernel for good";
      return stack;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  for (int i = own_frames; i < mine->count; ++i)
    stack.frames.push_back(frame_text(mine->frames[static_cast<std::size_t>(i)]));
  return stack;
}

}  // namespace

void let_stack_be_asked() noexcept {
  static constinit thread_local bool let = false;
  if (let) return;
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, stack_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  let = true;
}

void prepare_stacks() {
  std::array<void*, 4> first;
  static_cast<void>(::backtrace(first.data(), static_cast<int>(first.size())));  // loads libgcc's unwinder
  struct sigaction action{};
  action.sa_handler = &answer_with_stack;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(stack_signal(), &action, nullptr);
}

std::vector<thread_stack> stacks_of_other_threads(std::chrono::milliseconds patience,
                                                  std::function<void()> const& goes_on) {
  std::vector<thread_stack> all;
  auto const self = static_cast<std::int32_t>(::gettid());
  std::error_code ignored;
  for (auto const& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::string const name = entry.path().filename().string();
    std::int32_t thread = 0;
    goes_on();
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread != 0 && thread != self) all.push_back(ask(thread, patience));
  }
  return all;
}

}  // namespace mayfly::stress
