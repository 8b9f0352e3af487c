#include <mayfly/detail/split_sampler.hpp>

namespace mayfly {
namespace {

memory_split split_of(scope& request, bool has_lanes) noexcept {
  arena_usage const own = request.main_arena().usage();
  arena_usage const all = has_lanes ? request.usage() : own;
  return {.requests = 1,
          .pages = all.page_count(),
          .blocks = all.oversize_blocks,
          .held_bytes = all.reserved_bytes,
          .handed_out_bytes = all.handed_out_bytes,
          .tail_waste_bytes = own.tail_waste_bytes,
          .room_bytes = own.room_bytes,
          .skipped_bytes = own.skipped_bytes,
          .oversize_slack_bytes = own.oversize_slack_bytes,
          .lanes_unused_bytes = all.unused_bytes() - own.unused_bytes()};
}

}  // namespace

memory_split memory_split::of(scope& request) noexcept { return split_of(request, request.lane_count() != 0); }

namespace detail {

/// Whoever holds the scope may go on allocating, in a lane of its own: where there are lanes, such requests are left
/// out.
void split_sampler::sample(scope& ended) noexcept {
  bool const has_lanes = ended.lane_count() != 0;
  if (has_lanes && ended.held()) return;
  memory_split const one = split_of(ended, has_lanes);
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i].add(one.*memory_split::figures[i]);
  // A linear congruential generator (Knuth's MMIX): the top five bits, 15.5 on average.
  random_ = random_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
  skips_ = static_cast<std::uint32_t>(random_ >> 59U);
}

void split_sampler::add_to(memory_split& sum) const noexcept {
  for (std::size_t i = 0; i < sums_.size(); ++i) sum.*memory_split::figures[i] += sums_[i].get();
}

}  // namespace detail
}  // namespace mayfly
