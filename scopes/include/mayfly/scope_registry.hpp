#pragma once

#include <mayfly/audit.hpp>
#include <mayfly/detail/guard_choice.hpp>
#include <mayfly/detail/recycler.hpp>
#include <mayfly/detail/slot_memory.hpp>
#include <mayfly/detail/slot_space.hpp>
#include <mayfly/guard.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_id.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

namespace mayfly {

/// What a registry is made of; the constructor refuses nonsense by the option's name.
struct scope_registry_options {
  /// Scopes that may be open at once: 1 to 4,194,304. A slot costs three quarters of a KiB once used.
  std::uint32_t capacity = 16'384;
  /// Generation of the first scope in every slot: 1 to 2^40 - 1. For tests of what happens at the end of generations.
  std::uint64_t first_generation = 1;
  /// Which scopes' pages nobody may touch for a while after their end; none by default.
  guard_options guard{};
  /// Which scopes are searched for at their end, in memory that may not point to them: see audit_scope().
  audit_options audit{};
};

/// What can be seen of a live scope from outside. A copy: true when it was taken.
struct scope_info {
  scope_id id;
  std::string_view route;
  scope_phase phase = scope_phase::free;
  scope_clock::time_point opened;
  scope_clock::time_point deadline;
  std::int32_t opener_thread = 0;  ///< as gettid() counts
  std::size_t reserved_bytes = 0;
  bool stop_requested = false;
};

/// Opens scopes and finds them by id, from any thread.
///
///     slots        [ scope | scope | scope | ... ]     fixed, never unmapped: see detail::slot_memory
///     free slots   magazines and depot, as pages: see detail::recycler
///
/// A slot's generation moves on with every scope, and a slot whose generations are used up is retired, so a stale id is
/// refused for ever. open and close are wait-free but for the depot (lock-free) and a slot's first use (a lock); find
/// is wait-free; pin and request_cancel are lock-free. Ending a scope takes as long as its destructors.
class scope_registry final : private detail::thread_exit_listener {
 public:
  /// The pool must outlive the registry. Throws std::invalid_argument naming the option, allocation_error where the
  /// system refuses the slots, std::length_error where all registries together would need more than 2^24 slots.
  explicit scope_registry(page_pool& pool, scope_registry_options const& options = {});
  /// Every scope must have ended, and every pin be gone.
  ~scope_registry();

  scope_registry(scope_registry const&) = delete;
  scope_registry& operator=(scope_registry const&) = delete;

  /// Opens a scope, without any page yet. The caller owes it a close(). Null: the registry is full.
  [[nodiscard]] scope* open(scope_options const& options) noexcept;

  /// scope::close() by id. false, and nothing happens, where the id is unknown, ended, or closed already.
  bool close(scope_id id) noexcept;

  /// What there is to see of the scope; nothing where it has ended. A hint by the time it is read.
  [[nodiscard]] std::optional<scope_info> find(scope_id id) const noexcept;

  /// Keeps the scope's memory until the pin goes; empty where the scope has ended, or has 2,097,151 pins already.
  [[nodiscard]] scope_pin pin(scope_id id) noexcept;

  /// Asks the scope's request to stop. true: it was live and is told (also when it was told before).
  bool request_cancel(scope_id id) noexcept;

  /// Calls visit(scope_info const&) for every live scope, in slot order. Scopes that open or end meanwhile may be seen
  /// or not; none is seen twice.
  template <typename Visitor>
  void for_each_live(Visitor&& visit) const {
    // sync slot-limit: acquire; pairs with take_fresh_slot(); every slot below has been constructed
    std::uint32_t const limit = used_limit_.load(std::memory_order_acquire);
    for (std::uint32_t slot = 0; slot < limit; ++slot) {
      if (auto const info = look(slot, std::nullopt)) visit(*info);
    }
  }

  /// The same for every scope whose memory is still there: also those that have ended for everybody (phase closing) and
  /// wait for the last pin, or for their destructors.
  template <typename Visitor>
  void for_each_unfinished(Visitor&& visit) const {
    // sync slot-limit: acquire; pairs with take_fresh_slot(); every slot below has been constructed
    std::uint32_t const limit = used_limit_.load(std::memory_order_acquire);
    for (std::uint32_t slot = 0; slot < limit; ++slot) {
      if (auto const info = look(slot, std::nullopt, detail::scope_control::tenancy_bits)) visit(*info);
    }
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  /// Scopes open now. A walk over the slots.
  [[nodiscard]] std::size_t live() const noexcept;
  /// Scopes whose memory is still there. A walk over the slots; where it finds none, what their destructors did is
  /// visible to the caller, and every page is home.
  [[nodiscard]] std::size_t unfinished() const noexcept;
  /// Whether the registry may go once every close() has returned: nothing is unfinished, and no thread that dropped the
  /// last hold or pin of a scope is still on its way out of here. While nobody opens another scope, it stays so. A walk
  /// over the slots.
  [[nodiscard]] bool idle() const noexcept;
  /// Slots whose generations are used up.
  [[nodiscard]] std::uint32_t retired_slots() const noexcept { return retired_.load(std::memory_order_relaxed); }
  [[nodiscard]] page_pool& pool() const noexcept { return *pool_; }
  /// Whether a scope of that id is guarded when it ends. Says nothing about whether it lives, or ever will.
  [[nodiscard]] bool guards(scope_id id) const noexcept { return guard_.chooses(id); }

  [[nodiscard]] audit_options const& audit() const noexcept { return audit_; }
  /// Whether that scope is audited at its end: each tenant of a slot in turn is, or is not, so no counter is shared.
  [[nodiscard]] bool audits(scope_id id) const noexcept {
    return audit_.one_in != 0 && (id.generation() + id.slot()) % audit_.one_in == 0;
  }
  static constexpr std::size_t most_audit_exemptions = 4;
  /// Audits leave that memory out: tables of the embedder's own that know where requests' memory lies. Before the first
  /// open(); at most most_audit_exemptions of them. The registry and its pool are left out anyway.
  void exempt_from_audit(audit_exemption memory) noexcept;
  [[nodiscard]] std::span<audit_exemption const> audit_exemptions() const noexcept {
    return std::span{exemptions_}.first(exemption_count_);
  }

 private:
  friend class scope;

  [[nodiscard]] scope* slot_of(scope_id id) const noexcept;
  [[nodiscard]] std::optional<scope_info> look(std::uint32_t slot, std::optional<scope_id> wanted,
                                               std::uint64_t bits = detail::scope_control::live_bit) const noexcept;
  [[nodiscard]] std::uint32_t take_rare_slot() noexcept;
  [[nodiscard]] std::optional<std::uint32_t> take_fresh_slot() noexcept;
  void give_slot(scope& ended, std::uint64_t next_generation) noexcept;
  void on_thread_exit(detail::thread_index ending) noexcept override { free_.flush(ending); }

  page_pool* pool_;
  detail::guard_choice guard_;
  std::uint32_t capacity_;
  std::uint64_t first_generation_;
  detail::slot_range range_;  // which ids are ours
  detail::slot_memory memory_;
  scope* slots_;
  detail::recycler free_;
  audit_options audit_;
  bool looks_at_ends_;  // whether any scope is guarded or audited: a scope's end asks no further where not
  std::array<audit_exemption, most_audit_exemptions> exemptions_{};
  std::size_t exemption_count_ = 0;
  std::mutex fresh_mutex_;                                // guards the first use of a slot
  alignas(64) std::atomic<std::uint32_t> used_limit_{0};  // slots below it have been used; grows when first used
  std::atomic<std::uint32_t> retired_{0};
  std::atomic<std::uint32_t> late_ends_{0};  // threads that tear a scope down because they dropped its last hold or pin
};

}  // namespace mayfly
