#include "file_descriptor.hpp"
#include <mayfly/programs/plugin_file.hpp>
#include <mayfly/programs/quantities.hpp>
#include <mayfly/service/progress_line.hpp>
#include <mayfly/service/report.hpp>
#include <mayfly/service/run_command.hpp>

#include <cerrno>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <system_error>

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

programs::plugin_set load_plugins(run_options const& options) {
  std::vector<std::string_view> ours;
  for (auto const& handler : handler_names()) ours.push_back(handler.name);
  return programs::plugin_set(options.plugins, ours);
}

handler_settings settings_for(run_options const& options, programs::plugin_set const& plugins) {
  handler_settings handlers;
  handlers.max_depth = options.depth;
  auto const kind = handler_named(options.handler);
  if (!kind) {
    handlers.of_plugin = plugins.find(options.handler);
    if (handlers.of_plugin == nullptr) throw usage_error(unknown_handler(options, plugins.names()));
    return handlers;
  }
  handlers.kind = *kind;
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
  settings.trim_interval = options.of_memory.trim_interval;
  settings.request_bytes = options.request_bytes;
  settings.page_budget_bytes = options.of_memory.page_budget_bytes;
  settings.of_memory = options.of_memory;
  settings.guard_one_in = static_cast<std::uint32_t>(options.guard_one_in);
  settings.audit_one_in = static_cast<std::uint32_t>(options.audit_one_in);
  settings.deadline = options.deadline;
  return settings;
}

bool shows_progress(run_options const& options) {
  if (options.progress != progress_choice::automatic) return options.progress == progress_choice::always;
  return !options.quiet && ::isatty(STDERR_FILENO) == 1;
}

/// Answers to standard output and a progress line on the same terminal would write over one another.
bool answers_to_terminal(answer_file const& output) {
  return output.is_standard_output() && ::isatty(STDOUT_FILENO) == 1;
}

void complain(std::string const& text) { std::cerr << "mayfly: " << text << "\n"; }

/// What of the run's own a file is; nothing where it is none.
std::string read_by_run(run_options const& options, request_source const& source, file_identity const& identity) {
  if (source.reads(identity)) return "the requests";
  if (!options.patch.empty() && identity_of(options.patch) == identity) return "the patch";
  if (!options.config.empty() && identity_of(options.config) == identity) return "the configuration";
  for (auto const& plugin : options.plugins) {
    if (identity_of(plugin) == identity) return "a plugin";
  }
  return {};
}

/// Refuses an output that would destroy what the run reads, or mix with what it prints.
void check_output(run_options const& options, request_source const& source, answer_file const& output) {
  if (options.json && output.is_standard_output()) throw usage_error(json_needs_a_file(options));
  auto const identity = output.identity();
  if (!identity) return;
  std::string const what = read_by_run(options, source, *identity);
  if (what.empty()) return;
  throw usage_error("the answers would overwrite " + what + ": " + output.name() +
                    " is the same file; say another --out");
}

/// The same of a trace, which may not mix with the answers either.
void check_trace(run_options const& options, request_source const& source, answer_file const& output) {
  auto const identity = identity_of(options.record);
  if (!identity) return;
  std::string const what = output.identity() == identity ? "the answers" : read_by_run(options, source, *identity);
  if (what.empty()) return;
  throw usage_error("the trace would overwrite " + what + ": " + options.record +
                    " is the same file; say another --record");
}

std::unique_ptr<trace::recorder> start_recording(run_options const& options) {
  if (options.record.empty()) return nullptr;
  try {
    return std::make_unique<trace::recorder>(
        options.record, trace::recorder_options{.settings = recorded_settings_of(engine_settings(options))});
  } catch (std::system_error const& failed) {
    throw input_error("cannot write the trace " + options.record + ": " + failed.code().message());
  }
}

/// A run, and what its summary must know beyond it.
struct finished_run {
  run_summary summary;
  bool answers_on_standard_output = false;
};

finished_run run_all(run_options const& options, run_surroundings const& surroundings) {
  programs::plugin_set const plugins = load_plugins(options);  // first: unloaded when nothing can call it any more
  handler_settings const handlers = settings_for(options, plugins);
  input_blocks blocks;
  auto source = open_source(options.in, blocks, {options.max_request_bytes, surroundings.stop, surroundings.stop_file});
  if (options.repeat > 1) source = repeat_source(std::move(source), options.repeat);
  answer_file output(options.out, [&](answer_file const& opened) { check_output(options, *source, opened); });
  finished_run finished;
  finished.answers_on_standard_output = output.is_standard_output();

  run_plan plan;
  run_progress progress;
  plan.source = source.get();
  plan.passes = options.repeat;
  plan.requests_per_pass = options.repeat > 1 ? source->total().value_or(0) / options.repeat : 0;
  plan.blocks = &blocks;
  plan.output = &output;
  plan.handlers = &handlers;
  plan.window = options.window;
  plan.accounts = options.stats;
  plan.audits = options.audit_one_in != 0;
  plan.stop = surroundings.stop;
  plan.count_mallocs = surroundings.count_mallocs;
  plan.progress = &progress;

  if (!options.record.empty()) check_trace(options, *source, output);
  auto const recorder = start_recording(options);
  std::optional<progress_line> line;
  plan.make_engine = [&](answer_window& window) {
    std::unique_ptr<engine> made;
    auto const make = [&] {
      engine_options settings = engine_settings(options);
      settings.recorder = recorder.get();
      made = make_pool_engine(settings, handlers, window);
      if (shows_progress(options) && !answers_to_terminal(output)) line.emplace(progress, source->total());
    };
    surroundings.around_threads ? surroundings.around_threads(make) : make();
    return made;
  };
  finished.summary = run(plan);
  if (recorder) finished.summary.recording = recorder->finish();
  return finished;
}

/// False: it could not be written, and that has been said.
bool show_summary(run_options const& options, finished_run const& finished) {
  if (options.quiet && !options.json) return true;
  std::ostream& to = finished.answers_on_standard_output ? std::cerr : std::cout;
  errno = 0;
  to << (options.json ? summary_json(options, finished.summary) : summary_table(options, finished.summary))
     << std::flush;
  if (to) return true;
  std::string const why = errno == 0 ? "" : ": " + system_reason(errno);
  complain("cannot write the summary" + why);
  return false;
}

}  // namespace

exit_code run_command(run_options const& options, run_surroundings const& surroundings) {
  finished_run finished;
  try {
    finished = run_all(options, surroundings);
  } catch (std::exception const& failed) {
    complain(failed.what());
    return exit_code::trouble;
  }
  run_summary const& summary = finished.summary;
  bool const shown = show_summary(options, finished);
  if (!summary.input_error.empty()) complain(summary.input_error);
  if (!summary.output_error.empty()) {
    complain(summary.output_error + " (" + programs::with_commas(summary.answers_written) + " answers were written)");
  }
  bool const recorded = !summary.recording || summary.recording->error.empty();
  if (!recorded) complain("the trace " + options.record + " is not whole: " + summary.recording->error);
  if (!shown || !recorded || !summary.input_error.empty() || !summary.output_error.empty()) return exit_code::trouble;
  if (summary.stopped) return exit_code::interrupted;
  return summary.totals.failed() != 0 ? exit_code::some_failed : exit_code::ok;
}

}  // namespace mayfly::service
