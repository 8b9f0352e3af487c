#include <mayfly/programs/plugin_file.hpp>
#include <mayfly/programs/quantities.hpp>
#include <mayfly/programs/terminal_line.hpp>
#include <mayfly/stress/last_words.hpp>
#include <mayfly/stress/report.hpp>
#include <mayfly/stress/stress_command.hpp>
#include <mayfly/stress/thread_stacks.hpp>
#include <mayfly/stress/watchdog.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace mayfly::stress {

namespace {

bool shows_progress(stress_options const& options) {
  if (options.progress != progress_choice::automatic) return options.progress == progress_choice::always;
  return !options.quiet && ::isatty(STDERR_FILENO) == 1;
}

/// For a report to get from one stack to the next.
constexpr std::chrono::seconds reporting_patience{10};

void report_gets_on() { last_words::unless_within(reporting_patience); }

/// Says all there is to say and ends the process: what hangs cannot be joined. Where the report hangs as well, somebody
/// else says a part of it.
[[noreturn]] void end_stalled(world& in, stress_options const& options) {
  report_gets_on();
  std::string const text = "\nmayfly-stress: " + stall_report(in, options.watchdog, &report_gets_on) +
                           "repeat with: " + repeat_command(options, in.begun.load(std::memory_order_relaxed)) +
                           "\nverdict: STALLED\n";  // relaxed: a figure
  std::cerr << text << std::flush;
  ::_exit(static_cast<int>(exit_code::stalled));
}

/// Looks whether a run gets on, and has words ready for when not even that can be said.
struct watching {
  last_words words;
  watchdog dog;

  watching(world& in, stress_options const& options) : watching(in, options, repeat_command(options, 0)) {}

 private:
  watching(world& in, stress_options const& options, std::string const& repeat)
      : words("\nmayfly-stress: nothing got done for " + programs::readable_time(options.watchdog) +
                  ", and the report of it does not get on: a thread may hang inside the heap\nrepeat with: " +
                  repeat.substr(0, number_in(repeat)),
              in.begun, repeat.substr(number_in(repeat) + 1) + "\nverdict: STALLED\n",
              static_cast<int>(exit_code::stalled)),
        dog(in, options.watchdog, [&options](world& stalled) { end_stalled(stalled, options); }) {}

  /// Where the number of requests is: one digit, 0.
  static std::size_t number_in(std::string const& repeat) {
    constexpr std::string_view before = "--requests ";
    return repeat.find(before) + before.size();
  }
};

}  // namespace

exit_code stress_command(stress_options const& options, run_surroundings surroundings) {
  prepare_stacks();
  surroundings.watch = [&](world& in) { return std::make_shared<watching>(in, options); };
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
