#include <mayfly/memory_account.hpp>

namespace mayfly {

std::string_view to_string(memory_place place) noexcept {
  constexpr std::array<std::string_view, memory_places> names{
      "pages_in_use", "blocks_in_use", "magazines", "depot", "cached_blocks",
      "quarantine",   "block_rest",    "returned",  "fresh", "free"};
  return names[static_cast<std::size_t>(place)];
}

memory_amount memory_account::total() const noexcept {
  memory_amount sum;
  for (memory_amount const& each : places) sum += each;
  return sum;
}

std::size_t memory_account::committed_bytes() const noexcept {
  std::size_t sum = 0;
  for (std::size_t place = 0; place <= static_cast<std::size_t>(memory_place::quarantine); ++place) {
    sum += places[place].bytes;
  }
  return sum;
}

}  // namespace mayfly
