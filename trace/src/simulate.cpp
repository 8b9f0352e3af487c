#include "first_pages.hpp"
#include "player.hpp"
#include "replay_figures.hpp"
#include "script.hpp"
#include <mayfly/detail/virtual_thread.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/trace/replay.hpp>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

namespace mayfly::trace {
namespace {

/// A thread of the trace that runs on whichever real one plays.
struct simulated_thread {
  detail::virtual_thread seat;
  first_pages pages;

  simulated_thread(trace const& of, life_routes const& routes, replay_settings const& settings,
                   detail::first_page_costs const& costs)
      : pages{of, routes, settings, costs} {}
};

class simulator {
 public:
  simulator(script const& of, replay_settings const& settings)
      : script_{of},
        settings_{settings},
        pages_{settings.pages},
        costs_{pages_},
        cast_{pages_, /*touches=*/false, of.of.arenas().size()},
        epochs_{pages_, settings.epoch} {
    unsigned const count = threads_of(of.of, settings);
    for (unsigned i = 0; i < count; ++i) {
      threads_.push_back(std::make_unique<simulated_thread>(of.of, of.routes, settings, costs_));
    }
  }

  simulation run(std::size_t count) {
    auto const began = std::chrono::steady_clock::now();
    std::span<step const> const steps = std::span{script_.steps}.first(std::min(count, script_.steps.size()));
    simulation result;
    progress_steps progress{settings_.progress, steps.size()};
    for (step const& next : steps) {
      if (!progress.go_on()) {
        result.whole = false;
        break;
      }
      epochs_.pass(next.at_ns, [this](std::uint64_t at_ns) { note_memory(at_ns); });
      note_memory(next.at_ns);
      play(next);
    }
    result.memory = sums_;
    result.memory.requests = script_.of.requests().size();
    add_pool_figures(pages_, epochs_.returned_bytes(), result.memory);
    result.mean_committed_bytes = committed_.mean();
    result.took = std::chrono::steady_clock::now() - began;
    return result;
  }

 private:
  void note_memory(std::uint64_t at_ns) noexcept { committed_.hold_until(at_ns, pages_.committed_bytes()); }

  void play(step const& next) {
    arena_life const& life = script_.of.arenas()[next.life];
    std::uint32_t const number = next.is_opening() ? life.opened_by : life.closed_by;
    simulated_thread& thread = *threads_[number % threads_.size()];
    detail::virtual_thread::seat const seat{thread.seat};
    if (next.is_opening()) {
      cast_.begin(next.life).begin(life, thread.pages.class_for(next.life, next.at_ns));
      sums_.allocations += life.allocations;
    } else {
      player& ending = cast_.of(next.life);
      thread.pages.learn(next.life, ending.memory(), next.at_ns);
      ending.end(sums_);
      cast_.end(next.life);
    }
  }

  script const& script_;
  replay_settings const& settings_;
  page_pool pages_;
  detail::first_page_costs costs_;
  std::vector<std::unique_ptr<simulated_thread>> threads_;
  cast cast_;
  epoch_ends epochs_;
  mean_over_time committed_;
  memory_figures sums_;
};

}  // namespace

simulation simulate(trace const& of, replay_settings const& settings) {
  script const all{of};
  return simulate(all, settings, all.steps.size());
}

simulation simulate(script const& of, replay_settings const& settings, std::size_t steps) {
  return simulator{of, settings}.run(steps);
}

}  // namespace mayfly::trace
