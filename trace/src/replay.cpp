#include "first_pages.hpp"
#include "player.hpp"
#include "replay_figures.hpp"
#include "resident_memory.hpp"
#include "timeline.hpp"
#include <mayfly/page_pool.hpp>
#include <mayfly/trace/replay.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace mayfly::trace {
namespace {

using clock = std::chrono::steady_clock;

std::uint64_t page_faults_so_far() noexcept {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_minflt + used.ru_majflt);
}

/// What all players have in common.
struct stage {
  trace const& of;
  replay_settings const& settings;
  pace how;
  page_pool pages;
  detail::first_page_costs costs;
  life_routes routes;
  resident_meter resident;
  std::latch begin;
  clock::time_point began{};
  std::size_t before = 0;  // what the process held when it began
  std::atomic<bool> stopped{false};
  std::atomic<unsigned> playing;

  stage(trace const& played, replay_settings const& with, pace fast, unsigned threads)
      : of{played},
        settings{with},
        how{fast},
        pages{with.pages},
        costs{pages},
        routes{played},
        begin{threads + 1},
        playing{threads} {}
};

/// One thread of the replay. One of them leads: it ends epochs, looks at what is resident, and asks whether to go on.
class playing_thread {
 public:
  playing_thread(stage& on, std::vector<step> steps, bool leads)
      : on_{on},
        leads_{leads},
        steps_{std::move(steps)},
        progress_{leads ? on.settings.progress : asks_nobody, steps_.size()},
        cast_{on.pages, /*touches=*/true, on.of.arenas().size()},
        first_pages_{on.of, on.routes, on.settings, on.costs},
        epochs_{on.pages, leads ? on.settings.epoch : std::chrono::nanoseconds{0}} {}

  void run() {
    on_.begin.arrive_and_wait();
    for (step const& next : steps_) {
      if (!goes_on(progress_.go_on()) || !come_to(next.at_ns)) break;
      play(next);
    }
    // relaxed, both: whoever waits for what it played joins the thread
    on_.playing.fetch_sub(1, std::memory_order_relaxed);
    while (leads_ && on_.how == pace::real_time && on_.playing.load(std::memory_order_relaxed) != 0) {
      if (!goes_on(progress_.ask())) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  }

  void add_to(replay_report& report) const {
    add(report.memory, sums_);
    report.latency.merge(latency_);
    if (leads_) report.mean_resident_bytes = held_.mean();
  }
  [[nodiscard]] std::uint64_t returned_bytes() const noexcept { return epochs_.returned_bytes(); }

 private:
  /// Whether nobody has been told to stop: neither this thread, now, nor any before.
  [[nodiscard]] bool goes_on(bool told_to) const noexcept {
    // relaxed, both: seen soon
    if (!told_to) on_.stopped.store(true, std::memory_order_relaxed);
    return !on_.stopped.load(std::memory_order_relaxed);
  }

  /// The trace's time goes on. Epochs end on the way, in a pause one after the other. false: stopped.
  [[nodiscard]] bool come_to(std::uint64_t at_ns) {
    while (on_.how == pace::real_time && epochs_.next_ns() < at_ns) {
      if (!sleep_until(epochs_.next_ns())) return false;
      pass(epochs_.next_ns());
    }
    if (on_.how == pace::real_time && !sleep_until(at_ns)) return false;
    pass(at_ns);
    look_now_and_then(at_ns);
    return true;
  }
  void look_now_and_then(std::uint64_t at_ns) noexcept {
    if (!leads_ || at_ns < next_look_ns_) return;
    constexpr std::uint64_t looks = 64;  // in all, and one an epoch
    if (next_look_ns_ == 0) look_every_ns_ = (steps_.back().at_ns - at_ns) / looks + 1;
    next_look_ns_ = at_ns + look_every_ns_;
    look(at_ns);
  }
  /// Looks up every tenth of a second. false: stopped.
  [[nodiscard]] bool sleep_until(std::uint64_t at_ns) const {
    constexpr std::chrono::milliseconds longest{100};
    clock::time_point const end = on_.began + std::chrono::nanoseconds{at_ns};
    for (auto now = clock::now(); now < end; now = clock::now()) {
      std::this_thread::sleep_until(std::min(end, now + longest));
      if (!goes_on(progress_.ask())) return false;
    }
    return true;
  }
  void pass(std::uint64_t at_ns) {
    epochs_.pass(at_ns, [this](std::uint64_t end_ns) { look(end_ns); });
  }

  /// Notes what the process holds, in the trace's time: a pause counts for as long as it lasted, at whatever pace.
  void look(std::uint64_t at_ns) noexcept {
    std::size_t const now = on_.resident.now();
    held_.hold_until(at_ns, now - std::min(now, on_.before));
  }

  void play(step const& next) {
    arena_life const& life = on_.of.arenas()[next.life];
    auto const start = clock::now();
    if (next.is_opening()) {
      player& begins = cast_.begin(next.life);
      begins.begin(life, first_pages_.class_for(next.life, next.at_ns));
      sums_.allocations += life.allocations;
      begins.worked = clock::now() - start;
    } else {
      player& ending = cast_.of(next.life);
      first_pages_.learn(next.life, ending.memory(), next.at_ns);
      ending.end(sums_);
      latency_.add(ending.worked + (clock::now() - start));
      cast_.end(next.life);
    }
  }

  inline static std::function<bool(double)> const asks_nobody{};

  stage& on_;
  bool leads_;
  std::vector<step> steps_;
  progress_steps progress_;
  cast cast_;
  first_pages first_pages_;
  epoch_ends epochs_;
  std::uint64_t next_look_ns_ = 0;
  std::uint64_t look_every_ns_ = 0;
  mean_over_time held_;
  memory_figures sums_;
  latency_histogram latency_;
};

/// Who has the most to do leads: a thread that only submitted has nothing.
std::vector<std::unique_ptr<playing_thread>> players_of(stage& on, unsigned count) {
  std::vector<std::vector<step>> steps(count);
  for (unsigned i = 0; i < count; ++i) steps[i] = timeline_of(on.of, i, count);
  auto const leader = std::ranges::max_element(steps, {}, &std::vector<step>::size) - steps.begin();
  std::vector<std::unique_ptr<playing_thread>> players(count);
  for (unsigned i = 0; i < count; ++i) {
    players[i] = std::make_unique<playing_thread>(on, std::move(steps[i]), i == leader);
  }
  return players;
}

/// Where the kernel's peak is of no use, the largest of many looks stands for it.
void look_while_they_play(stage const& on, peak_meter& peak) {
  constexpr std::chrono::microseconds between{200};
  // relaxed: a look
  while (!peak.is_exact() && on.playing.load(std::memory_order_relaxed) != 0) {
    peak.see(on.resident.now());
    std::this_thread::sleep_for(between);
  }
}

}  // namespace

replay_report replay(trace const& of, replay_settings const& settings, pace how) {
  unsigned const count = threads_of(of, settings);
  stage on{of, settings, how, count};
  auto const players = players_of(on, count);
  replay_report report;
  std::uint64_t const faults = page_faults_so_far();
  on.before = on.resident.now();
  peak_meter peak;
  peak.start(on.before);
  report.peak_is_exact = peak.is_exact();
  {
    std::vector<std::jthread> threads;
    threads.reserve(count);
    try {
      for (auto const& each : players) threads.emplace_back([&each] { each->run(); });
    } catch (...) {
      on.stopped.store(true, std::memory_order_relaxed);  // relaxed: the latch orders it
      on.begin.count_down(static_cast<std::ptrdiff_t>(count - threads.size() + 1));
      throw;
    }
    on.began = clock::now();
    on.begin.arrive_and_wait();
    look_while_they_play(on, peak);
  }
  report.took = clock::now() - on.began;
  peak.see(on.resident.now());
  report.peak_resident_bytes = peak.peak() - on.before;
  report.page_faults = page_faults_so_far() - faults;
  std::uint64_t returned = 0;
  for (auto const& each : players) {
    each->add_to(report);
    returned += each->returned_bytes();
  }
  report.memory.requests = of.requests().size();
  add_pool_figures(on.pages, returned, report.memory);
  report.whole = !on.stopped.load(std::memory_order_relaxed);  // relaxed: the threads are joined
  return report;
}

}  // namespace mayfly::trace
