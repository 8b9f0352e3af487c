#include <mayfly/detail/slot_space.hpp>
#include <mayfly/scope_id.hpp>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace mayfly::detail {
namespace {

constexpr std::uint32_t all_slots = 1U << scope_id::slot_bits;

struct share {
  std::uint32_t first;
  std::uint32_t slots;
  std::uint64_t fresh_generation;
};

struct slot_directory {
  std::mutex mutex;
  std::uint32_t never_used = 0;  // slots from here on have had no owner
  std::vector<share> returned;
};

/// Never destroyed: registries with static storage may end after anything of ours.
slot_directory& directory() {
  static auto* const the_one = new slot_directory;
  return *the_one;
}

}  // namespace

slot_range::slot_range(std::uint32_t slots) : slots_{slots} {
  auto& all = directory();
  std::scoped_lock const lock{all.mutex};
  auto best = all.returned.end();
  for (auto candidate = all.returned.begin(); candidate != all.returned.end(); ++candidate) {
    if (candidate->slots >= slots && (best == all.returned.end() || candidate->slots < best->slots)) best = candidate;
  }
  if (best != all.returned.end()) {
    first_ = best->first;
    fresh_generation_ = best->fresh_generation;
    best->first += slots;
    best->slots -= slots;
    if (best->slots == 0) all.returned.erase(best);
    return;
  }
  // The share that ends where the unused numbers start can grow.
  auto const last = std::find_if(all.returned.begin(), all.returned.end(),
                                 [&all](share const& s) { return s.first + s.slots == all.never_used; });
  std::uint32_t const found = last == all.returned.end() ? 0 : last->slots;
  if (slots - found > all_slots - all.never_used) {
    throw std::length_error{"scope_registry: " + std::to_string(slots) +
                            " slots asked, and all registries of a process share 2^24"};
  }
  first_ = all.never_used - found;
  all.never_used = first_ + slots;
  if (found == 0) return;
  fresh_generation_ = last->fresh_generation;
  all.returned.erase(last);
}

slot_range::~slot_range() {
  if (fresh_generation_ > reusable_generations) return;
  auto& all = directory();
  std::scoped_lock const lock{all.mutex};
  // Neighbours join, so that small registries do not cut the numbers into shares too small for a large one.
  share joined{first_, slots_, fresh_generation_};
  std::erase_if(all.returned, [&joined](share const& other) {
    bool const before = other.first + other.slots == joined.first;
    bool const behind = joined.first + joined.slots == other.first;
    if (!before && !behind) return false;
    joined = {std::min(joined.first, other.first), joined.slots + other.slots,
              std::max(joined.fresh_generation, other.fresh_generation)};
    return true;
  });
  try {
    all.returned.push_back(joined);
  } catch (std::bad_alloc const&) {
    // The numbers are lost to later registries; nothing is ever named twice.
  }
}

}  // namespace mayfly::detail
