#pragma once

#include <mayfly/explorer/memory_model.hpp>

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace mayfly::explorer {

/// What the types below ask of the exploration that is running on this thread. Each is one step of the thread that
/// calls it, before which any other thread may run.
namespace step {

[[nodiscard]] std::size_t make_atomic(std::uint64_t value);
[[nodiscard]] std::uint64_t load(std::size_t location, std::memory_order order);
void store(std::size_t location, std::uint64_t value, std::memory_order order);
/// Replaces the value v by change(v, operand).
using change_function = std::uint64_t (*)(std::uint64_t value, std::uint64_t operand) noexcept;
std::uint64_t change(std::size_t location, change_function change, std::uint64_t operand, std::memory_order order);
/// false: `expected` has become what was read.
bool compare_exchange(std::size_t location, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                      std::memory_order failure);

void plain_read(access_record& record);
void plain_write(access_record& record);

/// The thread can do nothing useful until another has changed something.
void pause();

[[nodiscard]] std::size_t make_semaphore();
void post(std::size_t semaphore);
void wait(std::size_t semaphore);

/// Which thread this is: 0 in set_up and finally.
[[nodiscard]] thread_number this_thread();

}  // namespace step

/// Stands in for std::atomic<T> under exploration. T: trivially copyable, at most 8 bytes.
template <typename T>
  requires(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t))
class atomic {
 public:
  using value_type = T;

  atomic() : atomic{T{}} {}
  atomic(T value) : location_{step::make_atomic(bits(value))} {}  // NOLINT: implicit, as std::atomic's
  atomic(atomic const&) = delete;
  atomic& operator=(atomic const&) = delete;
  ~atomic() = default;

  [[nodiscard]] T load(std::memory_order order) const { return value(step::load(location_, order)); }
  void store(T desired, std::memory_order order) { step::store(location_, bits(desired), order); }

  T exchange(T desired, std::memory_order order) {
    return value(
        step::change(location_, [](std::uint64_t, std::uint64_t to) noexcept { return to; }, bits(desired), order));
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    std::uint64_t seen = bits(expected);
    if (step::compare_exchange(location_, seen, bits(desired), success, failure)) return true;
    expected = value(seen);
    return false;
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order) {
    return compare_exchange_strong(expected, desired, order, failure_of(order));
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order) {
    return compare_exchange_strong(expected, desired, order, failure_of(order));
  }

  T fetch_add(T operand, std::memory_order order)
    requires std::integral<T>
  {
    return change<T>([](T a, T b) noexcept { return static_cast<T>(a + b); }, operand, order);
  }
  T fetch_sub(T operand, std::memory_order order)
    requires std::integral<T>
  {
    return change<T>([](T a, T b) noexcept { return static_cast<T>(a - b); }, operand, order);
  }
  T fetch_or(T operand, std::memory_order order)
    requires std::integral<T>
  {
    return change<T>([](T a, T b) noexcept { return static_cast<T>(a | b); }, operand, order);
  }
  T fetch_and(T operand, std::memory_order order)
    requires std::integral<T>
  {
    return change<T>([](T a, T b) noexcept { return static_cast<T>(a & b); }, operand, order);
  }

 private:
  static std::uint64_t bits(T value) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  }
  static T value(std::uint64_t word) noexcept {
    T result;
    std::memcpy(&result, &word, sizeof(T));
    return result;
  }
  static constexpr std::memory_order failure_of(std::memory_order order) noexcept {
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
    return order == std::memory_order_release ? std::memory_order_relaxed : order;
  }

  template <typename U, typename F>
  U change(F /*function*/, U operand, std::memory_order order) {
    return value(step::change(
        location_, [](std::uint64_t before, std::uint64_t by) noexcept { return bits(F{}(value(before), value(by))); },
        bits(operand), order));
  }

  std::size_t location_;
};

/// Stands in for a plain T: two accesses of which one writes, that nothing orders, are reported as a race.
template <typename T>
class var {
 public:
  var() = default;
  var(T value) : value_{value} { step::plain_write(record_); }  // NOLINT: implicit, as T's
  var(var const&) = delete;
  var& operator=(var const&) = delete;
  ~var() = default;

  var& operator=(T value) {
    step::plain_write(record_);
    value_ = value;
    return *this;
  }
  operator T() const {  // NOLINT: implicit, as T's
    step::plain_read(record_);
    return value_;
  }

 private:
  mutable access_record record_;
  T value_{};
};

/// Stands in for a counting semaphore. A thread that waits for ever, when no other can go on, is reported.
class semaphore {
 public:
  semaphore() : number_{step::make_semaphore()} {}
  semaphore(semaphore const&) = delete;
  semaphore& operator=(semaphore const&) = delete;
  ~semaphore() = default;

  void post() noexcept { step::post(number_); }
  void wait() noexcept { step::wait(number_); }

 private:
  std::size_t number_;
};

/// The policy for code under exploration; what code runs on otherwise is detail::native_atomics.
struct explored_atomics {
  template <typename T>
  using atomic = explorer::atomic<T>;
  template <typename T>
  using var = explorer::var<T>;
  using semaphore = explorer::semaphore;

  static void pause() { step::pause(); }
};

}  // namespace mayfly::explorer
