#include <mayfly/detail/egress_check.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory_resource>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAYFLY_EXACT_BLOCK_SIZES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MAYFLY_EXACT_BLOCK_SIZES 1
#endif
#endif

#if defined(MAYFLY_EXACT_BLOCK_SIZES)
// As in <sanitizer/allocator_interface.h>, which Debian's GCC does not bring.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __sanitizer_get_ownership(void const volatile* memory);
extern "C" std::size_t __sanitizer_get_allocated_size(void const volatile* memory);
// NOLINTEND(bugprone-reserved-identifier)
#else
#include <malloc.h>
#endif

namespace mayfly::detail {
namespace {

constexpr int deepest_nesting = 16;

/// What is asked of each address that an exception shows.
struct question {
  escape_rule rule;
  scope const* from;
  egress_reach reach;

  [[nodiscard]] std::optional<escape_report> about(void const* address, std::size_t offset = 0) const noexcept {
    if (scope const* const lender = resource_in_line(*from, address, reach)) {
      return describe(rule, *lender, {address, offset});
    }
    if (!reservation_of(*from).has(reinterpret_cast<std::uintptr_t>(address))) return std::nullopt;
    scope const* const owner = owner_in_line(*from, address, reach);
    if (owner == nullptr) return std::nullopt;
    return describe(rule, *owner, {address, offset});
  }
};

#if defined(__GLIBCXX__) && defined(__GLIBC__)
/// Before each exception object libstdc++ keeps this much of its own, in one block of the heap.
constexpr std::size_t exception_header_bytes = 128;
constexpr std::size_t most_object_bytes = 1'024;

#if defined(MAYFLY_EXACT_BLOCK_SIZES)
/// The bytes of the heap block that begins at `head`; 0 where it is none of the heap's: when the heap is exhausted,
/// libstdc++ makes exceptions in a reserve of its own.
std::size_t block_bytes(void* head) noexcept {
  return __sanitizer_get_ownership(head) != 0 ? __sanitizer_get_allocated_size(head) : 0;
}
#else
enum class heap : std::uint8_t { unknown, of_glibc, other };

/// Whose heap this process has: another may have been linked or preloaded. Unknown while it is exhausted.
heap which_heap() noexcept {
  static std::atomic<heap> known{heap::unknown};
  heap seen = known.load(std::memory_order_relaxed);  // relaxed: every thread would find the same
  if (seen != heap::unknown) return seen;
  void* const block = std::malloc(193);
  if (block == nullptr) return heap::unknown;
  // Of the heaps tried only glibc's has blocks that end 8 bytes before a multiple of 16.
  seen = malloc_usable_size(block) == 200 ? heap::of_glibc : heap::other;
  std::free(block);
  known.store(seen, std::memory_order_relaxed);  // relaxed: see above
  return seen;
}

constexpr std::size_t least_chunk = exception_header_bytes + 2 * sizeof(void*);
constexpr std::size_t most_chunk = std::size_t{1} << 20U;  // below every address of a heap, and above most exceptions

/// The bytes of the heap block that begins at `head`; 0 where it is none of the heap's: when the heap is exhausted,
/// libstdc++ makes exceptions in a reserve of its own, of which malloc_usable_size() knows nothing and would read
/// anywhere. In front of a block glibc keeps its size, libstdc++ in its reserve null or an address.
std::size_t block_bytes(void* head) noexcept {
  heap const whose = which_heap();
  if (whose == heap::of_glibc) {
    std::size_t chunk = 0;
    std::memcpy(&chunk, static_cast<std::byte const*>(head) - sizeof chunk, sizeof chunk);
    chunk &= ~std::size_t{7};  // flags
    if (chunk < least_chunk || chunk >= most_chunk || chunk % 16 != 0) return 0;
  }
  return whose == heap::unknown ? 0 : malloc_usable_size(head);
}
#endif

/// How many bytes of a block its owner may not have asked for, so that they hold what was there before. glibc rounds up
/// by at most 15 and does not split off a rest below 32, and its blocks end 8 bytes before a multiple of 16; other
/// heaps round up by at most a quarter.
std::size_t doubtful_bytes(std::size_t block) noexcept {
#if defined(MAYFLY_EXACT_BLOCK_SIZES)
  static_cast<void>(block);
  return 0;
#else
  return block % 16 == 8 ? 31 : std::max<std::size_t>(31, block / 4);
#endif
}

/// How many bytes from `object` on are the exception's for certain. Nothing says how large it is but its heap block.
std::size_t certain_bytes(void const* object) noexcept {
  auto* const head = const_cast<std::byte*>(static_cast<std::byte const*>(object)) - exception_header_bytes;
  std::size_t const block = block_bytes(head);
  std::size_t const not_its_own = exception_header_bytes + doubtful_bytes(block);
  return block < not_its_own ? 0 : std::min(block - not_its_own, most_object_bytes);
}

std::optional<escape_report> look_at_object(std::exception_ptr const& error, question const& asked) noexcept {
  static_assert(sizeof(std::exception_ptr) == sizeof(void*));
  void const* object = nullptr;
  std::memcpy(static_cast<void*>(&object), static_cast<void const*>(&error), sizeof object);
  auto const* const bytes = static_cast<std::byte const*>(object);
  std::size_t const count = certain_bytes(object);
  for (std::size_t offset = 0; offset + sizeof(void*) <= count; offset += sizeof(void*)) {
    void const* word = nullptr;
    std::memcpy(static_cast<void*>(&word), bytes + offset, sizeof word);
    if (auto found = asked.about(word, offset)) return found;
  }
  return std::nullopt;
}
#else
std::optional<escape_report> look_at_object(std::exception_ptr const&, question const&) noexcept {
  return std::nullopt;
}
#endif

/// Where the category of a std::system_error lies: beyond what is certain of its object's bytes.
void const* category_of(std::exception const& thrown) noexcept {
  auto const* const coded = dynamic_cast<std::system_error const*>(&thrown);
  return coded == nullptr ? nullptr : &coded->code().category();
}

std::exception_ptr nested_in(std::exception const& outer) noexcept {
  auto const* const nesting = dynamic_cast<std::nested_exception const*>(&outer);
  return nesting == nullptr ? nullptr : nesting->nested_ptr();
}

}  // namespace

std::optional<escape_report> find_escape_in_exception(std::exception_ptr const& error, scope const& from,
                                                      egress_reach reach) noexcept {
  question const asked{escape_rule::exception_sent, &from, reach};
  std::exception_ptr next = error;
  for (int depth = 0; next != nullptr && depth < deepest_nesting; ++depth) {
    if (auto found = look_at_object(next, asked)) return found;
    std::exception_ptr nested;
    std::optional<escape_report> found;
    try {
      std::rethrow_exception(next);
    } catch (std::exception const& thrown) {
      found = asked.about(thrown.what());
      if (!found) found = asked.about(category_of(thrown));
      nested = nested_in(thrown);
    } catch (std::nested_exception const& thrown) {
      nested = thrown.nested_ptr();
    } catch (void const* thrown) {
      found = asked.about(thrown);
    } catch (std::string_view thrown) {
      found = asked.about(thrown.data());
    } catch (std::pmr::string const& thrown) {
      found = asked.about(thrown.get_allocator().resource());
    } catch (...) {  // NOLINT(bugprone-empty-catch): its bytes have been looked at
    }
    if (found) return found;
    next = std::move(nested);
  }
  return std::nullopt;
}

}  // namespace mayfly::detail
