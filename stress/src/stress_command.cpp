#include <mayfly/programs/plugin_file.hpp>
#include <mayfly/programs/terminal_line.hpp>
#include <mayfly/stress/report.hpp>
#include <mayfly/stress/stress_command.hpp>
#include <mayfly/stress/thread_stacks.hpp>
#include <mayfly/stress/watchdog.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include <unistd.h>

namespace mayfly::stress {

namespace {

bool shows_progress(stress_options const& options) {
  if (options.progress != progress_choice::automatic) return options.progress == progress_choice::always;
  return !options.quiet && ::isatty(STDERR_FILENO) == 1;
}

/// Says all there is to say and ends the process: what hangs cannot be joined.
[[noreturn]] void end_stalled(world& in, stress_options const& options) {
  std::string const text = "\nmayfly-stress: " + stall_report(in, options.watchdog) +
                           "repeat with: " + repeat_command(options, in.begun.load(std::memory_order_relaxed)) +
                           "\nverdict: STALLED\n";  // relaxed: a figure
  std::cerr << text << std::flush;
  ::_exit(static_cast<int>(exit_code::stalled));
}

}  // namespace

exit_code stress_command(stress_options const& options, run_surroundings surroundings) {
  prepare_stacks();
  surroundings.watch = [&](world& in) {
    return std::make_shared<watchdog>(in, options.watchdog, [&](world& stalled) { end_stalled(stalled, options); });
  };
  if (shows_progress(options)) {
    surroundings.show = [&](world& in) {
      return std::make_shared<programs::terminal_line>(
          [&in, &options, began = std::chrono::steady_clock::now()](std::size_t columns) {
            return progress_text(in, options, std::chrono::steady_clock::now() - began, columns);
          });
    };
  }
  // Before the run, and gone after it: their code is there as long as anything of theirs lives.
  programs::plugin_set const plugins(options.plugins);
  std::vector<plugin::named_handler> handlers;
  for (auto const* each : plugins.handlers()) handlers.push_back(*each);
  run_result const result = run(options, std::move(handlers), surroundings);
  std::string const wrong = violations_text(options, result);
  if (!wrong.empty()) std::cerr << wrong;
  if (options.json) {
    std::cout << report_json(options, result) << std::flush;
  } else {
    if (!options.quiet) std::cout << report_table(options, result);
    std::cout << verdict(result) << '\n' << std::flush;
  }
  if (!std::cout) {
    std::cerr << "mayfly-stress: cannot write the report\n";
    return exit_code::trouble;
  }
  if (result.recording && !result.recording->error.empty()) {
    std::cerr << "mayfly-stress: the trace " << options.record << " is not whole: " << result.recording->error << "\n";
    return exit_code::trouble;
  }
  if (!wrong.empty()) return exit_code::wrong;
  return result.stopped ? exit_code::interrupted : exit_code::clean;
}

}  // namespace mayfly::stress
