#include <mayfly/executor_options.hpp>
#include <mayfly/memory_settings.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/programs/quantities.hpp>
#include <mayfly/service/json_parse.hpp>
#include <mayfly/service/run_options.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace mayfly::service {

namespace {

using refusal = std::optional<std::string>;

constexpr std::size_t most_window = 1'000'000;
constexpr std::size_t most_repeats = 1'000'000'000;

refusal set_handler(run_options& to, std::string const& value) {
  to.handler = value;
  return {};
}

refusal add_plugin(run_options& to, std::string const& value) {
  if (value.empty()) return "names no file";
  to.plugins.push_back(value);
  return {};
}

refusal set_in(run_options& to, std::string const& value) {
  to.in = value;
  return {};
}

refusal set_out(run_options& to, std::string const& value) {
  to.out = value;
  return {};
}

refusal set_patch(run_options& to, std::string const& value) {
  to.patch = value;
  return {};
}

refusal add_pointer(run_options& to, std::string const& value) {
  auto const parsed = json_pointer::parse(value);
  if (auto const* error = std::get_if<json_pointer::syntax_error>(&parsed)) {
    return "is no JSON Pointer: at byte " + std::to_string(error->at) + ", " + error->text;
  }
  to.pointers.push_back(value);
  return {};
}

template <class Value, class Field>
refusal keep(std::optional<Value> const& value, Field& field, char const* otherwise) {
  if (!value) return otherwise;
  field = *value;
  return {};
}

refusal set_workers(run_options& to, std::string const& value) {
  return keep(programs::parse_count(value, 1, executor_options::most_workers), to.workers,
              "must be a number from 1 to 1024");
}

refusal set_window(run_options& to, std::string const& value) {
  return keep(programs::parse_count(value, 1, most_window), to.window, "must be a number from 1 to 1000000");
}

refusal set_memory(run_options& to, std::string const& value) {
  if (value != "arena" && value != "heap") return "is neither arena nor heap";
  to.memory = value == "heap" ? memory_kind::heap : memory_kind::arena;
  return {};
}

refusal set_depth(run_options& to, std::string const& value) {
  return keep(programs::parse_count(value, 1, deepest_depth), to.depth, "must be a number from 1 to 4096");
}

constexpr char const* bytes_wanted = "must be a number of bytes, alone or with KiB, MiB or GiB behind it";

refusal set_max_request_bytes(run_options& to, std::string const& value) {
  auto const bytes = programs::parse_bytes(value);
  if (bytes && *bytes == 0) return "must be 1 byte at least";
  return keep(bytes, to.max_request_bytes, bytes_wanted);
}

refusal set_request_bytes(run_options& to, std::string const& value) {
  return keep(programs::parse_bytes(value), to.request_bytes, bytes_wanted);
}

/// What a configuration file for an executor's memory says, too (memory_settings.hpp).
refusal set_memory_setting(run_options& to, std::string_view name, std::string const& value) {
  return std::ranges::find(memory_settings(), name, &memory_setting::name)->apply(to.of_memory, value);
}

refusal set_deadline(run_options& to, std::string const& value) {
  return keep(programs::parse_duration(value), to.deadline, "must be a time, such as 200us, 50ms, 2s or 1m");
}

refusal set_record(run_options& to, std::string const& value) {
  if (value.empty()) return "names no file";
  to.record = value;
  return {};
}

refusal set_guard(run_options& to, std::string const& value) {
  return keep(programs::parse_count(value, 0, std::numeric_limits<std::uint32_t>::max()), to.guard_one_in,
              "must be a number from 0 (none) to 4294967295");
}

refusal set_audit(run_options& to, std::string const& value) {
  return keep(programs::parse_count(value, 0, std::numeric_limits<std::uint32_t>::max()), to.audit_one_in,
              "must be a number from 0 (none) to 4294967295");
}

refusal set_repeat(run_options& to, std::string const& value) {
  return keep(programs::parse_count(value, 1, most_repeats), to.repeat, "must be a number from 1 on");
}

refusal set_json(run_options& to, std::string const&) {
  to.json = true;
  return {};
}

refusal set_advise(run_options& to, std::string const&) {
  to.advise = true;
  return {};
}

refusal set_stats(run_options& to, std::string const&) {
  to.stats = true;
  return {};
}

refusal set_quiet(run_options& to, std::string const&) {
  to.quiet = true;
  return {};
}

refusal set_progress(run_options& to, std::string const& value) {
  static constexpr std::array<std::string_view, 3> choices{"auto", "always", "never"};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (value == choices[i]) {
      to.progress = static_cast<progress_choice>(i);
      return {};
    }
  }
  return "is none of auto, always, never";
}

constexpr std::string_view io = "Input and output";
constexpr std::string_view work = "What is done";
constexpr std::string_view limits = "Limits";
constexpr std::string_view recycling = "Memory (what mayfly-stress tune --out writes)";
constexpr std::string_view measuring = "Measuring";

using enum setting::shape;

constexpr std::array<setting, 35> all_settings{{
    {"handler", text, "NAME", work,
     "echo, canonicalize (RFC 8785), merge-patch (RFC 7396), extract (RFC 6901), or one of a plugin", &set_handler},
    {"plugin", list, "FILE.so", work, "handlers of your own (docs/plugins.md); may be said again", &add_plugin},
    {"patch", text, "FILE", work, "merge-patch: the patch that is applied to every request", &set_patch},
    {"pointer", list, "POINTER", work,
     "extract: the value to take, as /user/name; given more than once, answers are arrays", &add_pointer},
    {"in", text, "PATH", io, "requests: a file with one a line, a folder of .json files, or - (standard input)",
     &set_in},
    {"out", text, "FILE", io, "answers, one a line, in the order of the requests; - is standard output", &set_out},
    {"depth", text, "N", limits, "levels of nesting a request may have (default 512, at most 4096)", &set_depth},
    {"max-request-bytes", text, "SIZE", limits, "bytes a request may have (default 16MiB)", &set_max_request_bytes},
    {"request-bytes", text, "SIZE", limits, "memory one request's arena may take (default 256MiB; 0: no limit)",
     &set_request_bytes},
    {"deadline", text, "TIME", limits, "time a request may take, waiting included: 200us, 50ms, 2s (default: any)",
     &set_deadline},
    {"window", text, "N", limits, "requests that may be under way at once (default 256)", &set_window},
    {"trim-interval", text, "TIME", limits,
     "how often memory that requests did not need lately goes back to the\nsystem (default 1s; 0: never)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "trim-interval", value); }},
    {"workers", text, "N", measuring,
     "threads that run requests, 1 to 1024 (default: one for each processor\nthat this process may use, at least 2); "
     "more than that only helps\nhandlers that wait",
     &set_workers},
    {"memory", text, "KIND", measuring, "arena (default), or heap: the same on the global heap, to compare",
     &set_memory},
    {"page-sizes", text, "A,B,C", recycling,
     "the three page sizes, powers of two from 4KiB to 2MiB (default 16KiB,64KiB,256KiB)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "page-sizes", value); }},
    {"page-budget", text, "SIZE", limits, "memory all arenas together may take (default 0: no limit)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "page-budget", value); }},
    {"page-growth", text, "PERCENT", recycling,
     "a request's next page is at most so much of what its pages hold already (default 100)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "page-growth", value); }},
    {"largest-in-page", text, "SIZE", recycling,
     "above this an allocation has a block of its own, 4KiB to half the largest page (default 0: a quarter of it)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "largest-in-page", value); }},
    {"magazines", text, "A,B,C", recycling, "pages in a thread's magazine, for each page size (default 8,4,2)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "magazines", value); }},
    {"first-page", text, "SIZE", recycling,
     "a request's first page: adaptive (default: what requests so far make cheapest), or a page size",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "first-page", value); }},
    {"idle-floor", text, "SIZE", recycling, "idle memory of each page size that is never given back (default 128KiB)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "idle-floor", value); }},
    {"idle-cap", text, "SIZE", recycling,
     "idle memory of each page size beyond which it goes back at once (default 256MiB)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "idle-cap", value); }},
    {"idle-epochs", text, "N", recycling,
     "trim intervals after which memory that was not needed goes back, 1 to 64 (default 5)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "idle-epochs", value); }},
    {"block-cache", text, "SIZE", recycling, "idle memory kept for allocations too large for a page (default 64MiB)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "block-cache", value); }},
    {"return-by", text, "HOW", recycling,
     "how idle memory goes back: dontneed (default: at once), or free (when the system needs it)",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "return-by", value); }},
    {"huge-pages", text, "WHEN", recycling,
     "huge pages for arenas: system (default: as it is set up), off, advise or always",
     [](run_options& to, std::string const& value) { return set_memory_setting(to, "huge-pages", value); }},
    {"advise", flag, "", measuring, "say in the summary what each first page would be worth on these requests",
     &set_advise},
    {"record", text, "FILE", measuring,
     "write a trace of every allocation, for mayfly-stress replay and tune (docs/tuning.md)", &set_record},
    {"stats", flag, "", measuring, "say in the summary where every byte of the arenas' memory is", &set_stats},
    {"guard", text, "N", measuring,
     "keep the memory of 1 of N ended requests out of reach for a while, to catch late uses (default 0: none)",
     &set_guard},
    {"audit", text, "N", measuring,
     "search globals, thread-locals and the heap for addresses of 1 of N requests when it ends (default 0: none)",
     &set_audit},
    {"repeat", text, "N", measuring, "run the input N times; answers are written the first time", &set_repeat},
    {"json", flag, "", measuring, "print the summary as JSON on standard output (needs --out FILE)", &set_json},
    {"quiet", flag, "", measuring, "no progress line and no summary", &set_quiet},
    {"progress", text, "WHEN", measuring, "auto (default: on a terminal), always or never", &set_progress},
}};

}  // namespace

std::span<setting const> settings() { return all_settings; }

setting const* setting_named(std::string_view name) {
  for (auto const& candidate : settings()) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

std::string said(run_options const& options, std::string_view name) {
  auto const in_file = options.said_by_config.find(name);
  if (in_file == options.said_by_config.end()) return "--" + std::string(name);
  return "'" + std::string(name) + "' (" + in_file->second + ")";
}

std::string json_needs_a_file(run_options const& options) {
  return said(options, "json") +
         " and the answers cannot both go to standard output: say --out FILE (or --out /dev/null)";
}

std::string unknown_handler(run_options const& options, std::vector<std::string> const& of_plugins) {
  bool const missing = options.handler.empty();
  std::string known;
  for (auto const& ours : handler_names()) known += " " + std::string(ours.name);
  for (std::size_t i = 0; i < of_plugins.size(); ++i) {
    known += (i == 0 ? std::string(missing ? ", or" : ", nor") + " of what the plugins bring: " : " ") + of_plugins[i];
  }
  std::string const remedy = of_plugins.empty() ? "; handlers of your own come with --plugin FILE.so" : "";
  if (missing) return "--handler is missing: say one of" + known + remedy;
  return said(options, "handler") + ": '" + options.handler + "' is none of" + known + remedy;
}

namespace {

/// A setting that one handler has, and the others have not.
void check_belongs(run_options const& options, char const* name, char const* value, char const* handler, bool given) {
  if (options.handler.empty()) return;  // one of a plugin's, and it will be missed when they are known
  bool const wanted = options.handler == handler;
  std::string const says = said(options, "handler") + " says " + options.handler;
  if (wanted && !given) throw usage_error(says + ", which needs --" + name + " " + value);
  if (!wanted && given) {
    throw usage_error(said(options, name) + " goes with the handler " + handler + " only, and " + says);
  }
}

void check_memory(run_options const& options) {
  if (options.memory == memory_kind::arena) return;
  std::string const says = " only, and " + said(options, "memory") + " says heap: ";
  if (options.guard_one_in != 0) {
    throw usage_error(said(options, "guard") + " goes with arenas" + says + "there is nothing to guard on the heap");
  }
  if (options.audit_one_in != 0) {
    throw usage_error(said(options, "audit") + " goes with arenas" + says +
                      "on the heap a request has no memory of its own");
  }
  if (options.advise) throw usage_error(said(options, "advise") + " goes with arenas" + says + "the heap has no pages");
  if (!options.record.empty()) {
    throw usage_error(said(options, "record") + " goes with arenas" + says + "a trace is of what arenas do");
  }
  if (options.stats) throw usage_error(said(options, "stats") + " goes with arenas" + says + "the heap has no pages");
  if (!options.plugins.empty()) {
    throw usage_error(said(options, "plugin") + " goes with arenas" + says +
                      "a plugin's handler takes memory from its request");
  }
}

}  // namespace

void check(run_options const& options) {
  bool const ours = handler_named(options.handler).has_value();
  if (!ours && options.plugins.empty()) throw usage_error(unknown_handler(options, {}));
  if (ours && !options.plugins.empty()) {
    throw usage_error(said(options, "plugin") + " brings handlers, and " + said(options, "handler") + " says " +
                      options.handler + ", which is mayfly's own: leave out one of the two");
  }
  check_belongs(options, "patch", "FILE", "merge-patch", !options.patch.empty());
  check_belongs(options, "pointer", "POINTER, as /user/name", "extract", !options.pointers.empty());
  if (options.json && options.out == "-") throw usage_error(json_needs_a_file(options));
  check_memory(options);
  if (options.advise && !options.of_memory.adaptive_first_page) {
    throw usage_error(said(options, "advise") + " goes with --first-page adaptive only: that is what looks at sizes");
  }
  if (options.repeat > 1 && options.in == "-") {
    throw usage_error(said(options, "repeat") + " needs --in PATH: standard input can be read only once");
  }
}

}  // namespace mayfly::service
