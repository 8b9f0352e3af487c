#include <mayfly/detail/atomics.hpp>
#include <mayfly/perturbation.hpp>
#include <mayfly/schedule_point.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace mayfly::stress {
namespace {

constexpr std::size_t max_names = 256;
constexpr std::size_t max_threads = 128;
constexpr std::uint64_t golden_ratio = 0x9E37'79B9'7F4A'7C15;

/// relaxed, all of it: a count, a name or an option publishes nothing, and ordering threads here would hide races.
struct settings {
  std::atomic<std::uint64_t> generation{0};  // one more for each perturbation; a thread that sees a new one starts over
  std::atomic<std::uint64_t> threads{0};
  std::atomic<std::uint64_t> seed{0};
  std::atomic<std::uint32_t> one_yield_in{0};
  std::atomic<std::uint32_t> one_spin_in{0};
  std::atomic<std::uint32_t> one_sleep_in{0};
  std::atomic<std::uint32_t> longest_sleep_us{0};
};

/// written by one thread (by several beyond max_threads of them); a line of its own.
struct alignas(64) tally {
  std::atomic<std::uint64_t> yields{0};
  std::atomic<std::uint64_t> spins{0};
  std::atomic<std::uint64_t> sleeps{0};
  std::array<std::atomic<std::uint64_t>, max_names + 1> reached{};  // the last: steps beyond the table of names
};

settings now;
std::atomic<bool> alive{false};
std::array<std::atomic<char const*>, max_names> names{};  // by the literal's address; never emptied
std::array<tally, max_threads> tallies{};

/// Trivially destructible: steps are taken by the destructors of other thread-local objects too.
struct thread_state {
  std::uint64_t generation = 0;
  std::uint64_t random = 0;
  tally* counts = nullptr;
};
thread_local constinit thread_state mine;

std::uint64_t next_random(std::uint64_t& state) noexcept {  // SplitMix64
  std::uint64_t word = state += golden_ratio;
  word = (word ^ (word >> 30U)) * 0xBF58'476D'1CE4'E5B9;
  word = (word ^ (word >> 27U)) * 0x94D0'49BB'1331'11EB;
  return word ^ (word >> 31U);
}

/// relaxed: only this thread writes it. A load and a store, because a locked instruction would empty the processor's
/// store buffer at each step, and with it the reorderings that the steps are there to show.
void count(std::atomic<std::uint64_t>& counter) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

std::size_t index_of(char const* step) noexcept {
  std::size_t const start = (reinterpret_cast<std::uintptr_t>(step) * golden_ratio) >> 56U;
  for (std::size_t i = 0; i < max_names; ++i) {
    std::size_t const index = (start + i) % max_names;
    char const* known = names[index].load(std::memory_order_relaxed);  // relaxed: literals are never written
    if (known == nullptr &&
        names[index].compare_exchange_strong(known, step, std::memory_order_relaxed, std::memory_order_relaxed)) {
      return index;  // wait-free: one attempt for each entry, and none is ever emptied
    }
    if (known == step) return index;
  }
  return max_names;
}

void start_thread(std::uint64_t generation) noexcept {
  std::uint64_t const number = now.threads.fetch_add(1, std::memory_order_relaxed);  // relaxed: see settings
  mine.generation = generation;
  mine.random = now.seed.load(std::memory_order_relaxed) + number * 0xD1B5'4A32'D192'ED03;
  mine.counts = &tallies[number % max_threads];
}

/// Whether the dice, of which a step has one word, say one in so many.
bool falls(std::uint64_t dice, std::atomic<std::uint32_t> const& one_in) noexcept {
  std::uint32_t const sides = one_in.load(std::memory_order_relaxed);  // relaxed: see settings
  return sides != 0 && (dice & 0xF'FFFFU) * sides >> 20U == 0;
}

void give_way(char const* step) noexcept {
  std::uint64_t const generation = now.generation.load(std::memory_order_relaxed);  // relaxed: see settings
  if (mine.generation != generation) start_thread(generation);
  tally& counts = *mine.counts;
  count(counts.reached[index_of(step)]);
  std::uint64_t const dice = next_random(mine.random);
  int const error = errno;
  if (falls(dice, now.one_sleep_in)) {
    count(counts.sleeps);
    std::uint64_t const longest = now.longest_sleep_us.load(std::memory_order_relaxed);  // relaxed: see settings
    std::this_thread::sleep_for(std::chrono::microseconds{next_random(mine.random) % (longest + 1)});
  } else if (falls(dice >> 20U, now.one_yield_in)) {
    count(counts.yields);
    std::this_thread::yield();
  } else if (falls(dice >> 40U, now.one_spin_in)) {
    count(counts.spins);
    for (std::uint64_t left = 1 + next_random(mine.random) % 64; left != 0; --left) detail::native_atomics::pause();
  }
  errno = error;
}

// relaxed, here and below: counts, which publish nothing.
std::uint64_t taken(std::atomic<std::uint64_t> const& counter) { return counter.load(std::memory_order_relaxed); }

void forget_counts() noexcept {
  for (tally& each : tallies) {
    for (auto* counter : {&each.yields, &each.spins, &each.sleeps}) counter->store(0, std::memory_order_relaxed);
    for (auto& counter : each.reached) counter.store(0, std::memory_order_relaxed);
  }
}

}  // namespace

perturbation::perturbation(perturbation_options const& options) {
  // relaxed: whoever makes the next one is told by the end of the last one in some other way.
  if (alive.exchange(true, std::memory_order_relaxed)) {
    throw std::logic_error("mayfly::stress::perturbation: there is one already, and it is for the whole process");
  }
  forget_counts();
  // relaxed, all of them: set_schedule_hook publishes them to the threads that see the hook.
  now.threads.store(0, std::memory_order_relaxed);
  now.seed.store(options.seed, std::memory_order_relaxed);
  now.one_yield_in.store(options.one_yield_in, std::memory_order_relaxed);
  now.one_spin_in.store(options.one_spin_in, std::memory_order_relaxed);
  now.one_sleep_in.store(options.one_sleep_in, std::memory_order_relaxed);
  auto const longest = std::clamp<std::chrono::microseconds::rep>(options.longest_sleep.count(), 0, 1'000'000);
  now.longest_sleep_us.store(static_cast<std::uint32_t>(longest), std::memory_order_relaxed);
  now.generation.fetch_add(1, std::memory_order_relaxed);
  set_schedule_hook(&give_way);
}

perturbation::~perturbation() {
  set_schedule_hook(nullptr);
  alive.store(false, std::memory_order_relaxed);  // relaxed: see the constructor
}

perturbation_counts perturbation::counts() const {
  perturbation_counts sum;
  std::map<std::string_view, std::uint64_t> by_name;  // one name may be several literals
  for (tally const& each : tallies) {
    sum.yields += taken(each.yields);
    sum.spins += taken(each.spins);
    sum.sleeps += taken(each.sleeps);
    for (std::size_t i = 0; i <= max_names; ++i) {
      std::uint64_t const reached = taken(each.reached[i]);
      if (reached == 0) continue;
      sum.steps += reached;
      by_name[i == max_names ? "others" : names[i].load(std::memory_order_relaxed)] += reached;  // relaxed: literals
    }
  }
  for (auto const& [name, reached] : by_name) sum.points.push_back({.name = name, .reached = reached});
  return sum;
}

std::uint64_t schedule_seed(std::uint64_t otherwise) {
  char const* const text = std::getenv("MAYFLY_SCHEDULE_SEED");
  if (text == nullptr) return otherwise;
  std::string_view const asked{text};
  std::uint64_t seed = 0;
  auto const [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), seed);
  if (error != std::errc{} || end != asked.data() + asked.size()) {
    throw std::invalid_argument("MAYFLY_SCHEDULE_SEED is '" + std::string{asked} +
                                "'; a decimal number below 2^64 would be right");
  }
  return seed;
}

}  // namespace mayfly::stress
