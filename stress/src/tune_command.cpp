#include <mayfly/programs/terminal_line.hpp>
#include <mayfly/stress/stress_options.hpp>
#include <mayfly/stress/tune_command.hpp>
#include <mayfly/stress/tune_report.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>

#include <unistd.h>

namespace mayfly::stress {

namespace {

void write_file(std::string const& path, std::string const& text) {
  std::ofstream to(path, std::ios::binary);
  if (!(to << text << std::flush)) throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
}

bool same_file(std::string const& one, std::string const& other) {
  std::error_code none;  // where one of them is not there yet, only the names can be the same
  return one == other || std::filesystem::equivalent(one, other, none);
}

/// Before the search: what cannot be written is known after a second, and nothing is destroyed.
void check_outputs(tune_options const& options) {
  for (std::string const* const each : {&options.out, &options.report}) {
    if (each->empty()) continue;
    char const* const option = each == &options.out ? "--out" : "--report";
    if (same_file(*each, options.trace)) {
      throw usage_error(std::string(option) + " would overwrite the trace: " + *each + " is the same file");
    }
    if (std::ofstream to(*each, std::ios::binary | std::ios::app); !to) {
      throw usage_error(std::string(option) + ": cannot write " + *each + ": " + std::strerror(errno));
    }
  }
  if (!options.out.empty() && !options.report.empty() && same_file(options.out, options.report)) {
    throw usage_error("--out and --report are the same file: " + options.out);
  }
}

std::string progress_text(char const* what, double done, std::size_t columns) {
  constexpr std::size_t widest = 40;
  std::size_t const width = std::min(widest, columns > 40 ? columns - 40 : 0);
  auto const filled = static_cast<std::size_t>(done * static_cast<double>(width));
  return std::string("[") + std::string(filled, '#') + std::string(width - filled, '.') + "] " + what + ", " +
         std::to_string(static_cast<int>(100 * done)) + " %";
}

}  // namespace

exit_code tune_command(tune_options const& options, std::atomic<bool> const& stop) {
  trace::trace const played = trace::trace::read(options.trace);
  check_outputs(options);
  trace::replay_settings today = settings_for(played, options.today);
  today.threads = options.threads;
  std::atomic<double> done{0};
  std::atomic<char const*> what{"searching"};
  trace::tuning_options tuning = options.tuning;
  // relaxed: figures to look at, and a flag from a signal handler
  tuning.progress = [&](char const* doing, double part) {
    what.store(doing, std::memory_order_relaxed);
    done.store(part, std::memory_order_relaxed);
    return !stop.load(std::memory_order_relaxed);
  };
  std::unique_ptr<programs::terminal_line> line;
  if (!options.quiet && ::isatty(STDERR_FILENO) == 1) {
    line = std::make_unique<programs::terminal_line>([&](std::size_t columns) {
      return progress_text(what.load(std::memory_order_relaxed), done.load(std::memory_order_relaxed), columns);
    });
  }
  trace::tuning_result const found = trace::tune(played, today, tuning);
  line.reset();
  std::cout << tune_table(found, tuning) << std::flush;
  if (!options.out.empty()) write_file(options.out, tune_config(found, options.trace));
  if (!options.report.empty()) write_file(options.report, tune_page(found, tuning, options.trace));
  if (!std::cout) {
    std::cerr << "mayfly-stress: cannot write the report\n";
    return exit_code::trouble;
  }
  return found.whole ? exit_code::clean : exit_code::interrupted;
}

}  // namespace mayfly::stress
