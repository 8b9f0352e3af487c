#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

namespace mayfly::detail {

/// What became of a push.
enum class ring_push_result : std::uint8_t { pushed, full, closed };

/// A bounded queue of 32-bit indices, any number of threads pushing and popping (Vyukov's sequence cells), that can
/// be closed. Allocates in its constructor and never again.
///
///     tail_ ┌─closed:1─┬─position:63─┐      next position to fill
///     head_ ┌──────────position:63───┐      next position to take
///     cell  ┌──turn:32──┬──index:32──┐      cells_[position & mask_]
///
///     turn == 2 * lap      free, the push of that lap's position may fill it
///     turn == 2 * lap + 1  filled, the pop of that lap's position may take it, which makes it free for the next lap
///
/// A lap is position / cells, its lowest 31 bits. So zeroed memory is an empty ring: what no lap has come to yet is not
/// resident, and what was never queued at once costs nothing.
///
/// Both operations are lock-free but for one gap: a thread that stops between claiming a position and finishing its
/// cell holds up those who need that very cell. empty() counts a claimed cell as filled, so that nobody goes to sleep
/// on a push that has been counted but not finished.
///
/// The bound is exact: never more than `bound` pushes are ahead of the pops. No ABA: positions count up in 63 bits, and
/// who has claimed one is the only one to write its cell. Turns are only compared with the one that is expected; a
/// popper that stops for 2^31 laps between its two looks may find nothing where there is something, and looks again.
///
/// Cells is an array of cells, all zero, that holds as many as it was made with, or converts to false.
template <typename Policy, typename Cells = mapped_array<typename Policy::template atomic<std::uint64_t>>>
class basic_index_ring {
 public:
  using push_result = ring_push_result;

  /// Room for exactly `bound` (at least 1) indices. Throws std::bad_alloc.
  explicit basic_index_ring(std::size_t bound)
      : bound_(bound == 0 ? 1 : bound),
        mask_(std::bit_ceil(bound_) - 1),
        lap_bits_(static_cast<unsigned>(std::countr_one(mask_))),
        cells_(mask_ + 1) {
    if constexpr (requires { static_cast<bool>(cells_); }) {
      if (!cells_) throw std::bad_alloc{};
    }
  }

  basic_index_ring(basic_index_ring const&) = delete;
  basic_index_ring& operator=(basic_index_ring const&) = delete;

  /// Appends `index`; any thread. After close() it is refused for ever.
  [[nodiscard]] push_result push(std::uint32_t index) noexcept {
    // relaxed: the CAS below decides; a stale tail only makes it fail
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    for (;;) {
      if ((tail & closed_bit) != 0) return push_result::closed;
      if (is_full(tail)) {
        // relaxed: ordered behind the head by is_full(); full only counts when nobody has moved the tail meanwhile
        std::uint64_t const again = tail_.load(std::memory_order_relaxed);
        if (again == tail) return push_result::full;
        tail = again;
        continue;
      }
      MAYFLY_SCHEDULE_POINT("index_ring.push.before_claim");
      // sync gate: seq_cst; pairs with empty(); a worker that parks after this claim sees it (worker_gate.hpp)
      // sync ring-close: the closed bit makes this CAS fail
      if (tail_.compare_exchange_weak(tail, tail + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) break;
    }
    cell& mine = cells_[tail & mask_];
    MAYFLY_SCHEDULE_POINT("index_ring.push.claimed");
    // sync ring-cell-free: acquire; pairs with pop(); the cell's last reader is done with it. is_full() has seen the
    // pop that frees this cell being claimed, so this waits for one store of a running thread at most.
    while (turn_of(mine.load(std::memory_order_acquire)) != free_for(tail)) Policy::pause();
    std::uint64_t const filled = packed(free_for(tail) + 1, index);
    // sync ring-cell: release; pairs with pop(); publishes the index and all that the pusher wrote before
    mine.store(filled, MAYFLY_MUTANT("relaxed-record") ? std::memory_order_relaxed : std::memory_order_release);
    MAYFLY_SCHEDULE_POINT("index_ring.push.done");
    return push_result::pushed;
  }

  /// Takes the oldest index; any thread. False when there is none that is finished.
  [[nodiscard]] bool pop(std::uint32_t& index) noexcept {
    // relaxed: the CAS below decides
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    for (;;) {
      cell& next = cells_[head & mask_];
      // sync ring-cell: acquire; pairs with push(); reads the index and what the pusher wrote before
      std::uint64_t const seen = next.load(std::memory_order_acquire);
      auto const ahead = static_cast<std::int32_t>(turn_of(seen) - (free_for(head) + 1));
      if (ahead == 0) {
        MAYFLY_SCHEDULE_POINT("index_ring.pop.before_claim");
        // sync ring-full: seq_cst, hence release; pairs with is_full(), which asks for no data, only for order
        // seq_cst: empty() reads the head among the gate's operations; on x86 it costs what relaxed costs
        if (head_.compare_exchange_weak(head, head + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {
          index = static_cast<std::uint32_t>(seen);
          MAYFLY_SCHEDULE_POINT("index_ring.pop.claimed");
          // sync ring-cell-free: release; pairs with push() one lap later; this thread has read the cell
          next.store(packed(free_for(head) + 2, 0), std::memory_order_release);
          return true;
        }
      } else if (ahead < 0) {
        return false;  // not pushed, or pushed and not finished
      } else {
        head = head_.load(std::memory_order_relaxed);  // relaxed: somebody else took it; the CAS decides
      }
    }
  }

  /// Whether every claimed push has been taken. Part of the gate: see worker_gate.hpp.
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// How many indices are queued or being pushed.
  [[nodiscard]] std::size_t size() const noexcept {
    // The head first: both only grow, so a tail read later is never behind it, and 0 means that there was a moment
    // (the load of the tail) with nothing claimed and not taken.
    std::uint64_t const head = head_.load(std::memory_order_seq_cst);
    // sync gate: seq_cst; pairs with push(); sees every claim that is ahead of the caller's parking
    std::uint64_t const tail = tail_.load(std::memory_order_seq_cst) & ~closed_bit;
    return static_cast<std::size_t>(tail - head);
  }

  /// Whether push() would refuse now: a hint, one or two loads.
  [[nodiscard]] push_result probe() noexcept {
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // relaxed: push() decides
    for (;;) {
      if ((tail & closed_bit) != 0) return push_result::closed;
      if (!is_full(tail)) return push_result::pushed;
      // relaxed: ordered behind the head by is_full(); full only counts when nobody has moved the tail meanwhile
      std::uint64_t const again = tail_.load(std::memory_order_relaxed);
      if (again == tail) return push_result::full;
      tail = again;
    }
  }

  /// How many pushes there have been since the start.
  [[nodiscard]] std::uint64_t pushed() const noexcept {
    return tail_.load(std::memory_order_relaxed) & ~closed_bit;  // relaxed: a figure for people
  }

  /// After this no push succeeds; what is queued can still be popped. Whatever was pushed before is visible to the
  /// caller afterwards.
  void close() noexcept {
    // sync ring-close: acq_rel; pairs with push(); orders each push before or after the closing, nothing between
    if (!MAYFLY_MUTANT("close-lets-pushes-in")) tail_.fetch_or(closed_bit, std::memory_order_acq_rel);
  }

  [[nodiscard]] std::size_t bound() const noexcept { return bound_; }

  /// Makes push() start at `position`, for tests that begin shortly before a lap ends. Not after the first push.
  void start_at(std::uint64_t position) noexcept {
    for (std::uint64_t p = position; p <= position + mask_; ++p) {
      cells_[p & mask_].store(packed(free_for(p), 0), std::memory_order_relaxed);  // relaxed: not shared yet
    }
    tail_.store(position, std::memory_order_relaxed);
    head_.store(position, std::memory_order_relaxed);
    seen_head_.store(position, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::size_t line = 64;

  template <typename T>
  using atomic = typename Policy::template atomic<T>;

  using cell = atomic<std::uint64_t>;
  using turn = std::uint32_t;

  [[nodiscard]] static constexpr std::uint64_t packed(turn at, std::uint32_t index) noexcept {
    return std::uint64_t{at} << 32 | index;
  }
  [[nodiscard]] static constexpr turn turn_of(std::uint64_t seen) noexcept { return static_cast<turn>(seen >> 32); }
  /// The turn in which a push may fill the cell of `position`.
  [[nodiscard]] turn free_for(std::uint64_t position) const noexcept {
    return static_cast<turn>(position >> lap_bits_) * 2;
  }

  /// Pushers look at their own copy of the head first, so that they do not take the poppers' line each time. The copy
  /// is never ahead of the head, so the answer errs to "full", and then the head itself is asked.
  [[nodiscard]] bool is_full(std::uint64_t tail) noexcept {
    // relaxed: a lower bound of the head is all that is asked for
    if (tail - seen_head_.load(std::memory_order_relaxed) < bound_) return false;
    // sync ring-full: acquire; pairs with pop()'s claim; keeps the caller's second look at the tail behind this load
    std::uint64_t const head = head_.load(std::memory_order_acquire);
    seen_head_.store(head, std::memory_order_relaxed);  // relaxed: a lower bound, as above
    // A head past our stale tail wraps to a huge number: the caller sees the moved tail and comes again.
    return tail - head >= bound_;
  }

  // written by nobody after the constructor
  std::size_t bound_;
  std::size_t mask_;
  unsigned lap_bits_;
  Cells cells_;
  // written by pushers
  alignas(line) atomic<std::uint64_t> tail_{0};
  atomic<std::uint64_t> seen_head_{0};
  // written by poppers
  alignas(line) atomic<std::uint64_t> head_{0};
};
using index_ring = basic_index_ring<native_atomics>;

}  // namespace mayfly::detail
