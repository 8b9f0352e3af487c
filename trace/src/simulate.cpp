#include "first_pages.hpp"
#include "player.hpp"
#include "replay_figures.hpp"
#include "timeline.hpp"
#include <mayfly/detail/virtual_thread.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/trace/replay.hpp>

#include <memory>
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
  simulator(trace const& of, replay_settings const& settings)
      : of_{of},
        settings_{settings},
        pages_{settings.pages},
        costs_{pages_},
        routes_{of},
        cast_{pages_, /*touches=*/false, of.arenas().size()},
        epochs_{pages_, settings.epoch} {
    unsigned const count = threads_of(of, settings);
    for (unsigned i = 0; i < count; ++i) {
      threads_.push_back(std::make_unique<simulated_thread>(of, routes_, settings, costs_));
    }
  }

  simulation run() {
    auto const began = std::chrono::steady_clock::now();
    std::vector<step> const steps = timeline_of(of_, 0, 1);
    simulation result;
    progress_steps progress{settings_.progress, steps.size()};
    for (step const& next : steps) {
      if (!progress.go_on()) {
        result.whole = false;
        break;
      }
      epochs_.pass(next.at_ns);
      committed_.hold_until(next.at_ns, pages_.committed_bytes());
      play(next);
    }
    result.memory = sums_;
    result.memory.requests = of_.requests().size();
    add_pool_figures(pages_, epochs_.returned_bytes(), result.memory);
    result.mean_committed_bytes = committed_.mean();
    result.took = std::chrono::steady_clock::now() - began;
    return result;
  }

 private:
  void play(step const& next) {
    arena_life const& life = of_.arenas()[next.life];
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

  trace const& of_;
  replay_settings const& settings_;
  page_pool pages_;
  detail::first_page_costs costs_;
  life_routes routes_;
  std::vector<std::unique_ptr<simulated_thread>> threads_;
  cast cast_;
  epoch_ends epochs_;
  mean_over_time committed_;
  memory_figures sums_;
};

}  // namespace

simulation simulate(trace const& of, replay_settings const& settings) { return simulator{of, settings}.run(); }

}  // namespace mayfly::trace
