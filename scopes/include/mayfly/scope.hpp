#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/byte_budget.hpp>
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
};

/// Thrown by arena(), memory() and their like on a thread for which this scope is not the current one: memory of a
/// request may only be taken inside it. Always a bug of the caller's (a body that was not bound to its scope).
class scope_mismatch : public std::logic_error {
 public:
  scope_mismatch(scope_id wanted, scope_id current);
};

namespace detail {

/// What this thread works for now. Plain data, so that reading it is one thread-local load.
struct thread_scope {
  scope* active = nullptr;
  arena* lane = nullptr;  // this thread's arena in `active`; null until its first allocation there
};
inline constinit thread_local thread_scope current;

/// A number for this thread that no other thread of the process ever has.
[[nodiscard]] std::uint64_t this_thread_key() noexcept;

/// A scope's arena for a thread that did not open it. Lies in its own first page.
struct lane {
  arena memory;
  std::uint64_t thread_key;
  lane* next;
};

/// The pmr face of a scope: finds the calling thread's lane at every call.
class scope_resource final : public std::pmr::memory_resource {
 public:
  explicit scope_resource(scope& owner) noexcept : owner_{&owner} {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }

  scope* owner_;
};

}  // namespace detail

/// The scope that this thread works for, innermost first; null outside any. Never another request's: see scope_entry.
[[nodiscard]] inline scope* current_scope() noexcept { return detail::current.active; }

/// One request's life and memory: an arena for every thread that allocates in it, an id, a deadline, a stop flag.
///
/// Lives in a slot of its scope_registry, which opens it; the address stays readable after it has ended, but belongs to
/// the slot's next tenant then: keep the id, or a scope_hold, not the reference.
///
///     queued -> running -> completing -> [held] -> closing -> free
///               close() by the opener, last scope_hold gone ^      ^ last pin gone: destructors, then pages
///
/// Who may call: id, slot_index, route, deadline, opened and stop_requested from any thread while the scope is known
/// to live (inside it, or under a hold or pin); arena, memory, make and hold inside it (a scope_entry on this thread).
class alignas(64) scope {
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
  [[nodiscard]] scope_phase phase() const noexcept { return phase_.load(std::memory_order_relaxed); }
  /// Moves the scope on, for listings; nothing depends on it. Not for free or closing.
  void set_phase(scope_phase phase) noexcept { phase_.store(phase, std::memory_order_relaxed); }

  /// This thread's arena in the scope: the opener's (or adopter's) is inside it, any other thread's is made at its
  /// first call. Throws scope_mismatch outside the scope, allocation_error where a new lane finds no page.
  [[nodiscard]] mayfly::arena& arena() {
    detail::thread_scope& here = detail::current;
    if (here.active == this && here.lane != nullptr) [[likely]]
      return *here.lane;
    return find_arena();
  }

  /// A pmr resource that allocates from the calling thread's lane; valid while the scope lives. Its allocate throws
  /// scope_mismatch outside the scope. Memory may be given back from any lane (and then stays until the end).
  [[nodiscard]] std::pmr::memory_resource* memory() noexcept { return &resource_; }

  /// Constructs in this thread's lane; see arena::make.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    return arena().template make<T>(std::forward<Args>(args)...);
  }

  /// The arena inside the scope, for whoever has the scope to itself: the opener before anybody else has entered, the
  /// worker that adopted it. No thread check.
  [[nodiscard]] mayfly::arena& main_arena() noexcept { return main_; }

  /// The calling thread takes over the arena inside the scope from the opener: call it on the worker that goes on with
  /// the request, before it enters, when nobody else is inside.
  void adopt() noexcept;

  /// Whether request_cancel() was called for it. One relaxed load.
  [[nodiscard]] bool stop_requested() const noexcept {
    return (control_.load(std::memory_order_relaxed) & cancelled_bit) != 0;
  }
  /// A token that outlives the scope and answers true once it is cancelled or has ended.
  [[nodiscard]] stop_token token() const noexcept;

  /// Keeps the scope open beyond close(): it ends when close() was called and the last hold is gone, on that thread.
  /// Only inside the scope, or from another hold.
  [[nodiscard]] scope_hold hold() noexcept;

  /// Ends the opener's part, once: with no hold left the scope ends here (id refused, destructors of all lanes run,
  /// then every page goes to this thread's magazine); else when the last hold goes. With pins left it only stops
  /// being found, and the last unpin does the rest. Call it outside every scope_entry of this scope.
  void close() noexcept;

  /// Bytes of pages and blocks of all lanes. One relaxed load.
  [[nodiscard]] std::size_t reserved_bytes() const noexcept { return budget_.used(); }
  /// Sums of all lanes. Only where no other thread allocates in the scope.
  [[nodiscard]] arena_usage usage() const noexcept;
  /// Lanes made for threads other than the opener's. Any thread that keeps the scope alive.
  [[nodiscard]] std::size_t lane_count() const noexcept;

 private:
  friend class scope_registry;
  friend class scope_hold;
  friend class scope_pin;
  friend class stop_token;
  friend class detail::scope_resource;

  // control_: who may find the scope, and who may still look at it.
  //     63           24   23       22       21        20        0
  //     [ generation    | live | closed | cancelled |  pins      ]
  // live: find, pin and cancel answer. closed: the opener's part is over. The scope's memory is torn down by whoever
  // makes live = 0 and pins = 0 true, exactly once.
  static constexpr std::uint64_t pin_one = 1;
  static constexpr std::uint64_t pins_mask = (std::uint64_t{1} << 21U) - 1;
  static constexpr std::uint64_t cancelled_bit = std::uint64_t{1} << 21U;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 22U;
  static constexpr std::uint64_t live_bit = std::uint64_t{1} << 23U;
  static constexpr unsigned generation_shift = 24;

  scope(scope_registry& registry, page_pool& pool, std::uint32_t slot_index) noexcept;
  ~scope() = default;

  [[nodiscard]] mayfly::arena& find_arena();
  [[nodiscard]] mayfly::arena& make_lane(std::uint64_t key);
  void drop_hold() noexcept;
  void end_life() noexcept;
  void unpin() noexcept;
  void tear_down() noexcept;

  // Written by every thread that pins, cancels, holds or closes.
  std::atomic<std::uint64_t> control_;
  std::atomic<std::uint32_t> holds_{0};  // the opener's part counts as one
  std::uint32_t slot_index_;
  scope_registry* registry_;

  // Written by open() and the owner, read by listings on any thread. Each is published by its own release store, so
  // that a reader which saw a newer tenant's value also sees that the id has ended: see scope_registry::find().
  alignas(64) std::atomic<char const*> route_data_{nullptr};
  std::atomic<std::size_t> route_size_{0};
  std::atomic<scope_clock::rep> opened_{0};
  std::atomic<scope_clock::rep> deadline_{0};
  std::atomic<std::uint64_t> main_thread_{0};  // key of the thread whose lane is main_
  std::atomic<detail::lane*> lanes_{nullptr};
  std::atomic<scope_phase> phase_{scope_phase::free};

  // The owner's.
  alignas(64) scope_id id_;
  mayfly::arena main_;
  detail::scope_resource resource_;
  alignas(64) byte_budget budget_;  // written by every lane that takes a page
};

/// Makes a scope current on this thread while it lives, and what was current before again afterwards. Enter around
/// every body that works for a request, on whichever thread it runs; entries nest and must end in reverse order.
/// Costs a few loads and stores.
class scope_entry {
 public:
  explicit scope_entry(scope& entered) noexcept : before_{detail::current} { detail::current = {&entered, nullptr}; }
  /// Enters with the arena inside the scope as this thread's lane: for the thread that opened or adopted it.
  scope_entry(scope& entered, arena& lane) noexcept : before_{detail::current} { detail::current = {&entered, &lane}; }
  scope_entry(scope_entry const&) = delete;
  scope_entry& operator=(scope_entry const&) = delete;
  ~scope_entry() { detail::current = before_; }

 private:
  detail::thread_scope before_;
};

/// Leaves whatever scope is current while it lives: for code that runs in between and belongs to no request.
class scope_exemption {
 public:
  scope_exemption() noexcept : before_{std::exchange(detail::current, {})} {}
  scope_exemption(scope_exemption const&) = delete;
  scope_exemption& operator=(scope_exemption const&) = delete;
  ~scope_exemption() { detail::current = before_; }

 private:
  detail::thread_scope before_;
};

/// Keeps a scope open; see scope::hold(). Move-only, may be dropped on any thread; dropping the last one after close()
/// ends the scope there.
class scope_hold {
 public:
  scope_hold() noexcept = default;
  scope_hold(scope_hold&& other) noexcept : scope_{std::exchange(other.scope_, nullptr)} {}
  scope_hold& operator=(scope_hold&& other) noexcept {
    std::swap(scope_, other.scope_);
    return *this;
  }
  ~scope_hold() { release(); }

  /// Gives the hold up now.
  void release() noexcept {
    if (auto* const held = std::exchange(scope_, nullptr)) held->drop_hold();
  }

  [[nodiscard]] explicit operator bool() const noexcept { return scope_ != nullptr; }
  [[nodiscard]] scope& get() const noexcept { return *scope_; }
  [[nodiscard]] scope* operator->() const noexcept { return scope_; }

 private:
  friend class scope;
  explicit scope_hold(scope& held) noexcept : scope_{&held} {}

  scope* scope_ = nullptr;
};

/// Keeps a scope's memory from going while somebody looks; see scope_registry::pin(). Does not keep its id alive.
/// Move-only, may be dropped on any thread; dropping the last one of an ended scope runs its destructors there.
class scope_pin {
 public:
  scope_pin() noexcept = default;
  scope_pin(scope_pin&& other) noexcept : scope_{std::exchange(other.scope_, nullptr)} {}
  scope_pin& operator=(scope_pin&& other) noexcept {
    std::swap(scope_, other.scope_);
    return *this;
  }
  ~scope_pin() {
    if (scope_ != nullptr) scope_->unpin();
  }

  /// false: the scope was gone.
  [[nodiscard]] explicit operator bool() const noexcept { return scope_ != nullptr; }
  [[nodiscard]] scope& get() const noexcept { return *scope_; }

 private:
  friend class scope_registry;
  explicit scope_pin(scope& pinned) noexcept : scope_{&pinned} {}

  scope* scope_ = nullptr;
};

/// Tells a handler to stop. A value; answers for its own scope only, also after that has ended (true) and its slot has
/// a new tenant. Must not outlive the registry.
class stop_token {
 public:
  stop_token() noexcept = default;

  /// True once the scope is cancelled or has ended. One relaxed load; any thread.
  [[nodiscard]] bool stop_requested() const noexcept {
    if (scope_ == nullptr) return false;
    // Relaxed: a flag to be polled; nothing is read on the strength of it.
    std::uint64_t const control = scope_->control_.load(std::memory_order_relaxed);
    bool const same = control >> scope::generation_shift == generation_;
    return !same || (control & scope::live_bit) == 0 || (control & scope::cancelled_bit) != 0;
  }

 private:
  friend class scope;
  stop_token(scope const& watched, std::uint64_t generation) noexcept : scope_{&watched}, generation_{generation} {}

  scope const* scope_ = nullptr;
  std::uint64_t generation_ = 0;
};

}  // namespace mayfly
