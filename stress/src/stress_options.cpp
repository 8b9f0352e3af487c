#include <mayfly/programs/quantities.hpp>
#include <mayfly/stress/stress_options.hpp>

#include <array>
#include <charconv>
#include <limits>
#include <random>

namespace mayfly::stress {

namespace {

using answer = std::optional<std::string>;
using shape = setting::shape;

/// A whole number from `least` to `most` into `into`.
template <class Number>
answer read_number(Number& into, std::string const& value, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  auto const read = std::from_chars(value.data(), value.data() + value.size(), number);
  if (read.ec != std::errc{} || read.ptr != value.data() + value.size() || number < least || number > most) {
    return "is not a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  }
  into = static_cast<Number>(number);
  return std::nullopt;
}

answer read_duration(std::chrono::nanoseconds& into, std::string const& value) {
  auto const time = programs::parse_duration(value);
  if (!time) return "is not a time: say a number and us, ms, s or m, such as 60s";
  into = *time;
  return std::nullopt;
}

answer read_mix(stress_options& to, std::string const& value) {
  std::string wrong;
  if (!request_mix::parse(value, wrong)) return wrong;
  to.mix = value;
  return std::nullopt;
}

answer read_faults(stress_options& to, std::string const& value) {
  std::string wrong;
  if (!fault_set::parse(value, wrong)) return wrong;
  to.faults = value;
  return std::nullopt;
}

answer read_page_budget(stress_options& to, std::string const& value) {
  constexpr std::size_t least = std::size_t{1} << 20U;
  auto const bytes = programs::parse_bytes(value);
  if (!bytes || (*bytes != 0 && *bytes < least)) {
    return "is not a number of bytes of at least 1MiB (or 0 for no budget): say 16MiB, for example";
  }
  to.page_budget = bytes;
  return std::nullopt;
}

answer read_perturbation(stress_options& to, std::string const& value) {
  constexpr std::array<std::string_view, 3> names{"off", "light", "heavy"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == value) return to.perturb = static_cast<perturbation_level>(i), std::nullopt;
  }
  return "is none of off, light and heavy";
}

answer read_progress(stress_options& to, std::string const& value) {
  constexpr std::array<std::string_view, 3> names{"auto", "always", "never"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == value) return to.progress = static_cast<progress_choice>(i), std::nullopt;
  }
  return "is none of auto, always and never";
}

constexpr std::uint64_t any_number = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t most_requests = 1'000'000'000'000;

constexpr std::array<setting, 15> all_settings{{
    {"seed", shape::text, "N", "What is done", "what all choices are made from; without it a new one, which is printed",
     [](stress_options& to, std::string const& value) { return read_number(to.seed.emplace(), value, 0, any_number); }},
    {"duration", shape::text, "TIME", "What is done", "how long requests are submitted: 500ms, 60s, 5m (default 10s)",
     [](stress_options& to, std::string const& value) { return read_duration(to.duration.emplace(), value); }},
    {"requests", shape::text, "N", "What is done",
     "submit the requests 0 to N-1 instead; with a seed every choice is the same each time",
     [](stress_options& to, std::string const& value) {
       return read_number(to.requests.emplace(), value, 1, most_requests);
     }},
    {"mix", shape::text, "MIX", "What is done",
     "default, or kinds with weights such as small=10,held=1: small, large, oversize,\nparallel, tasks, nested, held, "
     "throwing, cancelled, expiring, detached, timers, plugin",
     &read_mix},
    {"faults", shape::text, "LIST", "What is done",
     "of pages, cancel, throw, slow, epochs, budget; or none (default: all)", &read_faults},
    {"plugin", shape::list, "FILE.so", "What is done",
     "handlers of your own (docs/plugins.md); may be said again.\nAlone in the mix unless --mix says otherwise",
     [](stress_options& to, std::string const& value) -> answer {
       if (value.empty()) return "names no file";
       to.plugins.push_back(value);
       return std::nullopt;
     }},
    {"workers", shape::text, "N", "How", "threads that run requests (default 4)",
     [](stress_options& to, std::string const& value) { return read_number(to.workers, value, 1, 1024); }},
    {"submitters", shape::text, "N", "How", "threads that submit them (default 2)",
     [](stress_options& to, std::string const& value) { return read_number(to.submitters, value, 1, 64); }},
    {"in-flight", shape::text, "N", "How", "requests accepted and not ended, at most (default 256)",
     [](stress_options& to, std::string const& value) { return read_number(to.in_flight, value, 1, 65'536); }},
    {"page-budget", shape::text, "BYTES", "How",
     "memory that all pages may take; 0: no limit\n(default: 4MiB with the fault pages, else 0)", &read_page_budget},
    {"perturb", shape::text, "off|light|heavy", "How",
     "delays at the interleaving points of lock-free steps, where the\nbuild has them (default light)",
     &read_perturbation},
    {"watchdog", shape::text, "TIME", "How",
     "when nothing gets done for so long: prints every live scope and\nall stacks, and ends (default 30s)",
     [](stress_options& to, std::string const& value) { return read_duration(to.watchdog, value); }},
    {"json", shape::flag, "", "What is shown", "the report as one JSON object on standard output",
     [](stress_options& to, std::string const&) { return to.json = true, answer{}; }},
    {"quiet", shape::flag, "", "What is shown", "nothing but violations and the verdict",
     [](stress_options& to, std::string const&) { return to.quiet = true, answer{}; }},
    {"progress", shape::text, "auto|always|never", "What is shown", "the progress line (default auto: on a terminal)",
     &read_progress},
}};

std::string in_shell(std::string const& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (char const c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::size_t stress_options::page_budget_bytes() const {
  if (page_budget) return *page_budget;
  std::string wrong;
  return fault_set::parse(faults, wrong)->has(fault::pages) ? tight_page_budget : 0;
}

std::span<setting const> settings() { return all_settings; }

void complete(stress_options& options) {
  if (options.duration && options.requests) {
    throw usage_error("--duration and --requests are two ways to say how much: say one of them");
  }
  std::string wrong;
  bool const mixes_plugin = request_mix::parse(options.mix, wrong)->of(request_kind::plugin) != 0;
  if (mixes_plugin && options.plugins.empty()) {
    throw usage_error("--mix has requests of the kind plugin, but there is no plugin: say --plugin FILE.so");
  }
  if (!options.plugins.empty() && !mixes_plugin) {
    if (options.mix != "default") {
      throw usage_error("--mix has no requests of the kind plugin, so the plugin would never run: add plugin=10 to it");
    }
    options.mix = "plugin";
  }
  if (options.perturb && *options.perturb != perturbation_level::off && !has_interleaving_points()) {
    throw usage_error(
        "--perturb: this build has no interleaving points: build with -DMAYFLY_SCHEDULE_POINTS=ON, or say off");
  }
  if (!options.perturb)
    options.perturb = has_interleaving_points() ? perturbation_level::light : perturbation_level::off;
  if (!options.duration && !options.requests) options.duration = std::chrono::seconds{10};
  if (!options.seed) options.seed = std::random_device{}();
}

bool has_interleaving_points() noexcept {
#ifdef MAYFLY_SCHEDULE_POINTS
  return true;
#else
  return false;
#endif
}

std::string repeat_command(stress_options const& options, std::uint64_t requests) {
  stress_options const normal;
  std::string text = "mayfly-stress stress --seed " + std::to_string(options.seed.value_or(0)) + " --requests " +
                     std::to_string(requests) + " --mix " + in_shell(options.mix) + " --faults " +
                     in_shell(options.faults) + " --workers " + std::to_string(options.workers) + " --submitters " +
                     std::to_string(options.submitters) + " --in-flight " + std::to_string(options.in_flight);
  if (options.page_budget) text += " --page-budget " + std::to_string(*options.page_budget);
  if (options.perturb == perturbation_level::heavy) text += " --perturb heavy";
  if (options.perturb == perturbation_level::off && has_interleaving_points()) text += " --perturb off";
  if (options.watchdog != normal.watchdog) {
    text +=
        " --watchdog " + std::to_string(std::chrono::ceil<std::chrono::microseconds>(options.watchdog).count()) + "us";
  }
  for (auto const& plugin : options.plugins) text += " --plugin " + in_shell(plugin);
  return text;
}

}  // namespace mayfly::stress
