#include <mayfly/escape_report.hpp>
#include <mayfly/service/runner.hpp>

#include <algorithm>
#include <vector>

#include <sys/resource.h>

namespace mayfly::service {

namespace {

using clock = std::chrono::steady_clock;

/// Input in memory above which no more is read until answers have been written.
constexpr std::size_t most_input_bytes = 64 * 1024 * 1024;

std::uint64_t page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt) + static_cast<std::uint64_t>(usage.ru_majflt);
}

page_origins operator-(page_pool_stats const& after, page_pool_stats const& before) {
  page_origins origins;
  for (std::size_t c = 0; c < after.classes.size(); ++c) {
    origins.magazine += after.classes[c].from_magazine - before.classes[c].from_magazine;
    origins.depot += after.classes[c].from_depot - before.classes[c].from_depot;
    origins.system += after.classes[c].from_system - before.classes[c].from_system;
  }
  origins.peak_bytes = after.peak_committed_bytes;
  return origins;
}

/// Of this process so far.
audit_reports count_audit_reports() {
  return {.globals = escape_reports(escape_rule::held_by_global),
          .thread_locals = escape_reports(escape_rule::held_by_thread_local),
          .heap_blocks = escape_reports(escape_rule::held_by_heap_block)};
}

audit_reports operator-(audit_reports const& after, audit_reports const& before) {
  return {.globals = after.globals - before.globals,
          .thread_locals = after.thread_locals - before.thread_locals,
          .heap_blocks = after.heap_blocks - before.heap_blocks};
}

class run_loop {
 public:
  run_loop(run_plan const& plan, answer_window& window, engine& runs) : plan_(plan), window_(window), engine_(runs) {}

  void read_and_start(run_summary& summary) {
    for (;;) {
      if (stopped()) {
        summary.stopped = true;
        return;
      }
      if (window_.output_failed()) return;
      work_item& item = window_.vacant();
      if (!has_room()) continue;
      source_state const state = plan_.source->next(item.request);
      if (state == source_state::failed) summary.input_error = plan_.source->failure_text();
      summary.stopped = state == source_state::end && stopped();
      if (state != source_state::request) return;
      number(item);
      start(item);
      if (plan_.progress != nullptr) show(*plan_.progress);
    }
  }

 private:
  // relaxed: a flag from a signal handler; nothing is read on the strength of it
  bool stopped() const { return plan_.stop != nullptr && plan_.stop->load(std::memory_order_relaxed); }

  bool has_room() {
    if (plan_.blocks->bytes_in_use() <= most_input_bytes || plan_.passes > 1 || window_.empty()) return true;
    window_.wait_for_progress();
    return false;
  }

  void show(run_progress& progress) {
    // relaxed: figures to look at
    progress.position.store(plan_.source->position(), std::memory_order_relaxed);
    progress.answered.store(window_.written(), std::memory_order_relaxed);
    progress.failed.store(window_.failed(), std::memory_order_relaxed);
  }

  void number(work_item& item) {
    std::size_t const index = started_++;
    item.pass = plan_.requests_per_pass == 0 ? 0 : index / plan_.requests_per_pass;
    item.number = (plan_.requests_per_pass == 0 ? index : index % plan_.requests_per_pass) + 1;
  }

  void start(work_item& item) {
    window_.begin(item);
    bool const refused = item.request.refused.kind() != failure::none;
    if (refused) item.error = item.request.refused;
    if (refused || !started(item)) window_.finish(item);
  }

  /// False: it has an error instead.
  bool started(work_item& item) {
    unsigned refusals_alone = 0;
    while (engine_.try_start(item) == engine::answer::busy) {
      if (stopped() || window_.output_failed()) {
        item.error.assign(failure::cancelled, "the run was ended before there was memory for it", 0);
        return false;
      }
      if (window_.only_last_is_left() && ++refusals_alone > patience) {
        item.error.assign(failure::over_budget, "no pages left for it in the page budget", 0);
        return false;
      }
      window_.wait_for_room();
    }
    return true;
  }

  /// Times a request that is alone is refused before it is given up, a millisecond apart: what it waits for are
  /// requests that have been written and are about to give their pages back.
  static constexpr unsigned patience = 1000;

  run_plan const& plan_;
  answer_window& window_;
  engine& engine_;
  std::size_t started_ = 0;
};

double seconds(std::chrono::nanoseconds time) { return std::max(std::chrono::duration<double>(time).count(), 1e-9); }

double rate(run_summary const& summary, double amount) {
  if (!summary.of_median_pass()) return amount / seconds(summary.elapsed);
  auto passes = summary.passes;
  auto const middle = passes.begin() + static_cast<std::ptrdiff_t>(passes.size() / 2);
  std::nth_element(passes.begin(), middle, passes.end());
  return amount / static_cast<double>(summary.whole_passes) / seconds(*middle);
}

void add_passes(run_summary& summary, run_plan const& plan, clock::time_point began, clock::time_point ended) {
  auto& totals = summary.totals;
  std::uint64_t const each = plan.requests_per_pass == 0 ? totals.requests : plan.requests_per_pass;
  summary.requests_per_pass = static_cast<double>(each);
  summary.whole_passes = plan.requests_per_pass == 0 ? 1 : totals.requests / each;
  summary.cut_pass = plan.requests_per_pass != 0 && totals.requests % each != 0;
  if (totals.passes.count() < summary.whole_passes) totals.passes.end_pass(ended);  // no request came after the last
  summary.passes = totals.passes.durations(began);
}

/// When it returns, the engine has ended, and with it every request of its own.
run_summary run_and_end(run_plan const& plan) {
  run_summary summary;
  answer_window window(plan.window, plan.passes, *plan.output);
  std::unique_ptr<engine> const engine = plan.make_engine(window);

  auto const pages_before = engine->pages();
  auto const mallocs_before = plan.count_mallocs != nullptr ? plan.count_mallocs() : 0;
  auto const faults_before = page_faults();
  auto const began = clock::now();
  run_loop(plan, window, *engine).read_and_start(summary);
  window.wait_until_empty();
  auto const ended = clock::now();
  summary.page_faults = page_faults() - faults_before;
  if (plan.count_mallocs != nullptr) summary.mallocs = plan.count_mallocs() - mallocs_before;
  if (pages_before) summary.pages = *engine->pages() - *pages_before;
  summary.sizes = engine->sizes();
  if (plan.accounts) summary.account = engine->end_and_account();

  summary.totals = window.totals();
  summary.elapsed = ended - began;
  add_passes(summary, plan, began, ended);
  summary.workers = engine->workers();
  plan.output->close();
  summary.answers_written = plan.output->lines_written();
  if (window.out_of_memory()) summary.output_error = "cannot write the answers: out of memory";
  if (plan.output->failed()) summary.output_error = plan.output->failure_text();
  return summary;
}

}  // namespace

bool run_summary::of_median_pass() const { return passes.size() >= 3 && !stopped && !cut_pass; }
double run_summary::requests_per_second() const { return rate(*this, static_cast<double>(totals.requests)); }
double run_summary::megabytes_per_second() const { return rate(*this, static_cast<double>(totals.bytes_in)) / 1e6; }

run_summary run(run_plan const& plan) {
  audit_reports const before = count_audit_reports();
  run_summary summary = run_and_end(plan);  // a request may still be audited when its answer has been written
  if (plan.audits) summary.audit = count_audit_reports() - before;
  return summary;
}

}  // namespace mayfly::service
