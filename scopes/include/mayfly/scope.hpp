#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/byte_budget.hpp>
#include <mayfly/detail/scope_control.hpp>
#include <mayfly/detail/scope_resource.hpp>
#include <mayfly/detail/thread_scope.hpp>
#include <mayfly/lifetimebound.hpp>
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope_id.hpp>

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace mayfly {

class scope;
class scope_hold;
class scope_registry;
class stop_token;
struct escape_report;

/// Where a scope is in its life. `free` is never seen through an id.
enum class scope_phase : std::uint8_t {
  free,
  queued,      ///< accepted, waiting for a worker
  running,     ///< its handler runs
  completing,  ///< its answer is being read
  held,        ///< its handler has ended, a scope_hold keeps it
  closing,     ///< ended for everybody, waiting for the last pin
};

[[nodiscard]] char const* to_string(scope_phase phase) noexcept;

using scope_clock = std::chrono::steady_clock;

/// How to open a scope.
struct scope_options {
  /// What the request is for, in listings and statistics. Must stay valid for the life of the registry: a literal, or
  /// interned.
  std::string_view route = "unnamed";
  scope_clock::time_point deadline = scope_clock::time_point::max();  ///< max(): none
  std::size_t byte_budget = byte_budget::unlimited;                   ///< pages and blocks of all lanes, in bytes
  scope_phase phase = scope_phase::running;
  std::size_t first_class = 0;  ///< class of the arena's first page
  /// When it was opened; read from the clock where left at min(). A caller that has the time saves a clock call.
  scope_clock::time_point opened = scope_clock::time_point::min();
  /// The scope that it lies in, where it is nested: ends after it. Null: none.
  scope const* parent = nullptr;
};

/// Thrown by arena(), memory() and their like on a thread for which this scope is not the current one: memory of a
/// request may only be taken inside it. Always a bug of the caller's (a body that was not bound to its scope).
class scope_mismatch : public std::logic_error {
 public:
  scope_mismatch(scope_id wanted, scope_id current);
};

namespace detail {

struct tenancy_report;

/// A scope's arena for a thread that did not open it (S8). Lies in its own first page.
struct lane {
  arena memory;
  std::uint64_t thread_key;
  lane* next;
};

}  // namespace detail

/// One request's life and memory: an arena for every thread that allocates in it, an id, a deadline, a stop flag.
///
/// Lives in a slot of its scope_registry, which opens it; the address stays readable after it has ended, but belongs to
/// the slot's next tenant then: keep the id, or a scope_hold, not the reference.
///
///     queued -> running -> completing -> [held] -> closing -> free
///               close() by the opener, last scope_hold gone ^      ^ last pin gone: destructors, then pages
///
/// Who may call: id, slot_index, route, deadline, opened, opener_thread and stop_requested from any thread while the
/// scope is known to live (inside it, or under a hold or pin); arena, memory, make and hold inside it (a scope_entry on
/// this thread).
class alignas(detail::resource_ring) scope : private detail::resource_ring {
 public:
  scope(scope const&) = delete;
  scope& operator=(scope const&) = delete;

  [[nodiscard]] scope_id id() const noexcept { return id_; }
  /// 0 to capacity - 1 within its registry, no other live scope has it: an index into the embedder's own arrays.
  [[nodiscard]] std::uint32_t slot_index() const noexcept { return slot_index_; }
  [[nodiscard]] scope_registry& registry() const noexcept { return *registry_; }

  [[nodiscard]] std::string_view route() const noexcept;
  [[nodiscard]] scope_clock::time_point deadline() const noexcept;  ///< time_point::max(): none
  [[nodiscard]] scope_clock::time_point opened() const noexcept;
  /// Who opened it, as gettid() counts threads.
  [[nodiscard]] std::int32_t opener_thread() const noexcept;
  /// The scope around this one, as it was opened with; null where there is none, or it has ended.
  [[nodiscard]] scope const* parent() const noexcept {
    return parent_ != nullptr && parent_->lives(parent_generation_) ? parent_ : nullptr;
  }
  [[nodiscard]] scope_phase phase() const noexcept;
  /// Moves the scope on, for listings; nothing depends on it. Not for free or closing.
  void set_phase(scope_phase phase) noexcept { phase_.publish(phase); }

  /// This thread's arena in the scope: the opener's (or adopter's) is inside it, any other thread's is made at its
  /// first call. Throws scope_mismatch outside the scope, allocation_error where a new lane finds no page.
  [[nodiscard]] mayfly::arena& arena() MAYFLY_LIFETIMEBOUND {
    detail::thread_scope& here = detail::current;
    if (here.active == this && here.lane != nullptr) [[likely]]
      return *here.lane;
    return find_arena();
  }

  /// A pmr resource that allocates from the calling thread's lane. Its allocate throws scope_mismatch outside the
  /// scope. Memory may be given back from any lane (and then stays until the end). It may be called for ever: after the
  /// scope has ended, also in the slot's next tenancies and without the registry, giving back does nothing but report
  /// MF-E21, and asking reports MF-E22 and throws scope_gone.
  [[nodiscard]] std::pmr::memory_resource* memory() noexcept MAYFLY_LIFETIMEBOUND { return &of(id_.generation()); }

  /// Constructs in this thread's lane; see arena::make.
  template <typename T, typename... Args>
  T* make(Args&&... args) MAYFLY_LIFETIMEBOUND {
    return arena().template make<T>(std::forward<Args>(args)...);
  }

  /// The arena inside the scope, for whoever has the scope to itself: the opener before anybody else has entered, the
  /// worker that adopted it. No thread check.
  [[nodiscard]] mayfly::arena& main_arena() noexcept MAYFLY_LIFETIMEBOUND { return main_; }

  /// The calling thread takes over the arena inside the scope from the opener: call it on the worker that goes on with
  /// the request, before it enters, when nobody else is inside.
  void adopt() noexcept {
    // Relaxed: nobody else is inside, and whoever enters later is synchronised with the adopter by what starts it.
    main_thread_.store(detail::this_thread_key(), std::memory_order_relaxed);
  }

  /// Whether request_cancel() was called for it. One relaxed load.
  [[nodiscard]] bool stop_requested() const noexcept {
    return (control_.load(std::memory_order_relaxed) & detail::scope_control::cancelled_bit) != 0;
  }
  /// A token that outlives the scope and answers true once it is cancelled or has ended.
  [[nodiscard]] stop_token token() const noexcept;

  /// Keeps the scope open beyond close(): it ends when close() was called and the last hold is gone, on that thread.
  /// Only inside the scope, or from another hold; not from a destructor that runs at its end, nor under a pin.
  [[nodiscard]] scope_hold hold() noexcept;

  /// Where the object is through which the code of the request sees this scope, a request_context; 0: none. For the
  /// egress checks, which look for its address: it lies on a stack, and ends before the scope. Whoever makes it says
  /// so, and takes it back before it ends.
  [[nodiscard]] std::uintptr_t context() const noexcept { return context_.load(std::memory_order_relaxed); }
  // Relaxed, both: nothing is read through it, and whose request it is has it from its own thread.
  void set_context(void const* context) noexcept {
    context_.store(reinterpret_cast<std::uintptr_t>(context), std::memory_order_relaxed);
  }

  /// Whether a hold or a pin keeps it, beside the opener. A hint, but where the caller has one of them.
  [[nodiscard]] bool kept() const noexcept { return control_.kept(); }

  /// Whether a hold keeps it, beside the opener who asks, before close(). False: nobody else can be inside any more,
  /// and what holders did is visible.
  [[nodiscard]] bool held() const noexcept { return !control_.opener_only(); }

  /// Ends the opener's part, once: with no hold left the scope ends here (id refused, destructors of all lanes run,
  /// then every page goes to this thread's magazine); else when the last hold goes. With pins left it only stops
  /// being found, and the last unpin does the rest. Call it outside every scope_entry of this scope.
  void close() noexcept;

  /// Bytes of pages and blocks of all lanes. One relaxed load.
  [[nodiscard]] std::size_t reserved_bytes() const noexcept { return budget_.used(); }
  /// Bytes of pages and blocks that it may still take, its budget's limit less what it has; unlimited without one.
  [[nodiscard]] std::size_t spare_bytes() const noexcept {
    std::size_t const limit = budget_.limit();
    std::size_t const used = budget_.used();
    return limit == byte_budget::unlimited ? limit : limit - (used < limit ? used : limit);
  }
  /// Sums of all lanes. Only where no other thread allocates in the scope.
  [[nodiscard]] arena_usage usage() const noexcept;
  /// Lanes made for threads other than the opener's. Any thread that keeps the scope alive.
  [[nodiscard]] std::size_t lane_count() const noexcept;

 private:
  friend class scope_registry;
  friend class scope_entry;
  friend class scope_hold;
  friend class scope_pin;
  friend class stop_token;
  friend class detail::scope_resource;
  friend class detail::saved_scope;
  friend struct detail::tenancy_report;

  scope(scope_registry& registry, page_pool& pool, std::uint32_t slot_index) noexcept;
  // Never called: a slot once used stays a scope (S12), and goes on in another registry by this.
  ~scope() = default;
  void move_in(scope_registry& registry, page_pool& pool, std::uint32_t slot_index) noexcept;

  /// Whether the tenant of that generation may still be entered. Relaxed: asked of a scope that this thread is inside,
  /// which only this thread can have ended, or to find out who broke close()'s rule.
  [[nodiscard]] bool lives(std::uint64_t generation) const noexcept {
    return detail::scope_control::is_live(control_.load(std::memory_order_relaxed), generation);
  }

  [[nodiscard]] mayfly::arena& find_arena();
  [[nodiscard]] mayfly::arena& make_lane(std::uint64_t key);
  void drop_hold() noexcept { tear_down_late_if(control_.drop_hold()); }
  [[nodiscard]] bool try_pin(std::uint64_t generation) noexcept { return control_.try_pin(generation); }
  void unpin() noexcept { tear_down_late_if(control_.unpin()); }
  bool close_tenancy(std::uint64_t generation) noexcept;
  void tear_down_if(detail::scope_end end) noexcept {
    if (end == detail::scope_end::now) tear_down();
  }
  /// By a thread that may be none of those which whoever ends the registry waits for otherwise.
  void tear_down_late_if(detail::scope_end end) noexcept {
    if (end == detail::scope_end::now) tear_down_late();
  }
  void tear_down_late() noexcept;
  void tear_down() noexcept;
  void quarantine_memory() noexcept;
  [[noreturn, gnu::cold]] void refuse_entry(scope_id tenant) const;
  void run_destructors() noexcept;

  // Written by every thread that pins, cancels, holds or closes.
  detail::scope_control control_;
  std::uint32_t slot_index_;
  std::atomic<std::uint32_t> slot_number_;  // in ids; read by late callers of a resource
  scope_registry* registry_;
  // Written by open().
  scope const* parent_ = nullptr;  // may have ended: its slot stays a scope
  std::uint64_t parent_generation_ = 0;

  // Written by open() and the owner, read by listings on any thread: see scope_registry::look().
  alignas(64) detail::slot_field<char const*> route_data_{nullptr};
  detail::slot_field<std::size_t> route_size_{0};
  detail::slot_field<scope_clock::rep> opened_{0};
  detail::slot_field<scope_clock::rep> deadline_{0};
  std::atomic<std::uint64_t> main_thread_{0};  // key of the thread whose lane is main_
  std::atomic<detail::lane*> lanes_{nullptr};
  detail::slot_field<std::int32_t> opener_thread_{0};
  detail::slot_field<std::int32_t> closer_thread_{0};  // of the last tenant that has been torn down
  detail::slot_field<scope_phase> phase_{scope_phase::free};

  // The owner's.
  alignas(64) scope_id id_;
  std::pmr::memory_resource const* serving_ = nullptr;  // of the ring: the tenant's
  mayfly::arena main_;
  std::atomic<std::uintptr_t> context_{0};
  alignas(64) byte_budget budget_;  // written by every lane that takes a page
};

}  // namespace mayfly

// The rest of what a scope is used through; each of these headers may also be included by itself.
#include <mayfly/scope_entry.hpp>
#include <mayfly/scope_gone.hpp>
#include <mayfly/scope_hold.hpp>
#include <mayfly/stop_token.hpp>
