#include <mayfly/stress/ledger.hpp>

#include <array>
#include <utility>

namespace mayfly::stress {

namespace {

constexpr std::uint64_t live_flag = 1;
constexpr std::uint64_t accepted_flag = 2;
constexpr std::uint64_t refused_flag = 4;
constexpr std::uint64_t started_flag = 8;
constexpr std::uint64_t opened_flag = 16;
constexpr std::uint64_t completed_flag = 32;
constexpr std::uint64_t closed_flag = 64;

constexpr std::array<std::pair<std::uint64_t, char const*>, 6> flag_names{{{accepted_flag, "accepted"},
                                                                           {refused_flag, "refused"},
                                                                           {started_flag, "started"},
                                                                           {opened_flag, "opened"},
                                                                           {completed_flag, "completed"},
                                                                           {closed_flag, "closed"}}};

constexpr std::uint64_t number_in(std::uint64_t life) { return life >> 8U; }
constexpr bool is_of(std::uint64_t life, std::uint64_t number) {
  return (life & live_flag) != 0 && number_in(life) == number;
}

std::string history(std::uint64_t life) {
  if (life == 0) return "it had ended";
  std::string text;
  for (auto const& [flag, name] : flag_names) {
    if ((life & flag) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text.empty() ? "begun" : text;
}

}  // namespace

ledger::ledger(std::size_t submitters, std::size_t each, violation_log& violations)
    : violations_(violations), submitters_(submitters) {
  for (auto& one : submitters_) one.records = std::vector<ledger_record>(each);
}

ledger_record* ledger::begin(std::size_t submitter, std::uint64_t number) noexcept {
  auto& mine = submitters_[submitter];
  for (std::size_t tried = 0; tried < mine.records.size(); ++tried) {
    ledger_record& one = mine.records[mine.next];
    mine.next = mine.next + 1 == mine.records.size() ? 0 : mine.next + 1;
    // sync record-free: acquire; pairs with finish(); the request before is done with the record
    if (one.life_.load(std::memory_order_acquire) != 0) continue;
    one.parts_.store(2, std::memory_order_relaxed);  // relaxed: the executor's edges take it to a worker
    one.life_.store(number << 8U | live_flag, std::memory_order_relaxed);
    return &one;
  }
  return nullptr;
}

void ledger::complain(std::uint64_t number, char const* expected, std::uint64_t life) {
  std::string seen = history(life);
  if (life != 0 && number_in(life) != number) {
    seen = "it had ended; its record is that of request " + std::to_string(number_in(life)) + " now";
  }
  violations_.add(number, expected, std::move(seen));
}

std::uint64_t ledger::mark(ledger_record& of, std::uint64_t number, std::uint64_t flag) {
  // relaxed throughout: each word is judged alone; what requests share otherwise has edges of its own
  std::uint64_t life = of.life_.load(std::memory_order_relaxed);
  do {
    if (!is_of(life, number)) return life;
  } while (!of.life_.compare_exchange_weak(life, life | flag, std::memory_order_relaxed, std::memory_order_relaxed));
  return life;
}

void ledger::accepted(ledger_record& of, std::uint64_t number) {
  std::uint64_t const before = mark(of, number, accepted_flag);
  if (!is_of(before, number)) return complain(number, "to live until its answer is known", before);
  accepted_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
  add_live();
  end_part(of, number);
}

void ledger::refused(ledger_record& of, std::uint64_t number) {
  std::uint64_t const before = mark(of, number, refused_flag);
  if (before != (number << 8U | live_flag)) return complain(number, "a refused request does nothing", before);
  refused_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
  end_part(of, number);
  end_part(of, number);
}

void ledger::started(ledger_record& of, std::uint64_t number) {
  std::uint64_t const before = mark(of, number, started_flag);
  if (!is_of(before, number) || (before & (started_flag | completed_flag | refused_flag)) != 0) {
    complain(number, "its handler begins once, before its completion", before);
  }
}

void ledger::opened(ledger_record& of, std::uint64_t number) {
  std::uint64_t const before = mark(of, number, opened_flag);
  if (!is_of(before, number) || (before & (opened_flag | closed_flag)) != 0) {
    complain(number, "its scope is open", before);
  }
}

void ledger::completed(ledger_record& of, std::uint64_t number) {
  std::uint64_t const before = mark(of, number, completed_flag);
  if (!is_of(before, number) || (before & (completed_flag | closed_flag | refused_flag)) != 0) {
    return complain(number, "exactly one completion, before its scope closes", before);
  }
  completed_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
  if ((before & opened_flag) != 0) return;
  live_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a figure
  end_part(of, number);
}

void ledger::closed(ledger_record& of, std::uint64_t number) {
  std::uint64_t const before = mark(of, number, closed_flag);
  if (!is_of(before, number) || (before & (closed_flag | completed_flag)) != completed_flag) {
    return complain(number, "its scope closes once, after its completion", before);
  }
  live_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a figure
  end_part(of, number);
}

void ledger::add_part(ledger_record& of, std::uint64_t number) {
  std::uint64_t const life = of.life_.load(std::memory_order_relaxed);  // relaxed: as in mark()
  if (!is_of(life, number)) return complain(number, "to live while it spawns a task", life);
  of.parts_.fetch_add(1, std::memory_order_relaxed);  // relaxed: whoever adds one has one
}

void ledger::end_part(ledger_record& of, std::uint64_t number) {
  std::uint64_t const life = of.life_.load(std::memory_order_relaxed);  // relaxed: as in mark()
  if (!is_of(life, number)) {
    return complain(number, "that each of its tasks and timers ends once", life);
  }
  // sync record-part: acq_rel, release and acquire; pairs with itself; the last sees what all the others have marked
  if (of.parts_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish(of, number);
}

void ledger::finish(ledger_record& of, std::uint64_t number) {
  std::uint64_t const life = of.life_.load(std::memory_order_relaxed);  // relaxed: ordered by record-part
  if ((life & accepted_flag) != 0) {
    bool const open = (life & opened_flag) != 0 && (life & closed_flag) == 0;
    if ((life & completed_flag) == 0 || open) complain(number, "it ends completed and closed", life);
  }
  // sync record-free: release; pairs with begin(); the record is done with
  of.life_.store(0, std::memory_order_release);
}

void ledger::add_live() noexcept {
  // relaxed: figures
  std::int64_t const now = live_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (now <= 0) return;
  auto const live = static_cast<std::uint64_t>(now);
  std::uint64_t most = most_live_.load(std::memory_order_relaxed);
  while (live > most &&
         !most_live_.compare_exchange_weak(most, live, std::memory_order_relaxed, std::memory_order_relaxed)) {
  }
}

void ledger::check_all_ended() {
  for (auto& one : submitters_) {
    for (auto& record : one.records) {
      // sync record-free: acquire; pairs with finish(); as in begin()
      std::uint64_t const life = record.life_.load(std::memory_order_acquire);
      if (life == 0) continue;
      std::uint32_t const parts = record.parts_.load(std::memory_order_relaxed);  // relaxed: nobody runs any more
      violations_.add(number_in(life), "an end: completed, its scope closed, its tasks and timers gone",
                      history(life) + ", and " + std::to_string(parts) + " of its parts left");
    }
  }
}

}  // namespace mayfly::stress
