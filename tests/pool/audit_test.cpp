#include "support.hpp"
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
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

int const* held_by_the_service = nullptr;

namespace mayfly {
namespace {

constexpr int requests_of_a_kind = detail::sanitized ? 50 : 300;

/// Hears what audits say, and keeps the holders' names.
class listening {
 public:
  listening() { set_escape_handler(&listening::hear, this); }
  ~listening() { set_escape_handler(nullptr, nullptr); }
  listening(listening const&) = delete;
  listening& operator=(listening const&) = delete;

  /// In the order in which they were heard: "MF-E41 name".
  [[nodiscard]] std::vector<std::string> take() {
    std::scoped_lock const lock{mutex_};
    return std::exchange(holders_, {});
  }

 private:
  static void hear(escape_report const& report, void* self) noexcept {
    auto& mine = *static_cast<listening*>(self);
    std::scoped_lock const lock{mine.mutex_};
    mine.holders_.push_back(std::string{code(report.rule)} + " " + std::string{report.holder} + ", " +
                            std::to_string(report.holder_bytes) + " bytes, at " + std::to_string(report.offset) +
                            ", for " + std::string{report.route});
  }

  std::mutex mutex_;
  std::vector<std::string> holders_;
};

/// An executor that audits every request. Its pages are used once, as audit.hpp advises for tests: what freed memory
/// still says of one request is not taken for another's.
class audited_executor {
 public:
  executor& operator*() { return pool_; }
  executor* operator->() { return &pool_; }

 private:
  page_pool pages_{{.recycle = false}};
  executor pool_{{.workers = 3, .pages = &pages_, .audit = {.one_in = 1}}};
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

TEST(AuditedExecutor, LegalRequestsOfEveryKindAreNotReported) {
  listening ears;
  {
    audited_executor pool;
    for (int i = 0; i < requests_of_a_kind; ++i) submit_each_kind(*pool, i);
  }
  std::vector<std::string> const heard = ears.take();
  EXPECT_TRUE(heard.empty()) << heard.size() << " reports, the first: " << (heard.empty() ? "" : heard.front());
}

TEST(AuditedExecutor, ARequestThatIsHeldByAGlobalIsReportedWithItsRoute) {
  listening ears;
  {
    audited_executor pool;
    pool->submit("keeps", [](request_context& request) { held_by_the_service = request.arena().make<int>(1); }).get();
  }
  held_by_the_service = nullptr;
  std::vector<std::string> const heard = ears.take();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_NE(heard[0].find("MF-E41 held_by_the_service in "), std::string::npos) << heard[0];
  EXPECT_NE(heard[0].find("for keeps"), std::string::npos) << heard[0];
}

TEST(AuditedExecutor, NothingIsAuditedUnlessAskedFor) {
  listening ears;
  {
    executor pool{{.workers = 2}};
    pool.submit("keeps", [](request_context& request) { held_by_the_service = request.arena().make<int>(1); }).get();
  }
  held_by_the_service = nullptr;
  EXPECT_TRUE(ears.take().empty());
}

}  // namespace
}  // namespace mayfly
