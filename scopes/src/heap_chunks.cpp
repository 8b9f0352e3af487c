#include "heap_walk.hpp"

#include <algorithm>
#include <array>

// Chunks as glibc 2.27 and later lay them out:
//
//     chunk          [ foot of the one before, if free | size + flags | memory ... ]      the memory ends one word
//     later, next chunk                                                       [ ......... | size + flags | ...
//     malloc_state   [ mutex, flags | have_fastchunks | fastbins x 10 | top | last_remainder | bins ... ]
namespace mayfly::detail {
namespace {

constexpr std::size_t word = sizeof(std::uint64_t);
constexpr std::size_t least_chunk_bytes = 32;
constexpr std::size_t chunk_alignment = 16;
constexpr std::uint64_t flags = 7;
constexpr std::uint64_t previous_in_use = 1;
constexpr std::uint64_t arena_flags = 6;  // of a block in use: mapped, or of another arena than the main one
constexpr std::size_t furthest_first_chunk = 4096;
constexpr int most_walks = 3;
constexpr int most_marks = 32;
constexpr int most_cache_lists = 3;
constexpr std::size_t cache_bins = 64;
constexpr std::size_t cache_chunk_bytes = 0x290;

constexpr std::size_t fastbins_offset = 16;
constexpr std::size_t fastbin_count = 10;
constexpr std::size_t top_offset = 96;
constexpr std::size_t first_bin_offset = 112;
constexpr std::size_t fast_chunk_share = 2048;  // what following a link costs, as bytes searched: a system call

}  // namespace

/// Words in the region that lie in blocks in use. A walk that fails has met a chunk that another thread was changing,
/// or did not start at the first chunk: where that is depends on glibc's version.
void heap_walk::search_region(region const& of) noexcept {
  std::span<found_word const> const words = search_.search(of.chunks);
  if (words.empty()) return;
  std::size_t const before = count_;
  std::fill_n(work_.freed.begin(), words.size(), false);
  cache_lists_ = 0;
  cached_chunks_ = 0;
  int marks = 1;
  while (!mark_fastbins(of, words) && marks < most_marks) ++marks;
  if (search_.spent()) return;  // some of the words may lie in fastbins: nobody is blamed for them
  if (marks == most_marks) search_.not_complete();
  for (int attempt = 0; attempt < most_walks; ++attempt) {
    search_.charge(of.chunks.bytes);
    work_.reader.forget();
    std::uintptr_t const start = (of.chunks.first + chunk_alignment - 1) / chunk_alignment * chunk_alignment;
    for (std::size_t offset = 0; offset < furthest_first_chunk; offset += chunk_alignment) {
      if (walk(of, start + offset, words)) return;
      count_ = before;
    }
  }
  search_.not_complete();
}

bool heap_walk::walk(region const& of, std::uintptr_t first, std::span<found_word const> words) noexcept {
  std::uintptr_t const end = of.chunks.end();
  std::size_t next_word = 0;
  std::size_t size_before = 0;
  for (std::uintptr_t chunk = first; chunk < end;) {
    std::uint64_t const head = work_.reader.at(chunk + word);
    std::size_t const size = head & ~flags;
    if (size <= chunk_header_bytes) return end - chunk <= 2 * chunk_header_bytes;  // the posts that end a heap
    if (size < least_chunk_bytes || size % chunk_alignment != 0 || size > end - chunk) return false;
    if ((head & previous_in_use) == 0 && work_.reader.at(chunk) != size_before) return false;
    std::uintptr_t const next = chunk + size;
    if (next == end) return true;  // the top: nobody's yet
    bool const in_use = (work_.reader.at(next + word) & previous_in_use) != 0;
    if ((head & arena_flags) != (in_use ? of.arena_bit : 0)) return false;
    for (; next_word < words.size() && words[next_word].at < next + word; ++next_word) {
      bool const inside = words[next_word].at >= chunk + chunk_header_bytes;
      if (!in_use || !inside || work_.freed[next_word] || cached(chunk)) continue;
      hold(words[next_word], {chunk + chunk_header_bytes, size - word});
    }
    size_before = size;
    chunk = next;
  }
  return true;
}

/// Whether the chunk lies in some thread's cache. The key alone does not tell: a block that came from a fastbin may
/// have kept the one that it got in the cache of a thread that has ended.
bool heap_walk::cached(std::uintptr_t chunk) noexcept {
  if (cache_key_ == 0 || read_word(chunk + chunk_header_bytes + word) != cache_key_) return false;
  auto const listed = [&] {
    return std::binary_search(work_.cached.begin(), work_.cached.begin() + cached_chunks_, chunk);
  };
  while (!listed()) {
    if (cache_lists_ == most_cache_lists) {
      if (caches_ == 0) search_.not_complete();  // it may be in use all the same
      return caches_ == 0;
    }
    list_cached_chunks();
  }
  return true;
}

/// The C library's thread-locals point to each thread's cache, which is a chunk of a known size.
void heap_walk::list_cached_chunks() noexcept {
  ++cache_lists_;
  caches_ = 0;
  cached_chunks_ = 0;
  for (loaded_object const& object : objects_) {
    if (!object.is_c_library()) continue;
    for (running_thread const& thread : threads_) {
      memory_range const locals = thread_locals_of(thread, object);
      std::array<std::uint64_t, 64> words;
      std::size_t const bytes = read_memory(locals.first, words.data(), std::min(locals.bytes, sizeof words));
      for (std::size_t i = 0; i < bytes / word; ++i) {
        bool const aligned = words[i] != 0 && words[i] % chunk_alignment == 0;
        if (aligned && (read_word(words[i] - word) & ~flags) == cache_chunk_bytes) list_chunks_of(words[i]);
      }
    }
  }
  std::sort(work_.cached.begin(), work_.cached.begin() + cached_chunks_);
}

/// glibc's tcache_perthread_struct. Links lead from memory to memory, masked with their own address.
void heap_walk::list_chunks_of(std::uintptr_t cache) noexcept {
  struct {
    std::array<std::uint16_t, cache_bins> counts;
    std::array<std::uintptr_t, cache_bins> newest;
  } bins;
  if (!read_value(cache, bins)) return;
  ++caches_;
  for (std::size_t bin = 0; bin < cache_bins; ++bin) {
    std::uintptr_t memory = bins.newest[bin];
    for (std::size_t left = bins.counts[bin]; left != 0 && memory != 0 && memory % chunk_alignment == 0; --left) {
      if (cached_chunks_ == most_cached) return search_.not_complete();
      work_.cached[cached_chunks_++] = memory - chunk_header_bytes;
      memory = read_word(memory) ^ (memory >> 12U);
    }
  }
}

/// Small chunks in fastbins look as if they were in use. Returns whether all bins were read to their ends: other
/// threads take chunks from their heads meanwhile, and what has been taken leads nowhere, or into a thread's cache.
/// Ends when the search is spent.
bool heap_walk::mark_fastbins(region const& of, std::span<found_word const> words) noexcept {
  if (of.state == 0) return true;
  bool sound = true;
  for (std::size_t bin = 0; bin < fastbin_count; ++bin) {
    std::size_t const size = least_chunk_bytes + bin * chunk_alignment;
    std::uintptr_t const top_of_bin = of.state + fastbins_offset + bin * word;
    std::uintptr_t const newest = read_word(top_of_bin);
    std::uintptr_t chunk = newest;
    while (chunk != 0) {
      search_.charge(fast_chunk_share);
      if (search_.spent()) return true;
      struct {
        std::uint64_t foot, size, link, key;
      } head;
      bool const readable = chunk % chunk_alignment == 0 && read_value(chunk, head);
      if (!readable || (head.size & ~flags) != size) {
        sound = false;
        break;
      }
      auto const first = std::lower_bound(words.begin(), words.end(), chunk + chunk_header_bytes,
                                          [](found_word const& w, std::uintptr_t at) { return w.at < at; });
      for (auto each = first; each != words.end() && each->at < chunk + size + word; ++each) {
        work_.freed[static_cast<std::size_t>(each - words.begin())] = true;
      }
      // Links are masked with their own address since glibc 2.32.
      chunk = head.link ^ ((chunk + chunk_header_bytes) >> 12U);
      bool const in_a_cache = chunk == 0 && cache_key_ != 0 && head.key == cache_key_;  // or was, before
      if (in_a_cache && read_word(top_of_bin) != newest) sound = false;
    }
  }
  return sound;
}

/// The main arena's malloc_state, which has no name that could be asked for: what in the C library's data points to the
/// chunk that ends where the heap ends, and has a sound bin behind it.
std::uintptr_t heap_walk::find_main_state(memory_range heap) noexcept {
  for (loaded_object const& object : objects_) {
    if (!object.is_c_library()) continue;
    for (std::size_t i = 0; i < object.writable_count; ++i) {
      memory_range const data = object.writable[i];
      work_.reader.forget();
      std::uintptr_t state = (data.first + word - 1) / word * word;
      for (; state + first_bin_offset + chunk_header_bytes <= data.end(); state += word) {
        std::uintptr_t const top = work_.reader.at(state + top_offset);
        if (!heap.has(top) || top % chunk_alignment != 0) continue;
        if (top + (read_word(top + word) & ~flags) != heap.end()) continue;
        std::uintptr_t const bin = state + first_bin_offset - chunk_header_bytes;
        std::uintptr_t const newest = work_.reader.at(state + first_bin_offset);
        if (newest == bin || heap.has(newest)) return state;
      }
    }
  }
  return 0;
}

}  // namespace mayfly::detail
