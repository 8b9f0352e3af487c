#pragma once

#include "chunk.hpp"
#include <mayfly/schedule_point.hpp>

#include <boost/lockfree/policies.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace mayfly::trace {

class live_log;

/// Where one thread notes down what it sees, and the two rings by which its blocks come and go. The thread's own but
/// for collect(), which is the writing thread's.
class desk {
 public:
  /// kept_logs: what put_log() takes, at most most_kept_logs.
  desk(std::uint32_t number, std::size_t blocks, std::size_t kept_logs)
      : number_{number}, kept_logs_{kept_logs}, full_(blocks), empty_(blocks) {
    assert(kept_logs <= most_kept_logs);
    for (std::size_t i = 0; i < blocks; ++i) {
      blocks_.push_back(std::make_unique_for_overwrite<chunk>());
      empty_.push(blocks_.back().get());
    }
  }

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

  /// Notes something down: `adds` is given a block, and says whether it had room. false: there is no room in any.
  template <class Add>
  bool note(std::uint64_t now_ns, Add const& adds) noexcept {
    if (open_ != nullptr) {
      if (adds(*open_)) return true;
      MAYFLY_SCHEDULE_POINT("trace-ring-full");
      full_.push(open_);  // it has room for every block
      open_ = nullptr;
    }
    MAYFLY_SCHEDULE_POINT("trace-ring-take");
    if (!empty_.pop(open_)) return false;
    open_->begin(number_, now_ns);
    return adds(*open_);
  }

  /// Hands every full block to `writes`, and back to the thread.
  template <class Write>
  void collect(Write const& writes) {
    for (chunk* full = nullptr; full_.pop(full);) {
      writes(*full);
      MAYFLY_SCHEDULE_POINT("trace-ring-empty");
      empty_.push(full);
    }
  }

  static constexpr std::size_t most_kept_logs = 32;
  /// An idle log, the one that came last; null: there is none.
  [[nodiscard]] live_log* take_log() noexcept { return logs_ == 0 ? nullptr : idle_logs_[--logs_]; }
  /// false: there are enough.
  [[nodiscard]] bool put_log(live_log& idle) noexcept {
    if (logs_ == kept_logs_) return false;
    idle_logs_[logs_++] = &idle;
    return true;
  }
  /// Gives up half of them, those that came first.
  template <class Take>
  void give_up_logs(Take const& takes) noexcept {
    auto const idle = std::span{idle_logs_}.first(logs_);
    if (idle.size() < 2) return;
    for (live_log* const each : idle.first(logs_ / 2)) takes(*each);
    std::ranges::copy(idle.subspan(logs_ / 2), idle_logs_.begin());
    logs_ -= logs_ / 2;
  }

  /// The block in the making, for whoever ends the recording; null where nothing is in it.
  [[nodiscard]] chunk const* unfinished() const noexcept {
    return open_ != nullptr && open_->has_records() ? open_ : nullptr;
  }

  std::uint64_t requests = 0;
  std::uint64_t arenas = 0;
  std::uint64_t allocations = 0;

 private:
  std::uint32_t number_;
  std::size_t kept_logs_;
  std::size_t logs_ = 0;
  std::array<live_log*, most_kept_logs> idle_logs_{};
  std::vector<std::unique_ptr<chunk>> blocks_;
  chunk* open_ = nullptr;
  boost::lockfree::spsc_queue<chunk*> full_;
  boost::lockfree::spsc_queue<chunk*> empty_;
};

}  // namespace mayfly::trace
