// Requests of every kind at once, on real threads whose schedules are perturbed: for ThreadSanitizer, which judges
// every access, and for the ledger, which judges what became of them. Plain data passes wherever mayfly promises an
// order.
//
// MAYFLY_TSAN_REQUESTS says how many (2,000), MAYFLY_SCHEDULE_SEED which choices.

#include <mayfly/allocation_error.hpp>
#include <mayfly/channel.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/perturbation.hpp>
#include <mayfly/scope_registry.hpp>
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

namespace mayfly::stress {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t submitters = 3;
constexpr std::size_t places = 16;
constexpr std::size_t requests_of_one_executor = 250'000;
constexpr std::size_t turns_of_one_size = 64;

/// What a request of the mix does; each is as likely as the next.
enum class kind : std::uint8_t {
  small,      // a few strings
  oversize,   // a block of its own
  loop,       // nested parallel_for
  group,      // nested task_group
  inner,      // a nested scope
  held,       // a hold, released by whoever comes next, elsewhere
  watched,    // a ref, looked at by another thread while and after it lives
  cancelled,  // cancelled from outside
  hurried,    // a deadline that may pass at any point
  throwing,
  timer,     // sets a timer, and may cancel it
  sender,    // puts a number into a channel
  receiver,  // takes one out
};
constexpr std::uint64_t kinds = 13;

/// Plain data in a request's memory. Whoever reads it while it is made, or once it has ended, races.
struct payload {
  explicit payload(std::uint64_t number) : value{number}, check{~number} {}
  ~payload() { value = check = 0; }
  payload(payload const&) = delete;
  payload& operator=(payload const&) = delete;
  [[nodiscard]] bool sound() const { return check == ~value; }

  std::uint64_t value;
  std::uint64_t check;
};

/// What became of each request. Relaxed, all of it: the ledger must not order what it judges.
struct ledger {
  explicit ledger(std::size_t requests) : answers(requests) {}

  void answer(std::size_t number) { answers[number].fetch_add(1, std::memory_order_relaxed); }

  std::vector<std::atomic<std::uint8_t>> answers;  // outcomes and refusals, by the request's number
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> timers_set{0};
  std::atomic<std::uint64_t> timers_cancelled{0};
  std::atomic<std::uint64_t> sent{0};  // sum of the numbers
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> helped{0};  // pieces of nested work that another thread ran
  std::atomic<std::uint64_t> epochs{0};
  std::atomic<std::uint64_t> returned_bytes{0};  // by epochs' ends and lowered budgets
  std::atomic<std::uint64_t> out_of_pages{0};    // requests that a lowered budget ended
};

std::atomic<std::uint64_t> timer_tasks{0};  // a timer's task captures nothing

void add(std::atomic<std::uint64_t>& sum, std::uint64_t value) { sum.fetch_add(value, std::memory_order_relaxed); }

/// One executor, and what its requests share.
class mix {
 public:
  /// `moves_budget`: the page budget goes down and up all the time, and requests may end for want of pages.
  mix(ledger& book, std::uint64_t seed, bool moves_budget) : book_{book}, seed_{seed}, moves_budget_{moves_budget} {}

  /// Requests first to last: submitted by several threads, watched by one, drained, and counted.
  void run(std::size_t first, std::size_t last);

 private:
  void submit(std::size_t number);
  [[nodiscard]] kind kind_of(std::size_t number) const {
    return static_cast<kind>(std::mt19937_64{seed_ + number}() % kinds);
  }
  [[nodiscard]] static bool may_end(kind what, outcome_kind how);
  std::uint64_t handle(request_context& request, std::size_t number);
  std::uint64_t handle_with_others(request_context& request, std::size_t number);
  std::uint64_t loop(request_context& request, std::size_t number);
  std::uint64_t group(request_context& request, std::size_t number);
  void set_timer(request_context& request, std::size_t number);
  void watch(std::stop_token const& enough);
  void trim(std::stop_token const& enough);
  [[nodiscard]] bool ran_out_of_pages(outcome<std::uint64_t> const& result);
  void settle(std::size_t requests, std::uint64_t refused_before);

  ledger& book_;
  std::uint64_t seed_;
  bool moves_budget_;
  channel<std::uint64_t> numbers_{64};
  std::array<std::atomic<scope_hold*>, places> held_{};
  std::array<std::atomic<scoped_ref<payload>>, places> refs_{};
  executor pool_{{.workers = 4, .max_in_flight = 256, .trim_interval = executor_options::least_trim_interval}};
};

std::uint64_t mix::loop(request_context& request, std::size_t number) {
  auto const parts = request.arena().make_span<std::uint64_t>(64);
  request.parallel_for(0, parts.size(), [&](std::size_t i) {
    if (i % 8 == 0) std::this_thread::yield();                // long enough for others to come and help
    parts[i] = request.arena().make<payload>(number)->value;  // in the lane of whichever thread runs this
  });
  return static_cast<std::uint64_t>(std::count(parts.begin(), parts.end(), number)) == parts.size() ? number : 0;
}

std::uint64_t mix::group(request_context& request, std::size_t number) {
  std::array<payload*, 4> made{};
  task_group tasks{request};
  for (auto& each : made) tasks.run([&each, &request, number] { each = request.arena().make<payload>(number); });
  tasks.wait();
  bool const sound = std::all_of(made.begin(), made.end(), [](payload* each) { return each->sound(); });
  return sound ? number : 0;
}

void mix::set_timer(request_context& request, std::size_t number) {
  auto const delay = std::chrono::microseconds{number % 200};
  auto const timer = request.spawn_after(delay, {.route = "timer"}, [](request_context&) { add(timer_tasks, 1); });
  if (!timer) return;  // drains
  add(book_.timers_set, 1);
  if (number % 2 == 0 && pool_.cancel_timer(timer.id())) add(book_.timers_cancelled, 1);
}

std::uint64_t mix::handle(request_context& request, std::size_t number) {
  auto* const mine = request.arena().make<payload>(number);
  switch (kind_of(number)) {
    case kind::small: {
      std::pmr::vector<std::pmr::string> words{request.memory()};
      for (int i = 0; i < 8; ++i) words.emplace_back("longer than a short string is");
      return words.back().size() == 29 ? number : 0;
    }
    case kind::oversize:
      request.arena().make_span<char>(300 * 1024)[number % 1024] = 'x';
      return number;
    case kind::loop:
      return loop(request, number);
    case kind::group:
      return group(request, number);
    case kind::inner:
      return request.nested([number](request_context& inside) { return inside.arena().make<payload>(number)->value; });
    case kind::cancelled:
    case kind::hurried:
      for (int i = 0; i < 100; ++i) {
        request.throw_if_stopped();
        std::this_thread::yield();
      }
      return number;
    case kind::throwing:
      if (number % 2 == 0) throw 42;
      throw std::runtime_error{"thrown on purpose"};
    default:
      return handle_with_others(request, mine->value);
  }
}

std::uint64_t mix::handle_with_others(request_context& request, std::size_t number) {
  auto* const shared = request.arena().make<payload>(number);
  switch (kind_of(number)) {
    case kind::held:
      // Release: publishes the hold. Acquire: takes over the one that was there, and gives it up on this thread.
      delete held_[number % places].exchange(new scope_hold{request.hold()}, std::memory_order_acq_rel);
      break;
    case kind::watched:
      // Release: publishes the payload to watch().
      refs_[number % places].store(scoped_ref<payload>{request.scope(), *shared}, std::memory_order_release);
      break;
    case kind::timer:
      set_timer(request, number);
      break;
    case kind::sender:
      if (numbers_.try_send(std::uint64_t{number}) == channel_reason::sent) add(book_.sent, number);
      break;
    case kind::receiver:
      if (auto const received = numbers_.try_receive()) add(book_.received, *received);
      break;
    default:
      ADD_FAILURE() << "a kind that nobody handles";
  }
  return number;
}

bool mix::may_end(kind what, outcome_kind how) {
  switch (what) {
    case kind::throwing:
      return how == outcome_kind::exception;
    case kind::inner:  // refused while as many scopes are open as may be
      return how == outcome_kind::value || how == outcome_kind::exception;
    case kind::cancelled:
      return how == outcome_kind::value || how == outcome_kind::cancelled;
    case kind::hurried:
      return how == outcome_kind::value || how == outcome_kind::expired;
    default:
      return how == outcome_kind::value;
  }
}

void mix::submit(std::size_t number) {
  kind const what = kind_of(number);
  submit_options options{.route = "mix"};
  if (what == kind::hurried) options.deadline = std::chrono::microseconds{number % 300};
  while (true) {
    admission const admitted = pool_.try_submit(
        options, [this, number](request_context& request) { return handle(request, number); },
        [this, number, what](outcome<std::uint64_t> const& result, request_context&) {
          book_.answer(number);
          EXPECT_TRUE(!result.has_value() || *result == number);
          EXPECT_TRUE(may_end(what, result.kind()) || ran_out_of_pages(result))
              << number << " ended as " << to_string(result.kind());
        });
    if (admitted) {
      if (what == kind::cancelled) pool_.request_cancel(admitted.id());
      return;
    }
    bool const poor = moves_budget_ && admitted.reason() == admission_reason::over_budget;
    if (admitted.reason() != admission_reason::queue_full && !poor) {
      EXPECT_EQ(admitted.reason(), admission_reason::expired);
      add(book_.refused, 1);
      return book_.answer(number);
    }
    std::this_thread::yield();
  }
}

/// Looks at what others make and end, and changes the number of workers now and then.
void mix::watch(std::stop_token const& enough) {
  for (std::size_t turn = 0; !enough.stop_requested(); ++turn) {
    if (turn % turns_of_one_size == 0) pool_.set_workers(1 + turn / turns_of_one_size % pool_.options().max_workers);
    for (auto const& each : refs_) {
      scoped_ref<payload> const ref =
          each.load(std::memory_order_acquire);  // pairs with the store in handle_with_others
      auto const seen = ref.pin();
      EXPECT_TRUE(!seen || seen->sound());
      auto const info = pool_.registry().find(ref.id());
      EXPECT_TRUE(!info || info->id == ref.id());
      auto const pin = pool_.registry().pin(ref.id());
    }
    pool_.registry().for_each_live([](scope_info const& live) { EXPECT_TRUE(live.id); });
    std::this_thread::yield();
  }
}

/// Only a pool whose budget moves refuses pages here.
bool mix::ran_out_of_pages(outcome<std::uint64_t> const& result) {
  if (!moves_budget_ || result.kind() != outcome_kind::exception) return false;
  try {
    std::rethrow_exception(result.error());
  } catch (allocation_error const& error) {
    add(book_.out_of_pages, 1);
    return error.reason() == refusal::page_cap;
  } catch (...) {
    return false;
  }
}

/// The trimmer's work, far more often, and beside the trimmer itself.
void mix::trim(std::stop_token const& enough) {
  std::mt19937_64 random{seed_ + 1};
  while (!enough.stop_requested()) {
    add(book_.returned_bytes, pool_.pages().end_epoch());
    add(book_.epochs, 1);
    if (moves_budget_) pool_.set_page_budget(random() % 4 == 0 ? 0 : (std::size_t{1} + random() % 32) << 18U);
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 500});
  }
  if (moves_budget_) pool_.set_page_budget(0);
}

void mix::run(std::size_t first, std::size_t last) {
  std::uint64_t const refused_before = book_.refused.load(std::memory_order_relaxed);
  timer_tasks.store(0, std::memory_order_relaxed);
  book_.timers_set.store(0, std::memory_order_relaxed);
  book_.timers_cancelled.store(0, std::memory_order_relaxed);
  {
    std::jthread const watcher{[this](std::stop_token const& enough) { watch(enough); }};
    std::jthread const trims{[this](std::stop_token const& enough) { trim(enough); }};
    std::vector<std::jthread> threads;
    threads.reserve(submitters);
    for (std::size_t mine = 0; mine < submitters; ++mine) {
      threads.emplace_back([=, this] {
        for (std::size_t number = first + mine; number < last; number += submitters) submit(number);
      });
    }
    threads.clear();
  }
  // Requests that still run may hold on to their scopes.
  while (pool_.stats().in_flight != 0) {
    for (auto& each : held_) delete each.exchange(nullptr, std::memory_order_acq_rel);
    std::this_thread::yield();
  }
  settle(last - first, refused_before);
}

/// Nothing is in flight any more: everything that began has ended, once, and everything taken has been given back.
void mix::settle(std::size_t requests, std::uint64_t refused_before) {
  EXPECT_EQ(pool_.drain(1h, 1h).remaining.size(), 0U);
  auto const done = pool_.stats();
  std::uint64_t const refused = book_.refused.load(std::memory_order_relaxed) - refused_before;
  EXPECT_EQ(done.accepted, requests - refused + done.timers_fired);
  EXPECT_EQ(done.completed(), done.accepted);
  EXPECT_EQ(done.in_flight, 0U);
  add(book_.helped, done.helped_chunks);
  EXPECT_EQ(done.timers_set, book_.timers_set.load(std::memory_order_relaxed));
  EXPECT_EQ(done.timers_cancelled, book_.timers_cancelled.load(std::memory_order_relaxed));
  EXPECT_EQ(done.timers_set, done.timers_fired + done.timers_cancelled + done.timers_dropped);
  EXPECT_EQ(done.timers_fired, timer_tasks.load(std::memory_order_relaxed));
  while (auto const left = numbers_.try_receive()) add(book_.received, *left);
  EXPECT_EQ(pool_.registry().live(), 0U);
  EXPECT_EQ(pool_.pages().stats().pages_in_use(), 0U);
  EXPECT_EQ(pool_.pages().stats().blocks_in_use, 0U);
}

std::size_t requests_to_run() {
  char const* const asked = std::getenv("MAYFLY_TSAN_REQUESTS");
  if (asked == nullptr) return 2'000;
  std::size_t const requests = std::strtoull(asked, nullptr, 10);
  if (requests == 0) throw std::invalid_argument("MAYFLY_TSAN_REQUESTS must be a number of requests, at least 1");
  return requests;
}

TEST(TsanRequests, EveryRequestEndsOnceAndGivesItsPagesBack) {
  std::size_t const requests = requests_to_run();
  std::uint64_t const seed = schedule_seed(std::random_device{}());
  std::cout << "MAYFLY_SCHEDULE_SEED=" << seed << '\n';
  ledger book{requests};
  perturbation const disorder{{.seed = seed}};
  auto const start = std::chrono::steady_clock::now();
  // Every second executor's budget moves; at least one does.
  std::size_t const of_one = std::min(requests_of_one_executor, (requests + 1) / 2);
  bool moves_budget = false;
  for (std::size_t first = 0; first < requests; first += of_one) {
    mix{book, seed, moves_budget}.run(first, std::min(requests, first + of_one));
    moves_budget = !moves_budget;
  }
  auto const took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);

  auto const done = disorder.counts();
  std::cout << requests << " requests in " << took.count() << " s; " << book.helped.load(std::memory_order_relaxed)
            << " pieces of nested work by helpers; " << book.epochs.load(std::memory_order_relaxed) << " epochs ended, "
            << book.returned_bytes.load(std::memory_order_relaxed) << " bytes went back, "
            << book.out_of_pages.load(std::memory_order_relaxed) << " requests ran out of pages; " << done.steps
            << " steps at " << done.points.size() << " schedule points, of which " << done.yields << " yielded, "
            << done.spins << " spun, " << done.sleeps << " slept\n";
  auto const once = [](std::atomic<std::uint8_t> const& answers) {
    return answers.load(std::memory_order_relaxed) == 1;
  };
  EXPECT_EQ(std::count_if(book.answers.begin(), book.answers.end(), once), static_cast<std::ptrdiff_t>(requests));
  EXPECT_EQ(book.sent.load(std::memory_order_relaxed), book.received.load(std::memory_order_relaxed));
  EXPECT_GT(book.epochs.load(std::memory_order_relaxed), 0U);
#ifdef MAYFLY_SCHEDULE_POINTS
  EXPECT_GT(done.yields, 0U);
#endif
}

}  // namespace
}  // namespace mayfly::stress
