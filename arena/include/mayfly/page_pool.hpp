#pragma once

#include <mayfly/allocation_error.hpp>
#include <mayfly/detail/block_tally.hpp>
#include <mayfly/detail/handle_map.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/page_charge.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/detail/rationed_figure.hpp>
#include <mayfly/detail/recycler.hpp>
#include <mayfly/detail/span_space.hpp>
#include <mayfly/detail/thread_index.hpp>
#include <mayfly/detail/whole_spans.hpp>
#include <mayfly/memory_account.hpp>
#include <mayfly/page_pool_options.hpp>
#include <mayfly/page_pool_stats.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>

namespace mayfly {

namespace detail {
class page_census;
class page_quarantine;
class quarantine_admission;
}  // namespace detail

/// Memory handed out by the pool: a page or a block. `data` is null when refused, and then `reason` says why.
struct page_span {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::uint32_t index = 0;  ///< names the memory in give_page(), give_block() and descriptor()
  refusal reason = refusal::none;
  int error_number = 0;
};

/// What the pool and the page's present owner know of one page. Kept outside the page, never unmapped before the pool
/// is. All but `owner` and `state` belong to whoever holds the page (A2).
struct page_descriptor {
  std::atomic<std::uint64_t> owner;  ///< tag of the scope that holds the page, 0 when nobody does; read by anyone
  /// The arena's count of pages and blocks when it took this one. Blocks: on top the bytes nobody has asked for.
  std::uint64_t sequence;
  std::uint32_t next;  ///< index + 1 of the next page (or block) of the same arena
  union {
    std::uint32_t tail_bytes;  ///< pages: bytes left unused at the end when the arena went on to another
    std::uint32_t previous;    ///< blocks: index + 1 of the one before
  };
  union {
    std::uint32_t page_class;  ///< pages: set once, when cut
    std::uint32_t units;       ///< blocks: bytes handed out, in units of 4 KiB
  };
  /// Pages: 1 for the arena's first, which starts at an offset of its own. Blocks: memory it has had, in units of 4
  /// KiB. On top: whether a handle into it was made since it was taken, set by any thread of its owner.
  std::atomic<std::uint32_t> state;

  // Relaxed, all: the holder's, and ordered with the memory itself. Plain stores: threads that arm at the same time
  // store the same, and nobody else writes while handles can be made.
  static constexpr std::uint32_t armed_bit = std::uint32_t{1} << 31U;
  [[nodiscard]] bool armed() const noexcept { return (state.load(std::memory_order_relaxed) & armed_bit) != 0; }
  void arm() noexcept { state.store(state.load(std::memory_order_relaxed) | armed_bit, std::memory_order_relaxed); }
  void disarm() noexcept { state.store(state.load(std::memory_order_relaxed) & ~armed_bit, std::memory_order_relaxed); }
  [[nodiscard]] bool coloured() const noexcept { return (state.load(std::memory_order_relaxed) & 1U) != 0; }
  void start(bool is_coloured) noexcept { state.store(is_coloured ? 1 : 0, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t committed_bytes() const noexcept {
    return (state.load(std::memory_order_relaxed) & ~armed_bit) * block_unit_bytes;
  }
  void set_committed_bytes(std::size_t bytes) noexcept {
    state.store(static_cast<std::uint32_t>(bytes / block_unit_bytes), std::memory_order_relaxed);
  }

  static constexpr unsigned sequence_bits = 51;
  static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << sequence_bits) - 1;
  void start_block(std::uint64_t number, std::size_t unasked) noexcept {
    sequence = std::uint64_t{unasked} << sequence_bits | number;
  }
  [[nodiscard]] std::uint64_t block_number() const noexcept { return sequence & sequence_mask; }
  [[nodiscard]] std::size_t unasked_bytes() const noexcept { return sequence >> sequence_bits; }
  /// `bytes` of the block are in use now: the most at any time is what was asked for.
  void ask_for(std::size_t bytes) noexcept {
    start_block(block_number(), std::min(unasked_bytes(), block_bytes() - bytes));
  }

  /// Blocks: bytes handed out.
  [[nodiscard]] std::size_t block_bytes() const noexcept { return std::size_t{units} * block_unit_bytes; }
  /// Blocks are rounded up to these.
  static constexpr std::size_t block_unit_bytes = std::size_t{4} << 10U;
};
static_assert(sizeof(page_descriptor) == 32);

/// Recyclable pages in one contiguous range of addresses.
///
///     reservation  [ span 2 MiB | span | span | ... ]          PROT_NONE until first used
///     span         [ page | page | page | ... ]                all of one class
///     page         thread's magazine <-> depot -> returned     see detail::recycler
///                  ^ quarantine                                see detail::page_quarantine
///
/// A page costs a wait-free exchange where this thread's magazine has one, a lock-free exchange where the depot has
/// one, a lock and perhaps a system call otherwise. Threads that end give their magazines to the depot. Every function
/// may be called from any thread unless it says otherwise; the pool must outlive every arena built on it.
class page_pool final : private detail::thread_exit_listener {
 public:
  static constexpr std::size_t classes = page_pool_options::classes;

  /// Throws std::invalid_argument naming the option, or allocation_error where the system grants no addresses.
  explicit page_pool(page_pool_options const& options = {});
  /// Every page and block must have come home.
  ~page_pool();

  page_pool(page_pool const&) = delete;
  page_pool& operator=(page_pool const&) = delete;

  /// A page of class `c`, uninitialised, aligned to its size; or a refusal.
  [[nodiscard]] page_span take_page(std::size_t c) noexcept {
    if (std::uint32_t const index = take_cached_page(c); index != no_page) [[likely]]
      return {page_address(index), class_bytes(c), index};
    return take_page_slow(c);
  }

  /// What take_page() would take without asking the system, by its index: a page that this thread's magazines or the
  /// depot have; no_page otherwise.
  [[nodiscard]] std::uint32_t take_cached_page(std::size_t c) noexcept { return pages_.take_index(c); }
  static constexpr std::uint32_t no_page = detail::recycler::no_item;

  /// Takes a page back. `c` is the class it was taken with. (Left to itself GCC 12 makes it a call: 13 instructions of
  /// the 580 of a scope.)
  [[gnu::always_inline]] void give_page(std::size_t c, std::uint32_t index) noexcept {
    page_descriptor& page = descriptors_[index];
    page.owner.store(0, std::memory_order_relaxed);  // relaxed: see owner_of()
    if (page.armed()) [[unlikely]]
      retire_handles(index, class_bytes(c));
    detail::poison(page_address(index), class_bytes(c));
    if (gives_unusually_) [[unlikely]]
      return give_unusually(c, index);
    recycle(c, index);
  }

  /// The same two for the page that this thread gave last, and nothing else: no_page, or false with nothing done, where
  /// it is not as simple as that. They call nothing.
  [[nodiscard]] std::uint32_t take_front_page(std::size_t c) noexcept { return pages_.take_front(c); }
  [[gnu::always_inline]] bool try_give_front_page(std::size_t c, std::uint32_t index) noexcept {
    page_descriptor& page = descriptors_[index];
    if (page.armed() || gives_unusually_) [[unlikely]]
      return false;
    return pages_.try_give_front(c, index, [&] {
      page.owner.store(0, std::memory_order_relaxed);  // relaxed: see owner_of()
      detail::poison(page_address(index), class_bytes(c));
    });
  }

  /// A block of at least `bytes` (above zero), aligned to `alignment` (a power of two), rounded up to 4 KiB; or a
  /// refusal. For what is too large for a page.
  [[nodiscard]] page_span take_block(std::size_t bytes, std::size_t alignment) noexcept;
  /// What take_block() would take without asking the system, by its index, where that is a piece of a span; no_page
  /// otherwise. Neither argument above largest_block_bytes.
  [[nodiscard]] std::uint32_t take_cached_block(std::size_t bytes, std::size_t alignment) noexcept;
  void give_block(std::uint32_t index) noexcept;

  /// Gives idle memory beyond the floor back to the system: the quarantine, depots, cached blocks, and with `magazines`
  /// what threads' magazines hold, sleeping or not. Returns the bytes given back.
  std::size_t trim(bool magazines = false) noexcept;

  /// Gives back what has not been needed lately: an epoch is the time between two calls, a second for example. Of each
  /// class the pages that lay in the depot for idle_epochs epochs and that nobody asked for, all but idle_floor_bytes;
  /// the same of what threads have at hand that took none of the class for as long, sleeping or not; cached blocks,
  /// when none was taken for as long. Never by what a request once took (Bonwick and Adams, "Magazines and Vmem", 2001,
  /// call it the depot's working set). Returns the bytes given back. One thread at a time does it, another that calls
  /// meanwhile gets 0. Costs a system call for each page that goes, and a look at each thread's cache.
  std::size_t end_epoch() noexcept;

  /// From now on arena::reset_into() keeps pages out of reach for a while. Called again it raises limits,
  /// never lowers one. Throws std::invalid_argument naming the limit, allocation_error where the system refuses memory.
  void start_quarantine(quarantine_limits const& limits = {});
  /// Null before start_quarantine().
  [[nodiscard]] detail::page_quarantine* quarantine() const noexcept {
    // sync quarantine-start: acquire; pairs with start_quarantine(); reads the quarantine
    return quarantine_.load(std::memory_order_acquire);
  }
  /// Takes quarantined memory back into circulation, the oldest first, until that many bytes are. Returns how many. The
  /// pool does it by itself where it would otherwise refuse memory.
  std::size_t release_quarantine(std::size_t bytes = page_pool_options::unlimited) noexcept;

  /// The owner tag of the page that `address` lies in; 0 when it is none of this pool's, or is idle; in quarantine
  /// still the owner it had. Wait-free. Exact for an address whose owner cannot end meanwhile, a hint otherwise.
  [[nodiscard]] std::uint64_t owner_of(void const* address) const noexcept;

  /// A handle for `address` in memory with that owner tag, which cannot be given back meanwhile: from when it is, the
  /// handle names nothing, for ever. `owner` is kept for whoever resolves it. Any thread; wait-free but for the first
  /// handle into 4 KiB of addresses, which may take a lock and a system call. 0: the memory is not that owner's, or the
  /// process has no anchor left.
  [[nodiscard]] detail::handle_bits make_handle(void const* address, void* owner, std::uint64_t owner_tag) noexcept;

  /// Whether `address` lies in the reservation.
  [[nodiscard]] bool contains(void const* address) const noexcept {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(spans_.start()) <
           spans_.bytes();
  }

  /// The block that starts at `address`, as its index; block_npos when none does.
  [[nodiscard]] std::uint32_t block_at(void const* address) const noexcept;
  static constexpr std::uint32_t block_npos = std::numeric_limits<std::uint32_t>::max();

  static constexpr std::size_t block_unit_bytes =
      page_descriptor::block_unit_bytes;  ///< blocks are rounded up to these
  /// Above this nothing is even tried: refusal::too_large.
  static constexpr std::size_t largest_block_bytes = std::numeric_limits<std::size_t>::max() / 2;

  [[nodiscard]] page_descriptor& descriptor(std::uint32_t index) const noexcept { return descriptors_[index]; }
  [[nodiscard]] std::size_t class_bytes(std::size_t c) const noexcept { return options_.class_bytes[c]; }
  /// From how many bytes of pages on an arena's next page is of class `c` or larger.
  [[nodiscard]] std::size_t grows_from(std::size_t c) const noexcept { return grows_from_[c]; }
  [[nodiscard]] std::byte* page_address(std::uint32_t index) const noexcept {
    return spans_.start() + (std::size_t{index} << unit_shift_);
  }

  /// The exception that says why `asked` bytes were refused.
  [[nodiscard]] allocation_error error(page_span const& refused, std::size_t asked) const noexcept;

  /// Moves the page budget while the pool is in use; nobody waits for it. Below what is committed, idle memory goes
  /// back at once, on the calling thread; arenas keep what they hold, no new page or block comes from the system, and
  /// what is given back goes on to it, until the pool holds no more than the new limit. (A page that a thread has at
  /// hand serves again until end_epoch(), trim() or a refusal of another takes it.) Returns the bytes given back.
  /// Throws std::invalid_argument where not even a page of the smallest class would fit.
  std::size_t set_max_bytes(std::size_t bytes);
  [[nodiscard]] std::size_t max_bytes() const noexcept { return charge_.limit(); }
  /// What there may be at most: max_bytes(), or the limit of the common budget where that is less.
  [[nodiscard]] std::size_t most_bytes() const noexcept;
  /// Whether `bytes` more fit the budget, and the common one, beside what arenas hold; idle memory is room. A hint, as
  /// others take too. Two loads where they fit beside all that is committed; otherwise what threads have at hand has to
  /// be counted, which is done anew up to 64 times in a row, and once a millisecond where it is asked for all the time.
  /// Never waits for memory that just goes back to the system.
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;

  /// What the pool was made with; max_bytes() and not options().max_bytes is the budget now.
  [[nodiscard]] page_pool_options const& options() const noexcept { return options_; }
  /// Addresses granted: less than reserve_bytes where the system would not give as many.
  [[nodiscard]] std::size_t reserved_bytes() const noexcept { return spans_.bytes(); }
  /// Memory held now; one relaxed load.
  [[nodiscard]] std::size_t committed_bytes() const noexcept { return charge_.held(); }
  [[nodiscard]] page_pool_stats stats() const noexcept;
  /// Where every byte of the reservation is, and how much of it is resident. For people, not for loops: walks all
  /// pages, and asks the kernel about each 16 MiB. Nobody else waits for it, but who needs memory of the system, or the
  /// quarantine. Throws std::bad_alloc.
  [[nodiscard]] memory_account account() const;

 private:
  friend class detail::page_census;
  friend class page_budget;              // makes room for other pools
  friend class detail::page_quarantine;  // they move blocks out of use and back
  friend class detail::quarantine_admission;

  static constexpr std::size_t span_shift = 21;
  static constexpr std::size_t cached_blocks = classes;  // the recycler counts them as one more class
  static_assert(cached_blocks < detail::recycler::max_classes);
  static_assert(detail::block_tally::unit_bytes == page_descriptor::block_unit_bytes);
  static constexpr std::size_t bins = 12;  // blocks of 2^(unit_shift + bin), up to a span
  static constexpr std::size_t cached_runs = 32;
  static constexpr std::uint32_t no_index = std::numeric_limits<std::uint32_t>::max();
  static_assert(std::size_t{1} << span_shift == detail::span_space::span_bytes);

  /// Which pieces a span is cut into; 0 while it is free. Packed, so that it is read in one load.
  ///     63          40 39           8   7    6   5        0
  ///     [ spans in run | first span   | block | - | log2 size ]     log2 size 63: a run of whole spans
  using span_word = std::atomic<std::uint64_t>;
  static constexpr std::uint64_t run_shift = 63;
  static constexpr std::uint64_t block_flag = 128;
  static std::uint64_t shift_of(std::uint64_t word) noexcept { return word & 63U; }
  static std::uint32_t first_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 8U); }
  static std::uint32_t run_spans_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 40U); }

  /// Spans being cut into pieces of one size: all below `next` in the current span have been handed out once.
  struct carver {
    std::uint32_t span = 0;
    std::uint32_t next = 0;
    std::uint32_t end = 0;
    std::uint64_t made = 0;
  };

  struct idle_run {
    std::uint32_t first = 0;
    std::uint32_t spans = 0;
  };

  void on_thread_exit(detail::thread_index ending) noexcept override;

  [[nodiscard]] std::uint32_t index_at(void const* address) const noexcept;
  void retire_handles(std::uint32_t index, std::size_t bytes) noexcept;
  [[nodiscard]] page_span take_page_slow(std::size_t c) noexcept;
  [[nodiscard]] page_span take_stolen(std::size_t c, page_span const& otherwise) noexcept;
  [[nodiscard]] page_span take_returned(std::size_t c) noexcept;
  [[nodiscard]] page_span carve(carver& from, std::size_t piece_shift, std::uint64_t flags) noexcept;
  [[nodiscard]] page_span try_carve(carver& from, std::size_t piece_shift, std::uint64_t flags) noexcept;
  /// log2 of the piece that a block needs.
  [[nodiscard]] std::size_t piece_shift(std::size_t bytes, std::size_t alignment) const noexcept {
    return static_cast<std::size_t>(std::bit_width(std::max({bytes, alignment, std::size_t{1} << unit_shift_}) - 1));
  }
  [[nodiscard]] page_span take_new_bin(std::size_t bytes, std::size_t piece_shift) noexcept;
  [[nodiscard]] page_span take_empty_bin(std::size_t bytes, std::size_t bin) noexcept;
  [[nodiscard]] page_span take_run(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] page_span grow_run(std::uint32_t first, std::uint32_t spans, std::size_t committed,
                                   std::size_t bytes) noexcept;
  [[nodiscard]] idle_run take_idle_run(std::uint32_t spans, std::size_t alignment) noexcept;
  [[nodiscard]] bool keep_idle_run(idle_run run, std::size_t committed) noexcept;
  void give_bin(std::uint32_t index, std::size_t piece_shift) noexcept;
  void give_run(std::uint32_t index, std::uint32_t spans) noexcept;
  void release_run(idle_run run) noexcept;
  void set_span_words(std::uint32_t first, std::uint32_t spans, std::uint64_t low_bits) noexcept;
  [[nodiscard]] std::size_t most_idle_block_bytes() const noexcept {
    return options_.recycle && !over_limit() ? options_.block_cache_bytes : 0;
  }
  [[nodiscard]] std::uint32_t first_index_of(std::uint32_t span) const noexcept {
    return span << (span_shift - unit_shift_);
  }

  void recycle(std::size_t c, std::uint32_t index) noexcept {
    if (detail::index_chain const displaced = pages_.give(c, index); !displaced.empty()) [[unlikely]] {
      keep_or_return(c, displaced);
    }
  }
  void give_unusually(std::size_t c, std::uint32_t index) noexcept;
  void fill(std::byte* start, std::size_t bytes) const noexcept;
  bool keep_or_return(std::size_t c, detail::index_chain chain) noexcept;
  std::size_t return_pages(std::size_t c, detail::index_chain chain) noexcept;
  std::size_t return_whole_spans_first(std::size_t c, std::uint32_t candidates, std::uint32_t count) noexcept;
  [[nodiscard]] bool give_back(std::byte* start, std::size_t bytes) const noexcept;
  /// Idle pages that stay.
  [[nodiscard]] std::uint32_t floor_pages(std::size_t c) const noexcept {
    std::size_t const pages = options_.idle_floor_bytes / class_bytes(c);
    return static_cast<std::uint32_t>(std::min<std::size_t>(pages, std::numeric_limits<std::uint32_t>::max()));
  }
  void retire(std::size_t c, std::uint32_t index) noexcept;
  std::size_t release_idle_blocks() noexcept;
  std::uint32_t take_from_idle_threads(std::size_t c) noexcept;
  std::size_t return_surplus(std::size_t c, std::uint32_t idle_with_threads) noexcept;
  std::size_t release_unneeded_blocks() noexcept;
  std::size_t reclaim(std::size_t wanted, bool waits = false) noexcept;
  /// set_max_bytes() went below what is committed: then what lies idle goes.
  [[nodiscard]] bool over_limit() const noexcept { return charge_.is_over(); }
  std::size_t return_excess() noexcept;
  [[nodiscard]] static std::size_t checked_max_bytes(std::size_t bytes, std::size_t least);

  [[nodiscard]] bool commit(std::byte* start, std::size_t bytes) noexcept;
  [[nodiscard]] bool charge(std::size_t bytes) noexcept;
  void refund(std::size_t bytes) noexcept { charge_.refund(bytes); }
  void make_room(std::size_t bytes, bool waits = false) noexcept;
  [[nodiscard]] std::size_t idle_bytes() const noexcept;

  page_pool_options options_;
  std::array<std::size_t, classes> grows_from_;
  detail::page_charge charge_;  // rarely written: fresh pages, trims, set_max_bytes()
  bool gives_unusually_;        // pages given back are filled, or not recycled
  std::size_t unit_shift_;      // log2 of the smallest class: descriptors are indexed in units of it
  detail::span_space spans_;
  detail::mapped_array<page_descriptor> descriptors_;
  detail::mapped_array<span_word> span_words_;
  detail::recycler pages_;
  detail::whole_spans whole_spans_;
  detail::handle_map handles_;

  std::array<detail::chain_depot, classes> returned_{};       // pages without memory
  std::array<detail::uncounted_depot, bins> idle_blocks_{};   // blocks up to a span, with memory
  std::array<detail::uncounted_depot, bins> empty_blocks_{};  // the same without
  mutable std::mutex carve_mutex_;                            // guards the carvers
  std::array<carver, classes> page_carvers_{};
  std::array<carver, bins> block_carvers_{};
  mutable std::mutex runs_mutex_;  // guards idle_runs_
  std::array<idle_run, cached_runs> idle_runs_{};

  /// How much something had been used when an epoch ended, and for how many since it has not been.
  struct last_used {
    std::uint64_t uses = 0;
    std::uint32_t epochs = 0;

    /// For how many epochs there has been no use, now that one ends.
    std::uint32_t see(std::uint64_t uses_by_now) noexcept {
      epochs = uses_by_now == uses ? epochs + 1 : 0;
      uses = uses_by_now;
      return epochs;
    }
  };
  std::mutex epoch_mutex_;  // guards the four below
  std::uint64_t epoch_ = 0;
  std::array<std::array<std::uint32_t, page_pool_options::most_idle_epochs>, classes> least_idle_{};  // by epoch
  detail::mapped_array<std::array<last_used, classes>> threads_seen_;
  last_used blocks_seen_;

  alignas(64) mutable detail::rationed_figure idle_seen_;  // written by has_room() where the budget is used up
  alignas(64) detail::block_tally block_tally_;            // written with each block taken or given
  alignas(64) std::atomic<std::uint64_t> blocks_from_system_{0};
  std::array<std::atomic<std::uint64_t>, classes> from_system_{};
  std::atomic<detail::page_quarantine*> quarantine_{nullptr};
};

}  // namespace mayfly
