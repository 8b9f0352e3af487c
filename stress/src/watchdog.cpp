#include <mayfly/programs/quantities.hpp>
#include <mayfly/stress/thread_stacks.hpp>
#include <mayfly/stress/watchdog.hpp>

#include <algorithm>
#include <vector>

namespace mayfly::stress {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t most_scopes_shown = 100;

/// The thread of its handler; 0: none runs it now, or it has ended.
std::int32_t runner_of(world& in, scope_id id) {
  scope_pin const pinned = in.registry->pin(id);
  if (!pinned) return 0;
  return in.runs_on[pinned.get().slot_index()].load(std::memory_order_relaxed);  // relaxed: to look at
}

std::string scope_line(world& in, scope_info const& one, clock::time_point now) {
  auto const age = std::max<clock::duration>(now - one.opened, clock::duration::zero());
  std::int32_t const thread = runner_of(in, one.id);
  return "  scope " + to_string(one.id) + " route " + std::string(one.route) + ", " + to_string(one.phase) + ", " +
         programs::readable_time(age) + " old, " +
         (thread == 0 ? "on no thread" : "on thread " + std::to_string(thread)) +
         (one.stop_requested ? ", told to stop" : "");
}

}  // namespace

std::string stall_report(world& in, std::chrono::nanoseconds after, std::function<void()> const& goes_on) {
  std::string text = "nothing got done for " + programs::readable_time(after) + "\n";
  auto const now = clock::now();
  std::vector<scope_info> live;
  in.registry->for_each_live([&](scope_info const& one) { live.push_back(one); });
  text += std::to_string(live.size()) + " live scopes\n";
  std::ranges::partition(live, [&](scope_info const& one) { return runner_of(in, one.id) != 0; });
  std::size_t const shown = std::min(live.size(), most_scopes_shown);
  for (std::size_t i = 0; i < shown; ++i) text += scope_line(in, live[i], now) + "\n";
  if (shown < live.size()) text += "  and " + std::to_string(live.size() - shown) + " more\n";
  for (auto const& stack : stacks_of_other_threads(std::chrono::seconds{2}, goes_on)) {
    text += "thread " + std::to_string(stack.thread) + " " + stack.name + "\n";
    if (!stack.missing.empty()) text += "  no stack: " + stack.missing + "\n";
    for (auto const& frame : stack.frames) text += "  " + frame + "\n";
  }
  return text;
}

watchdog::watchdog(world& in, std::chrono::nanoseconds patience, std::function<void(world&)> stalled)
    : world_(in), patience_(patience), stalled_(std::move(stalled)), thread_([this] { look(); }) {}

watchdog::~watchdog() {
  {
    std::scoped_lock const lock(mutex_);
    ended_ = true;
  }
  change_.notify_one();
  thread_.join();
}

void watchdog::look() {
  std::uint64_t seen = world_.progress();
  auto since = clock::now();
  auto const interval = std::clamp<std::chrono::nanoseconds>(patience_ / 10, std::chrono::milliseconds{1},
                                                             std::chrono::milliseconds{500});
  std::unique_lock lock(mutex_);
  while (!change_.wait_for(lock, interval, [&] { return ended_; })) {
    std::uint64_t const now = world_.progress();
    if (now != seen) {
      seen = now;
      since = clock::now();
    } else if (clock::now() - since >= patience_) {
      return stalled_(world_);
    }
  }
}

}  // namespace mayfly::stress
