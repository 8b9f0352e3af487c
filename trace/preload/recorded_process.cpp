#include "recorded_process.hpp"

#include <mayfly/trace/recorder.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pthread.h>
#include <unistd.h>

namespace mayfly::preload {

constinit thread_local thread_state this_thread;
constinit std::atomic<bool> recording{false};

namespace {

std::string thread_name() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

void close(thread_state& of) noexcept { delete std::exchange(of.open, nullptr); }

/// Everything there is once. It never goes: threads may outlive the process's end. Its file has another name until it
/// is whole: a process that is killed or replaced (exec) leaves none, and of several that are run in turn each writes
/// its own.
class process {
 public:
  process(std::string file, std::string program, bool by_thread)
      : file_{std::move(file)},
        part_{file_ + "." + std::to_string(getpid()) + ".part"},
        by_thread_{by_thread},
        recorder_{part_, options_of(std::move(program))} {
    // Before the recorder's first use, which makes a key for threads' farewells too: keys are seen in this order.
    if (int const failed = pthread_key_create(&farewell_, at_farewell); failed != 0) {
      throw std::system_error(failed, std::generic_category(), "pthread_key_create");
    }
  }

  [[nodiscard]] bool by_thread() const noexcept { return by_thread_; }

  /// Opens a request of this thread, which has none; it ends with the thread at the latest. Without memory there is
  /// none.
  void open(std::string_view route, thread_state& here) noexcept {
    try {
      if (!here.known && !get_to_know(here)) return;
      // relaxed: a number
      here.open = new heap_request(recorder_, next_id_.fetch_add(1, std::memory_order_relaxed), kept(route));
    } catch (std::bad_alloc const&) {
      here.open = nullptr;
    }
  }

  /// Ends every request that is open, and the file. No thread is inside.
  void finish() {
    std::scoped_lock const lock{mutex_};
    for (thread_state* const each : threads_) {
      if (!is_idle(*each)) return say("a thread is stuck: " + part_ + " has no end");
    }
    for (thread_state* const each : threads_) close(*each);
    trace::recording_report const report = recorder_.finish();
    if (!report.error.empty()) return say("cannot write " + part_ + ": " + report.error);
    if (std::rename(part_.c_str(), file_.c_str()) != 0) return say("cannot rename " + part_ + " to " + file_);
    say(to_string(report) + ": " + file_);
  }

 private:
  static trace::recorder_options options_of(std::string program) {
    trace::recorder_options options;
    options.settings.program = std::move(program);
    options.settings.workers = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
    return options;
  }

  static void say(std::string const& what) { std::fprintf(stderr, "mayfly-record: %s\n", what.c_str()); }

  /// false: the process is at its end.
  bool get_to_know(thread_state& here) {
    std::scoped_lock const lock{mutex_};
    // relaxed: finish() takes the same lock later
    if (!recording.load(std::memory_order_relaxed)) return false;
    threads_.push_back(&here);
    here.known = true;
    pthread_setspecific(farewell_, this);
    return true;
  }

  static void at_farewell(void* of) noexcept;

  void forget(thread_state& here) noexcept {
    std::scoped_lock const lock{mutex_};
    close(here);
    here.ended = true;
    std::erase(threads_, &here);
  }

  /// Whether the thread has left the library, within a second. One that has not been told of the end may be inside.
  static bool is_idle(thread_state& of) noexcept {
    constexpr int most_waits = 1'000;
    // sync recording-end: acquire; pairs with recorded(); reads what the thread has noted
    for (int waits = 0; of.busy.load(std::memory_order_acquire) && &of != &this_thread; ++waits) {
      if (waits == most_waits) return false;
      usleep(1'000);
    }
    return true;
  }

  /// The same name as long as there is a recorder. Under a lock of its own: finish() waits for who is in here.
  std::string_view kept(std::string_view route) {
    std::scoped_lock const lock{routes_mutex_};
    auto const found = routes_.find(route);
    return found != routes_.end() ? *found : *routes_.emplace(route).first;
  }

  std::string file_;
  std::string part_;
  bool by_thread_;
  trace::recorder recorder_;
  pthread_key_t farewell_{};
  std::atomic<std::uint64_t> next_id_{1};
  std::mutex mutex_;
  std::vector<thread_state*> threads_;  // guarded by mutex_
  std::mutex routes_mutex_;
  std::set<std::string, std::less<>> routes_;  // guarded by routes_mutex_
};

constinit process* all = nullptr;  // null in a forked child, too

/// What the library itself does, with what it allocates.
template <typename Body>
void unrecorded(Body const& body) noexcept {
  this_thread.ours = true;
  body();
  this_thread.ours = false;
}

void process::at_farewell(void* of) noexcept {
  if (all != nullptr) unrecorded([of] { static_cast<process*>(of)->forget(this_thread); });
}

/// %p is the process's number.
std::string file_name(std::string name) {
  if (auto const at = name.find("%p"); at != std::string::npos) name.replace(at, 2, std::to_string(getpid()));
  return name;
}

void stop_in_child() noexcept {
  all = nullptr;
  // relaxed: the child has this thread only
  recording.store(false, std::memory_order_relaxed);
}

void start_recording() {
  char const* const name = std::getenv("MAYFLY_RECORD");
  if (name == nullptr || *name == '\0') return;
  char const* const requests = std::getenv("MAYFLY_RECORD_REQUESTS");
  std::string_view const by = requests == nullptr ? "threads" : requests;
  if (by != "threads" && by != "marks") {
    std::fprintf(stderr, "mayfly-record: MAYFLY_RECORD_REQUESTS is '%s': it must be 'threads' or 'marks'\n", requests);
    return;
  }
  try {
    all = new process(file_name(name), program_invocation_short_name, by == "threads");
    pthread_atfork(nullptr, nullptr, stop_in_child);
    // sync recording-on: release; pairs with recorded(); publishes the recorder
    recording.store(true, std::memory_order_release);
  } catch (std::exception const& failed) {
    std::fprintf(stderr, "mayfly-record: nothing is recorded: %s\n", failed.what());
  }
}

void stop_recording() {
  // sync recording-end: seq_cst both ways; pairs with recorded()
  if (recording.exchange(false, std::memory_order_seq_cst)) all->finish();
}

[[gnu::constructor]] void at_start() { unrecorded(start_recording); }
[[gnu::destructor]] void at_end() { unrecorded(stop_recording); }

}  // namespace

void open_thread_request() noexcept {
  thread_state& here = this_thread;
  if (all->by_thread() && !here.marked && !here.ended) all->open(thread_name(), here);
}

void begin_request(char const* route) noexcept {
  recorded([route](thread_state& here) {
    close(here);
    here.marked = true;
    if (!here.ended) all->open(route == nullptr ? "request" : route, here);
  });
}

void end_request() noexcept {
  recorded([](thread_state& here) {
    if (here.marked) close(here);
  });
}

}  // namespace mayfly::preload
