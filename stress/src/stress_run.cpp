#include "submitter.hpp"
#include <mayfly/escape_report.hpp>
#include <mayfly/perturbation.hpp>
#include <mayfly/stress/side_threads.hpp>
#include <mayfly/stress/stress_run.hpp>

#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace mayfly::stress {

namespace {

using clock = std::chrono::steady_clock;

choice_plan plan_for(stress_options const& options, std::size_t plugin_handlers) {
  std::string wrong;
  choice_plan plan;
  plan.seed = *options.seed;
  plan.mix = *request_mix::parse(options.mix, wrong);
  plan.faults = *fault_set::parse(options.faults, wrong);
  plan.plugin_handlers = plugin_handlers;
  return plan;
}

page_pool_options pages_for(stress_options const& options) {
  page_pool_options pages;
  if (std::size_t const most = options.page_budget_bytes(); most != 0) pages.max_bytes = most;
  return pages;
}

std::unique_ptr<trace::recorder> recorder_for(stress_options const& options) {
  if (options.record.empty()) return nullptr;
  trace::recorded_settings const settings{.program = "mayfly-stress record",
                                          .workers = static_cast<unsigned>(options.workers),
                                          .pages = pages_for(options)};
  return std::make_unique<trace::recorder>(options.record, trace::recorder_options{.settings = settings});
}

executor_options executor_for(stress_options const& options, page_pool& pages, trace::recorder* recorder) {
  executor_options settings;
  settings.observer = recorder;
  settings.workers = options.workers;
  settings.max_in_flight = options.in_flight;
  settings.pages = &pages;
  settings.name = "stress";
  return settings;
}

perturbation_options disorder_for(stress_options const& options) {
  perturbation_options disorder{.seed = *options.seed};
  if (options.perturb == perturbation_level::off) {  // steps are counted, and nothing else
    disorder.one_yield_in = disorder.one_spin_in = disorder.one_sleep_in = 0;
  } else if (options.perturb == perturbation_level::heavy) {
    disorder.one_yield_in = disorder.one_spin_in = 2;
    disorder.one_sleep_in = 256;
  }
  return disorder;
}

void submit_from_threads(world& in, std::size_t submitters, number_source& numbers) {
  std::vector<std::jthread> threads;
  threads.reserve(submitters);
  for (std::size_t i = 0; i < submitters; ++i) {
    threads.emplace_back([&in, i, &numbers] { submit_all(in, i, numbers); });
  }
}

void expect_equal(world& in, char const* expected, std::uint64_t left, std::uint64_t right) {
  if (left == right) return;
  in.violations.add(std::nullopt, expected, std::to_string(left) + " and " + std::to_string(right));
}

/// The executor's figures are exact some time after the last request: a while is waited for those of its workers that
/// are just on their way.
executor_stats settled_stats(executor const& of) {
  auto const until = clock::now() + std::chrono::seconds{1};
  for (;;) {
    auto const seen = of.stats();
    if (seen.completed() == seen.accepted || clock::now() >= until) return seen;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

/// What must agree when every request has ended.
void check_books(world& in, executor_stats const& seen) {
  in.book.check_all_ended();
  expect_equal(in, "as many completions as accepted requests", in.book.completed_count(), in.book.accepted_count());
  expect_equal(in, "the executor to have accepted the requests, tasks and timers that were told so", seen.accepted,
               in.book.accepted_count() + in.counts.tasks.get() + seen.timers_fired);
  expect_equal(in, "the executor to have ended as many as it accepted", seen.completed(), seen.accepted);
  expect_equal(in, "no completion to throw", seen.completion_failures, 0);
  expect_equal(in, "each timer to fire, be cancelled or be dropped", seen.timers_set,
               seen.timers_fired + seen.timers_cancelled + seen.timers_dropped);
  expect_equal(in, "no scope to live", in.registry->live(), 0);
  expect_equal(in, "as many timers set as were told so", seen.timers_set, in.counts.timers.get());
}

/// Submits and waits for all ends, in whatever the executor's life is.
void run_requests(world& in, stress_options const& options, run_surroundings const& surroundings, run_result& result) {
  auto const shown = surroundings.show ? surroundings.show(in) : nullptr;
  std::optional<side_threads> sides(std::in_place, in);
  number_source numbers(options, surroundings.stop);
  submit_from_threads(in, options.submitters, numbers);
  result.numbers = numbers.begun();
  result.stopped = numbers.stopped();
  // For as long as it takes: it is the watchdog that says when that is too long.
  auto const drained = in.requests->drain(std::chrono::hours{24 * 365}, std::chrono::hours{1});
  result.timers_dropped = drained.timers_dropped;
  check_all_ended_ids(in);
  sides.reset();
  result.requests = settled_stats(*in.requests);
  check_books(in, result.requests);
}

}  // namespace

run_result run(stress_options const& options, std::vector<plugin::named_handler> handlers,
               run_surroundings const& surroundings) {
  run_result result;
  result.of = std::make_unique<world>(plan_for(options, handlers.size()), options.submitters, options.in_flight);
  world& in = *result.of;
  in.user_handlers = std::move(handlers);
  perturbation const disorder(disorder_for(options));
  auto const began = clock::now();
  auto const spoilt_before = escape_reports(escape_rule::overwritten_canary);
  auto const recorder = recorder_for(options);
  page_pool_options of_pages = pages_for(options);
  of_pages.recorder = recorder.get();
  page_pool pages(of_pages);
  in.pages = &pages;
  std::shared_ptr<void> watching;
  {
    std::optional<executor> requests;
    auto const make = [&] { requests.emplace(executor_for(options, pages, recorder.get())); };
    surroundings.around_threads ? surroundings.around_threads(make) : make();
    in.requests = &*requests;
    in.registry = &requests->registry();
    if (surroundings.watch) watching = surroundings.watch(in);
    run_requests(in, options, surroundings, result);
  }
  watching.reset();  // the executor's end was watched, too
  result.elapsed = clock::now() - began;
  result.points = disorder.counts();
  if (recorder) result.recording = recorder->finish();
  result.pages = pages.stats();
  result.account = pages.account();
  check_conserved(result.pages, in.violations);
  check_account(result.account, result.pages, in.violations);
  if (std::size_t const most = options.page_budget_bytes(); most != 0 && result.pages.peak_committed_bytes > most) {
    in.violations.add(std::nullopt, "never more pages than the budget's " + std::to_string(most) + " bytes",
                      std::to_string(result.pages.peak_committed_bytes) + " bytes");
  }
  if (auto const spoilt = escape_reports(escape_rule::overwritten_canary) - spoilt_before; spoilt != 0) {
    in.violations.add(std::nullopt, "nothing written beyond an allocation",
                      std::to_string(spoilt) + " overwritten canaries, reported as MF-E32 when they were found");
  }
  in.requests = nullptr;
  in.pages = nullptr;
  return result;
}

void check_conserved(page_pool_stats const& pages, violation_log& into) {
  std::size_t idle_bytes = pages.idle_block_bytes;
  for (auto const& each : pages.classes) {
    std::uint64_t const with_memory = each.in_magazines + each.in_depot + each.in_quarantine;
    idle_bytes += with_memory * each.page_bytes;
    if (with_memory + each.returned == each.made) continue;
    into.add(std::nullopt,
             "each page of " + std::to_string(each.page_bytes) +
                 " bytes to be idle once: " + std::to_string(each.made) + " were made",
             std::to_string(with_memory + each.returned) + " are idle");
  }
  if (pages.blocks_in_use != 0) {
    into.add(std::nullopt, "no block in use", std::to_string(pages.blocks_in_use) + " are");
  }
  if (idle_bytes != pages.committed_bytes) {
    into.add(std::nullopt, "what is committed to be idle: " + std::to_string(pages.committed_bytes) + " bytes",
             std::to_string(idle_bytes) + " bytes are idle");
  }
}

void check_account(memory_account const& account, page_pool_stats const& pages, violation_log& into) {
  for (memory_place const place : {memory_place::pages_in_use, memory_place::blocks_in_use}) {
    if (account.of(place).pieces == 0) continue;
    into.add(std::nullopt, "each page and block to lie where idle ones do",
             std::to_string(account.of(place).pieces) + " are nowhere, filed as " + std::string(to_string(place)));
  }
  if (account.committed_bytes() != pages.committed_bytes) {
    into.add(std::nullopt, std::to_string(pages.committed_bytes) + " bytes that are committed, idle somewhere",
             std::to_string(account.committed_bytes()) + " bytes were found");
  }
  if (account.total().bytes != pages.reserved_bytes) {
    into.add(std::nullopt, "a reservation of " + std::to_string(pages.reserved_bytes) + " bytes",
             std::to_string(account.total().bytes) + " bytes were found");
  }
}

}  // namespace mayfly::stress
