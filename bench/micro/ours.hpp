#pragma once

// Our contenders of the works with allocations and scopes, as they are timed (allocators.cpp) and as they are counted
// (counts.cpp). request() is one round of the work.

#include "contest.hpp"
#include "through_resource.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/arena_resource.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>

namespace contest {

/// 32 bytes a thousand times in a new arena, whose first page is of this class.
template <std::size_t FirstClass>
struct allocate_in_arena {
  mayfly::page_pool pool;

  void request() {
    mayfly::arena memory{pool, {.first_class = FirstClass}};
    fill([&] { return memory.allocate(bytes); });
  }
};

/// The same through a resource of which nobody knows which it is.
struct allocate_through_arena {
  mayfly::page_pool pool;

  void request() {
    mayfly::arena memory{pool};
    mayfly::arena_resource resource{memory};
    fill_through(resource);
  }
};

class with_registry {
 public:
  /// The time is given, as the executor gives it: it has just read the clock. No peer reads one.
  [[nodiscard]] mayfly::scope& open() {
    mayfly::scope* const opened =
        registry_.open({.route = "bench", .opened = mayfly::scope_clock::time_point{std::chrono::seconds{1}}});
    if (opened == nullptr) std::abort();
    return *opened;
  }

 private:
  mayfly::page_pool pool_;
  mayfly::scope_registry registry_{pool_};
};

/// Opened with memory of its own, one allocation, closed.
struct scope_of_one : with_registry {
  void request() {
    mayfly::scope& opened = open();
    {
      mayfly::scope_entry const inside{opened, opened.main_arena()};
      use(opened.arena().allocate(bytes));
    }
    opened.close();
  }
};

/// Without a registry, as its peers are.
struct arena_of_one {
  mayfly::page_pool pool;

  void request() {
    mayfly::arena memory{pool};
    use(memory.allocate(bytes));
  }
};

/// What a request's memory resource does: the registry's, by which a late caller is found out.
struct allocate_through_scope : with_registry {
  void request() {
    mayfly::scope& opened = open();
    {
      mayfly::scope_entry const inside{opened, opened.main_arena()};
      fill_through(*opened.memory());
    }
    opened.close();
  }
};

}  // namespace contest
