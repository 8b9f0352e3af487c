#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <span>
#include <thread>
#include <vector>

// P3: whatever runs for a request runs in its scope or in none, under stealing, at a load where stealing is most
// likely: a trickle, with idle workers about.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::outcome;
using mayfly::request_context;

struct tally {
  std::atomic<std::size_t> foreign_scope{0};
  std::atomic<std::size_t> foreign_bytes{0};
  std::atomic<std::size_t> pieces{0};
};

/// Each piece fills memory from its own thread's lane with the request's pattern, looks away, and looks again.
void fill_and_check(request_context& request, std::uint64_t pattern, std::size_t bytes, tally& counted) {
  if (mayfly::current_scope() != &request.scope()) ++counted.foreign_scope;
  std::span<std::uint64_t> const words = request.arena().make_span<std::uint64_t>(bytes / 8);
  for (auto& word : words) word = pattern;
  std::this_thread::yield();
  for (auto const word : words) {
    if (word != pattern) ++counted.foreign_bytes;
  }
  ++counted.pieces;
}

TEST(ForeignMemory, IsNeverSeenByNestedWorkAtTrickleLoad) {
  constexpr std::size_t requests = 600;
  executor pool{{.workers = 4, .idle_spin = 5us}};
  std::mt19937_64 random(mayfly::test::seed());
  tally counted;
  std::uint64_t submitted = 0;
  mayfly::test::time_to_spend const time;
  // Somebody must have stolen, or this would prove nothing.
  for (; (submitted < requests && !time.spent()) || pool.stats().helped_chunks == 0; ++submitted) {
    std::uint64_t const i = submitted;
    std::uint64_t const pattern = (i + 1) * 0x9e3779b97f4a7c15ULL;
    std::size_t const bytes = 64 + static_cast<std::size_t>(random() % 4'096);
    auto const admitted = pool.try_submit(
        {.route = "pattern"},
        [=, &counted](request_context& request) {
          std::span<std::uint64_t*> const kept = request.arena().make_span<std::uint64_t*>(40);
          request.parallel_for(0, kept.size(), [&](std::size_t p) {
            fill_and_check(request, pattern, bytes, counted);
            kept[p] = static_cast<std::uint64_t*>(request.arena().allocate(8));
            *kept[p] = pattern + p;
            if (p % 8 == 0) {
              request.parallel_for(0, 4, [&](std::size_t) { fill_and_check(request, pattern, 128, counted); });
            }
          });
          return kept;
        },
        [=, &counted](outcome<std::span<std::uint64_t*>> const& end, request_context&) {
          for (std::size_t p = 0; p < end->size(); ++p) {
            if (*(*end)[p] != pattern + p) ++counted.foreign_bytes;
          }
        });
    ASSERT_TRUE(admitted);
    // A trickle: sometimes one in flight, sometimes a few.
    while (pool.stats().in_flight > random() % 5) std::this_thread::yield();
  }
  mayfly::test::time_to_spend::tell(submitted, requests);
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(counted.foreign_scope.load(), 0U);
  EXPECT_EQ(counted.foreign_bytes.load(), 0U);
  EXPECT_EQ(counted.pieces.load(), submitted * (40 + 5 * 4));
}

}  // namespace
