#include "submitter.hpp"

#include <limits>
#include <thread>

namespace mayfly::stress {

namespace {

/// Times a request is refused for want of pages before it is given up.
constexpr int patience = 20;

void wait_a_little() { std::this_thread::sleep_for(std::chrono::microseconds{50}); }

submit_options options_for(choice const& what, std::stop_source const& source) {
  submit_options options;
  options.route = to_string(what.kind);
  options.priority = static_cast<priority>(what.priority);
  options.request_bytes = what.request_bytes;
  if (what.deadline_us == 1) options.deadline = std::chrono::nanoseconds{0};
  if (what.deadline_us > 1) options.deadline = std::chrono::microseconds{what.deadline_us};
  if (what.cancel_by_source) options.stop = source.get_token();
  return options;
}

ledger_record& begin(world& in, std::size_t submitter, std::uint64_t number) {
  for (;;) {
    if (auto* const record = in.book.begin(submitter, number)) return *record;
    wait_a_little();
  }
}

/// As often as is needed to be accepted, or refused for good.
admission submit(world& in, choice const& what, ledger_record& record, std::stop_source const& source) {
  auto const options = options_for(what, source);
  for (int over_budget = 0;;) {
    auto const answer = in.requests->try_submit(options, stress_handler{&in, &record, what.number},
                                                stress_completion{&in, &record, what.number});
    if (answer) return answer;
    in.counts.count(answer.reason());
    bool const full = answer.reason() == admission_reason::queue_full;
    bool const poor = answer.reason() == admission_reason::over_budget && ++over_budget < patience;
    if (!full && !poor) return answer;
    wait_a_little();
  }
}

void order_what_was_chosen(world& in, choice const& what, scope_id id, std::stop_source source) {
  if (what.cancel_by_source) {
    in.to_cancel.push({id, std::move(source), what.wait_us, what.storm, what.cancel_is_fault});
  } else if (what.cancel_by_id || what.storm) {
    in.to_cancel.push({what.cancel_by_id ? id : scope_id{}, std::stop_source{std::nostopstate}, what.wait_us,
                       what.storm, what.cancel_is_fault});
  }
  if (!what.trim) return;
  in.pages->trim(true);
  in.counts.trims.add();
  in.counts.count(fault::pages);
}

void check_refusal(world& in, choice const& what, admission_reason reason) {
  bool const expected = (reason == admission_reason::expired && what.deadline_us != 0) ||
                        (reason == admission_reason::over_budget && in.has_page_budget());
  if (expected) return;
  in.violations.add(what.number, "to be accepted, or refused for a reason that its choices have",
                    std::string(mayfly::to_string(reason)));
}

void submit_one(world& in, std::size_t submitter, std::uint64_t number) {
  choice const what = choose(in.plan, number);
  in.counts.digest.add(digest(what));
  in.begun.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
  ledger_record& record = begin(in, submitter, number);
  std::stop_source source(std::nostopstate);
  if (what.cancel_by_source) source = std::stop_source();
  auto const answer = submit(in, what, record, source);
  if (!answer) {
    in.counts.given_up.add();
    in.book.refused(record, number);
    return check_refusal(in, what, answer.reason());
  }
  in.counts.kinds[static_cast<std::size_t>(what.kind)].add();
  in.book.accepted(record, number);
  order_what_was_chosen(in, what, answer.id(), std::move(source));
}

}  // namespace

number_source::number_source(stress_options const& options, std::atomic<bool> const* stop)
    : stop_(stop),
      end_(options.requests.value_or(std::numeric_limits<std::uint64_t>::max())),
      until_(options.duration ? std::chrono::steady_clock::now() + *options.duration
                              : std::chrono::steady_clock::time_point::max()) {}

bool number_source::next(std::uint64_t& number, violation_log const& violations) noexcept {
  // A run that has gone wrong goes on no longer: what is found later follows from it.
  if (stopped() || violations.count() != 0 || std::chrono::steady_clock::now() >= until_) return false;
  std::uint64_t at = next_.load(std::memory_order_relaxed);  // relaxed throughout: only distinctness counts
  do {
    if (at >= end_) return false;
  } while (!next_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed, std::memory_order_relaxed));
  number = at;
  return true;
}

std::uint64_t number_source::begun() const noexcept {
  return next_.load(std::memory_order_relaxed);  // relaxed: a figure
}

void submit_all(world& in, std::size_t submitter, number_source& numbers) {
  for (std::uint64_t number = 0; numbers.next(number, in.violations);) submit_one(in, submitter, number);
}

}  // namespace mayfly::stress
