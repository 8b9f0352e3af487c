#include <mayfly/programs/quantities.hpp>
#include <mayfly/programs/text_table.hpp>
#include <mayfly/stress/report.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace mayfly::stress {

namespace {

using programs::readable_bytes;
using programs::readable_time;
using programs::text_table;
using programs::with_commas;

/// "1,234 small" for each counter that is not 0.
template <class Counters, class Name>
std::vector<std::string> named(Counters const& counters, Name name) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    if (counters[i].get() != 0) parts.push_back(with_commas(counters[i].get()) + " " + std::string(name(i)));
  }
  return parts;
}

std::string kind_name(std::size_t i) { return std::string(to_string(static_cast<request_kind>(i))); }
std::string outcome_name(std::size_t i) { return std::string(mayfly::to_string(static_cast<outcome_kind>(i))); }
std::string fault_name(std::size_t i) { return std::string(to_string(static_cast<fault>(i))); }
std::string admission_name(std::size_t i) { return std::string(mayfly::to_string(static_cast<admission_reason>(i))); }
std::string refusal_name(std::size_t i) { return mayfly::to_string(static_cast<refusal>(i)); }

std::string hex(std::uint64_t value) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

void add_memory(text_table& to, run_result const& result) {
  std::uint64_t magazine = 0;
  std::uint64_t depot = 0;
  std::uint64_t system = 0;
  for (auto const& each : result.pages.classes) {
    magazine += each.from_magazine;
    depot += each.from_depot;
    system += each.from_system;
  }
  to.row("pages", "at most " + readable_bytes(static_cast<double>(result.pages.peak_committed_bytes)) +
                      "; from magazines " + with_commas(magazine) + ", the depot " + with_commas(depot) + ", the OS " +
                      with_commas(system));
  to.row("blocks", "from the cache " + with_commas(result.pages.blocks_from_cache) + ", the OS " +
                       with_commas(result.pages.blocks_from_system));
  to.row("to the OS", readable_bytes(static_cast<double>(result.of->counts.returned_bytes.get())) +
                          " by epochs' ends and lowered budgets");
  std::vector<std::string> idle;
  for (memory_place const place : {memory_place::magazines, memory_place::depot, memory_place::cached_blocks}) {
    idle.push_back(readable_bytes(static_cast<double>(result.account.of(place).bytes)) + " " +
                   std::string(to_string(place)));
  }
  idle.push_back(readable_bytes(static_cast<double>(result.account.total().resident_bytes)) + " resident in all");
  to.row("left over", idle);
  to.row("bytes", readable_bytes(static_cast<double>(result.of->counts.written_bytes.get())) +
                      " written and read back, each its own");
}

void add_points(text_table& to, run_result const& result) {
  if (!has_interleaving_points()) {
    to.row("interleaving", "none: this build has no interleaving points (-DMAYFLY_SCHEDULE_POINTS=ON has)");
    return;
  }
  auto const& passed = result.points;
  to.row("interleaving", with_commas(passed.steps) + " points passed: " + with_commas(passed.yields) + " yields, " +
                             with_commas(passed.spins) + " spins, " + with_commas(passed.sleeps) + " sleeps there");
  std::vector<std::string> parts;
  parts.reserve(passed.points.size());
  for (auto const& each : passed.points) parts.push_back(with_commas(each.reached) + " " + std::string(each.name));
  to.row("", parts);
}

}  // namespace

std::string verdict(run_result const& result) {
  std::uint64_t const wrong = result.of->violations.count();
  std::string const requests = with_commas(result.of->book.accepted_count()) + " requests";
  if (wrong == 0) return "verdict: clean, " + requests + " and no violation";
  return "verdict: WRONG, " + with_commas(wrong) + (wrong == 1 ? " violation" : " violations") + " in " + requests;
}

std::string violations_text(stress_options const& options, run_result const& result) {
  if (result.of->violations.count() == 0) return {};
  std::string text;
  for (auto const& one : result.of->violations.first()) {
    text += "VIOLATION (seed " + std::to_string(options.seed.value_or(0)) + ", " +
            (one.number ? "request " + std::to_string(*one.number) : std::string("the run as a whole")) +
            ")\n  expected: " + one.expected + "\n  seen:     " + one.seen + "\n";
  }
  return text + "repeat with: " + repeat_command(options, result.numbers) + "\n";
}

std::string report_table(stress_options const& options, run_result const& result) {
  auto const& counts = result.of->counts;
  auto const& book = result.of->book;
  text_table to{16};
  to.heading("mayfly-stress: seed " + std::to_string(*options.seed) + ", mix " + options.mix + ", faults " +
             options.faults + ", " + std::to_string(options.workers) + " workers, " +
             std::to_string(options.submitters) + " submitters");
  to.row("requests", with_commas(result.numbers) + " begun, " + with_commas(book.accepted_count()) + " accepted in " +
                         readable_time(result.elapsed) + (result.stopped ? ", stopped early" : ""));
  to.row("kinds", named(counts.kinds, kind_name));
  to.row("outcomes", named(counts.outcomes, outcome_name));
  to.row("faults", named(counts.faults, fault_name));
  to.row("refused", named(counts.refusals, admission_name));
  to.row("given up", with_commas(counts.given_up.get()) + " requests, refused for good");
  to.row("memory refused", named(counts.memory, refusal_name));
  to.row("cancelled",
         with_commas(counts.cancels.get()) + " one by one, " + with_commas(counts.storms.get()) + " storms");
  to.row("scopes", "at most " + with_commas(book.most_live()) + " live; " + with_commas(counts.holds.get()) +
                       " held, " + with_commas(counts.nested_scopes.get()) + " nested, " +
                       with_commas(counts.pins.get()) + " pinned by others, " + with_commas(counts.ids_probed.get()) +
                       " ended ids refused");
  to.row("tasks", with_commas(counts.tasks.get()) + " spawned, " + with_commas(counts.timers.get()) + " timers set, " +
                      with_commas(counts.timers_cancelled.get()) + " cancelled, " +
                      with_commas(counts.tasks_run.get()) + " tasks run");
  add_memory(to, result);
  add_points(to, result);
  to.row("choices", "digest " + hex(counts.digest.get()));
  if (result.recording) to.row("trace", options.record + ": " + to_string(*result.recording));
  return to.take();
}

std::string progress_text(world const& of, stress_options const& options, std::chrono::nanoseconds elapsed,
                          std::size_t columns) {
  double const seconds = std::max(std::chrono::duration<double>(elapsed).count(), 1e-3);
  std::uint64_t const done = of.book.completed_count();
  std::string line = with_commas(done) + " requests, " +
                     with_commas(static_cast<std::uint64_t>(static_cast<double>(done) / seconds)) + "/s, " +
                     with_commas(of.violations.count()) + " violations";
  if (options.duration) {
    line =
        readable_time(std::min(elapsed, *options.duration)) + " of " + readable_time(*options.duration) + ", " + line;
  } else if (options.requests) {
    std::uint64_t const whole = *options.requests;
    line = std::to_string(std::min<std::uint64_t>(100, done * 100 / whole)) + "%, " + line;
  }
  if (line.size() >= columns) line.resize(columns > 0 ? columns - 1 : 0);
  return line;
}

}  // namespace mayfly::stress
