#pragma once

#include <mayfly/byte_budget.hpp>
#include <mayfly/detail/rationed_figure.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

namespace mayfly {

class page_pool;

/// A limit on what several page pools hold together, in use or idle: those of the executors of one process, say.
///
///     page_budget, 1 GiB -+- page_pool, max_bytes 768 MiB    for batches
///                         +- page_pool, max_bytes 512 MiB    for answers: 256 MiB are its own, whatever the other
///                         holds
///
/// What the other pools' max_bytes leave of the limit is a pool's for certain; the rest goes to whoever asks first.
/// Idle memory starves nobody: before a pool is refused (page_cap) it gives up its own, and then that of the others.
///
/// Must outlive its pools. Any thread may call every function. A page that is used again costs nothing here, one from
/// the system an exchange; where the limit is reached there is a lock, next to the system calls that give memory back:
/// nobody waits for it who only asks whether there is room. A fork waits until no thread has it, so that pools can end
/// in the child.
class page_budget {
 public:
  explicit page_budget(std::size_t limit) noexcept;
  /// No pool may be left.
  ~page_budget();

  page_budget(page_budget const&) = delete;
  page_budget& operator=(page_budget const&) = delete;

  /// Moves the limit while the pools are in use, as page_pool::set_max_bytes() moves a pool's own: idle memory above it
  /// goes back at once, and nothing new is given out while more is held. Returns the bytes given back.
  std::size_t set_limit(std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t limit() const noexcept { return bytes_.limit(); }
  /// What the pools hold now.
  [[nodiscard]] std::size_t used() const noexcept { return bytes_.used(); }

 private:
  friend class page_pool;
  friend struct page_budget_directory;

  void join(page_pool& pool);
  void leave(page_pool& pool) noexcept;
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  std::size_t make_room(std::size_t bytes, page_pool* asking, bool waits) noexcept;

  byte_budget bytes_;
  std::mutex reclaim_mutex_;        // one reclaims at a time; taken before the next
  mutable std::mutex pools_mutex_;  // never held across a system call
  /// In the order in which they joined. Changed under both locks: who holds one of them finds the pools alive.
  std::vector<page_pool*> pools_;
  mutable detail::rationed_figure idle_seen_;  // of all pools
  page_budget* next_ = nullptr;                // the directory's
  page_budget* previous_ = nullptr;
};

}  // namespace mayfly
