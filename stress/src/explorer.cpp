#include "engine.hpp"

#include <cstdio>

namespace mayfly::explorer {
namespace {

std::string number(std::uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(value));
  return text.data();
}

char const* name_of(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      break;
  }
  return "seq_cst";
}

void note(engine& in, char const* what, std::size_t location, std::uint64_t value, std::memory_order order,
          char const* more = "") {
  if (!in.tracing()) return;
  in.note(std::string{what} + " atomic " + std::to_string(location) + " = " + number(value) + " " + name_of(order) +
          more);
}

std::string describe(options const& how, report const& found) {
  std::string text;
  switch (how.how) {
    case strategy::exhaustive:
      text = "exhaustive, " + std::to_string(how.preemptions) + " preemptions, " + std::to_string(how.stale_reads) +
             " stale reads";
      break;
    case strategy::priorities:
      text = "priorities, " + std::to_string(how.change_points) + " change points, seed " + std::to_string(how.seed);
      break;
    case strategy::random:
      text = "random, seed " + std::to_string(how.seed);
      break;
  }
  text += ": " + std::to_string(found.executions) + " executions";
  if (found.failure) return text + ", failed in execution " + std::to_string(found.failed_at) + ": " + *found.failure;
  if (found.exhausted) return text + ", all within the bounds";
  return text + (how.how == strategy::exhaustive ? ", not all within the bounds" : ", nothing found");
}

}  // namespace

report explore(options const& how, std::function<void(execution&)> const& set_up) {
  engine explored{how, set_up};
  report found = explored.run();
  found.summary = describe(how, found);
  return found;
}

void require(bool holds, char const* message) {
  if (!holds) current_engine().fail(message);
}

namespace step {

std::size_t make_atomic(std::uint64_t value) {
  engine& in = current_engine();
  return in.memory().make(in.running(), value);
}

std::uint64_t load(std::size_t location, std::memory_order order) {
  engine& in = current_engine();
  in.before_step();
  memory_model& memory = in.memory();
  auto const newest = memory.newest(location);
  auto const oldest = memory.oldest(in.running(), location, order);
  auto const back = in.running() == 0 ? 0 : in.choose_value(1U + newest - oldest);
  auto const at = static_cast<memory_model::store_index>(newest - back);
  memory.read(in.running(), location, at, order);
  note(in, "load", location, memory.value(location, at), order, back == 0 ? "" : ", an old value");
  return memory.value(location, at);
}

void store(std::size_t location, std::uint64_t value, std::memory_order order) {
  engine& in = current_engine();
  in.before_step();
  in.memory().store(in.running(), location, value, order);
  in.changed();
  note(in, "store", location, value, order);
}

std::uint64_t change(std::size_t location, change_function change, std::uint64_t operand, std::memory_order order) {
  engine& in = current_engine();
  in.before_step();
  memory_model& memory = in.memory();
  std::uint64_t const before = memory.value(location, memory.newest(location));
  std::uint64_t const after = change(before, operand);
  memory.exchange(in.running(), location, after, order);
  in.changed();
  note(in, "change", location, after, order);
  return before;
}

/// Succeeds where the newest value is the expected one; may fail on any other value that the thread may still read. A
/// weak exchange never fails for no reason.
bool compare_exchange(std::size_t location, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                      std::memory_order failure) {
  engine& in = current_engine();
  in.before_step();
  memory_model& memory = in.memory();
  auto const newest = memory.newest(location);
  auto const oldest = memory.oldest(in.running(), location, failure);
  auto at = newest;
  if (in.running() != 0 && oldest != newest) {
    std::uint32_t old_values = 0;
    for (auto each = oldest; each < newest; ++each) {
      old_values += static_cast<std::uint32_t>(memory.value(location, each) != expected);
    }
    std::uint32_t back = in.choose_value(1 + old_values);
    while (back != 0) {
      --at;
      if (memory.value(location, at) != expected) --back;
    }
  }
  std::uint64_t const read = memory.value(location, at);
  if (at == newest && read == expected) {
    memory.exchange(in.running(), location, desired, success);
    in.changed();
    note(in, "exchange", location, desired, success);
    return true;
  }
  memory.read(in.running(), location, at, failure);
  note(in, "exchange failed,", location, read, failure, at == newest ? "" : ", an old value");
  expected = read;
  return false;
}

void plain_read(access_record& record) {
  engine& in = current_engine();
  if (!in.memory().plain_read(in.running(), record))
    in.fail("race: a plain read, and a write that nothing orders with it");
}

void plain_write(access_record& record) {
  engine& in = current_engine();
  if (!in.memory().plain_write(in.running(), record)) {
    in.fail("race: a plain write, and another access that nothing orders with it");
  }
}

void pause() { current_engine().pause(); }
std::size_t make_semaphore() { return current_engine().make_semaphore(); }
void post(std::size_t semaphore) { current_engine().post(semaphore); }
void wait(std::size_t semaphore) { current_engine().wait(semaphore); }
thread_number this_thread() { return current_engine().running(); }

}  // namespace step
}  // namespace mayfly::explorer
