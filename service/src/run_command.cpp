#include <mayfly/service/progress_line.hpp>
#include <mayfly/service/quantities.hpp>
#include <mayfly/service/report.hpp>
#include <mayfly/service/run_command.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>

#include <unistd.h>

namespace mayfly::service {

namespace {

boost::json::value read_patch(std::string const& path, std::size_t max_depth) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw input_error("cannot read the patch " + path);
  request_error error;
  parse_progress progress;
  parse_options options;
  options.max_depth = max_depth;
  request_memory const heap{boost::json::storage_ptr{}, std::pmr::new_delete_resource()};
  std::string const patch = text.str();
  auto tree = parse(patch, heap, options, error, progress);
  if (!tree) {
    throw input_error("the patch " + path + " is no use: " + std::string(error.text()) + ", at byte " +
                      std::to_string(error.at()));
  }
  return *std::move(tree);
}

handler_settings settings_for(run_options const& options) {
  handler_settings handlers;
  handlers.kind = *options.handler;
  handlers.max_depth = options.depth;
  if (handlers.kind == handler_kind::merge_patch) handlers.patch = read_patch(options.patch, options.depth);
  for (auto const& text : options.pointers)
    handlers.pointers.push_back(std::get<json_pointer>(json_pointer::parse(text)));
  return handlers;
}

engine_options engine_settings(run_options const& options) {
  engine_options settings;
  settings.memory = options.memory;
  settings.workers = options.workers;
  settings.window = options.window;
  settings.request_bytes = options.request_bytes;
  settings.page_budget_bytes = options.page_budget;
  settings.deadline = options.deadline;
  return settings;
}

bool shows_progress(run_options const& options) {
  if (options.progress != progress_choice::automatic) return options.progress == progress_choice::always;
  return !options.quiet && ::isatty(STDERR_FILENO) == 1;
}

/// Answers to standard output and a progress line on the same terminal would write over one another.
bool answers_to_terminal(run_options const& options) { return options.out == "-" && ::isatty(STDOUT_FILENO) == 1; }

void complain(std::string const& text) { std::cerr << "mayfly: " << text << "\n"; }

run_summary run_all(run_options const& options, run_surroundings const& surroundings) {
  handler_settings const handlers = settings_for(options);
  if (answer_file::would_empty(options.out, options.in)) {
    throw usage_error("--in and --out are the same file, " + options.in);
  }
  input_blocks blocks;
  auto source = open_source(options.in, blocks, {options.max_request_bytes, surroundings.stop, surroundings.stop_file});
  if (options.repeat > 1) source = repeat_source(std::move(source), options.repeat);
  answer_file output(options.out);

  run_plan plan;
  run_progress progress;
  plan.source = source.get();
  plan.passes = options.repeat;
  plan.requests_per_pass = options.repeat > 1 ? source->total().value_or(0) / options.repeat : 0;
  plan.blocks = &blocks;
  plan.output = &output;
  plan.handlers = &handlers;
  plan.window = options.window;
  plan.stop = surroundings.stop;
  plan.count_mallocs = surroundings.count_mallocs;
  plan.progress = &progress;

  std::optional<progress_line> line;
  plan.make_engine = [&](answer_window& window) {
    std::unique_ptr<engine> made;
    auto const make = [&] {
      made = make_pool_engine(engine_settings(options), handlers, window);
      if (shows_progress(options) && !answers_to_terminal(options)) line.emplace(progress, source->total());
    };
    surroundings.around_threads ? surroundings.around_threads(make) : make();
    return made;
  };
  return run(plan);
}

void show_summary(run_options const& options, run_summary const& summary) {
  if (options.json) {
    std::cout << summary_json(options, summary) << std::flush;
  } else if (!options.quiet) {
    (options.out == "-" ? std::cerr : std::cout) << summary_table(options, summary) << std::flush;
  }
}

}  // namespace

exit_code run_command(run_options const& options, run_surroundings const& surroundings) {
  run_summary summary;
  try {
    summary = run_all(options, surroundings);
  } catch (std::exception const& failed) {
    complain(failed.what());
    return exit_code::trouble;
  }
  show_summary(options, summary);
  if (!summary.input_error.empty()) complain(summary.input_error);
  if (!summary.output_error.empty()) {
    complain(summary.output_error + " (" + with_commas(summary.answers_written) + " answers were written)");
  }
  if (!summary.input_error.empty() || !summary.output_error.empty()) return exit_code::trouble;
  if (summary.stopped) return exit_code::interrupted;
  return summary.totals.failed() != 0 ? exit_code::some_failed : exit_code::ok;
}

}  // namespace mayfly::service
