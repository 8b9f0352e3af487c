#include "first_pages.hpp"
#include "player.hpp"
#include "replay_figures.hpp"
#include "timeline.hpp"
#include <mayfly/page_pool.hpp>
#include <mayfly/trace/replay.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <fstream>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace mayfly::trace {
namespace {

using clock = std::chrono::steady_clock;

std::uint64_t page_faults_so_far() noexcept {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_minflt + used.ru_majflt);
}

std::size_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// From now on the kernel's peak is counted anew (proc(5), clear_refs).
void forget_peak() { std::ofstream{"/proc/self/clear_refs"} << 5 << std::flush; }

std::size_t peak_resident_bytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib << 10U;
  }
  return 0;
}

/// What all players have in common.
struct stage {
  trace const& of;
  replay_settings const& settings;
  pace how;
  page_pool pages;
  detail::first_page_costs costs;
  life_routes routes;
  std::latch begin;
  clock::time_point began{};
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

/// One thread of the replay.
class playing_thread {
 public:
  playing_thread(stage& on, unsigned number, unsigned threads)
      : on_{on},
        first_{number == 0},
        steps_{timeline_of(on.of, number, threads)},
        cast_{on.pages, /*touches=*/true, on.of.arenas().size()},
        first_pages_{on.of, on.routes, on.settings, on.costs},
        epochs_{on.pages, number == 0 ? on.settings.epoch : std::chrono::nanoseconds{0}} {}

  void run() {
    on_.begin.arrive_and_wait();
    progress_steps progress{first_ ? on_.settings.progress : asks_nobody, steps_.size()};
    for (step const& next : steps_) {
      if (!progress.go_on()) on_.stopped.store(true, std::memory_order_relaxed);  // relaxed: seen soon
      if (on_.stopped.load(std::memory_order_relaxed)) break;                     // relaxed: as above
      if (on_.how == pace::real_time) std::this_thread::sleep_until(on_.began + std::chrono::nanoseconds{next.at_ns});
      epochs_.pass(next.at_ns);
      play(next);
    }
    // relaxed: whoever waits joins the thread
    on_.playing.fetch_sub(1, std::memory_order_relaxed);
  }

  void add_to(replay_report& report) const {
    add(report.memory, sums_);
    report.latency.merge(latency_);
  }
  [[nodiscard]] std::uint64_t returned_bytes() const noexcept { return epochs_.returned_bytes(); }

 private:
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
  bool first_;
  std::vector<step> steps_;
  cast cast_;
  first_pages first_pages_;
  epoch_ends epochs_;
  memory_figures sums_;
  latency_histogram latency_;
};

/// What the process holds while the threads play.
void watch_memory(stage const& on, std::size_t before, replay_report& report) {
  constexpr std::chrono::milliseconds between{10};
  mean_over_time mean;
  // relaxed: a look
  while (on.playing.load(std::memory_order_relaxed) != 0) {
    std::size_t const now = resident_bytes();
    std::size_t const ours = now - std::min(now, before);
    mean.hold_until(static_cast<std::uint64_t>((clock::now() - on.began).count()), ours);
    std::this_thread::sleep_for(between);
  }
  report.mean_resident_bytes = mean.mean();
}

}  // namespace

replay_report replay(trace const& of, replay_settings const& settings, pace how) {
  unsigned const count = threads_of(of, settings);
  stage on{of, settings, how, count};
  std::vector<std::unique_ptr<playing_thread>> players;
  players.reserve(count);
  for (unsigned i = 0; i < count; ++i) players.push_back(std::make_unique<playing_thread>(on, i, count));
  replay_report report;
  forget_peak();
  std::uint64_t const faults = page_faults_so_far();
  std::size_t const resident = resident_bytes();
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
    watch_memory(on, resident, report);
  }
  report.took = clock::now() - on.began;
  std::size_t const peak = peak_resident_bytes();
  report.peak_resident_bytes = peak - std::min(peak, resident);
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
