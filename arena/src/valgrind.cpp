#include <mayfly/detail/poison.hpp>

#include <valgrind/memcheck.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

// Builds with MAYFLY_VALGRIND: what memcheck is told of arena memory, as "client requests". A program that does not run
// under Valgrind passes by. One that does knows each allocation by its place, as memcheck itself does; without memory
// for that it ends.
namespace mayfly::detail {
namespace {

/// All arenas' allocations are one memory pool to memcheck, whose anchor is this.
class allocations {
 public:
  static allocations& all() {
    static auto& one = *new allocations;  // arenas may outlive every static object
    return one;
  }

  void add(std::uintptr_t start, std::size_t bytes) {
    std::scoped_lock const lock{mutex_};
    auto const [known, fresh] = bytes_.try_emplace(start, bytes);
    if (fresh) {
      VALGRIND_MEMPOOL_ALLOC(this, start, bytes);
    } else {
      resize(known, bytes);
    }
  }

  /// Ends all that begins in the range, and cuts off what reaches into it.
  void remove(std::uintptr_t start, std::size_t bytes) {
    std::scoped_lock const lock{mutex_};
    auto at = bytes_.lower_bound(start);
    if (at != bytes_.begin()) {
      auto const before = std::prev(at);
      if (before->first + before->second > start) resize(before, start - before->first);
    }
    while (at != bytes_.end() && at->first < start + bytes) {
      VALGRIND_MEMPOOL_FREE(this, at->first);
      at = bytes_.erase(at);
    }
    VALGRIND_MAKE_MEM_NOACCESS(start, bytes);
  }

 private:
  allocations() { VALGRIND_CREATE_MEMPOOL(this, redzone_bytes, 0); }

  /// What it has already stays as it is, defined or not.
  void resize(std::map<std::uintptr_t, std::size_t>::iterator one, std::size_t bytes) {
    auto const [start, old_bytes] = *one;
    if (bytes > old_bytes) VALGRIND_MAKE_MEM_UNDEFINED(start + old_bytes, bytes - old_bytes);
    if (bytes < old_bytes) VALGRIND_MAKE_MEM_NOACCESS(start + bytes, old_bytes - bytes);
    VALGRIND_MEMPOOL_CHANGE(this, start, start, bytes);
    one->second = bytes;
  }

  std::mutex mutex_;
  std::map<std::uintptr_t, std::size_t> bytes_;  // by where they start
};

}  // namespace

void poison(void const* start, std::size_t bytes) noexcept {
  if (RUNNING_ON_VALGRIND == 0) return;
  allocations::all().remove(reinterpret_cast<std::uintptr_t>(start), bytes);
}

void unpoison(void const* start, std::size_t bytes) noexcept { VALGRIND_MAKE_MEM_UNDEFINED(start, bytes); }

void hand_out(void const* start, std::size_t bytes) noexcept {
  if (RUNNING_ON_VALGRIND == 0) return;
  allocations::all().add(reinterpret_cast<std::uintptr_t>(start), bytes);
}

}  // namespace mayfly::detail
