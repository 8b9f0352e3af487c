#pragma once

#include "loaded_objects.hpp"
#include "memory_map.hpp"
#include "safe_memory.hpp"
#include "thread_locals.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::detail {

/// What stands before a block of the C heap.
inline constexpr std::size_t chunk_header_bytes = 16;

/// A block of the C heap, and a word in it that points into the audited scope.
struct heap_holding {
  found_word word;
  memory_range block;
};

/// Reads single words of memory that lie close to each other, through a window.
class word_reader {
 public:
  /// 0 where it cannot be read.
  [[nodiscard]] std::uint64_t at(std::uintptr_t address) noexcept;
  void forget() noexcept { words_ = 0; }

 private:
  std::array<std::uint64_t, 2048> window_;
  std::uintptr_t first_ = 0;
  std::size_t words_ = 0;
};

/// Searches the C heap (glibc's; under a sanitizer its own) for words that point into the audited scope, in blocks
/// that are in use.
///
///     [heap]            [ chunk | chunk | ... | top ]                  brk(): the main arena
///     64 MiB aligned    [ heap_info | (malloc_state) | chunk | ... ]   threads' arenas
///     mapped            [ chunk ]                                      one large block each
///
/// A memory region is searched flat first; only where words were found are its chunks walked, to tell in which block
/// each lies and whether that is in use. A free chunk is known by its neighbour's flag, by being in a fastbin, or by
/// being in a thread's cache (it has that cache's key in it, but a live block may have kept one). No lock of malloc is
/// taken: other threads change chunks meanwhile. A walk that does not end exactly at the region's end is done again,
/// and given up after some times.
class heap_walk {
 public:
  static constexpr std::size_t most_holdings = 256;
  static constexpr std::size_t most_cached = 16'384;
  static constexpr std::size_t batch_pages = 128;

  /// The first words of a page: a mapped block's header, or something else.
  struct page_head {
    std::uint64_t padding;
    std::uint64_t size;
  };

  /// What it works in. Large: not for a stack.
  struct workplace {
    word_reader reader;
    residency_flags residency;
    std::array<page_head, batch_pages> heads;
    std::array<bool, memory_search::most_words> freed;
    std::array<std::uintptr_t, most_cached> cached;
    std::array<heap_holding, most_holdings> holdings;
  };

  /// Allocates and frees two small blocks, to see what a thread's cache writes into them. In `objects` the main arena's
  /// bins are looked for, in `threads` their caches.
  heap_walk(workplace& in, memory_search& search, std::span<loaded_object const> objects,
            std::span<running_thread const> threads) noexcept;

  /// What is found, in the order of addresses. `not_in` is left out: the pages of the pool.
  [[nodiscard]] std::span<heap_holding const> run(memory_range not_in) noexcept;

 private:
  struct region {
    memory_range chunks;          // from where the first chunk may be, to the end
    std::uintptr_t state = 0;     // of its arena; 0: unknown
    std::uint64_t arena_bit = 0;  // what bit 2 of each size is
  };

  void search_entry(mapping_entry const& entry, memory_range not_in) noexcept;
  void search_mapping(memory_range mapping) noexcept;
  void search_pages(memory_range pages, memory_range mapping, std::uintptr_t& done_below) noexcept;
  [[nodiscard]] std::size_t read_heads(memory_range pages) noexcept;
  [[nodiscard]] std::uintptr_t search_thread_heap(std::uintptr_t start, memory_range mapping) noexcept;
  [[nodiscard]] std::uintptr_t search_mapped_block(page_head head, std::uintptr_t page, memory_range mapping) noexcept;
  void search_break(memory_range mapping) noexcept;
  void search_region(region const& of) noexcept;
  void search_sanitized(memory_range mapping) noexcept;

  [[nodiscard]] std::uintptr_t find_main_state(memory_range heap) noexcept;
  [[nodiscard]] bool mark_fastbins(region const& of, std::span<found_word const> words) noexcept;
  [[nodiscard]] bool walk(region const& of, std::uintptr_t first, std::span<found_word const> words) noexcept;
  [[nodiscard]] bool cached(std::uintptr_t chunk) noexcept;
  void list_cached_chunks() noexcept;
  void list_chunks_of(std::uintptr_t cache) noexcept;
  void hold(found_word word, memory_range block) noexcept;

  workplace& work_;
  memory_search& search_;
  std::span<loaded_object const> objects_;
  std::span<running_thread const> threads_;
  std::uint64_t cache_key_;
  std::size_t count_ = 0;
  std::size_t caches_ = 0;         // threads' caches that were found
  std::size_t cached_chunks_ = 0;  // the chunks in them, sorted
  int cache_lists_ = 0;            // how often they were listed for this region
};

}  // namespace mayfly::detail
