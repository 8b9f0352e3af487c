#pragma once

// What it costs to look at an object in a scope, by pointer and by scoped_ref, and to look for an address in bytes that
// leave one: as it is timed (handles.cpp) and as it is counted (counts.cpp). request() is `each` of them.

#include "contest.hpp"
#include <mayfly/detail/egress_walk.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>
#include <mayfly/scoped_ref.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace contest {

/// Reads it into a register. benchmark::DoNotOptimize would be content with knowing where it lies.
[[gnu::always_inline]] inline void look_at(std::uint64_t const& object) { asm volatile("" : : "r"(object) : "memory"); }

class open_scope {
 public:
  open_scope() {
    if (opened_ == nullptr) std::abort();
  }
  open_scope(open_scope const&) = delete;
  open_scope& operator=(open_scope const&) = delete;
  ~open_scope() { opened_->close(); }

  [[nodiscard]] mayfly::scope& scope() { return *opened_; }

 private:
  mayfly::page_pool pool_;
  mayfly::scope_registry registry_{pool_};
  mayfly::scope* opened_ =
      registry_.open({.route = "bench", .opened = mayfly::scope_clock::time_point{std::chrono::seconds{1}}});
};

/// Sixteen objects, so that nothing stays in a register.
template <typename Ref>
class objects : open_scope {
 public:
  static constexpr std::int64_t each = 16;

  objects() {
    mayfly::scope& in = scope();
    mayfly::scope_entry const inside{in, in.main_arena()};
    for (std::size_t i = 0; i < refs.size(); ++i) refs[i] = to(*in.make<std::uint64_t>(i));
    benchmark::DoNotOptimize(refs.data());
  }

 protected:
  /// Without a loop: the compiler unrolls the pointers' and not the others', which then would be the difference.
  template <typename Look>
  [[gnu::always_inline]] void each_of(Look const& look) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (look(refs[I]), ...); }(all{});
  }

 private:
  using all = std::make_index_sequence<static_cast<std::size_t>(each)>;

  Ref to(std::uint64_t& object) {
    if constexpr (std::is_pointer_v<Ref>) {
      return &object;
    } else {
      return Ref{scope(), object};
    }
  }

  std::array<Ref, static_cast<std::size_t>(each)> refs{};
};

struct by_pointer : objects<std::uint64_t*> {
  void request() {
    each_of([](std::uint64_t const* one) { look_at(*one); });
  }
};

struct by_ref : objects<mayfly::scoped_ref<std::uint64_t>> {
  void request() {
    each_of([](mayfly::scoped_ref<std::uint64_t> one) { look_at(*one.get()); });
  }
};

/// Pinned, looked at, and the pin's end.
struct by_pin : objects<mayfly::scoped_ref<std::uint64_t>> {
  void request() {
    each_of([](mayfly::scoped_ref<std::uint64_t> one) { look_at(*one.pin()); });
  }
};

/// What the processor takes for the two locked instructions that a pin and its end are, and for nothing else.
class by_locked_pair {
 public:
  static constexpr std::int64_t each = 1;

  void request() {
    std::uint64_t expected = 0;
    benchmark::DoNotOptimize(word_.compare_exchange_strong(expected, 1));
    benchmark::DoNotOptimize(word_.fetch_sub(1));
  }

 private:
  alignas(64) std::atomic<std::uint64_t> word_{0};
};

/// What egress does to a closure, or to a class of which it knows only the size: 64 bytes, and no address in them.
class scan_of_64 : open_scope {
 public:
  static constexpr std::int64_t each = 1;

  void request() {
    benchmark::DoNotOptimize(value_.data());
    benchmark::DoNotOptimize(mayfly::find_address_in_bytes(value_.data(), value_.size(), ours_));
  }

 private:
  alignas(std::uint64_t) std::array<std::byte, 64> value_{};
  mayfly::address_range ours_{.first = reinterpret_cast<std::uintptr_t>(&scope()), .bytes = sizeof(mayfly::scope)};
};

}  // namespace contest
