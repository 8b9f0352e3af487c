#include "nested_help.hpp"

#include <cerrno>
#include <ctime>

namespace mayfly::detail {
namespace {

/// What a helper gives to nested work while requests wait, before it must take one of them.
constexpr long fair_share_ns = 1'000'000;

timespec monotonic_in(long ns) noexcept {
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += ns;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  return until;
}

}  // namespace

bool help_seat::take() noexcept {
  try {
    // A deferred task reserves the group's wait; dropping its handle gives the wait up without running anything.
    reason_to_wait_ = group_.defer([] {});
  } catch (...) {
    return false;  // no memory for the task: the request is not helped, and nothing is lost
  }
  taken_.store(true, std::memory_order_seq_cst);  // sync help-end: seq_cst; pairs with release()
  return true;
}

void help_seat::sit() {
  group_.wait();
  // sync seat: acquire; pairs with release(); the handle has been moved out, the seat can be taken again
  (void)released_.load(std::memory_order_acquire);
}

bool help_seat::release() {
  MAYFLY_SCHEDULE_POINT("help_seat.release");
  // sync help-end: seq_cst; pairs with take(); exactly one releaser gets true, and with it the handle
  if (!taken_.exchange(false, std::memory_order_seq_cst)) return false;
  // Out of the seat before it is dropped: the moment it goes, the owner may take the seat anew.
  tbb::task_handle const dropped = std::move(reason_to_wait_);
  released_.fetch_add(1, std::memory_order_release);  // sync seat: release; pairs with sit()
  return true;
}

nested_help::nested_help(worker_gate& gate, worker_surplus const& surplus, std::size_t most)
    : gate_(gate), surplus_(surplus) {
  for (std::size_t i = 0; i < most; ++i) seats_.push_back(std::make_unique<help_seat>());
  sem_init(&recall_, 0, 0);
}

nested_help::~nested_help() {
  stop();
  sem_destroy(&recall_);
}

void nested_help::start(std::string const& name) {
  thread_.start(name + "-recall", std::size_t{1} << 20, &nested_help::recall_main, this);
}

void nested_help::stop() noexcept {
  if (!thread_.started()) return;
  stopping_.store(true, std::memory_order_seq_cst);  // published by the post
  sem_post(&recall_);
  thread_.join();
}

void nested_help::sit(std::size_t worker) noexcept {
  help_seat& seat = *seats_[worker];
  if (!seat.take()) return;
  MAYFLY_SCHEDULE_POINT("nested_help.seated");
  // sync help-end: the last region may have ended before the seat was taken, and then nobody else releases it
  // sync leave: so may the worker be one too many by now, and who told so have looked at the seats before
  if (!wanted() || surplus_.any()) seat.release();
  seat.sit();
}

void nested_help::release_all() noexcept {
  // relaxed would miss a helper between its increment and its seat; that one sees regions_ == 0 itself
  if (helpers_.load(std::memory_order_seq_cst) == 0) return;
  release_beyond(0);
}

void nested_help::release_beyond(std::size_t kept) noexcept {
  for (auto const& seat : seats_) {
    if (!seat->taken()) continue;
    if (kept != 0) {
      --kept;
      continue;
    }
    seat->release();
  }
}

void nested_help::fetch_leavers() noexcept {
  // sync leave: seq_cst; pairs with help(), where a helper is counted before it takes its seat
  if (helpers_.load(std::memory_order_seq_cst) == 0) return;
  leavers_asked_.store(true, std::memory_order_seq_cst);  // published by the post
  ask_recall();
}

void nested_help::ask_recall() noexcept {
  // One question at a time; the answer looks at everything that was true before it.
  if (!recall_asked_.exchange(true, std::memory_order_seq_cst)) sem_post(&recall_);
}

void* nested_help::recall_main(void* self) {
  static_cast<nested_help*>(self)->recall_loop();
  return nullptr;
}

/// Releases all but `kept` helpers; every one where some are to end.
void nested_help::answer_recall(std::size_t kept) noexcept {
  recall_asked_.store(false, std::memory_order_seq_cst);  // before the look at the seats: a later ask asks again
  release_beyond(leavers_asked_.exchange(false, std::memory_order_seq_cst) ? 0 : kept);
}

/// Sleeps until asked. Helpers beyond the reserve go back at once; the others after their fair share, again and again
/// as long as requests wait and workers help.
void nested_help::recall_loop() noexcept {
  while (!stopping_.load(std::memory_order_seq_cst)) {
    while (sem_wait(&recall_) != 0 && errno == EINTR) {
    }
    answer_recall(reserve());
    // sync help-recall: seq_cst; pairs with help(), where a helper is counted before it asks, and with announce()
    while (!stopping_.load(std::memory_order_seq_cst) && helpers_.load(std::memory_order_seq_cst) != 0 &&
           waits_(waits_of_)) {
      timespec const until = monotonic_in(fair_share_ns);
      if (sem_clockwait(&recall_, CLOCK_MONOTONIC, &until) == 0) {
        answer_recall(seats_.size());
      } else if (errno == ETIMEDOUT) {
        release_beyond(0);
      }
    }
  }
}

}  // namespace mayfly::detail
