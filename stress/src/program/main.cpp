#include "command_line.hpp"
#include <mayfly/programs/standard_files.hpp>
#include <mayfly/programs/stop_signal.hpp>
#include <mayfly/stress/stress_command.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  using namespace mayfly::stress;
  if (!mayfly::programs::keep_standard_files_taken()) return static_cast<int>(exit_code::trouble);
  try {
    parsed_command_line const said = parse_command_line(argc, argv);
    if (!said.stress && !said.replay && !said.tune) return said.exit;
    mayfly::programs::stop_signal const stop;
    if (said.replay) return static_cast<int>(replay_command(*said.replay, stop.flag()));
    if (said.tune) return static_cast<int>(tune_command(*said.tune, stop.flag()));
    run_surroundings surroundings;
    surroundings.stop = &stop.flag();
    surroundings.around_threads = [](std::function<void()> const& make_threads) {
      mayfly::programs::signals_blocked const here;
      make_threads();
    };
    return static_cast<int>(stress_command(*said.stress, surroundings));
  } catch (std::exception const& failed) {
    std::cerr << "mayfly-stress: " << failed.what() << "\n";
    return static_cast<int>(exit_code::trouble);
  }
}
