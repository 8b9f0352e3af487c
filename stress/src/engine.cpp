#include "engine.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace mayfly::explorer {
namespace {

thread_local engine* current = nullptr;

}  // namespace

engine& current_engine() {
  if (current == nullptr) {
    std::fputs("explorer: an explored atomic is used outside explore()\n", stderr);
    std::abort();
  }
  return *current;
}

engine::engine(options const& how, std::function<void(execution&)> const& set_up)
    : options_{how}, set_up_{set_up}, decider_{how} {}

void engine::thread(std::function<void()> body) {
  if (thread_count_ + 1 == max_threads) {
    std::fprintf(stderr, "explorer: an execution has more than %zu threads\n", max_threads - 1);
    std::abort();
  }
  explored_thread& added = threads_[++thread_count_];
  added.body = std::move(body);
  added.is = state::ready;
  added.was_chosen = true;
  if (added.stack) return;
  // The stack lives as long as the engine: at the end of a body it waits for the next execution's.
  added.stack = std::make_unique<fiber>(
      [](void* self) {
        auto* const owner = static_cast<engine*>(self);
        for (;;) owner->thread_main(owner->running_);
      },
      this);
}

report engine::run() {
  report result;
  engine* const before = std::exchange(current, this);
  do {
    run_one(false);
    ++result.executions;
    if (failure_) {
      result.failed_at = result.executions;
      tracing_ = true;
      run_one(true);  // the same once more, and told
      break;
    }
    result.exhausted = !decider_.advance();
  } while (!result.exhausted && result.executions < options_.executions);
  current = before;
  result.failure = failure_;
  result.trace = std::move(trace_);
  return result;
}

void engine::run_one(bool again) {
  if (failure_) {
    for (explored_thread& each : threads_) each.stack.reset();  // they stand in the middle of what failed
  }
  memory_.restart(max_threads - 1);
  semaphores_.clear();
  thread_count_ = 0;
  finally_ = nullptr;
  kept_.clear();
  failure_.reset();
  steps_ = 0;
  running_ = 0;
  set_up_(*this);
  decider_.start(thread_count_, again);
  for (thread_number i = 1; i <= thread_count_; ++i) memory_.hand_over(memory_.of(i), memory_.of(0));
  memory_.tick(0);
  run_threads();
  if (failure_) return;
  for (thread_number i = 1; i <= thread_count_; ++i) memory_.hand_over(memory_.of(0), memory_.of(i));
  if (finally_) run_end();
  if (failure_) return;
  finally_ = nullptr;
  for (thread_number i = 1; i <= thread_count_; ++i) threads_[i].body = nullptr;
  kept_.clear();
}

void engine::run_threads() {
  if (thread_count_ == 0) return;
  std::array<thread_number, max_threads> ready{};
  std::size_t const count = list_ready(ready, false);
  running_ = decider_.next_thread({ready.data(), count}, false);
  main_.switch_to(*threads_[running_].stack);
  running_ = 0;
}

/// On a stack of its own, so that a check that fails or does not end can be left where it stands.
void engine::run_end() {
  if (!threads_[0].stack) {
    threads_[0].stack = std::make_unique<fiber>(
        [](void* self) {
          auto* const owner = static_cast<engine*>(self);
          for (;;) owner->end_main();
        },
        this);
  }
  steps_ = 0;
  ending_ = true;
  main_.switch_to(*threads_[0].stack);
  ending_ = false;
}

void engine::end_main() {
  try {
    finally_();
  } catch (std::exception const& error) {
    fail(std::string{"the check at the end threw an exception: "} + error.what());
  }
  threads_[0].stack->switch_to(main_);
}

/// One body, on its own stack.
void engine::thread_main(thread_number self) {
  try {
    threads_[self].body();
  } catch (std::exception const& error) {
    fail(std::string{"a thread ended with an exception: "} + error.what());
  }
  threads_[self].is = state::ended;
  switch_thread(false);
}

/// Before a step: perhaps another thread goes first.
void engine::before_step() {
  if (stepping() == nullptr) return;
  count_step();
  if (running_ != 0 && !std::exchange(threads_[running_].was_chosen, false)) switch_thread(true);
}

void engine::count_step() {
  if (++steps_ <= options_.steps) return;
  fail((ending_ ? "the check at the end does not end: more than " : "livelock: more than ") +
       std::to_string(options_.steps) + " steps");
}

/// A paused thread waits for something to change; what only reads is not worth its while, and two threads that wait for
/// a third would keep each other running for ever.
void engine::changed() {
  for (thread_number i = 1; i <= thread_count_; ++i) {
    if (threads_[i].is == state::paused) threads_[i].is = state::ready;
  }
}

void engine::pause() {
  if (stepping() == nullptr) return;
  count_step();
  if (running_ == 0) return;
  threads_[running_].is = state::paused;
  threads_[running_].was_chosen = true;
  switch_thread(false);
}

std::size_t engine::list_ready(std::array<thread_number, max_threads>& ready, bool running_first) const {
  std::size_t count = 0;
  if (running_first) ready[count++] = running_;
  for (thread_number i = 1; i <= thread_count_; ++i) {
    if (threads_[i].is == state::ready && (!running_first || i != running_)) ready[count++] = i;
  }
  if (count != 0) return count;
  for (thread_number i = 1; i <= thread_count_; ++i) {
    if (threads_[i].is == state::paused) ready[count++] = i;
  }
  return count;
}

void engine::switch_thread(bool running_may_go_on) {
  std::array<thread_number, max_threads> ready{};
  std::size_t const count = list_ready(ready, running_may_go_on);
  if (count == 0) {
    if (std::string stuck = describe_stuck(); !stuck.empty()) return fail(std::move(stuck));
    return leave_to(main_, 0);  // all have ended
  }
  thread_number const next = decider_.next_thread({ready.data(), count}, running_may_go_on);
  threads_[next].is = state::ready;
  if (next != running_) leave_to(*threads_[next].stack, next);
}

void engine::leave_to(fiber& next, thread_number number) {
  fiber& mine = *threads_[running_].stack;
  running_ = number;
  mine.switch_to(next);
}

std::string engine::describe_stuck() const {
  std::string stuck;
  for (thread_number i = 1; i <= thread_count_; ++i) {
    if (threads_[i].is == state::waiting) {
      stuck += (stuck.empty() ? "deadlock: no thread can go on; waiting for a semaphore: thread " : ", thread ") +
               std::to_string(i);
    }
  }
  return stuck;
}

/// Takes the text: nothing may own memory on a stack that is never unwound.
void engine::fail(std::string&& why) {
  if (!failure_) failure_ = std::move(why);
  fiber* const mine = stepping();
  if (mine == nullptr) return;
  // The other threads stay where they stand: their stacks are never entered again, nor unwound.
  running_ = 0;
  for (explored_thread& each : threads_) each.is = state::unused;
  mine->switch_to(main_);
  std::abort();  // nobody comes back here
}

void engine::note(std::string what) {
  trace_.push_back((running_ == 0 ? std::string{"end     "} : "thread " + std::to_string(running_)) + ": " +
                   std::move(what));
}

// ---- semaphores

std::size_t engine::make_semaphore() {
  semaphores_.emplace_back();
  return semaphores_.size() - 1;
}

void engine::post(std::size_t semaphore) {
  before_step();
  explored_semaphore& posted = semaphores_[semaphore];
  ++posted.count;
  changed();
  memory_.hand_over(posted.published, memory_.of(running_));
  memory_.tick(running_);
  if (tracing_) note("post semaphore " + std::to_string(semaphore));
  for (thread_number i = 1; i <= thread_count_; ++i) {
    if (threads_[i].is == state::waiting && threads_[i].waits_for == semaphore) threads_[i].is = state::ready;
  }
}

void engine::wait(std::size_t semaphore) {
  before_step();
  while (semaphores_[semaphore].count == 0) {
    if (running_ == 0) return fail("a semaphore is waited for that nobody is left to post");
    if (tracing_) note("waits for semaphore " + std::to_string(semaphore));
    threads_[running_].is = state::waiting;
    threads_[running_].waits_for = semaphore;
    switch_thread(false);
  }
  --semaphores_[semaphore].count;
  memory_.hand_over(memory_.of(running_), semaphores_[semaphore].published);
  if (tracing_) note("has semaphore " + std::to_string(semaphore));
}

}  // namespace mayfly::explorer
