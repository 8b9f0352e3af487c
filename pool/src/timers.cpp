#include "timers.hpp"

#include "executor_core.hpp"
#include <mayfly/detail/mutant.hpp>

#include <algorithm>
#include <utility>

namespace mayfly::detail {
namespace {

using clock = std::chrono::steady_clock;

/// When `delay` from now is; beyond 100 years there is no later.
clock::time_point due_after(std::chrono::nanoseconds delay) noexcept {
  constexpr std::chrono::nanoseconds eternity = std::chrono::hours{24 * 365 * 100};
  return clock::now() + std::clamp(delay, std::chrono::nanoseconds{0}, eternity);
}

}  // namespace

timers::timers(executor_core& core, std::string const& name, std::size_t most)
    : core_(core), name_(name + "-time"), most_(most) {}

timers::~timers() { close(); }

timer_admission timers::arm(std::chrono::nanoseconds delay, std::unique_ptr<timer_node> timer) {
  clock::time_point const due = due_after(delay);
  std::scoped_lock const lock(mutex_);
  if (closed_) return admission_reason::draining;
  if (waiting_.size() >= most_) return admission_reason::queue_full;
  if (!thread_.started()) thread_.start(name_, native_thread::small_stack_bytes, &timers::main, this);
  timer_id const id{due, last_number_ + 1};
  auto const [place, fresh] = waiting_.try_emplace(id, std::move(timer));
  ++last_number_;
  ++figures_.set;
  if (place == waiting_.begin()) changed_.notify_one();
  return id;
}

bool timers::cancel(timer_id id) noexcept {
  waiting_map::node_type taken;  // ends after the lock: with a task of the user's
  std::scoped_lock const lock(mutex_);
  if (MAYFLY_MUTANT("cancelled-timer-fires") && waiting_.contains(id)) return ++figures_.cancelled, true;
  taken = waiting_.extract(id);
  if (taken.empty()) return false;
  ++figures_.cancelled;
  return true;
}

std::size_t timers::close() noexcept {
  waiting_map dropped;
  {
    std::scoped_lock const lock(mutex_);
    closed_ = true;
    waiting_.swap(dropped);
    figures_.dropped += dropped.size();
    changed_.notify_one();
  }
  thread_.join();
  return dropped.size();
}

timer_figures timers::figures() const {
  std::scoped_lock const lock(mutex_);
  timer_figures now = figures_;
  now.waiting = waiting_.size();
  return now;
}

void* timers::main(void* self) noexcept {
  static_cast<timers*>(self)->run();
  return nullptr;
}

void timers::run() noexcept {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else if (clock::time_point const due = waiting_.begin()->first.due(); clock::now() < due) {
      changed_.wait_until(lock, due);
    } else {
      fire(lock);
    }
  }
}

/// Submits the first timer's task. Unlocked meanwhile: a cancel() finds it no more, and close() waits for the thread.
void timers::fire(std::unique_lock<std::mutex>& lock) noexcept {
  auto taken = waiting_.extract(waiting_.begin());
  lock.unlock();
  bool accepted = false;
  try {
    accepted = static_cast<bool>(taken.mapped()->fire(core_));
  } catch (...) {  // moving an argument threw, or there was no memory: the task is lost, and counted
  }
  taken = {};
  lock.lock();
  ++(accepted ? figures_.fired : figures_.dropped);
}

timer_admission arm_timer(executor_core& core, std::chrono::nanoseconds delay, std::unique_ptr<timer_node> timer) {
  submit_options const options = timer->options();
  if (core.in_forked_child()) return core.refuse(options, admission_reason::forked_child);
  timer_admission const answer = core.waiting_timers().arm(delay, std::move(timer));
  if (!answer) core.refuse(options, answer.reason());
  return answer;
}

}  // namespace mayfly::detail
