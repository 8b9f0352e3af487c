#include <mayfly/explorer/memory_model.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace mayfly::explorer {
namespace {

constexpr bool acquires(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_consume ||
         order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

constexpr bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

}  // namespace

void view::join(view const& other, std::size_t locations) noexcept {
  for (std::size_t i = 0; i < max_threads; ++i) clock[i] = std::max(clock[i], other.clock[i]);
  for (std::size_t i = 0; i < locations; ++i) seen[i] = std::max(seen[i], other.seen[i]);
}

void memory_model::restart(std::size_t threads) noexcept {
  for (std::size_t i = 0; i < stores_used_; ++i) stores_[i].clear();
  std::fill_n(newest_seq_cst_.begin(), stores_used_, store_index{0});
  stores_used_ = 0;
  for (std::size_t i = 0; i <= threads && i < max_threads; ++i) {
    views_[i] = view{};
    views_[i].clock[i] = 1;
  }
}

std::size_t memory_model::make(thread_number by, std::uint64_t value) {
  if (stores_used_ == max_locations) {
    std::fprintf(stderr, "explorer: an execution makes more than %zu atomics\n", max_locations);
    std::abort();
  }
  std::size_t const location = stores_used_++;
  // Whoever may use the atomic at all has been handed its address, and sees its first value by that.
  stores_[location].push_back({.value = value, .releases = false, .released = {}});
  views_[by].seen[location] = 0;
  return location;
}

memory_model::store_index memory_model::oldest(thread_number by, std::size_t location,
                                               std::memory_order order) const noexcept {
  store_index const known = views_[by].seen[location];
  return order == std::memory_order_seq_cst ? std::max(known, newest_seq_cst_[location]) : known;
}

void memory_model::read(thread_number by, std::size_t location, store_index at, std::memory_order order) noexcept {
  view& mine = views_[by];
  store_record const& from = stores_[location][at];
  mine.seen[location] = std::max(mine.seen[location], at);
  if (acquires(order) && from.releases) mine.join(from.released, stores_used_);
  // What a seq_cst load has read is before all later ones of them in the total order: they read nothing older.
  if (order == std::memory_order_seq_cst) newest_seq_cst_[location] = std::max(newest_seq_cst_[location], at);
}

void memory_model::store(thread_number by, std::size_t location, std::uint64_t value, std::memory_order order) {
  view& mine = views_[by];
  auto const at = static_cast<store_index>(stores_[location].size());
  mine.seen[location] = at;
  store_record& made = stores_[location].emplace_back();
  made.value = value;
  made.releases = releases(order);
  if (made.releases) made.released = mine;
  if (order == std::memory_order_seq_cst) newest_seq_cst_[location] = at;
  tick(by);
}

void memory_model::exchange(thread_number by, std::size_t location, std::uint64_t value, std::memory_order order) {
  read(by, location, newest(location), order);
  view& mine = views_[by];
  auto const at = static_cast<store_index>(stores_[location].size());
  mine.seen[location] = at;
  stores_[location].emplace_back();
  store_record const& before = stores_[location][at - 1U];
  store_record& made = stores_[location][at];
  made.value = value;
  made.releases = before.releases;  // continues the release sequence of the store before
  if (before.releases) made.released = before.released;
  if (releases(order)) {
    if (made.releases) {
      made.released.join(mine, stores_used_);
    } else {
      made.released = mine;
    }
    made.releases = true;
  }
  if (order == std::memory_order_seq_cst) newest_seq_cst_[location] = at;
  tick(by);
}

bool memory_model::plain_read(thread_number by, access_record& record) noexcept {
  view const& mine = views_[by];
  record.reads[by] = mine.clock[by];
  return record.write_tick <= mine.clock[record.writer];
}

bool memory_model::plain_write(thread_number by, access_record& record) noexcept {
  view const& mine = views_[by];
  bool ordered = record.write_tick <= mine.clock[record.writer];
  for (std::size_t i = 0; i < max_threads; ++i) ordered = ordered && record.reads[i] <= mine.clock[i];
  record = {.reads = {}, .write_tick = mine.clock[by], .writer = by};
  return ordered;
}

}  // namespace mayfly::explorer
