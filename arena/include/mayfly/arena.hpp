#pragma once

#include <mayfly/allocation_error.hpp>
#include <mayfly/allocation_recorder.hpp>
#include <mayfly/arena_usage.hpp>
#include <mayfly/byte_budget.hpp>
#include <mayfly/detail/canary.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/lifetimebound.hpp>
#include <mayfly/page_pool.hpp>

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mayfly {

namespace detail {
class quarantine_admission;
}  // namespace detail

/// How an arena takes memory. Both pointees must outlive the arena.
struct arena_options {
  byte_budget* budget = nullptr;  ///< charged for every page and block; null: no limit but the pool's
  std::uint64_t owner_tag = 0;    ///< what page_pool::owner_of() says of the arena's memory
  std::size_t first_class = 0;    ///< class of the first page, 0 to page_pool::classes - 1
};

/// Memory that is handed out by moving a pointer and taken back all at once.
///
///     page (current)   [ colour | object | object | record chunk | object |......room......]
///                                                                         ^ next_          ^ end_
///     page (before)    [ ............................................. | tail waste ]
///     block            [ one large object ]
///
/// allocate() and its kin are an addition and a comparison while the page lasts. Objects made with make() have their
/// destructors run, last made first, at reset(), rewind() or the arena's end, unless trivial; every destructor runs
/// before any memory goes, and may itself allocate. Results stay valid until then; nobody else may free them.
///
/// One thread at a time may use an arena (another may go on with it when the two are synchronised); the memory handed
/// out may be shared like any other. Pages come from a page_pool and feed the magazine of whichever thread returns
/// them.
///
/// Zero bytes count as one: every result is distinct. Alignment may be any power of two. Where the current page has no
/// room, an alignment above 4 KiB gets a block of its own, as does anything above largest_in_page_bytes of the pool.
///
/// Under AddressSanitizer whatever is not handed out is poisoned, and allocations keep 16 bytes apart.
class arena {
  struct record_chunk;

 public:
  static constexpr std::size_t least_alignment = 8;

  /// Allocates nothing until asked to.
  explicit arena(page_pool& pool, arena_options const& options = {}) noexcept
      : pool_{&pool},
        budget_{options.budget},
        owner_tag_{options.owner_tag},
        first_class_{static_cast<std::uint32_t>(options.first_class)} {
    assert(options.first_class < page_pool::classes);
  }

  /// The source is left empty, on the same pool, ready for use.
  arena(arena&& other) noexcept;
  arena& operator=(arena&& other) noexcept;
  arena(arena const&) = delete;
  arena& operator=(arena const&) = delete;
  ~arena() { reset(); }

  /// `bytes` of uninitialised memory aligned to at least `alignment` (a power of two; every result is aligned to 8).
  /// Throws allocation_error: byte_budget, page_cap, address_space, system or too_large.
  MAYFLY_CANARY_INLINE [[nodiscard]] void* allocate(std::size_t bytes,
                                                    std::size_t alignment = least_alignment) MAYFLY_LIFETIMEBOUND {
    if (void* const memory = bump(bytes, alignment)) [[likely]]
      return memory;
    return allocate_slow(bytes, alignment);
  }

  /// The same, null instead of throwing.
  MAYFLY_CANARY_INLINE [[nodiscard]] void* try_allocate(
      std::size_t bytes, std::size_t alignment = least_alignment) noexcept MAYFLY_LIFETIMEBOUND {
    if (void* const memory = bump(bytes, alignment)) [[likely]]
      return memory;
    return try_allocate_slow(bytes, alignment);
  }

  /// Gives memory back early where that is free of cost: the allocation made last, or one that has a block of its own.
  /// Anything else stays until the end. `bytes` and `alignment` as they were asked for.
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment = least_alignment) noexcept;

  /// Grows (or shrinks) an allocation in place: the one made last in the current page, or one in a block with room.
  /// false, with nothing changed, where that cannot be.
  [[nodiscard]] bool try_extend(void* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  /// Constructs a T. Its destructor runs with the arena's unless trivial. Throws what T's constructor throws, and what
  /// allocate() throws.
  template <typename T, typename... Args>
  T* make(Args&&... args) MAYFLY_LIFETIMEBOUND {
    static_assert(!std::is_array_v<T>, "use make_span<T>(n) for arrays");
    void* const memory = allocate(sizeof(T), alignof(T));
    T* const object = ::new (memory) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) {
      // Recorded after construction, as the language orders destruction: what the constructor made in this arena goes
      // after the object itself.
      undo_construction<T> guard{object};
      record(object, [](void* target) noexcept { static_cast<T*>(target)->~T(); });
      guard.object = nullptr;
    }
    return object;
  }

  /// `count` value-initialised elements side by side; the span is empty for 0. Destructors as with make().
  template <typename T>
  [[nodiscard]] std::span<T> make_span(std::size_t count) MAYFLY_LIFETIMEBOUND;

  /// A copy of the bytes, with a NUL behind them that the view does not count.
  [[nodiscard]] std::string_view copy(std::string_view text) MAYFLY_LIFETIMEBOUND {
    auto* const memory = static_cast<char*>(allocate(text.size() + 1, 1));
    if (!text.empty()) std::memcpy(memory, text.data(), text.size());
    memory[text.size()] = '\0';
    return {memory, text.size()};
  }

  /// A point to come back to. Valid until the arena is reset, rewound to an earlier mark, or moved.
  class marker {
    friend class arena;
    std::byte* next;
    record_chunk* records;
    std::uint32_t record_count;
    std::uint32_t page;
    std::uint64_t sequence;
    std::uint32_t number;  // for the log
  };

  [[nodiscard]] marker mark() const noexcept;

  /// Runs the destructors of all that was made since `point`, last first, and takes its memory back; also what older
  /// allocations have grown by since, in the current page. Blocks grown since keep their bytes.
  void rewind(marker const& point) noexcept;

  /// Runs all destructors, gives every page and block back. The arena may be used again.
  void reset() noexcept {
    if (reserved_bytes() != 0) release_all();
  }

  /// Like reset(), for an arena without destructors left to run, and the last that charged its budget: the caller
  /// starts that over. Until restart() it is closed: whoever asks it for memory gets none, and is told of
  /// (detail/closed_arena.hpp, which has this function).
  inline void close() noexcept;

  /// Like reset() for an arena without destructors left to run, but for that its memory goes into the pool's
  /// quarantine, as far as that has room for it. The note's owner is this arena's owner_tag.
  void reset_into(detail::quarantine_admission& quarantine) noexcept;

  /// Runs all destructors now and keeps the memory: objects of several arenas that know each other all end before the
  /// first page goes.
  void run_destructors() noexcept;

  /// Whether a destructor is left to run.
  [[nodiscard]] bool has_destructors() const noexcept {
    return records_ != nullptr && (records_->count != 0 || records_->older != nullptr);
  }

  [[nodiscard]] arena_usage usage() const noexcept;
  /// Bytes of pages and blocks held: usage().reserved_bytes without the walk.
  [[nodiscard]] std::size_t reserved_bytes() const noexcept { return page_bytes_ + block_bytes_; }
  /// What of its pages it has bumped through: all but the room in the current one; blocks are none of it. O(1).
  [[nodiscard]] std::size_t bumped_bytes() const noexcept { return page_bytes_ - room_bytes(); }
  /// usage().room_bytes without the walk.
  [[nodiscard]] std::size_t room_bytes() const noexcept {
    return static_cast<std::size_t>((log_ == nullptr ? end_ : log_->end_of_page_) - next_);
  }
  /// The class of the next first page, 0 to page_pool::classes - 1: for an arena that has none yet.
  void set_first_class(std::size_t c) noexcept {
    assert(c < page_pool::classes);
    first_class_ = static_cast<std::uint32_t>(c);
  }
  [[nodiscard]] page_pool& pool() const noexcept { return *pool_; }
  [[nodiscard]] byte_budget* budget() const noexcept { return budget_; }

  /// Where an allocation of so many bytes lies if it is the current page's last; null where the page gave out less.
  [[nodiscard]] void* last_of(std::size_t bytes) const noexcept;

  /// Builds with MAYFLY_CANARIES: tells the canary handler of every allocation that somebody wrote beyond, and mends
  /// it. The arena does so itself before memory goes. Other builds: nothing.
  void check_canaries() noexcept {
    if constexpr (detail::canaries) check_all_canaries();
  }

  /// Starts over for another owner: reset(), then as constructed with `options`.
  void restart(arena_options const& options) noexcept;

 private:
  using destructor = void (*)(void*) noexcept;

  struct destructor_record {
    void* object;
    destructor destroy;
  };
  static_assert(sizeof(destructor_record) == 16);

  /// A chunk of records, in the arena itself; the chunk behind it is older.
  struct record_chunk {
    record_chunk* older;
    std::uint32_t count;
    std::uint32_t capacity;

    [[nodiscard]] destructor_record* records() noexcept { return reinterpret_cast<destructor_record*>(this + 1); }
  };
  static_assert(sizeof(record_chunk) == 16);

  /// Ends an object whose destructor could not be recorded.
  template <typename T>
  struct undo_construction {
    T* object;
    ~undo_construction() {
      if (object != nullptr) object->~T();
    }
  };

  /// Lies in front of the elements of make_span() and ends them, last first.
  template <typename T>
  struct span_owner {
    std::span<T> elements;
    ~span_owner() {
      for (std::size_t i = elements.size(); i-- > 0;) elements[i].~T();
    }
  };

  static constexpr std::uint32_t first_chunk_records = 7;
  static constexpr std::uint32_t largest_chunk_records = 63;
  static constexpr std::size_t largest_page_alignment = std::size_t{4} << 10U;

  /// Equal offsets in every first page would compete for the same lines of the first-level cache. Sixteen offsets,
  /// chosen by the page's number among those of its size.
  static constexpr std::size_t colours = 16;
  static constexpr std::size_t colour_step = 64;
  static std::size_t colour_bytes_of(std::byte const* page, std::size_t page_bytes) noexcept {
    return (reinterpret_cast<std::uintptr_t>(page) >> std::countr_zero(page_bytes)) % colours * colour_step;
  }

  static constexpr std::size_t rounded(std::size_t bytes) noexcept {
    return ((bytes + least_alignment - 1) & ~(least_alignment - 1)) + detail::redzone_bytes;
  }

  /// The fast path; null where the current page has no room. Bounds are compared before rounding, so that no size can
  /// overflow (A4): the room is a multiple of 8, hence what fits unrounded fits rounded.
  MAYFLY_CANARY_INLINE [[nodiscard]] void* bump(std::size_t bytes, std::size_t alignment) noexcept {
    assert(std::has_single_bit(alignment));
    bytes += static_cast<std::size_t>(bytes == 0);
    auto room = static_cast<std::size_t>(end_ - next_);
    std::byte* memory = next_;
    if (alignment > least_alignment) {
      std::size_t const padding = (0 - reinterpret_cast<std::uintptr_t>(next_)) & (alignment - 1);
      if (padding > room) [[unlikely]]
        return nullptr;
      memory += padding;
      room -= padding;
    }
    if constexpr (detail::redzone_bytes != 0) {
      if (room < detail::redzone_bytes) return nullptr;
      room -= detail::redzone_bytes;
    }
    if (bytes > room) [[unlikely]]
      return nullptr;
    if constexpr (detail::canaries) {
      std::byte* const before = std::exchange(next_, memory + rounded(bytes));
      detail::lay_canary(memory, bytes, next_, static_cast<std::size_t>(next_ - before), nullptr);
      return memory;
    }
    next_ = memory + rounded(bytes);
    detail::hand_out(memory, bytes);
    return memory;
  }

  /// Whether such an allocation gets a block of its own.
  [[nodiscard]] bool oversize(std::size_t bytes, std::size_t alignment) const noexcept {
    return alignment > largest_page_alignment || bytes > pool_->options().largest_in_page_bytes;
  }

  [[nodiscard]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* allocate_first(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_first(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] inline void* start_first_page(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* allocate_more(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_more(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* take_more(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept;
  [[nodiscard]] void* take_new(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept;
  [[nodiscard]] void* take_block(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept;
  [[nodiscard]] void* take_from_page(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept;
  [[nodiscard]] std::uint32_t take_page(std::size_t c, page_span& refused) noexcept;
  void* start_page(std::size_t c, std::uint32_t index, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] bool in_current_page(void const* memory, std::size_t bytes) const noexcept;

  // A7: charged before memory is taken, refunded after it was given back.
  [[nodiscard]] bool charge(std::size_t bytes) noexcept { return budget_ == nullptr || budget_->try_charge(bytes); }
  void refund(std::size_t bytes) noexcept {
    if (budget_ != nullptr) budget_->refund(bytes);
  }

  void record(void* object, destructor destroy);
  void add_chunk();
  void run_destructors_until(record_chunk const* chunk, std::uint32_t count) noexcept;
  void release_all() noexcept;
  void release_more() noexcept;
  template <typename Taker>
  void give_all(Taker& taker) noexcept;
  void give_pages_after(std::uint64_t sequence) noexcept;
  void give_blocks_after(std::uint64_t sequence) noexcept;
  template <typename Taker>
  void give_block(Taker& taker, std::uint32_t index) noexcept;
  void take_over(arena& other) noexcept;
  void deallocate_now(void* memory, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] bool extend_now(void* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept;
  class shown_room;  // from here on: where the pool has a recorder; arena_recorded.cpp and arena_first_page.cpp
  void hide_room() noexcept;
  [[nodiscard]] inline void* bump_and_note(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* allocate_recorded(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_recorded(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* start_log(void* memory, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* take_recorded(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept;
  void deallocate_recorded(void* memory, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] bool try_extend_recorded(void* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept;
  [[nodiscard]] std::uint32_t block_number(std::uint32_t index) const noexcept;
  [[nodiscard]] std::uint32_t log_mark() const noexcept;
  void log_rewind(std::uint32_t number) noexcept;
  void end_log() noexcept;
  // In builds with MAYFLY_CANARIES; arena_canaries.cpp.
  void check_all_canaries() noexcept;
  void check_canaries_of_page(std::uint32_t index) noexcept;
  void check_canary_of_block(std::uint32_t index) noexcept;
  bool check_canary_behind(void const* memory, std::size_t bytes) noexcept;
  bool check_canary(std::byte* end, std::byte const* first, detail::canary_place where) noexcept;
  void move_canary(std::byte* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  /// Where an allocation that goes past the page was asked for; nothing in builds without canaries.
  struct no_site {
    static void set(void const*) noexcept {}
    static void const* get() noexcept { return nullptr; }
  };
  class known_site {
   public:
    void set(void const* address) noexcept { address_ = address; }
    [[nodiscard]] void const* get() const noexcept { return address_; }

   private:
    void const* address_ = nullptr;
  };

  std::byte* next_ = nullptr;  // where the next allocation starts, a multiple of 8; null and null: no page yet
  std::byte* end_ = nullptr;
  record_chunk* records_ = nullptr;
  std::uint32_t pages_ = 0;   // index + 1 of the current page; older ones behind it
  std::uint32_t blocks_ = 0;  // index + 1 of the newest block
  page_pool* pool_;
  byte_budget* budget_;
  std::uint64_t owner_tag_;
  std::size_t page_bytes_ = 0;
  std::size_t block_bytes_ = 0;
  std::uint64_t sequence_ = 0;  // pages and blocks taken so far; newer ones have larger numbers (A6)
  std::uint32_t first_class_;
  allocation_log* log_ = nullptr;  // while it is recorded; end_ is next_ then, whatever the room
  [[no_unique_address]] std::conditional_t<detail::canaries, known_site, no_site> site_;
};

template <typename T>
std::span<T> arena::make_span(std::size_t count) {
  if (count == 0) return {};
  if (count > page_pool::largest_block_bytes / sizeof(T)) [[unlikely]] {
    throw allocation_error{refusal::too_large, page_pool::largest_block_bytes, 0,
                           std::numeric_limits<std::size_t>::max()};
  }
  if constexpr (std::is_trivially_destructible_v<T>) {
    T* const first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
  } else {
    void* const place = allocate(sizeof(span_owner<T>), alignof(span_owner<T>));
    T* const first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    std::uninitialized_value_construct_n(first, count);
    auto* const owner = ::new (place) span_owner<T>{{first, count}};
    undo_construction<span_owner<T>> guard{owner};
    record(owner, [](void* target) noexcept { static_cast<span_owner<T>*>(target)->~span_owner<T>(); });
    guard.object = nullptr;
    return owner->elements;
  }
}

}  // namespace mayfly
