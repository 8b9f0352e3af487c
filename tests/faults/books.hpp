#pragma once

#include "injection.hpp"
#include "scenario.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/memory_account.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_registry.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

/// How a scenario asks, and what it holds the answers to.
namespace mayfly::test::faults {

/// Runs `step`, which may fail in the documented ways only.
template <class Step>
void attempt(ledger& book, Step&& step) {
  try {
    step();
  } catch (std::bad_alloc const&) {  // allocation_error too
    book.clean_error();
  } catch (std::system_error const& error) {  // no thread
    error.code() == std::errc::not_enough_memory ? book.told_to_restart() : book.clean_error();
  } catch (refused_error const&) {
    book.clean_error();
  } catch (...) {
    book.violated("an exception of no documented type");
  }
}

/// The completion that writes one request's line.
class line {
 public:
  line(ledger& book, std::size_t number) noexcept : book_(&book), number_(number) {}

  template <class R>
  void operator()(outcome<R> const& end, request_context&) const noexcept {
    book_->end(number_, end.has_value());
  }

 private:
  ledger* book_;
  std::size_t number_;
};

template <class Handler>
void ask(executor& pool, ledger& book, submit_options const& options, Handler&& handler) {
  attempt(book, [&] {
    std::size_t const number = book.open_line();
    auto const answer = pool.try_submit(options, std::forward<Handler>(handler), line{book, number});
    answer ? book.accept(number) : book.refuse();
  });
}
template <class Handler>
void ask(executor& pool, ledger& book, Handler&& handler) {
  ask(pool, book, {.route = "fault"}, std::forward<Handler>(handler));
}

/// What is wrong with the memory of a pool that nobody uses; null: each page that was ever made is idle, once, and
/// found where idle ones lie, and what is committed is what is idle.
inline char const* look_at_pages(page_pool const& pages) {
  unharmed const only_a_look;
  page_pool_stats const now = pages.stats();
  if (now.pages_in_use() != 0) return "a page is still in use";
  if (now.blocks_in_use != 0) return "a block is still in use";
  for (page_class_stats const& of : now.classes) {
    if (of.in_magazines + of.in_depot + of.in_quarantine + of.returned != of.made)
      return "a page is idle twice, or nowhere";
  }
  if (now.committed_bytes != now.idle_bytes())
    return "what is committed is not what is idle: a refund is lost, or one too many";
  memory_account const account = pages.account();
  for (memory_place const place : {memory_place::pages_in_use, memory_place::blocks_in_use}) {
    if (account.of(place).pieces != 0) return "a page or block lies in no place for idle ones";
  }
  if (account.committed_bytes() != now.committed_bytes) return "what is committed was not found in the reservation";
  if (account.total().bytes != now.reserved_bytes) return "a part of the reservation is in no place";
  return nullptr;
}

/// Looks again for a while: a trimmer may just have some in its hands.
inline void check_pages(page_pool const& pages, ledger& book) {
  char const* wrong = look_at_pages(pages);
  for (int again = 0; wrong != nullptr && again < 200; ++again) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    wrong = look_at_pages(pages);
  }
  if (wrong != nullptr) book.violated(wrong);
}

inline void check_end(executor& pool, ledger& book) {
  attempt(book, [&] {
    book.expect(pool.drain(std::chrono::minutes{1}, std::chrono::minutes{1}).complete(),
                "drain() left requests running");
  });
  for (auto const give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
       pool.registry().live() != 0 && std::chrono::steady_clock::now() < give_up;) {
    std::this_thread::yield();  // drain() itself had no memory for its report
  }
  book.expect(pool.registry().live() == 0, "a scope is still open");
  executor_stats const stats = pool.stats();
  if (stats.completed() != stats.accepted) book.lost("accepted requests without an outcome");
  book.expect(stats.timers_set == stats.timers_fired + stats.timers_cancelled + stats.timers_dropped,
              "a timer without an end");
  check_pages(pool.pages(), book);
}

/// Runs `body` on an executor, then holds it to what it promises.
template <class Body>
void on_executor(ledger& book, executor_options const& options, Body&& body) {
  attempt(book, [&] {
    executor pool{options};
    body(pool);
    check_end(pool, book);
  });
  book.close();
}

}  // namespace mayfly::test::faults
