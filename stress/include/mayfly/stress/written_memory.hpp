#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_id.hpp>
#include <mayfly/stress/violations.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mayfly::stress {

/// All that one scope has allocated, in all its lanes, each byte written with a pattern of the scope's own.
///
///     newest_ -> [ chunk | pattern....... ] -> [ chunk | pattern ] -> ...      each in the arena that it came from
///
/// Lies in the scope's memory itself. write() from any thread that is inside the scope; check() when none of them
/// writes any more.
class written_memory {
 public:
  explicit written_memory(std::uint64_t key) noexcept : key_(key) {}
  written_memory(written_memory const&) = delete;
  written_memory& operator=(written_memory const&) = delete;

  /// Allocates `bytes` in that lane and writes them. Throws allocation_error. Returns where the pattern begins.
  std::byte* write(arena& lane, std::size_t bytes, std::size_t alignment = arena::least_alignment);

  /// Reads all of it back: every byte that was written, as it was, every page owned by that scope. Says what is not so.
  void check(page_pool const& pool, scope_id owner, std::uint64_t number, violation_log& into) const;

  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);  // relaxed: a figure
  }

 private:
  struct chunk {
    std::uint64_t seal;  // made of all below and the key
    chunk* next;
    std::byte* data;
    std::size_t bytes;
  };

  /// What the pattern begins with: of the key and the chunk's address.
  [[nodiscard]] std::uint64_t mark_of(chunk const* at) const noexcept;
  [[nodiscard]] std::uint64_t seal_of(chunk const& one) const noexcept;
  void push(chunk* made) noexcept;
  [[nodiscard]] bool check_chunk(chunk const& one, page_pool const& pool, scope_id owner, std::uint64_t number,
                                 violation_log& into) const;

  std::uint64_t key_;
  std::atomic<chunk*> newest_{nullptr};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace mayfly::stress
