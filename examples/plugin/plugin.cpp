// Two handlers for `mayfly-stress stress --plugin`: docs/plugins.md goes through this file.
#include <mayfly/plugin.hpp>

#include <algorithm>
#include <memory_resource>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

/// What this request chooses, the same each time.
std::minstd_rand choices_of(mayfly::plugin_call const& call) {
  std::seed_seq sequence{call.seed, call.number};
  return std::minstd_rand(sequence);
}

/// Sorts numbers in two halves beside each other, all in the request's memory.
void sort_halves(mayfly::plugin_call const& call) {
  auto random = choices_of(call);
  std::pmr::vector<std::uint32_t> numbers(1'000 + random() % 1'000, call.request.memory());
  for (auto& each : numbers) each = static_cast<std::uint32_t>(random());
  auto const middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  call.request.parallel_for(0, 2, [&](std::size_t half) {
    half == 0 ? std::sort(numbers.begin(), middle) : std::sort(middle, numbers.end());
  });
  std::pmr::vector<std::uint32_t> sorted(numbers.size(), call.request.memory());
  std::merge(numbers.begin(), middle, middle, numbers.end(), sorted.begin());
  if (!std::is_sorted(sorted.begin(), sorted.end())) throw std::logic_error("not sorted");
}

/// Joins words, and looks now and then whether it should stop.
void join_words(mayfly::plugin_call const& call) {
  auto random = choices_of(call);
  std::pmr::string text(call.request.memory());
  for (std::size_t left = 50 + random() % 200; left != 0; --left) {
    call.request.throw_if_stopped();
    text.append(1 + random() % 12, static_cast<char>('a' + random() % 26)).push_back(' ');
  }
}

}  // namespace

MAYFLY_PLUGIN(mine) {
  mine.add_handler("sort", &sort_halves);
  mine.add_handler("words", &join_words);
}
