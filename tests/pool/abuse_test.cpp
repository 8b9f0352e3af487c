#include "abuse_support.hpp"
#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/task_group.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <future>
#include <iostream>
#include <latch>
#include <memory>
#include <mutex>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Handlers that behave as badly as they can, and cancellations by the thousand: each accepted request ends once.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::outcome;
using mayfly::outcome_kind;
using mayfly::page_pool;
using mayfly::request_context;
using mayfly::task_group;
using mayfly::test::at_the_end;
using mayfly::test::endings;
using mayfly::test::expect_all_home;
using mayfly::test::wait_until;

/// What nobody can copy, and no catch clause of a library knows.
struct unheard_of {
  explicit unheard_of(std::unique_ptr<int> what) : value(std::move(what)) {}
  unheard_of(unheard_of&&) noexcept = default;
  unheard_of& operator=(unheard_of&&) = default;
  unheard_of(unheard_of const& other) : value(std::make_unique<int>(*other.value)) {}
  unheard_of& operator=(unheard_of const&) = delete;
  ~unheard_of() = default;
  std::unique_ptr<int> value;
};

enum class number : int { seven = 7 };

std::vector<std::function<void()>> const throwers{
    [] { throw 42; },
    [] { throw nullptr; },
    [] { throw "text"; },
    [] { throw number::seven; },
    [] { throw std::runtime_error(std::string(10'000, 'x')); },
    [] { throw unheard_of{std::make_unique<int>(1)}; },
    [] { throw std::make_exception_ptr(1); },
    [] { throw std::bad_alloc(); },
    [] { throw mayfly::request_cancelled(); },
    [] { throw mayfly::request_expired(); },
};

TEST(Throwing, AnythingFromHandlerPieceOrTaskIsOneEndAndTheWorkerGoesOn) {
  page_pool pages;
  executor pool{{.workers = 3, .pages = &pages}};
  endings seen(throwers.size() * 4);
  std::atomic<int> inside{0};
  std::atomic<int> left_inside{0};
  std::size_t request = 0;
  auto const submit = [&](auto handler) {
    auto const completion = [&, request](outcome<void> const& how, request_context&) {
      if (how.kind() == outcome_kind::exception) {
        EXPECT_ANY_THROW(how.value());
      }
      seen.end(request, how.kind());
    };
    seen.accept(request++, pool.try_submit({}, handler, completion));
  };
  for (auto const& thrower : throwers) {
    submit([&](request_context&) { thrower(); });
    submit([&](request_context& in) {
      std::atomic<int> mine{0};
      at_the_end const look{[&] { left_inside += mine; }};  // before the loop's variables go
      in.parallel_for(0, 64, [&](std::size_t i) {
        ++mine;
        at_the_end const out{[&] { --mine; }};
        std::memset(in.arena().allocate(1'000), 1, 1'000);
        if (i == 40) thrower();
      });
    });
    submit([&](request_context& in) {
      task_group group{in};
      for (int i = 0; i < 8; ++i) {
        group.run([&, i] {
          if (i == 5) thrower();
        });
      }
      group.wait();
    });
    submit([&](request_context& in) {
      in.parallel_for(0, 4, [&](std::size_t outer) {
        in.parallel_for(0, 4, [&](std::size_t inner) {
          ++inside;
          at_the_end const out{[&] { --inside; }};
          if (outer == 2 && inner == 1) thrower();
        });
      });
    });
  }
  EXPECT_TRUE(pool.drain(1h, 1s).complete());
  EXPECT_EQ(seen.expect_one_each(), request);
  EXPECT_EQ(inside.load(), 0);
  EXPECT_EQ(left_inside.load(), 0) << "pieces that ran on when the loop had thrown";
  EXPECT_EQ(seen.of(outcome_kind::value), 0U);
  EXPECT_EQ(pool.stats().completed(), request);
  expect_all_home(pages);
}

TEST(Throwing, WhileASubtaskRunsOnAnotherThreadWaitsForItBeforeTheRequestEnds) {
  page_pool pages;
  executor pool{{.workers = 3, .pages = &pages}};
  constexpr int rounds = 20;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<bool> started{false};
    std::atomic<bool> thrown{false};
    std::atomic<bool> task_ended{false};
    std::promise<bool> task_had_ended;
    endings seen(1);
    auto const admitted = pool.try_submit(
        {},
        [&](request_context& request) {
          task_group group{request};
          at_the_end const tell{[&] { thrown = true; }};  // goes before the group does
          group.run([&] {
            std::memset(request.arena().allocate(50'000), 1, 50'000);
            started = true;
            wait_until([&] { return thrown.load(); });
            std::memset(request.arena().allocate(50'000), 2, 50'000);
            task_ended = true;
            throw 43;  // nobody waits for it
          });
          wait_until([&] { return started.load(); });
          throw 42;
        },
        [&](outcome<void> const& how, request_context&) {
          seen.end(0, how.kind());
          try {
            how.value();
            ADD_FAILURE() << "no exception";
          } catch (int what) {
            EXPECT_EQ(what, 42);
          }
          task_had_ended.set_value(task_ended.load());
        });
    seen.accept(0, admitted);
    EXPECT_TRUE(task_had_ended.get_future().get());
    EXPECT_EQ(seen.expect_one_each(), 1U);
  }
  EXPECT_TRUE(pool.drain(1h, 1s).complete());
  EXPECT_EQ(pool.stats().exceptions, static_cast<std::uint64_t>(rounds));
  expect_all_home(pages);
}

TEST(Ignoring, AHandlerThatNeverAsksEndsTheRequestWhenItIsDoneAndNotBefore) {
  page_pool pages;
  executor pool{{.workers = 2, .pages = &pages}};
  endings seen(2);
  for (bool const throws : {false, true}) {
    std::size_t const request = throws ? 1 : 0;
    std::latch running(1);
    std::latch go_on(1);
    std::promise<outcome_kind> ended;
    auto const admitted = pool.try_submit(
        {},
        [&](request_context& in) {
          running.count_down();
          go_on.wait();
          std::memset(in.arena().allocate(100'000), 1, 100'000);
          return throws ? throw 42 : 1;
        },
        [&](outcome<int> const& how, request_context&) {
          seen.end(request, how.kind());
          ended.set_value(how.kind());
        });
    seen.accept(request, admitted);
    running.wait();
    EXPECT_TRUE(pool.request_cancel(admitted.id()));
    EXPECT_TRUE(pool.request_cancel(admitted.id())) << "it still runs";
    EXPECT_EQ(pool.run({}, [](request_context&) { return 2; }).value(), 2) << "beside it";
    EXPECT_EQ(seen.of(outcome_kind::cancelled), request) << "nobody ends it but itself";
    go_on.count_down();
    EXPECT_EQ(ended.get_future().get(), outcome_kind::cancelled);
  }
  EXPECT_TRUE(pool.drain(1h, 1s).complete());
  EXPECT_EQ(seen.expect_one_each(), 2U);
  expect_all_home(pages);
}

TEST(Ignoring, ADeadlineThatWasOverrunIsTheEndWhateverTheHandlerThrowsThen) {
  page_pool pages;
  executor pool{{.workers = 1, .pages = &pages}};
  for (bool const cancelled : {false, true}) {
    std::atomic<bool> handled{false};
    while (!handled) {  // a machine that is busy elsewhere may let all the time pass in the queue
      std::promise<outcome_kind> ended;
      auto const admitted = pool.try_submit(
          {.deadline = 20ms},
          [&](request_context& request) {
            handled = true;
            std::memset(request.arena().allocate(100'000), 1, 100'000);
            wait_until([&] { return request.remaining() == 0ns; });
            if (cancelled) pool.request_cancel(request.id());
            throw 42;
          },
          [&](outcome<void> const& how, request_context&) { ended.set_value(how.kind()); });
      ASSERT_TRUE(admitted);
      auto const how = ended.get_future().get();
      EXPECT_EQ(how, cancelled && handled ? outcome_kind::cancelled : outcome_kind::expired);
    }
  }
  EXPECT_TRUE(pool.drain(1h, 1s).complete());
  EXPECT_EQ(pool.stats().completed(), pool.stats().accepted);
  expect_all_home(pages);
}

/// What one request of the storm does; none looks at its stop token.
void misbehave(request_context& request, std::size_t kind, std::function<void(mayfly::scope_hold)> const& keep) {
  auto const spend = [&] {
    std::memset(request.arena().allocate(2'000), 1, 2'000);
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
  };
  switch (kind % 6) {
    case 0:
      return spend();
    case 1:
      spend();
      throw 42;
    case 2:
      return request.parallel_for(0, 16, [&](std::size_t i) {
        spend();
        if (i == 11) throw 42;
      });
    case 3: {
      task_group group{request};
      for (int i = 0; i < 4; ++i) group.run(spend);
      spend();
      throw 42;  // while they run
    }
    case 4: {
      task_group group{request};
      for (int i = 0; i < 4; ++i) group.run([&] { request.parallel_for(0, 4, [&](std::size_t) { spend(); }); });
      return group.wait();
    }
    default:
      keep(request.hold());
      return spend();
  }
}

TEST(Storm, OfCancellationsFromManyThreadsLeavesOneEndEach) {
  mayfly::test::shaken_schedules const shaken;
  constexpr std::size_t submitters = 2;
  constexpr std::size_t most = 1'500;  // of each
  std::size_t const threads_before = mayfly::test::threads_of_this_process();
  page_pool pages;
  endings seen(submitters * most);
  {
    executor pool{{.workers = 3, .max_in_flight = 128, .pages = &pages}};
    std::array<std::atomic<std::uint64_t>, 64> ids{};  // of requests that may be anywhere, or gone
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> hits{0};
    std::mutex kept_mutex;
    std::vector<mayfly::scope_hold> kept;
    std::function<void(mayfly::scope_hold)> const keep = [&](mayfly::scope_hold hold) {
      std::scoped_lock const lock{kept_mutex};
      kept.push_back(std::move(hold));
    };
    auto const let_go = [&] {
      std::vector<mayfly::scope_hold> some;
      std::scoped_lock const lock{kept_mutex};
      some.swap(kept);
    };
    std::vector<std::thread> cancellers;
    for (std::size_t c = 0; c < 3; ++c) {
      cancellers.emplace_back([&, c] {
        std::minstd_rand random(static_cast<unsigned>(mayfly::test::seed() + c));
        while (!over) {
          auto const id = mayfly::scope_id::from_bits(ids[random() % ids.size()].load());
          hits += pool.request_cancel(id) ? 1 : 0;
          if (random() % 8 == 0) let_go();
          std::this_thread::yield();
        }
      });
    }
    std::vector<std::thread> threads;
    for (std::size_t s = 0; s < submitters; ++s) {
      threads.emplace_back([&, s] {
        mayfly::test::time_to_spend const time;
        for (std::size_t i = 0; i < most && !time.spent(); ++i) {
          std::size_t const request = s * most + i;
          mayfly::submit_options const options{.deadline = i % 7 == 0 ? 1ms : 1h};
          auto const admitted = pool.try_submit(
              options, [&keep, i](request_context& in) { misbehave(in, i, keep); }, seen.noted(request));
          seen.accept(request, admitted);
          if (admitted) ids[request % ids.size()] = admitted.id().bits();
          if (!admitted) std::this_thread::yield();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    std::thread beside([&] { pool.drain(1h, 1s); });  // two drain at once, and both come back
    EXPECT_TRUE(pool.drain(1ms, 1h).complete()) << "those who cancel also let go what is kept";
    beside.join();
    over = true;
    for (auto& thread : cancellers) thread.join();
    std::size_t const accepted = seen.expect_one_each();
    auto const end = pool.stats();
    EXPECT_EQ(end.accepted, accepted);
    EXPECT_EQ(end.completed(), accepted);
    EXPECT_GE(hits.load(), 1U);
    std::cout << accepted << " requests, " << end.cancelled << " cancelled, " << end.exceptions << " threw, "
              << end.expired << " expired\n";
  }
  expect_all_home(pages);
  mayfly::test::expect_threads(threads_before);
}

}  // namespace
