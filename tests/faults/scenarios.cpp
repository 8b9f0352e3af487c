#include "books.hpp"
#include "memory_scenarios.hpp"
#include "scenario.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/channel.hpp>
#include <mayfly/detached_coroutine.hpp>
#include <mayfly/effect_handler.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/promise.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_hold.hpp>
#include <mayfly/scope_registry.hpp>
#include <mayfly/task_group.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace mayfly::test::faults {
namespace {

using namespace std::chrono_literals;

/// Until it holds, or for so long that it never will.
template <class Condition>
bool wait_for(Condition&& condition, std::chrono::seconds longest = 10s) {
  for (auto const give_up = std::chrono::steady_clock::now() + longest; !condition();) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

executor_options two_workers() { return {.workers = 2, .max_in_flight = 64}; }

void start_and_stop(ledger& book) {
  on_executor(book, two_workers(), [](executor&) {});
}

void submit_values(ledger& book) {
  on_executor(book, two_workers(), [&](executor& pool) {
    std::array<char, 4096> large{};
    for (int i = 0; i < 4; ++i) {
      ask(pool, book, [i](request_context& request) { return *request.arena().make<int>(i); });
      ask(pool, book, [i](request_context&) -> int { throw i; });
      ask(pool, book, [large](request_context&) { return static_cast<int>(large[17]); });
    }
    attempt(book, [&] {
      auto const copied = [text = std::string(100, 's')](request_context&) { return text.size(); };
      ask(pool, book, copied);  // which may fail when the scope is open already
    });
  });
}

/// Futures: each is ready in the end, with a value or a documented exception.
void submit_futures(ledger& book) {
  on_executor(book, two_workers(), [&](executor& pool) {
    std::array<std::future<std::string>, 4> answers;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      attempt(book, [&] {
        answers[i] = pool.submit("future", [i](request_context&) -> std::string {
          if (i == 3) throw std::bad_alloc{};
          return std::string(100 * i, 'x');
        });
      });
    }
    for (auto& answer : answers) {
      if (answer.valid()) attempt(book, [&] { book.expect(answer.get().size() % 100 == 0, "a value of nobody's"); });
    }
    attempt(book, [&] {
      auto const sum = pool.run({.route = "run"}, [](request_context&) { return 42; });
      book.expect(!sum.accepted() || sum.kind() != outcome_kind::cancelled, "a result that is none");
    });
  });
}

void nested_work(ledger& book) {
  on_executor(book, two_workers(), [&](executor& pool) {
    for (int i = 0; i < 3; ++i) {
      ask(pool, book, [](request_context& request) {
        std::atomic<int> sum{0};
        request.parallel_for(0, 64, [&](std::size_t) {
          static_cast<void>(request.arena().allocate(512, 8));
          ++sum;
        });
        return sum.load();
      });
      ask(pool, book, [i](request_context& request) {
        task_group group{request};
        for (int task = 0; task < 4; ++task) {
          group.run([&request, task, i] {
            if (task == 2 && i == 1) throw 42;
            static_cast<void>(request.arena().allocate(100, 8));
          });
        }
        group.wait();
        return request.nested([](request_context& inner) { return *inner.arena().make<int>(1); });
      });
    }
  });
}

void spawn_and_timers(ledger& book) {
  on_executor(book, two_workers(), [&](executor& pool) {
    attempt(book, [&] {
      static_cast<void>(pool.spawn(
          {.route = "spawn"}, [](request_context&, std::string text) { return text.size(); }, std::string(100, 'a')));
    });
    for (auto const delay : {0ns, std::chrono::nanoseconds{1ms}, std::chrono::nanoseconds{1h}}) {
      attempt(book, [&] {
        static_cast<void>(pool.spawn_after(
            delay, {.route = "timer"}, [](request_context&, std::string text) { return text.size(); },
            std::string(100, 'a')));
      });
    }
    attempt(book, [&] {
      auto const stopped = pool.spawn_after(1h, {.route = "timer"}, [](request_context&) {});
      if (stopped) book.expect(pool.cancel_timer(stopped.id()), "a timer that waits cannot be cancelled");
    });
    // drain() would drop them.
    book.expect(wait_for([&] { return pool.stats().timers_waiting <= 1; }), "a timer that does not fire");
  });
}

void channel_and_promise(ledger& book) {
  on_executor(book, two_workers(), [&](executor& pool) {
    attempt(book, [&] {
      channel<std::string> words{2};
      mayfly::promise<std::string> promised;
      auto answer = promised.get_future();
      ask(pool, book, [&words](request_context&) {
        static_cast<void>(words.try_send(std::string(64, 'w')));
        words.close();
        return 0;
      });
      attempt(book, [&] { promised.set_value(std::string(64, 'p')); });
      static_cast<void>(pool.drain(1min, 1min));
      static_cast<void>(words.try_receive());
    });
  });
}

/// Arenas on a pool, without an executor.
void use_arenas(ledger& book, page_pool_options const& options) {
  attempt(book, [&] {
    page_pool pages{options};
    {
      scope_registry registry{pages, {.capacity = 8}};
      for (int i = 0; i < 3; ++i) {
        scope* const opened = registry.open({.route = "arena"});
        if (opened == nullptr) {
          book.refuse();
          continue;
        }
        opened->adopt();
        for (std::size_t const bytes : {100U, 20'000U, 300'000U, 5'000'000U}) {
          attempt(book, [&] { static_cast<void>(opened->main_arena().allocate(bytes, 8)); });
        }
        attempt(book, [&] { static_cast<void>(opened->main_arena().make<std::vector<int>>(std::size_t{10})); });
        opened->close();
      }
    }
    check_pages(pages, book);
    static_cast<void>(pages.trim(true));
    check_pages(pages, book);
  });
}

void arenas(ledger& book) { use_arenas(book, {}); }

/// What the kernel is advised of, and what it does not take when it is offered.
void advised_arenas(ledger& book) {
  use_arenas(book, {.return_by = memory_return::free, .huge_pages = huge_page_use::always});
  use_arenas(book, {.return_by = memory_return::free, .huge_pages = huge_page_use::advise});
}

/// Each thread ends with pages and slots in its magazines.
void thread_churn(ledger& book) {
  attempt(book, [&] {
    page_pool pages;
    for (int i = 0; i < 4; ++i) {
      attempt(book, [&] {
        std::thread([&] {
          attempt(book, [&] {
            arena mine{pages};
            static_cast<void>(mine.allocate(1000, 8));
          });
        }).join();
      });
    }
    check_pages(pages, book);
  });
}

/// Scopes that outlive their handlers: the holds are dropped here.
void held_scopes(ledger& book) {
  on_executor(book, two_workers(), [&](executor& pool) {
    std::mutex guards;
    std::array<scope_hold, 6> holds;
    for (std::size_t i = 0; i < holds.size(); ++i) {
      ask(pool, book, [&, i](request_context& request) {
        static_cast<void>(request.arena().allocate(i % 2 == 0 ? 1'000 : 5'000'000, 8));
        std::scoped_lock const lock(guards);
        holds[i] = request.hold();
      });
    }
    auto const all_ended = [&] {
      executor_stats const stats = pool.stats();
      return stats.completed() == stats.accepted;
    };
    if (!wait_for(all_ended)) book.lost("a held request without an outcome");
    std::scoped_lock const lock(guards);
    for (scope_hold& hold : holds) hold = {};
  });
}

detached_coroutine count_down(executor& pool, std::shared_ptr<std::atomic<int>> left, std::string text) {
  while (*left > 0) {
    co_await resume_on(pool);
    co_await resume_after(pool, 0ns);
    *left -= static_cast<int>(text.size()) / 100;
  }
}

/// A frame is destroyed once, whatever became of its turns.
void coroutines(ledger& book) {
  std::weak_ptr<std::atomic<int>> parameter;
  on_executor(book, two_workers(), [&](executor& pool) {
    attempt(book, [&] {
      auto const left = std::make_shared<std::atomic<int>>(3);
      parameter = left;
      auto const begun = pool.spawn({.route = "turns"}, count_down(pool, left, std::string(100, 'c')));
      if (!begun) book.refuse();
    });
    wait_for([&] { return parameter.expired(); }, 2s);  // drain() would end it at its next turn
  });
  book.expect(parameter.expired(), "a coroutine's frame has not been destroyed");
}

/// An embedder's, with books on the heap.
class keeps_books final : public effect_handler {
 public:
  explicit keeps_books(scope_registry& registry) : registry_(&registry), scopes_(registry) {}

  [[nodiscard]] scope_id enter_request_scope() override {
    entered_.push_back(std::string(100, 'e'));
    return scopes_.enter_request_scope();
  }
  void exit_request_scope(scope_id id) noexcept override {
    scopes_.exit_request_scope(id);
    entered_.clear();  // requests on a worker do not overlap
  }
  [[nodiscard]] std::unique_ptr<effect_handler> spawn_for_worker() override {
    return std::make_unique<keeps_books>(*registry_);
  }

 private:
  scope_registry* registry_;
  scope_stack scopes_;
  std::vector<std::string> entered_;
};

/// Scopes of the embedder's around each request, and a request that ends by its deadline.
void effects_and_deadline(ledger& book) {
  attempt(book, [&] {
    page_pool pages;
    {
      scope_registry registry{pages, {.capacity = 64}};
      keeps_books root{registry};
      executor_options options = two_workers();
      options.effects = &root;
      on_executor(book, options, [&](executor& pool) {
        for (int i = 0; i < 4; ++i) {
          ask(pool, book,
              [](request_context& request) { return request.arena().make<std::string>(100U, 'e')->size(); });
        }
        ask(pool, book, {.route = "late", .deadline = 1ms}, [](request_context& request) {
          while (request.remaining() > 0ns) std::this_thread::yield();
        });
      });
    }
    check_pages(pages, book);
  });
}

void guard_mode(ledger& book) {
  executor_options options = two_workers();
  options.guard.one_in = 1;
  on_executor(book, options, [&](executor& pool) {
    for (int i = 0; i < 4; ++i) {
      ask(pool, book, [](request_context& request) { return request.arena().allocate(50'000, 8) != nullptr; });
    }
  });
}

/// Threads that cannot be made when more workers are asked for, and requests that take no notice.
void resize(ledger& book) {
  executor_options options = two_workers();
  options.max_workers = 4;
  on_executor(book, options, [&](executor& pool) {
    auto const asks = [&] {
      ask(pool, book, [](request_context& request) {
        std::atomic<int> sum{0};
        request.parallel_for(0, 16, [&](std::size_t) { ++sum; });
        return sum.load();
      });
    };
    for (std::size_t const count : {4U, 1U, 3U}) {
      std::size_t const before = pool.workers();
      bool changed = false;
      asks();
      attempt(book, [&] {
        pool.set_workers(count);
        changed = true;
      });
      book.expect(pool.workers() == (changed ? count : before), "a number of workers that nobody asked for");
      asks();
    }
  });
}

constexpr std::array all{
    scenario{"start", start_and_stop}, scenario{"submit", submit_values},    scenario{"futures", submit_futures},
    scenario{"nested", nested_work},   scenario{"timers", spawn_and_timers}, scenario{"channel", channel_and_promise},
    scenario{"held", held_scopes},     scenario{"coroutine", coroutines},    scenario{"effects", effects_and_deadline},
    scenario{"guard", guard_mode},     scenario{"arenas", arenas},           scenario{"advised", advised_arenas},
    scenario{"churn", thread_churn},   scenario{"resize", resize},           scenario{"epochs", epochs_end},
    scenario{"budget", budget_moves},  scenario{"common", budget_in_common},
};

}  // namespace

std::span<scenario const> scenarios() noexcept { return all; }

}  // namespace mayfly::test::faults
