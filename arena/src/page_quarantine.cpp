#include <mayfly/detail/mutant.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/schedule_point.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace mayfly {
namespace detail {
namespace {

/// A page that is protected in the midst of others splits their mapping in three.
constexpr std::size_t mappings_per_page = 2;
/// All quarantines together leave the rest to the program's own mappings.
constexpr std::size_t share_of_mappings = 4;
constexpr std::size_t usual_map_count = 65'530;

/// Mappings that all quarantines of the process cost. Relaxed everywhere: a limit, which orders nothing.
std::atomic<std::size_t> mappings_held{0};

std::size_t read_map_count() noexcept {
  int const file = ::open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  if (file < 0) return usual_map_count;
  std::array<char, 32> text{};
  ssize_t const length = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  std::size_t const count = length > 0 ? std::strtoull(text.data(), nullptr, 10) : 0;
  return count == 0 ? usual_map_count : count;
}

std::size_t mapping_limit(quarantine_limits const& limits) noexcept {
  return limits.mappings != 0 ? limits.mappings : largest_map_count() / share_of_mappings;
}

/// All quarantines, for find_quarantined(), which may run in a signal handler: hence no lock, and no memory that ends.
/// Beyond as many pools, quarantined pages still fault, but nobody says whose they were.
struct directory_place {
  std::atomic<page_quarantine const*> quarantine{nullptr};
  std::atomic<std::uint32_t> readers{0};
};
constexpr std::size_t most_quarantines = 64;
constinit std::array<directory_place, most_quarantines> places{};
/// Places that have ever been used: from the first on, as each quarantine takes the first that is free.
constinit std::atomic<std::size_t> places_used{0};

/// A fork leaves the readers of other threads behind: in the child nobody reads.
void forget_readers() noexcept {
  for (directory_place& place : places) place.readers.store(0, std::memory_order_relaxed);  // relaxed: one thread
}

void enlist(page_quarantine const& quarantine) noexcept {
  static int const at_forks = ::pthread_atfork(nullptr, nullptr, &forget_readers);
  static_cast<void>(
      at_forks);  // refused for want of memory: a child that forked away from a reader must not end a pool
  for (std::size_t i = 0; i < places.size(); ++i) {
    page_quarantine const* expected = nullptr;
    // sync quarantine-directory: release; pairs with ask_all(); publishes the quarantine
    if (!places[i].quarantine.compare_exchange_strong(expected, &quarantine, std::memory_order_release,
                                                      std::memory_order_relaxed)) {
      continue;
    }
    std::size_t used = places_used.load(std::memory_order_relaxed);  // relaxed: the exchange checks it
    // sync quarantine-directory: release; pairs with ask_all(); whoever sees the place as used sees who is there
    while (used <= i &&
           !places_used.compare_exchange_weak(used, i + 1, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return;
  }
}

void strike_off(page_quarantine const& quarantine) noexcept {
  for (directory_place& place : places) {
    if (place.quarantine.load(std::memory_order_relaxed) != &quarantine) continue;  // relaxed: only we change it back
    // sync quarantine-end: sequentially consistent, all four; pairs with ask_all(): either it sees null, or
    // we see that it reads
    place.quarantine.store(nullptr, std::memory_order_seq_cst);
    while (place.readers.load(std::memory_order_seq_cst) != 0) ::sched_yield();
  }
}

}  // namespace

std::size_t largest_map_count() noexcept {
  static std::size_t const count = read_map_count();
  return count;
}

namespace {

/// What the first quarantine that knows an answer says.
template <typename Answer, typename Ask>
std::optional<Answer> ask_all(Ask const& ask) noexcept {
  // sync quarantine-directory: acquire; pairs with enlist(); the places in use
  std::size_t const used = places_used.load(std::memory_order_acquire);
  for (directory_place& place : std::span{places}.first(used)) {
    // sync quarantine-end: sequentially consistent; pairs with strike_off()
    place.readers.fetch_add(1, std::memory_order_seq_cst);

    // sync quarantine-directory: acquire (and more); pairs with enlist(); reads the quarantine
    page_quarantine const* const quarantine = place.quarantine.load(std::memory_order_seq_cst);
    MAYFLY_SCHEDULE_POINT("quarantine-ask");
    std::optional<Answer> const found = quarantine == nullptr ? std::nullopt : ask(*quarantine);
    // sync quarantine-end: our reading comes before the quarantine's end
    place.readers.fetch_sub(1, std::memory_order_seq_cst);
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<quarantine_note> find_quarantined(void const* address) noexcept {
  return ask_all<quarantine_note>([address](page_quarantine const& each) { return each.find(address); });
}

std::optional<quarantined_allocation> find_quarantined_allocation(void const* address) noexcept {
  return ask_all<quarantined_allocation>(
      [address](page_quarantine const& each) { return each.allocation_at(address); });
}

page_quarantine::page_quarantine(page_pool& pool, quarantine_limits const& limits)
    : pool_{pool}, entries_{most_pages}, limits_{limits} {
  if (!entries_) throw allocation_error{refusal::system, 0, 0, most_pages * sizeof(entry), errno};
  limits_.pages = std::min(limits_.pages, most_pages);
  static_cast<void>(largest_map_count());  // read now: admissions do no more than they must
  enlist(*this);
}

page_quarantine::~page_quarantine() {
  strike_off(*this);
  // Relaxed, all: the pool ends, nobody else is here.
  std::uint64_t count = blocks_.load(std::memory_order_relaxed);
  for (auto const& pages : pages_) count += pages.load(std::memory_order_relaxed);
  mappings_held.fetch_sub(count * mappings_per_page, std::memory_order_relaxed);
}

void page_quarantine::raise(quarantine_limits const& limits) noexcept {
  std::scoped_lock const lock{mutex_};
  limits_.pages = std::clamp(limits.pages, limits_.pages, most_pages);
  limits_.bytes = std::max(limits_.bytes, limits.bytes);
  bool const automatic = limits_.mappings == 0 || limits.mappings == 0;
  limits_.mappings = automatic ? 0 : std::max(limits_.mappings, limits.mappings);
}

// ---- in

page_quarantine::entry& page_quarantine::add_entry() noexcept {
  retry_until_refused();
  // Relaxed: both are written under the lock that we hold.
  std::uint64_t const number = newest_.load(std::memory_order_relaxed);
  if (number - oldest_.load(std::memory_order_relaxed) >= limits_.pages) release_oldest();
  return at(number);
}

quarantine_admission::quarantine_admission(page_quarantine& into, quarantine_note const& note) noexcept
    : into_{into}, lock_{into.mutex_}, mine_{into.add_entry()} {
  mine_.pages = 0;
  mine_.blocks = 0;
  // sync quarantine-note: release, each; pairs with find(); whoever reads one of our words sees that the owner before
  // has gone. Before the first page is protected: it may be touched at once.
  for (std::size_t i = 0; i < note.words.size(); ++i) mine_.words[i].store(note.words[i], std::memory_order_release);
  MAYFLY_SCHEDULE_POINT("quarantine-note");
  mine_.owner.store(note.owner, std::memory_order_release);
  into_.newest_.fetch_add(1, std::memory_order_release);  // sync quarantine-note: release; find() sees the entry
}

quarantine_admission::~quarantine_admission() {
  if (mine_.pages != 0 || mine_.blocks != 0) return;
  mine_.owner.store(0, std::memory_order_relaxed);  // relaxed, both: nothing stands behind it that was ever protected
  into_.newest_.fetch_sub(1, std::memory_order_relaxed);
}

void quarantine_admission::give_page(std::size_t c, std::uint32_t index) noexcept {
  if (!into_.admit(index, into_.pool_.class_bytes(c))) return into_.pool_.give_page(c, index);
  into_.pool_.descriptor(index).next = std::exchange(mine_.pages, index + 1);
  into_.pages_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: written under our lock
}

void quarantine_admission::give_block(std::uint32_t index) noexcept {
  if (!into_.admit(index, into_.pool_.descriptor(index).block_bytes())) return into_.pool_.give_block(index);
  into_.pool_.descriptor(index).next = std::exchange(mine_.blocks, index + 1);
  into_.pool_.block_tally_.end();
  into_.blocks_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
}

/// Protects the memory. false: it is not ours, and the caller gives it to the pool.
bool page_quarantine::admit(std::uint32_t index, std::size_t bytes) noexcept {
  if (pool_.descriptor(index).armed()) pool_.retire_handles(index, bytes);  // A10: its owner has given it back
  if (!make_room(bytes)) {
    overflowed_.fetch_add(1, std::memory_order_relaxed);  // relaxed, here and below: statistics
    return false;
  }
  std::byte* const data = pool_.page_address(index);
  if (!sanitized && !MAYFLY_MUTANT("guard-does-not-protect") && !span_space::shut(data, bytes)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  poison(data, bytes);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  mappings_held.fetch_add(mappings_per_page, std::memory_order_relaxed);
  taken_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

/// Whether that much more fits, after the oldest entries have gone for it; never the one that is being made.
bool page_quarantine::make_room(std::size_t bytes) noexcept {
  if (bytes > limits_.bytes) return false;
  while (!fits(bytes)) {
    // Relaxed: written under the lock that we hold.
    if (oldest_.load(std::memory_order_relaxed) + 1 >= newest_.load(std::memory_order_relaxed)) return false;
    release_oldest();
  }
  return true;
}

bool page_quarantine::fits(std::size_t bytes) const noexcept {
  std::uint64_t count = blocks_.load(std::memory_order_relaxed);  // relaxed, all: written under the lock that we hold
  for (auto const& pages : pages_) count += pages.load(std::memory_order_relaxed);
  return count < limits_.pages && bytes_.load(std::memory_order_relaxed) + bytes <= limits_.bytes &&
         mappings_held.load(std::memory_order_relaxed) + mappings_per_page <= mapping_limit(limits_);
}

// ---- out

std::size_t page_quarantine::release(std::size_t wanted) noexcept {
  std::scoped_lock const lock{mutex_};
  std::size_t freed = retry_stuck();
  // Relaxed: both are written under the lock that we hold.
  while (freed < wanted && oldest_.load(std::memory_order_relaxed) != newest_.load(std::memory_order_relaxed)) {
    freed += release_oldest();
  }
  return freed;
}

std::size_t page_quarantine::release_oldest() noexcept {
  std::uint64_t const number = oldest_.load(std::memory_order_relaxed);  // relaxed: written under our lock
  entry& oldest = at(number);
  oldest.owner.store(0, std::memory_order_relaxed);  // relaxed: a look at it finds nothing, or the note, still whole
  MAYFLY_SCHEDULE_POINT("quarantine-release");
  oldest_.store(number + 1, std::memory_order_relaxed);
  std::size_t freed = 0;
  for (std::uint32_t page = std::exchange(oldest.pages, 0); page != 0;) {
    std::uint32_t const index = page - 1;
    page = pool_.descriptor(index).next;
    freed += release_page(index);
  }
  for (std::uint32_t block = std::exchange(oldest.blocks, 0); block != 0;) {
    std::uint32_t const index = block - 1;
    block = pool_.descriptor(index).next;
    freed += release_block(index);
  }
  return freed;
}

/// What the system would not open before. It splits mappings too, and may be refused for want of them.
std::size_t page_quarantine::retry_stuck() noexcept {
  std::size_t freed = 0;
  for (std::uint32_t page = std::exchange(stuck_pages_, 0); page != 0;) {
    std::uint32_t const index = page - 1;
    page = pool_.descriptor(index).next;
    freed += release_page(index);
  }
  for (std::uint32_t block = std::exchange(stuck_blocks_, 0); block != 0;) {
    std::uint32_t const index = block - 1;
    block = pool_.descriptor(index).next;
    freed += release_block(index);
  }
  return freed;
}

/// The same, as far as one refusal: while the system goes on refusing, an admission pays for one system call in vain.
void page_quarantine::retry_until_refused() noexcept {
  while (stuck_pages_ != 0) {
    std::uint32_t const index = stuck_pages_ - 1;
    stuck_pages_ = pool_.descriptor(index).next;
    if (release_page(index) == 0) return;
  }
  while (stuck_blocks_ != 0) {
    std::uint32_t const index = stuck_blocks_ - 1;
    stuck_blocks_ = pool_.descriptor(index).next;
    if (release_block(index) == 0) return;
  }
}

std::size_t page_quarantine::release_page(std::uint32_t index) noexcept {
  page_descriptor& page = pool_.descriptor(index);
  std::size_t const c = page.page_class;
  std::size_t const bytes = pool_.class_bytes(c);
  if (!sanitized && !span_space::commit(pool_.page_address(index), bytes)) {
    page.next = std::exchange(stuck_pages_, index + 1);
    return 0;
  }
  pages_[c].fetch_sub(1, std::memory_order_relaxed);  // relaxed: under the lock; read by others as a statistic
  forget(bytes);
  pool_.give_page(c, index);
  return bytes;
}

std::size_t page_quarantine::release_block(std::uint32_t index) noexcept {
  page_descriptor& block = pool_.descriptor(index);
  std::size_t const bytes = block.block_bytes();
  if (!sanitized && !span_space::commit(pool_.page_address(index), bytes)) {
    block.next = std::exchange(stuck_blocks_, index + 1);
    return 0;
  }
  blocks_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as for pages
  forget(bytes);
  pool_.block_tally_.start();  // give_block() takes it off again
  pool_.give_block(index);
  return bytes;
}

void page_quarantine::forget(std::size_t bytes) noexcept {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);  // relaxed, both: as for pages
  mappings_held.fetch_sub(mappings_per_page, std::memory_order_relaxed);
}

// ---- looking

std::optional<quarantine_note> page_quarantine::find(void const* address) const noexcept {
  std::uint64_t const owner = pool_.owner_of(address);
  if (owner == 0) return std::nullopt;
  // Relaxed and acquire: an entry that comes or goes this moment is not the one that the caller asks about.
  std::uint64_t const first = oldest_.load(std::memory_order_relaxed);
  std::uint64_t const end = newest_.load(std::memory_order_acquire);
  for (std::uint64_t number = first; number < end; ++number) {
    entry const& seen = at(number);
    // sync quarantine-note: acquire, each; pairs with quarantine_admission(); a newer owner's word shows below that
    // ours is gone
    if (seen.owner.load(std::memory_order_acquire) != owner) continue;
    quarantine_note note{.owner = owner};
    for (std::size_t i = 0; i < note.words.size(); ++i) note.words[i] = seen.words[i].load(std::memory_order_acquire);
    MAYFLY_SCHEDULE_POINT("quarantine-find");
    if (seen.owner.load(std::memory_order_relaxed) == owner) return note;  // relaxed: behind the acquires above
  }
  return std::nullopt;
}

quarantine_stats page_quarantine::stats() const noexcept {
  // Relaxed throughout: statistics.
  quarantine_stats result;
  result.owners = newest_.load(std::memory_order_relaxed) - oldest_.load(std::memory_order_relaxed);
  result.blocks = blocks_.load(std::memory_order_relaxed);
  for (auto const& pages : pages_) result.pages += pages.load(std::memory_order_relaxed);
  result.bytes = bytes_.load(std::memory_order_relaxed);
  result.taken = taken_.load(std::memory_order_relaxed);
  result.overflowed = overflowed_.load(std::memory_order_relaxed);
  result.refused = refused_.load(std::memory_order_relaxed);
  return result;
}

}  // namespace detail

// ---- the pool's side

void page_pool::start_quarantine(quarantine_limits const& limits) {
  if (limits.pages < 1 || limits.pages > detail::page_quarantine::most_pages) {
    throw std::invalid_argument{"quarantine_limits.pages is " + std::to_string(limits.pages) + ": must be 1 to " +
                                std::to_string(detail::page_quarantine::most_pages)};
  }
  if (limits.bytes < class_bytes(0)) {
    throw std::invalid_argument{"quarantine_limits.bytes is " + std::to_string(limits.bytes) +
                                ": must hold at least one page of the smallest class, " +
                                std::to_string(class_bytes(0))};
  }
  if (detail::page_quarantine* const there = quarantine(); there != nullptr) return there->raise(limits);
  auto made = std::make_unique<detail::page_quarantine>(*this, limits);
  detail::page_quarantine* there = nullptr;
  // sync quarantine-start: release; pairs with quarantine(); publishes the quarantine
  if (quarantine_.compare_exchange_strong(there, made.get(), std::memory_order_release, std::memory_order_acquire)) {
    [[maybe_unused]] auto const* const published = made.release();
  } else {
    there->raise(limits);
  }
}

std::size_t page_pool::release_quarantine(std::size_t bytes) noexcept {
  detail::page_quarantine* const there = quarantine();
  return there == nullptr ? 0 : there->release(bytes);
}

}  // namespace mayfly
