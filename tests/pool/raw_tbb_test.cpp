#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>
#include <tbb/parallel_for.h>

#include <atomic>
#include <latch>
#include <thread>

// Handlers that use oneTBB themselves, past request_context.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::request_context;

TEST(WithHelpers, LetsRawOneTbbWorkUseIdleWorkersInNoScope) {
  executor pool{{.workers = 2}};
  auto const result = pool.run({}, [](request_context& request) {
    std::latch both(2);
    std::atomic<int> in_scope{0};
    std::atomic<int> in_none{0};
    std::atomic<int> refused{0};
    request.with_helpers([&] {
      tbb::parallel_for(0, 2, [&](int) {
        both.arrive_and_wait();
        if (mayfly::current_scope() == nullptr) {
          ++in_none;
          try {
            static_cast<void>(request.arena().allocate(8));
          } catch (mayfly::scope_mismatch const&) {
            ++refused;
          }
        }
        in_scope += mayfly::current_scope() == &request.scope() ? 1 : 0;
      });
    });
    EXPECT_EQ(in_scope.load(), 1) << "this thread";
    EXPECT_EQ(in_none.load(), 1) << "the helper, in nobody's scope";
    EXPECT_EQ(refused.load(), 1) << "and allocation there fails loudly";
  });
  EXPECT_TRUE(result.has_value());
}

/// Bodies that oneTBB was given directly, unbound: on the request's own thread they are inside it, elsewhere in nobody.
/// While a request waits in its own raw algorithm, no other request's piece may run on top of it.
TEST(ForeignMemory, IsOutOfReachForUnboundBodies) {
  constexpr int requests = 150;
  executor pool{{.workers = 4, .idle_spin = 5us}};
  std::atomic<int> foreign{0};
  std::atomic<int> own{0};
  std::atomic<int> none{0};
  int submitted = 0;
  mayfly::test::time_to_spend const time;
  for (; (submitted < requests && !time.spent()) || none == 0;
       ++submitted) {  // where no helper came, it would prove nothing
    auto const admitted = pool.try_submit(
        {.route = "raw"},
        [&](request_context& request) {
          mayfly::scope* const mine = &request.scope();
          request.with_helpers([&] {
            tbb::parallel_for(0, 32, [&](int) {
              tbb::parallel_for(0, 4, [&](int) {
                mayfly::scope* const seen = mayfly::current_scope();
                if (seen == mine)
                  ++own;
                else if (seen == nullptr)
                  ++none;
                else
                  ++foreign;
                for (int spin = 0; spin < 20; ++spin) std::this_thread::yield();
              });
            });
          });
        },
        mayfly::test::ignore);
    ASSERT_TRUE(admitted);
    while (pool.stats().in_flight > 3) std::this_thread::yield();
  }
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(foreign.load(), 0);
  mayfly::test::time_to_spend::tell(static_cast<std::uint64_t>(submitted), requests);
  EXPECT_EQ(own.load() + none.load(), submitted * 32 * 4);
}

}  // namespace
