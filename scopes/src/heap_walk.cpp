#include "heap_walk.hpp"

#include <mayfly/detail/poison.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <sys/uio.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define MAYFLY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAYFLY_TSAN 1
#endif
#endif

#ifdef MAYFLY_TSAN
// Of Clang's from 17 on; others do not tell where a block starts.
extern "C" __attribute__((weak)) void const* __sanitizer_get_allocated_begin(void const*);  // NOLINT
extern "C" std::size_t __sanitizer_get_allocated_size(void const volatile*);                // NOLINT
#endif

// Which mappings belong to the heap, and what of them is searched. What a region's chunks say: heap_chunks.cpp.
namespace mayfly::detail {
namespace {

#ifdef MAYFLY_TSAN
constexpr bool heap_is_a_sanitizers = true;
#else
constexpr bool heap_is_a_sanitizers = sanitized;
#endif

constexpr std::size_t thread_heap_alignment = std::size_t{64} << 20U;
constexpr std::size_t thread_heap_head_bytes = 32;
constexpr std::uint64_t thread_arena_bit = 4;
constexpr std::uint64_t mapped_bit = 2;
constexpr std::uint64_t size_flags = 7;
/// Looking at a page's head costs as much as searching so many bytes.
constexpr std::size_t head_share = 1024;

/// What a thread's cache writes into the second word of a block that it keeps; 0: nothing that could be recognised.
std::uint64_t learn_cache_key() noexcept {
  std::array<std::uint64_t, 2> keys{};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    void* const block = std::malloc(24 + 64 * i);
    auto const address = reinterpret_cast<std::uintptr_t>(block);
    std::free(block);
    keys[i] = address == 0 ? 0 : read_word(address + sizeof(std::uint64_t));
  }
  return keys[0] == keys[1] ? keys[0] : 0;
}

/// Where the memory of a mapped chunk starts: behind its header, or behind another one further on, where it was asked
/// for with an alignment. That one counts the bytes before it, and the rest.
std::uintptr_t aligned_memory(memory_range chunk) noexcept {
  std::uintptr_t const plain = chunk.first + chunk_header_bytes;
  for (std::size_t alignment = 2 * chunk_header_bytes; alignment < chunk.bytes; alignment *= 2) {
    std::uintptr_t const first = (plain + alignment - 1) / alignment * alignment;
    for (std::uintptr_t const memory : {first, first + alignment}) {
      std::size_t const padding = memory - plain;
      struct {
        std::uint64_t padding, size;
      } head{};
      if (padding == 0 || padding >= chunk.bytes || !read_value(memory - chunk_header_bytes, head)) continue;
      if (head.padding == padding && head.size == ((chunk.bytes - padding) | mapped_bit)) return memory;
    }
  }
  return plain;
}

}  // namespace

std::uint64_t word_reader::at(std::uintptr_t address) noexcept {
  constexpr std::size_t word = sizeof(std::uint64_t);
  if (address - first_ >= words_ * word) {
    first_ = address;
    words_ = read_memory(address, window_.data(), sizeof window_) / word;
    if (words_ == 0) return 0;
  }
  return window_[(address - first_) / word];
}

heap_walk::heap_walk(workplace& in, memory_search& search, std::span<loaded_object const> objects,
                     std::span<running_thread const> threads) noexcept
    : work_{in},
      search_{search},
      objects_{objects},
      threads_{threads},
      cache_key_{heap_is_a_sanitizers ? 0 : learn_cache_key()} {}

std::span<heap_holding const> heap_walk::run(memory_range not_in) noexcept {
  memory_map_reader map;
  mapping_entry entry;
  mapping_entry joined;
  while (!search_.spent() && map.next(entry)) {
    if (!entry.writable || entry.is_stack) continue;
    // What a forked process has grown by since is listed as a mapping of its own.
    if (entry.range.first == joined.range.end() && entry.is_break == joined.is_break) {
      joined.range.bytes += entry.range.bytes;
      continue;
    }
    search_entry(std::exchange(joined, entry), not_in);
  }
  search_entry(joined, not_in);
  if (!map.complete()) search_.not_complete();
  return {work_.holdings.data(), count_};
}

void heap_walk::search_entry(mapping_entry const& entry, memory_range not_in) noexcept {
  memory_range const whole = entry.range;
  if (whole.bytes == 0 || search_.spent()) return;
  if constexpr (heap_is_a_sanitizers) {
    search_sanitized(whole);
  } else if (entry.is_break) {
    search_break(whole);
  } else if (whole.end() <= not_in.first || whole.first >= not_in.end()) {
    search_mapping(whole);
  } else {  // neighbouring mappings of one kind are listed as one
    if (whole.first < not_in.first) search_mapping({whole.first, not_in.first - whole.first});
    if (whole.end() > not_in.end()) search_mapping({not_in.end(), whole.end() - not_in.end()});
  }
}

void heap_walk::hold(found_word word, memory_range block) noexcept {
  if (count_ == most_holdings) return search_.not_complete();
  work_.holdings[count_++] = {word, block};
}

void heap_walk::search_break(memory_range mapping) noexcept {
  search_region({.chunks = mapping, .state = find_main_state(mapping), .arena_bit = 0});
}

/// Memory of which it is not known what it is: threads' heaps and mapped blocks are found by their headers. Only pages
/// that have memory are looked at, so a stack costs as much as has been used of it.
void heap_walk::search_mapping(memory_range mapping) noexcept {
  std::uintptr_t done_below = mapping.first;
  for_each_resident(mapping, work_.residency, [&](memory_range run) {
    if (run.end() > done_below) search_pages(run, mapping, done_below);
    return !search_.spent();
  });
}

void heap_walk::search_pages(memory_range pages, memory_range mapping, std::uintptr_t& done_below) noexcept {
  std::size_t const page = system_page_bytes();
  std::uintptr_t at = std::max(pages.first, done_below);
  while (at < pages.end() && !search_.spent()) {
    std::size_t const count = read_heads({at, pages.end() - at});
    if (count == 0) {
      if (!is_gone(at)) search_.not_complete();
      at += page;
    }
    for (std::size_t i = 0; i < count; ++i, at += page) {
      std::uintptr_t end = at % thread_heap_alignment == 0 ? search_thread_heap(at, mapping) : 0;
      if (end == 0) end = search_mapped_block(work_.heads[i], at, mapping);
      if (end <= at + page) continue;
      done_below = (end + page - 1) / page * page;
      at = done_below;
      break;
    }
  }
}

/// Reads the first words of the first pages of `pages`; returns of how many.
std::size_t heap_walk::read_heads(memory_range pages) noexcept {
  std::size_t const page = system_page_bytes();
  std::size_t const count = std::min(batch_pages, pages.bytes / page);
  std::array<iovec, batch_pages> there;
  for (std::size_t i = 0; i < count; ++i) {
    there[i] = {.iov_base = pointer_to(pages.first + i * page), .iov_len = sizeof(page_head)};
  }
  search_.charge(count * head_share);
  iovec const here{.iov_base = work_.heads.data(), .iov_len = count * sizeof(page_head)};
  ssize_t const got = ::process_vm_readv(::getpid(), &here, 1, there.data(), count, 0);
  if (got >= 0) return static_cast<std::size_t>(got) / sizeof(page_head);
  if (errno != EPERM && errno != ENOSYS) return 0;
  std::size_t one_by_one = 0;
  while (one_by_one < count && read_value(pages.first + one_by_one * page, work_.heads[one_by_one])) ++one_by_one;
  return one_by_one;
}

/// glibc's heap_info: the arena, the heap before, bytes in use, bytes accessible. Returns the heap's end; 0: it is
/// none.
std::uintptr_t heap_walk::search_thread_heap(std::uintptr_t start, memory_range mapping) noexcept {
  struct {
    std::uintptr_t arena, previous;
    std::size_t bytes, accessible_bytes;
  } head;
  if (!read_value(start, head)) return 0;
  bool const has_arena = head.previous == 0 ? head.arena - start < thread_heap_alignment
                                            : head.previous % thread_heap_alignment == 0 && head.arena != 0;
  bool const sized = head.bytes >= thread_heap_head_bytes && head.bytes % system_page_bytes() == 0 &&
                     head.bytes <= head.accessible_bytes && head.accessible_bytes <= thread_heap_alignment &&
                     head.bytes <= mapping.end() - start;
  if (!has_arena || !sized) return 0;
  search_region({.chunks = {start + thread_heap_head_bytes, head.bytes - thread_heap_head_bytes},
                 .state = head.arena,
                 .arena_bit = thread_arena_bit});
  return start + head.bytes;
}

/// A block with a mapping of its own: [ 0, size + flag | memory ]. Returns its end; 0: none starts in the page.
std::uintptr_t heap_walk::search_mapped_block(page_head head, std::uintptr_t page, memory_range mapping) noexcept {
  std::uint64_t const bytes = head.size & ~size_flags;
  bool const sound = head.padding == 0 && (head.size & size_flags) == mapped_bit && bytes != 0 &&
                     bytes % system_page_bytes() == 0 && bytes <= mapping.end() - page;
  if (!sound) return 0;
  std::uintptr_t const memory = aligned_memory({page, bytes});
  memory_range const block{memory, page + bytes - memory};
  for (found_word const found : search_.search(block)) hold(found, block);
  return page + bytes;
}

/// A sanitizer's heap: it knows its blocks, and which are free. What it notes of each word of memory, and has mapped
/// for that, is nobody's heap and too large to be asked about.
void heap_walk::search_sanitized([[maybe_unused]] memory_range mapping) noexcept {
#ifdef MAYFLY_ASAN
  std::size_t scale = 0;
  std::size_t offset = 0;
  __asan_get_shadow_mapping(&scale, &offset);
  constexpr std::uintptr_t user_end = std::uintptr_t{1} << 47U;
  if (memory_range{offset, user_end >> scale}.has(mapping.first)) return;
  for (found_word const found : search_.search(mapping)) {
    // Asked for first, as it looks at the heap alone: __asan_locate_address goes on to globals, also to those of
    // libraries that are no longer there.
    void* caller = nullptr;
    int thread = 0;
    if (__asan_get_alloc_stack(pointer_to(found.at), &caller, 1, &thread) == 0) continue;
    void* block = nullptr;
    std::size_t bytes = 0;
    char name[1];
    std::string_view const kind = __asan_locate_address(pointer_to(found.at), name, sizeof name, &block, &bytes);
    // The nearest block, which need not be one that the word lies in: a mapping of ours may come right behind it.
    memory_range const nearest{reinterpret_cast<std::uintptr_t>(block), bytes};
    if (kind == "heap" && nearest.has(found.at)) hold(found, nearest);
  }
#elif defined(MAYFLY_TSAN)
  constexpr memory_range noted{0x0100'0000'0000, 0x3300'0000'0000};  // on x86-64 Linux; no program's memory lies there
  if (noted.has(mapping.first)) return;
  for (found_word const found : search_.search(mapping)) {
    if (&__sanitizer_get_allocated_begin == nullptr) return search_.not_complete();
    void const* const block = __sanitizer_get_allocated_begin(pointer_to(found.at));
    if (block == nullptr) continue;
    memory_range const all{reinterpret_cast<std::uintptr_t>(block), __sanitizer_get_allocated_size(block)};
    if (all.has(found.at)) hold(found, all);
  }
#endif
}

}  // namespace mayfly::detail
