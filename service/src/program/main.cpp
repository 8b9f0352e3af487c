#include "command_line.hpp"
#include "malloc_count.hpp"
#include <mayfly/programs/standard_files.hpp>
#include <mayfly/programs/stop_signal.hpp>
#include <mayfly/service/run_command.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  using namespace mayfly::service;
  if (!mayfly::programs::keep_standard_files_taken()) return static_cast<int>(exit_code::trouble);
  try {
    parsed_command_line const said = parse_command_line(argc, argv);
    if (!said.run) return said.exit;
    mayfly::programs::stop_signal const stop;
    run_surroundings surroundings;
    surroundings.stop = &stop.flag();
    surroundings.stop_file = stop.file();
    if (mallocs_are_counted()) surroundings.count_mallocs = &count_mallocs;
    surroundings.around_threads = [](std::function<void()> const& make_threads) {
      mayfly::programs::signals_blocked const here;
      make_threads();
    };
    return static_cast<int>(run_command(*said.run, surroundings));
  } catch (std::exception const& failed) {
    std::cerr << "mayfly: " << failed.what() << "\n";
    return static_cast<int>(exit_code::trouble);
  }
}
