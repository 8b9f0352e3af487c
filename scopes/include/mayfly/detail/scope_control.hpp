#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <cstdint>
#include <optional>

namespace mayfly::detail {

/// A field of a slot that open() and the owner write and listings read on any thread. Published by itself, so that a
/// reader which sees a newer tenant's value also sees that the id it looked for has ended (S5).
template <typename Policy, typename T>
class basic_slot_field {
 public:
  explicit constexpr basic_slot_field(T value) noexcept : value_{value} {}

  // sync scope-fields: release; pairs with read(); a reader that sees our value sees that its own id has ended
  void publish(T value) noexcept { value_.store(value, std::memory_order_release); }
  // sync scope-fields: acquire; pairs with publish(); a newer tenant's value shows in look() that this one has ended
  [[nodiscard]] T read() const noexcept { return value_.load(std::memory_order_acquire); }
  /// Relaxed: where the caller keeps the scope alive, so that the field has been published to it and stays.
  [[nodiscard]] T get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  typename Policy::template atomic<T> value_;
};

/// What a call means for the scope's memory.
enum class scope_end : std::uint8_t {
  refused,  ///< nothing was done: the id is unknown, ended, or closed already
  later,    ///< somebody else's hold or pin keeps the memory
  held,     ///< the opener's part is over, and counts as a hold that the caller has to drop
  now,      ///< the memory is the caller's alone, to be torn down: exactly one call per tenancy says so (S3)
};

/// Who may find a scope, and who may still look at it; decides which thread tears its memory down, exactly once.
///
///     63           24   23       22       21        20        0
///     [ generation    | live | closed | cancelled |  pins      ]      and beside it the count of holds
///
/// live: find, pin and cancel answer (S2). closed: the opener's part is over. The memory is torn down by whoever makes
/// live = 0 and pins = 0 true (S3). No ABA anywhere: the generation is in the word (S2). Lock-free.
template <typename Policy>
class basic_scope_control {
 public:
  static constexpr std::uint64_t pin_one = 1;
  static constexpr std::uint64_t pins_mask = (std::uint64_t{1} << 21U) - 1;
  static constexpr std::uint64_t cancelled_bit = std::uint64_t{1} << 21U;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 22U;
  static constexpr std::uint64_t live_bit = std::uint64_t{1} << 23U;
  static constexpr unsigned generation_shift = 24;
  /// From the opening until the memory is gone one of these is set.
  static constexpr std::uint64_t tenancy_bits = live_bit | closed_bit | pins_mask;

  [[nodiscard]] std::uint64_t load(std::memory_order order) const noexcept { return word_.load(order); }
  [[nodiscard]] static constexpr std::uint64_t generation_of(std::uint64_t word) noexcept {
    return word >> generation_shift;
  }

  /// The slot is free for the tenant of that generation; 0: for nobody. By whoever has torn the one before down, or
  /// makes the slot.
  void set_free(std::uint64_t generation) noexcept {
    // sync scope-end: release; pairs with look(); publishes that the memory is gone, and what destructors did
    // sync scope-fields: release; pairs with look(); comes before anything the next tenant writes
    word_.store(generation << generation_shift, std::memory_order_release);
  }

  /// The tenant that the free slot names: only its taker may ask. Relaxed: the free list has handed the slot over.
  [[nodiscard]] std::uint64_t next_generation() const noexcept {
    return generation_of(word_.load(std::memory_order_relaxed));
  }

  /// Before the fields are written: the opener's part counts as one hold.
  void start_holds() noexcept { holds_.store(1, std::memory_order_relaxed); }  // relaxed: published by open()

  /// The scope can be found from here on.
  void open(std::uint64_t generation) noexcept {
    MAYFLY_SCHEDULE_POINT("scope-open");
    // sync scope-open: release; pairs with look(), try_pin(), close(); publishes the slot's fields
    word_.store(generation << generation_shift | live_bit, std::memory_order_release);
  }

  /// Ends the opener's part.
  [[nodiscard]] scope_end close(std::uint64_t generation) noexcept {
    // sync scope-open: acquire; pairs with open()
    std::uint64_t word = word_.load(std::memory_order_acquire);
    while (true) {
      MAYFLY_SCHEDULE_POINT("scope-close");
      if (generation_of(word) != generation || (word & (live_bit | closed_bit)) != live_bit) return scope_end::refused;
      // sync scope-hold: acquire; pairs with drop_hold(). 1: all holds are gone, none can come, ours is the last part.
      bool const last = holds_.load(std::memory_order_acquire) == 1;
      std::uint64_t const next = last ? (word | closed_bit) & ~live_bit : word | closed_bit;
      // sync scope-pin: acquire and release; pairs with unpin(), as in end_life()
      if (MAYFLY_MUTANT("two-closers")) {
        word_.store(next, std::memory_order_release);
      } else if (!word_.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        continue;
      }
      if (!last) return scope_end::held;
      return (next & pins_mask) == 0 ? scope_end::now : scope_end::later;
    }
  }

  /// Only inside the scope, or from another hold. Relaxed: the caller's own part or hold keeps the count above zero.
  void hold() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] scope_end drop_hold() noexcept {
    MAYFLY_SCHEDULE_POINT("scope-drop-hold");
    // sync scope-hold: release; pairs with the last drop_hold() and with close(); publishes what this holder did inside
    // sync scope-hold: acquire; pairs with every drop_hold() before; the last one reads what all holders did
    return holds_.fetch_sub(
               1, MAYFLY_MUTANT("hold-let-go-relaxed") ? std::memory_order_relaxed : std::memory_order_acq_rel) == 1
               ? end_life()
               : scope_end::later;
  }

  /// Keeps the memory of the tenant of that generation, where it lives.
  [[nodiscard]] bool try_pin(std::uint64_t generation) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);  // relaxed: the exchange checks it
    while (is_live(word, generation) && (word & pins_mask) != pins_mask) {
      MAYFLY_SCHEDULE_POINT("scope-pin");
      // sync scope-open: acquire; pairs with open(); reads the slot's fields
      if (word_.compare_exchange_weak(word, word + pin_one, std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] scope_end unpin() noexcept {
    MAYFLY_SCHEDULE_POINT("scope-unpin");
    // sync scope-pin: release; pairs with end_life() and close(); what we did with the memory comes before its end
    // sync scope-pin: acquire; pairs with end_life() and close(); the last one reads what the scope's users did
    std::uint64_t const before = word_.fetch_sub(pin_one, std::memory_order_acq_rel);
    bool const last = (before & pins_mask) == pin_one || MAYFLY_MUTANT("every-unpin-is-the-last");
    return (before & live_bit) == 0 && last ? scope_end::now : scope_end::later;
  }

  /// true: the tenant of that generation lives and is told (also when it was told before).
  bool request_cancel(std::uint64_t generation) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);  // relaxed: the exchange checks it
    while (is_live(word, MAYFLY_MUTANT("cancel-of-a-stale-id") ? generation_of(word) : generation)) {
      if ((word & cancelled_bit) != 0) return true;
      MAYFLY_SCHEDULE_POINT("scope-cancel");
      // Relaxed: the flag orders nothing, it is polled.
      if (word_.compare_exchange_weak(word, word | cancelled_bit, std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// Reads the slot's fields by `read(generation)` (basic_slot_field::read, each) between two looks at the word, as a
  /// sequence lock does (S5). The word where they are of one tenant, the `wanted` one if there is one, that has one of
  /// the `bits` in both looks: that lives, or (tenancy_bits) whose memory is not gone. The fields' own acquire loads
  /// keep the second look behind them, so no fence is needed. Wait-free.
  template <typename Read>
  [[nodiscard]] std::optional<std::uint64_t> look(std::optional<std::uint64_t> wanted, Read&& read,
                                                  std::uint64_t bits = live_bit) const {
    // sync scope-open: acquire; pairs with open(); reads the slot's fields
    // sync scope-end: acquire; pairs with set_free(); who sees the slot free sees what the destructors did
    std::uint64_t const before = word_.load(std::memory_order_acquire);
    std::uint64_t const generation = generation_of(before);
    if (MAYFLY_MUTANT("drain-sees-the-living-only")) bits = live_bit;
    if ((before & bits) == 0 || (wanted && *wanted != generation)) return std::nullopt;
    read(generation);
    MAYFLY_SCHEDULE_POINT("scope-look");
    // Ordered behind the fields' loads by their acquire.
    // sync scope-end: acquire; pairs with set_free(); also who sees only here that the slot is free
    std::uint64_t const after = MAYFLY_MUTANT("no-second-look") ? before : word_.load(std::memory_order_acquire);
    return generation_of(after) == generation && (after & bits) != 0 ? std::optional{after} : std::nullopt;
  }

  [[nodiscard]] static constexpr bool is_live(std::uint64_t word, std::uint64_t generation) noexcept {
    return generation_of(word) == generation && (word & live_bit) != 0;
  }

  /// Whether the opener, who has not closed it, is the only one left inside: what holders did is visible then.
  [[nodiscard]] bool opener_only() const noexcept {
    // sync scope-hold: acquire; pairs with every drop_hold() before; reads what all holders did
    return holds_.load(std::memory_order_acquire) == 1;
  }

  /// Whether a hold or a pin keeps it, beside the opener. A hint, but where the caller has one of them.
  [[nodiscard]] bool kept() const noexcept {
    // Relaxed, both: nothing is read on the strength of it.
    std::uint64_t const word = word_.load(std::memory_order_relaxed);
    std::uint32_t const opener = (word & closed_bit) == 0 ? 1 : 0;
    return (word & pins_mask) != 0 || holds_.load(std::memory_order_relaxed) > opener;
  }

 private:
  [[nodiscard]] scope_end end_life() noexcept {
    MAYFLY_SCHEDULE_POINT("scope-end-life");
    // sync scope-pin: acquire; pairs with unpin(); reads what looked-on threads did
    // sync scope-pin: release; pairs with the last unpin(), which tears down on our behalf
    std::uint64_t const before = word_.fetch_and(~live_bit, std::memory_order_acq_rel);
    return (before & pins_mask) == 0 ? scope_end::now : scope_end::later;  // later: no longer ours to touch (S3)
  }

  typename Policy::template atomic<std::uint64_t> word_{0};
  typename Policy::template atomic<std::uint32_t> holds_{0};  // the opener's part counts as one
};

using scope_control = basic_scope_control<native_atomics>;
template <typename T>
using slot_field = basic_slot_field<native_atomics, T>;

}  // namespace mayfly::detail
