#include <mayfly/detail/canary.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <unistd.h>

namespace mayfly::detail {
namespace {

constexpr std::uint64_t front_pattern = 0xC3A5C85C97CB3127U;
constexpr std::byte filling{0xCB};
constexpr std::size_t least_back = canary_bytes + 8;

std::atomic<canary_handler> handler_for_canaries{nullptr};

/// Depends on the address: a canary that is copied to another place is none there.
std::uint64_t front_at(canary const& place) noexcept {
  return front_pattern ^ reinterpret_cast<std::uintptr_t>(&place);
}
std::uint64_t rear_of(canary const& value) noexcept { return front_pattern ^ value.back ^ value.bytes << 20U; }

/// How far before `end` the allocation starts.
std::size_t distance_of(canary const& seen, canary_place where) noexcept {
  return where == canary_place::in_block ? seen.back : canary_bytes + (seen.bytes + 7) / 8 * 8;
}

[[noreturn]] void abort_with(canary_damage const& damage) noexcept {
  std::array<char, 200> text{};
  int const length =
      std::snprintf(text.data(), text.size(),
                    "mayfly: somebody wrote beyond an allocation of %zu bytes at %p (taken at %p): %p is overwritten\n",
                    damage.bytes, damage.memory, damage.site, damage.address);
  if (::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(std::max(length, 0))) < 0) std::abort();
  std::abort();
}

}  // namespace

bool is_plausible(canary const& seen, std::byte const* end, std::byte const* first) noexcept {
  return seen.rear == rear_of(seen) && seen.back >= least_back && seen.back % 8 == 0 &&
         seen.back <= static_cast<std::size_t>(end - first) && seen.bytes <= seen.back - canary_bytes;
}

void set_canary_handler(canary_handler handler) noexcept {
  // Relaxed: a function, which brings nothing along.
  handler_for_canaries.store(handler, std::memory_order_relaxed);
}

bool offer_canary_handler(canary_handler handler) noexcept {
  canary_handler none = nullptr;
  // Relaxed: as above.
  return handler_for_canaries.compare_exchange_strong(none, handler, std::memory_order_relaxed,
                                                      std::memory_order_relaxed);
}

void report(canary_damage const& damage) noexcept {
  canary_handler const handler = handler_for_canaries.load(std::memory_order_relaxed);  // relaxed: as above
  if (handler == nullptr) abort_with(damage);
  handler(damage);
}

void lay_canary(std::byte* memory, std::size_t bytes, std::byte* end, std::size_t back, void const* site) noexcept {
  std::byte* const place = end - canary_bytes;
  std::fill(memory + bytes, place, filling);
  auto* const made = ::new (place) canary{.front = 0,
                                          .bytes = bytes,
                                          .site = site != nullptr ? site : __builtin_return_address(0),
                                          .back = back,
                                          .rear = 0};
  made->front = front_at(*made);
  made->rear = rear_of(*made);
}

std::optional<canary_damage> damage_before(std::byte const* end, std::byte const* first, canary_place where) noexcept {
  canary const& seen = canary_before(end);
  std::byte const* const place = end - canary_bytes;
  if (!is_plausible(seen, end, first)) return canary_damage{.address = place, .memory = nullptr};
  std::byte const* const memory = end - distance_of(seen, where);
  canary_damage found{.address = nullptr, .memory = memory, .bytes = seen.bytes, .site = seen.site};
  auto const* const spoilt = std::find_if(memory + seen.bytes, place, [](std::byte b) { return b != filling; });
  if (spoilt != place) {
    found.address = spoilt;
  } else if (seen.front != front_at(seen)) {
    found.address = place;
  } else {
    return std::nullopt;
  }
  return found;
}

bool mend_canary(std::byte* end, std::byte const* first, canary_place where) noexcept {
  canary const seen = canary_before(end);
  if (!is_plausible(seen, end, first)) return false;
  lay_canary(end - distance_of(seen, where), seen.bytes, end, seen.back, seen.site);
  return true;
}

}  // namespace mayfly::detail
