#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/detail/cycle_clock.hpp>
#include <mayfly/detail/route_profiles.hpp>
#include <mayfly/trace/replay.hpp>
#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace mayfly::trace {

/// Whose first arena each life is: a request's own, or one of its lanes'.
class life_routes {
 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  explicit life_routes(trace const& of);
  /// The route of the request whose own arena this is; none: it is a lane's, or nobody's that is known.
  [[nodiscard]] std::uint32_t operator[](std::uint32_t life) const noexcept { return routes_[life]; }

 private:
  std::vector<std::uint32_t> routes_;
};

/// Chooses first pages for one thread, as an executor's worker does, in the trace's time.
class first_pages {
 public:
  first_pages(trace const& of, life_routes const& routes, replay_settings const& settings,
              detail::first_page_costs const& costs);

  [[nodiscard]] std::size_t class_for(std::uint32_t life, std::uint64_t now_ns) noexcept;
  /// The life ends: what it took is known.
  void learn(std::uint32_t life, arena const& ended, std::uint64_t now_ns) noexcept;

 private:
  [[nodiscard]] detail::route_profile* profile_of(std::uint32_t life, std::uint64_t now_ns) noexcept;
  [[nodiscard]] detail::cycle_clock::ticks ticks_at(std::uint64_t now_ns) const noexcept;

  trace const& of_;
  life_routes const& routes_;
  std::optional<std::size_t> fixed_;
  detail::cycle_clock const& clock_ = detail::cycle_clock::instance();
  detail::route_profiles profiles_;
};

}  // namespace mayfly::trace
