#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

// D9: what waits in a request takes that request's tasks only, so that no other request's body runs on top of it.
namespace mayfly {
namespace {

using namespace std::chrono_literals;

/// The request whose body is the innermost on this thread's stack; 0: none.
constinit thread_local std::uint64_t innermost = 0;

class body_of {
 public:
  body_of(std::uint64_t request, std::atomic<std::uint64_t>& foreign) : before_{std::exchange(innermost, request)} {
    if (before_ != 0 && before_ != request) foreign.fetch_add(1, std::memory_order_relaxed);
  }
  body_of(body_of const&) = delete;
  body_of& operator=(body_of const&) = delete;
  ~body_of() { innermost = before_; }

 private:
  std::uint64_t before_;
};

void spend(std::chrono::nanoseconds time) {
  for (auto const until = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < until;) {
  }
}

TEST(Isolation, NoOtherRequestsBodyRunsOnTopOfOneThatWaits) {
  constexpr std::uint64_t requests = 400;
  executor pool{{.workers = 4, .max_queued = requests, .idle_spin = 5us}};
  std::atomic<std::uint64_t> foreign{0};
  test::time_to_spend const time;
  // Somebody must have stolen, or this would prove nothing.
  std::uint64_t submitted = 0;
  for (; (submitted < requests && !time.spent()) || pool.stats().helped_chunks == 0; ++submitted) {
    auto const admitted = pool.try_submit(
        {.route = "isolated"},
        [&foreign, id = submitted + 1](request_context& request) {
          body_of const handler{id, foreign};
          request.parallel_for(0, 8, [&](std::size_t) {
            body_of const outer{id, foreign};
            request.parallel_for(0, 8, [&](std::size_t) {
              body_of const inner{id, foreign};
              spend(5us);
            });
          });
        },
        [](outcome<void> const&, request_context&) {});
    ASSERT_TRUE(admitted);
    while (pool.stats().in_flight > 6) std::this_thread::yield();
  }
  test::time_to_spend::tell(submitted, requests);
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(foreign.load(std::memory_order_relaxed), 0U) << "bodies that ran on top of another request's";
}

}  // namespace
}  // namespace mayfly
