#pragma once

#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mayfly::test {

/// A pool small enough for hundreds of tests, and a registry on it.
struct scopes {
  explicit scopes(std::uint32_t capacity = 64, std::uint64_t first_generation = 1)
      : registry{pool, {.capacity = capacity, .first_generation = first_generation}} {}

  [[nodiscard]] scope& open(std::string_view route = "test") {
    scope* const opened = registry.open({.route = route});
    EXPECT_NE(opened, nullptr);
    return *opened;
  }

  [[nodiscard]] std::uint64_t pages_in_use() const { return pool.stats().pages_in_use(); }

  page_pool pool{{.reserve_bytes = std::size_t{1} << 30U}};
  scope_registry registry;
};

/// On another thread, to its end.
template <typename Body>
void elsewhere(Body&& body) {
  std::thread{std::forward<Body>(body)}.join();
}

/// In the scope, on whichever thread calls.
template <typename Body>
decltype(auto) inside(scope& in, Body&& body) {
  scope_entry const entered{in};
  return std::forward<Body>(body)();
}

/// Whether an id is refused by everything that takes one.
[[nodiscard]] inline bool refused(scope_registry& registry, scope_id id) {
  return !registry.find(id) && !registry.pin(id) && !registry.request_cancel(id) && !registry.close(id);
}

/// Opens scopes until the registry is full.
inline std::vector<scope*> open_all(scope_registry& registry) {
  std::vector<scope*> opened;
  while (scope* const next = registry.open({})) opened.push_back(next);
  return opened;
}

inline void close_all(std::vector<scope*> const& scopes) {
  for (scope* const each : scopes) each->close();
}

/// Calls back when it ends.
class farewell {
 public:
  explicit farewell(std::function<void()> last_words) : last_words_{std::move(last_words)} {}
  farewell(farewell const&) = delete;
  farewell& operator=(farewell const&) = delete;
  ~farewell() { last_words_(); }

 private:
  std::function<void()> last_words_;
};

/// The seed of a randomised test: MAYFLY_TEST_SEED, or this one. Printed with the test's outcome.
[[nodiscard]] inline std::uint64_t seed() {
  char const* const given = std::getenv("MAYFLY_TEST_SEED");
  std::uint64_t const value = given == nullptr ? 20'260'101 : std::stoull(given);
  ::testing::Test::RecordProperty("seed", std::to_string(value));
  std::printf("seed %llu (MAYFLY_TEST_SEED repeats it)\n", static_cast<unsigned long long>(value));
  return value;
}

/// Steele, Lea and Flood's splitmix64: one word of state, good enough to choose what to do next.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t state) : state_{state} {}

  [[nodiscard]] std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
    return z ^ z >> 31U;
  }
  [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }

 private:
  std::uint64_t state_;
};

}  // namespace mayfly::test
