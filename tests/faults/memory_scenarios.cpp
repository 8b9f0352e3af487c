#include "memory_scenarios.hpp"

#include "books.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <cstddef>
#include <thread>

namespace mayfly::test::faults {
namespace {

constexpr std::size_t kib = 1024;

/// Little at hand, so that the depot has some; an epoch is enough.
page_pool_options quick_to_return(page_budget* common = nullptr) {
  page_pool_options options;
  options.reserve_bytes = std::size_t{64} << 20U;
  options.magazine_pages = {2, 2, 2};
  options.idle_epochs = 1;
  options.common_budget = common;
  return options;
}

/// Pages of each class, a block of a part of a span and one of several: taken, and given back.
void use(page_pool& pages, ledger& book) {
  attempt(book, [&] {
    arena mine{pages};
    for (int i = 0; i < 8; ++i) {
      for (std::size_t const bytes : {std::size_t{12'000}, 60 * kib, 250 * kib}) {
        static_cast<void>(mine.try_allocate(bytes, 8));
      }
    }
    static_cast<void>(mine.try_allocate(300 * kib, 8));
    static_cast<void>(mine.try_allocate(5'000 * kib, 8));
  });
}

}  // namespace

/// Epochs end while a thread sleeps that has pages at hand; what went back serves again.
void epochs_end(ledger& book) {
  attempt(book, [&] {
    page_pool pages{quick_to_return()};
    for (int round = 0; round < 2; ++round) {
      use(pages, book);
      for (int epoch = 0; epoch < 3; ++epoch) {
        static_cast<void>(pages.end_epoch());
        check_pages(pages, book);
      }
    }
    attempt(book, [&] { std::thread([&] { use(pages, book); }).join(); });
    static_cast<void>(pages.end_epoch());
    check_pages(pages, book);
  });
}

/// The budget goes below what is held, and what is idle, and up again.
void budget_moves(ledger& book) {
  attempt(book, [&] {
    page_pool pages{quick_to_return()};
    use(pages, book);
    static_cast<void>(pages.set_max_bytes(512 * kib));
    check_pages(pages, book);
    static_cast<void>(pages.set_max_bytes(page_pool_options::unlimited));
    attempt(book, [&] {
      arena holds{pages};
      for (int i = 0; i < 8; ++i) static_cast<void>(holds.try_allocate(250 * kib, 8));
      static_cast<void>(pages.set_max_bytes(256 * kib));
      static_cast<void>(holds.try_allocate(250 * kib, 8));
    });
    static_cast<void>(pages.end_epoch());
    check_pages(pages, book);
    static_cast<void>(pages.set_max_bytes(page_pool_options::unlimited));
    use(pages, book);
    check_pages(pages, book);
  });
}

/// Two pools under one budget: the idle memory of one makes room for the other, and the books of both add up.
void budget_in_common(ledger& book) {
  attempt(book, [&] {
    page_budget common{std::size_t{8} << 20U};
    {
      page_pool left{quick_to_return(&common)};
      page_pool right{quick_to_return(&common)};
      auto const check_all = [&] {
        check_pages(left, book);
        check_pages(right, book);
        book.expect(common.used() == left.committed_bytes() + right.committed_bytes(),
                    "the common budget's sum is not its pools'");
      };
      use(left, book);
      use(right, book);
      check_all();
      static_cast<void>(common.set_limit(std::size_t{1} << 20U));
      check_all();
      use(left, book);
      static_cast<void>(left.has_room(std::size_t{1} << 20U));
      check_all();
    }
    book.expect(common.used() == 0, "a pool that has gone left something in the common budget");
  });
}

}  // namespace mayfly::test::faults
