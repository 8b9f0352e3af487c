#include <mayfly/programs/quantities.hpp>
#include <mayfly/programs/terminal_line.hpp>
#include <mayfly/stress/replay_command.hpp>
#include <mayfly/stress/replay_report.hpp>
#include <mayfly/stress/stress_options.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include <unistd.h>

namespace mayfly::stress {

namespace {

std::optional<std::size_t> class_of(std::size_t bytes, page_pool_options const& pages) {
  if (bytes == 0) return std::nullopt;
  auto const found = std::ranges::find(pages.class_bytes, bytes);
  if (found != pages.class_bytes.end()) return static_cast<std::size_t>(found - pages.class_bytes.begin());
  throw usage_error("--first-page: " + programs::readable_bytes(static_cast<double>(bytes)) +
                    " is none of the page sizes; say one of --page-sizes, or adaptive");
}

template <class Value>
void take(std::optional<Value> const& said, Value& into) {
  if (said) into = *said;
}

}  // namespace

trace::replay_settings settings_for(trace::trace const& of, memory_settings const& said) {
  trace::recorded_settings const& recorded = of.settings();
  trace::replay_settings settings{
      .pages = recorded.pages, .first_class = recorded.first_class, .epoch = recorded.epoch};
  page_pool_options& pages = settings.pages;
  take(said.class_bytes, pages.class_bytes);
  take(said.growth_percent, pages.growth_percent);
  take(said.largest_in_page_bytes, pages.largest_in_page_bytes);
  take(said.magazine_pages, pages.magazine_pages);
  take(said.idle_floor_bytes, pages.idle_floor_bytes);
  take(said.idle_cap_bytes, pages.idle_cap_bytes);
  take(said.idle_epochs, pages.idle_epochs);
  take(said.block_cache_bytes, pages.block_cache_bytes);
  if (said.max_bytes) pages.max_bytes = *said.max_bytes == 0 ? page_pool_options::unlimited : *said.max_bytes;
  take(said.return_by, pages.return_by);
  take(said.huge_pages, pages.huge_pages);
  take(said.epoch, settings.epoch);
  if (said.first_page_bytes) settings.first_class = class_of(*said.first_page_bytes, pages);
  return settings;
}

exit_code replay_command(replay_options const& options, std::atomic<bool> const& stop) {
  trace::trace const played = trace::trace::read(options.trace);
  trace::replay_settings settings = settings_for(played, options.memory);
  settings.threads = options.threads;
  std::atomic<double> done{0};
  // relaxed: a figure to look at, and a flag from a signal handler
  settings.progress = [&](double part) {
    done.store(part, std::memory_order_relaxed);
    return !stop.load(std::memory_order_relaxed);
  };
  std::unique_ptr<programs::terminal_line> line;
  if (!options.quiet && ::isatty(STDERR_FILENO) == 1) {
    line = std::make_unique<programs::terminal_line>([&done](std::size_t) {
      return std::to_string(static_cast<int>(100 * done.load(std::memory_order_relaxed))) + " % of the trace is played";
    });
  }
  replay_result result{.options = options, .settings = settings, .counted = played.counted()};
  result.threads =
      settings.threads != 0 ? settings.threads : std::clamp(played.threads(), 1U, trace::most_replay_threads);
  if (options.simulate) {
    result.simulated = trace::simulate(played, settings);
  } else {
    result.real = trace::replay(played, settings, options.real_time ? trace::pace::real_time : trace::pace::full_speed);
  }
  line.reset();
  std::cout << (options.json ? replay_json(result) : replay_table(result)) << std::flush;
  if (!std::cout) {
    std::cerr << "mayfly-stress: cannot write the report\n";
    return exit_code::trouble;
  }
  return result.whole() ? exit_code::clean : exit_code::interrupted;
}

}  // namespace mayfly::stress
