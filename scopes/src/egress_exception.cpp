#include <mayfly/detail/egress_check.hpp>

#include <cstring>
#include <exception>
#include <typeinfo>

#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAYFLY_EXACT_BLOCK_SIZES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MAYFLY_EXACT_BLOCK_SIZES 1
#endif
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

/// How many bytes from `object` on are the exception's for certain. Nothing says how large it is but the size of its
/// heap block, in which malloc may leave up to 15 bytes unused, with what was there before: one word is left out.
std::size_t certain_bytes(void const* object) noexcept {
  auto* const block = const_cast<std::byte*>(static_cast<std::byte const*>(object)) - exception_header_bytes;
  std::size_t const usable = malloc_usable_size(block);
  if (usable < exception_header_bytes + sizeof(void*)) return 0;
  std::size_t const bytes = (usable - exception_header_bytes) & ~(sizeof(void*) - 1);
#if defined(MAYFLY_EXACT_BLOCK_SIZES)
  return bytes < most_object_bytes ? bytes : most_object_bytes;
#else
  return bytes < most_object_bytes ? bytes - sizeof(void*) : most_object_bytes;
#endif
}

std::optional<escape_report> look_at_object(std::exception_ptr const& error, question const& asked) noexcept {
  static_assert(sizeof(std::exception_ptr) == sizeof(void*));
  void const* object = nullptr;
  std::memcpy(&object, static_cast<void const*>(&error), sizeof object);
  auto const* const bytes = static_cast<std::byte const*>(object);
  std::size_t const count = certain_bytes(object);
  for (std::size_t offset = 0; offset < count; offset += sizeof(void*)) {
    void const* word = nullptr;
    std::memcpy(&word, bytes + offset, sizeof word);
    if (auto found = asked.about(word, offset)) return found;
  }
  return std::nullopt;
}
#else
std::optional<escape_report> look_at_object(std::exception_ptr const&, question const&) noexcept {
  return std::nullopt;
}
#endif

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
      nested = nested_in(thrown);
    } catch (std::nested_exception const& thrown) {
      nested = thrown.nested_ptr();
    } catch (void const* thrown) {
      found = asked.about(thrown);
    } catch (...) {  // NOLINT(bugprone-empty-catch): its bytes have been looked at
    }
    if (found) return found;
    next = std::move(nested);
  }
  return std::nullopt;
}

}  // namespace mayfly::detail
