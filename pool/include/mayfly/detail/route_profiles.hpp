#pragma once

#include <mayfly/detail/cycle_clock.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/size_sketch.hpp>
#include <mayfly/detail/split_sampler.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/route_stats.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mayfly::detail {

/// What a first page of each class would cost a request, by its size: the bytes that it holds and does not use, and 4
/// KiB for each page. A page more costs some 20 ns to take, touch and give back, which is what writing 1 to 4 KiB does.
class first_page_costs {
 public:
  static constexpr std::size_t page_cost_bytes = std::size_t{4} << 10U;

  explicit first_page_costs(page_pool const& pages) noexcept;

  /// The class that is cheapest for requests of these sizes; of equals the smaller.
  [[nodiscard]] std::size_t cheapest(size_counts const& sizes) const noexcept;

  /// What pages of class c at first would be worth to requests of these sizes.
  [[nodiscard]] static first_page_worth worth_of(page_pool const& pages, std::size_t c,
                                                 size_counts const& sizes) noexcept;

  struct holding {
    std::size_t pages = 0;
    std::size_t bytes = 0;
  };
  /// What an arena takes from the pool to bump through so many bytes, when its first page is of class c and nothing is
  /// lost at pages' ends.
  [[nodiscard]] static holding held_by(page_pool const& pages, std::size_t c, std::size_t bytes) noexcept;

 private:
  std::array<std::array<std::uint64_t, size_buckets::count>, page_pool::classes> cost_bytes_;
};

/// What one worker has seen of one route, in two windows of time: when the present one has lasted long enough, and has
/// seen enough, the one before is forgotten. Written by that worker. Valid as zero bytes.
class route_profile {
 public:
  static constexpr std::uint64_t least_requests = 16;  ///< that a window has seen before it decides anything

  [[nodiscard]] std::size_t first_class() const noexcept { return first_class_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_in(0) + requests_in(1); }
  /// What 95 of 100 requests kept within at the last decision; 0 before that, or where these took nothing. The worker.
  [[nodiscard]] std::size_t forecast_bytes() const noexcept { return forecast_bytes_; }
  void add_to(size_counts& bumped, size_counts& all) const noexcept;

  split_sampler splits;  ///< of all requests since the start

 private:
  friend class route_profiles;

  struct window {
    size_recorder bumped;
    size_recorder all;
    std::atomic<std::uint64_t> requests;

    void clear() noexcept;
  };

  [[nodiscard]] static std::size_t kept_within(size_counts const& all) noexcept;
  [[nodiscard]] std::uint64_t requests_in(std::uint32_t which) const noexcept {
    return windows_[which].requests.load(std::memory_order_relaxed);  // relaxed: a figure
  }

  std::atomic<bool> used_;  // publishes the name (sync route-profile)
  char const* name_;
  std::size_t name_bytes_;
  cycle_clock::ticks started_;  // the present window
  std::uint32_t present_;       // its index
  std::size_t forecast_bytes_;
  std::atomic<std::uint32_t> first_class_;
  std::array<window, 2> windows_;
};

/// One line of route_stats in the making.
struct route_sums {
  std::string_view route;
  std::uint64_t requests = 0;
  std::size_t first_class = 0;
  size_counts bumped{};
  size_counts all{};
};

/// Each route's forecast, for threads that submit: written by workers where they decide. A route that shares its place
/// with another has the forecast of whichever was told last, or none. Wait-free, any thread.
class route_forecasts {
 public:
  void set(std::string_view route, std::size_t bytes) noexcept {
    std::uint64_t const pages = std::min<std::uint64_t>((bytes + unit_bytes - 1) / unit_bytes, UINT32_MAX);
    std::uint64_t const key = key_of(route);
    place_of(key).store(key << 32U | pages, std::memory_order_relaxed);  // relaxed: a hint that stands for itself
  }
  /// 0: not known.
  [[nodiscard]] std::size_t of(std::string_view route) const noexcept {
    std::uint64_t const key = key_of(route);
    std::uint64_t const word = place_of(key).load(std::memory_order_relaxed);  // relaxed: as in set()
    return word >> 32U == key ? static_cast<std::size_t>(word & UINT32_MAX) * unit_bytes : 0;
  }

 private:
  static constexpr std::size_t unit_bytes = std::size_t{4} << 10U;
  static constexpr std::size_t places = 1024;

  [[nodiscard]] static std::uint64_t key_of(std::string_view route) noexcept {
    return reinterpret_cast<std::uintptr_t>(route.data()) * 0x9E37'79B9'7F4A'7C15U >> 32U;  // as in home_of()
  }
  [[nodiscard]] std::atomic<std::uint64_t>& place_of(std::uint64_t key) noexcept { return words_[key >> 22U]; }
  [[nodiscard]] std::atomic<std::uint64_t> const& place_of(std::uint64_t key) const noexcept {
    return words_[key >> 22U];
  }

  std::array<std::atomic<std::uint64_t>, places> words_{};
};

/// The routes that one worker has run. A route is known by where its name stands (submit_options::route), so that
/// finding it costs no look at the name.
class route_profiles {
 public:
  static constexpr std::size_t most_routes = 256;  ///< those beyond keep the default
  static constexpr std::chrono::seconds window{20};

  /// Where the kernel refuses the memory, no route is ever known.
  route_profiles(cycle_clock const& clock, first_page_costs const& costs, std::size_t default_class) noexcept;

  /// What is known of the route, to be told of its next request too; null where there is no room for it. `now`: when a
  /// route that is new is first seen; 0: the clock is read. The worker.
  [[nodiscard]] route_profile* find(std::string_view route, cycle_clock::ticks now = 0) noexcept {
    if (!profiles_) [[unlikely]]
      return nullptr;
    route_profile& likely = profiles_[home_of(route)];
    if (is(likely, route)) [[likely]]
      return &likely;
    return find_or_add(route, now);
  }

  /// A request has run: it bumped through so many bytes of its own arena's pages, and took `all` bytes in all. `now`: 0
  /// where the caller has not read the clock. Whether there is a new decision, and forecast. The worker.
  bool record(route_profile& of, std::size_t bumped, std::size_t all, cycle_clock::ticks now) noexcept {
    route_profile::window& present = of.windows_[of.present_];
    present.bumped.record(bumped);
    present.all.record(all);
    // relaxed: one writer
    std::uint64_t const requests = present.requests.load(std::memory_order_relaxed) + 1;
    present.requests.store(requests, std::memory_order_relaxed);
    if (now == 0 && requests % untimed_requests == 0) now = clock_.now();
    if (requests < route_profile::least_requests) return false;
    bool const over = now != 0 && since_start(of, now) > window_ticks_;
    if (!over && !decides_after(requests)) [[likely]]
      return false;
    decide(of, over, now);
    return true;
  }

  /// Adds what this worker knows to the list, a line a route. Any thread.
  void add_to_stats(std::vector<route_sums>& sums) const;

  /// Calls visit(route, profile) for each route that this worker has run. Any thread.
  template <typename Visit>
  void for_each(Visit const& visit) const {
    if (!profiles_) return;
    for (std::size_t i = 0; i < most_routes; ++i) {
      route_profile const& profile = profiles_[i];
      // sync route-profile: acquire; pairs with find_or_add(); reads the name
      if (!profile.used_.load(std::memory_order_acquire)) continue;
      visit(std::string_view{profile.name_, profile.name_bytes_}, profile);
    }
  }

 private:
  static constexpr std::uint64_t untimed_requests = 16;
  static constexpr std::size_t probes = 8;

  /// Nothing where the window began after the reading was taken.
  [[nodiscard]] static cycle_clock::ticks since_start(route_profile const& of, cycle_clock::ticks now) noexcept {
    return now > of.started_ ? now - of.started_ : 0;
  }
  [[nodiscard]] static bool decides_after(std::uint64_t requests) noexcept { return (requests & (requests - 1)) == 0; }
  [[nodiscard]] static std::size_t home_of(std::string_view route) noexcept {
    // Fibonacci hashing: Knuth, The Art of Computer Programming, vol. 3, 6.4
    auto const address = reinterpret_cast<std::uintptr_t>(route.data());
    return static_cast<std::size_t>(address * 0x9E37'79B9'7F4A'7C15U >> 56U);
  }
  [[nodiscard]] static bool is(route_profile const& profile, std::string_view route) noexcept {
    // relaxed: this thread wrote it
    return profile.used_.load(std::memory_order_relaxed) && profile.name_ == route.data() &&
           profile.name_bytes_ == route.size();
  }
  [[nodiscard]] route_profile* find_or_add(std::string_view route, cycle_clock::ticks now) noexcept;
  void decide(route_profile& of, bool window_over, cycle_clock::ticks now) noexcept;
  void choose(route_profile& of) noexcept;

  cycle_clock const& clock_;
  first_page_costs const& costs_;
  cycle_clock::ticks window_ticks_;
  std::uint32_t default_class_;
  mapped_array<route_profile> profiles_;
};
static_assert(route_profiles::most_routes == 256, "home_of() takes eight bits");

}  // namespace mayfly::detail
