#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/audit.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_hold.hpp>
#include <mayfly/task_group.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

int const* held_by_the_service = nullptr;

namespace mayfly {
namespace {

constexpr int requests_of_a_kind = detail::sanitized || test::thread_sanitized ? 50 : 300;

/// Hears what audits say, and keeps the first report, in place: new heap blocks would only be searched in turn, with
/// what their memory held before.
class listening {
 public:
  listening() { set_escape_handler(&listening::hear, this); }
  ~listening() { set_escape_handler(nullptr, nullptr); }
  listening(listening const&) = delete;
  listening& operator=(listening const&) = delete;

  [[nodiscard]] std::size_t globals() const { return globals_; }
  [[nodiscard]] std::size_t suspects() const { return suspects_; }
  [[nodiscard]] std::string first() const { return {first_.data(), first_bytes_}; }

 private:
  static void hear(escape_report const& report, void* self) noexcept {
    bool const of_audit = report.rule == escape_rule::held_by_global ||
                          report.rule == escape_rule::held_by_thread_local ||
                          report.rule == escape_rule::held_by_heap_block;
    if (!of_audit) return;
    auto& mine = *static_cast<listening*>(self);
    std::scoped_lock const lock{mine.mutex_};
    ++(report.suspect ? mine.suspects_ : mine.globals_);
    if (mine.first_bytes_ == 0 || (!report.suspect && mine.globals_ == 1)) {  // a global rather than a suspect
      mine.first_bytes_ = format_text(report, mine.first_);
    }
  }

  std::mutex mutex_;
  std::size_t globals_ = 0;
  std::size_t suspects_ = 0;
  std::array<char, longest_escape_report> first_{};
  std::size_t first_bytes_ = 0;
};

/// An executor that audits every request. Where its pages are used once, as the README advises for tests, what memory
/// still says of one request is not taken for another's. The oneTBB that is built for ThreadSanitizer takes its tasks'
/// memory from the C heap and never gives it back: what a block of it still says is no holder, and the heap not
/// searched.
class audited_executor {
 public:
  explicit audited_executor(bool recycle) : pages_{{.recycle = recycle}} {}
  executor& operator*() { return pool_; }
  executor* operator->() { return &pool_; }

 private:
  page_pool pages_;
  executor pool_{{.workers = 3, .pages = &pages_, .audit = {.one_in = 1, .heap = !test::thread_sanitized}}};
};

/// Containers in the arena, temporaries on the heap that point into it, a closure in a std::function.
std::size_t work_with_temporaries(request_context& request) {
  std::pmr::vector<std::pmr::string> words{request.memory()};
  for (int i = 0; i < 40; ++i) words.emplace_back("a word that is longer than its object " + std::to_string(i));
  std::vector<std::pmr::string const*> sorted;
  std::map<std::string, std::pmr::string const*> by_text;
  std::list<std::pmr::string const*> listed;
  for (auto const& word : words) {
    sorted.push_back(&word);
    by_text.emplace(word, &word);
    listed.push_back(&word);
  }
  std::array<void const*, 6> captured{};
  captured.fill(words.data());
  std::function<std::size_t()> const count = [captured, &words] { return words.size() + captured.size(); };
  auto const shared = std::make_shared<std::pmr::string const*>(&words.front());
  return count() + sorted.size() + by_text.size() + listed.size() + (*shared)->size();
}

std::size_t work_in_pieces(request_context& request) {
  auto const numbers = request.arena().make_span<std::size_t>(600);
  request.parallel_for(0, numbers.size(), [&](std::size_t i) {
    std::pmr::string const text{"each piece allocates in its own lane " + std::to_string(i), request.memory()};
    numbers[i] = text.size();
  });
  task_group group{request};
  auto* const sums = request.arena().make<std::array<std::size_t, 2>>();
  group.run([sums, numbers] { (*sums)[0] = std::accumulate(numbers.begin(), numbers.end(), std::size_t{0}); });
  group.run([sums, numbers] { (*sums)[1] = numbers.size(); });
  group.wait();
  return (*sums)[0] + (*sums)[1];
}

void submit_each_kind(executor& pool, int round) {
  std::array<char, 400> large{};
  large.fill('x');
  std::vector<std::future<std::size_t>> results;
  results.push_back(
      pool.submit("temporaries", [](request_context& request) { return work_with_temporaries(request); }));
  results.push_back(pool.submit("pieces", [](request_context& request) { return work_in_pieces(request); }));
  results.push_back(pool.submit("large closure", [large](request_context& request) {
    return request.arena().copy({large.data(), large.size()}).size();
  }));
  auto failing = pool.submit("throws", [](request_context& request) -> int {
    request.arena().make<std::string>("destroyed at the end");
    throw std::runtime_error{"nothing of the request's"};
  });
  auto late = pool.submit({.route = "expires", .deadline = std::chrono::nanoseconds{1}},
                          [](request_context& request) { return *request.arena().make<int>(1); });
  std::promise<scope_hold> keep;
  auto kept = keep.get_future();
  auto const admitted = pool.try_submit(
      {.route = "held"}, [](request_context& request) { return request.arena().make<int>(7); },
      [&keep](outcome<int*> const&, request_context& request) { keep.set_value(request.hold()); });
  auto const cancelled = pool.try_submit(
      {.route = "cancelled"}, [](request_context& request) { request.arena().make<int>(1); }, test::ignore);
  pool.request_cancel(cancelled.id());
  if (admitted) kept.get().release();
  for (auto& each : results) EXPECT_GT(each.get(), 0U) << round;
  EXPECT_THROW(failing.get(), std::runtime_error);
  late.wait();
}

/// A word in a block's slack, which nobody overwrites, may still look like an address: one suspect is let pass, a held
/// pointer gives one with every request.
TEST(AuditedExecutor, LegalRequestsOfEveryKindAreNotReported) {
  listening ears;
  {
    audited_executor pool{false};
    for (int i = 0; i < requests_of_a_kind; ++i) submit_each_kind(*pool, i);
  }
  EXPECT_EQ(ears.globals(), 0U) << ears.first();
  EXPECT_LE(ears.suspects(), 1U) << ears.first();
}

/// Pages that are used again make some stale words look like the next request's: suspects, but few, and no globals.
TEST(AuditedExecutor, RecycledPagesGiveFewSuspectsAndNoGlobals) {
  listening ears;
  {
    audited_executor pool{true};
    for (int i = 0; i < requests_of_a_kind / 3; ++i) submit_each_kind(*pool, i);
  }
  EXPECT_EQ(ears.globals(), 0U) << ears.first();
  std::cout << ears.suspects() << " suspects in " << 7 * requests_of_a_kind / 3 << " audits\n";
  EXPECT_LT(ears.suspects(), static_cast<std::size_t>(7 * requests_of_a_kind / 6)) << ears.first();
}

TEST(AuditedExecutor, ARequestThatIsHeldByAGlobalIsReportedWithItsRoute) {
  listening ears;
  {
    audited_executor pool{false};
    pool->submit("keeps", [](request_context& request) { held_by_the_service = request.arena().make<int>(1); }).get();
  }
  held_by_the_service = nullptr;
  EXPECT_EQ(ears.globals(), 1U);
  EXPECT_NE(ears.first().find("MF-E41"), std::string::npos) << ears.first();
  EXPECT_NE(ears.first().find("route=\"keeps\""), std::string::npos) << ears.first();
  EXPECT_NE(ears.first().find("holder=\"held_by_the_service in audited_executor_test\""), std::string::npos)
      << ears.first();
}

TEST(AuditedExecutor, NothingIsAuditedUnlessAskedFor) {
  listening ears;
  {
    executor pool{{.workers = 2}};
    pool.submit("keeps", [](request_context& request) { held_by_the_service = request.arena().make<int>(1); }).get();
  }
  held_by_the_service = nullptr;
  EXPECT_EQ(ears.globals() + ears.suspects(), 0U) << ears.first();
}

}  // namespace
}  // namespace mayfly
