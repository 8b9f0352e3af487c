#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <cassert>

#include <pthread.h>

namespace mayfly {

/// All budgets of the process, for forks. Constant-initialised and never destroyed in effect, as thread_directory is.
struct page_budget_directory {
  std::mutex mutex;
  page_budget* first = nullptr;

  void add(page_budget& budget) noexcept {
    std::scoped_lock const lock{mutex};
    budget.next_ = first;
    if (first != nullptr) first->previous_ = &budget;
    first = &budget;
  }
  void remove(page_budget& budget) noexcept {
    std::scoped_lock const lock{mutex};
    if (budget.previous_ != nullptr) budget.previous_->next_ = budget.next_;
    if (budget.next_ != nullptr) budget.next_->previous_ = budget.previous_;
    if (first == &budget) first = budget.next_;
  }

  void lock_all() noexcept {
    mutex.lock();
    // One after the other: who only asks for room does not wait for a thread that reclaims.
    for (page_budget* each = first; each != nullptr; each = each->next_) each->reclaim_mutex_.lock();
    for (page_budget* each = first; each != nullptr; each = each->next_) each->pools_mutex_.lock();
  }
  void unlock_all() noexcept {
    for (page_budget* each = first; each != nullptr; each = each->next_) {
      each->pools_mutex_.unlock();
      each->reclaim_mutex_.unlock();
    }
    mutex.unlock();
  }
};

namespace {

constinit page_budget_directory budgets;

/// A fork waits until no thread is inside a budget: in the child that thread would not be there to let go of it, and
/// the child's first pool to end would wait for it. Asked for when the program is loaded, after what thread_index asks
/// for: handlers run the last first, and who reclaims may ask for a thread index. (Where the system has no memory for
/// this, so be it.)
[[gnu::constructor(1001)]] void watch_forks_for_budgets() noexcept {
  pthread_atfork([] { budgets.lock_all(); }, [] { budgets.unlock_all(); }, [] { budgets.unlock_all(); });
}

}  // namespace

page_budget::page_budget(std::size_t limit) noexcept : bytes_{limit} { budgets.add(*this); }

page_budget::~page_budget() {
  assert(pools_.empty() && "a page pool outlives its budget");
  budgets.remove(*this);
}

void page_budget::join(page_pool& pool) {
  std::scoped_lock const one_at_a_time{reclaim_mutex_};
  std::scoped_lock const lock{pools_mutex_};
  pools_.push_back(&pool);
}

/// Nobody takes anything from the pool any more when this is back; what it held goes with it.
void page_budget::leave(page_pool& pool) noexcept {
  std::scoped_lock const one_at_a_time{reclaim_mutex_};
  std::scoped_lock const lock{pools_mutex_};
  std::erase(pools_, &pool);
  bytes_.refund(pool.committed_bytes());
}

std::size_t page_budget::set_limit(std::size_t bytes) noexcept {
  bytes_.set_limit(bytes);
  return make_room(0, nullptr, false);
}

/// Gives idle memory up until so many bytes more fit: that of the pool which asks, then that of the others. waits: also
/// for what is being sorted there.
std::size_t page_budget::make_room(std::size_t bytes, page_pool* asking, bool waits) noexcept {
  std::scoped_lock const one_at_a_time{reclaim_mutex_};  // and nobody joins or leaves
  std::size_t freed = 0;
  auto const give_up = [&](page_pool& pool) {
    std::size_t const wanted = used() + bytes;
    if (wanted > limit()) freed += pool.reclaim(wanted - limit(), waits);
  };
  if (asking != nullptr) give_up(*asking);
  for (page_pool* const pool : pools_) {
    if (pool != asking) give_up(*pool);
  }
  return freed;
}

bool page_budget::has_room(std::size_t bytes) const noexcept {
  std::size_t const most = limit();
  if (std::size_t const held = used(); held < most && most - held >= bytes) return true;
  std::size_t const idle = idle_seen_.get([this] {
    std::scoped_lock const lock{pools_mutex_};
    std::size_t sum = 0;
    for (page_pool const* const pool : pools_) sum += pool->idle_bytes();
    return sum;
  });
  std::size_t const held = used();
  std::size_t const in_use = held - std::min(held, idle);
  return in_use <= most && most - in_use >= bytes;
}

}  // namespace mayfly
