#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// What the fault driver runs: small programs that keep books about what they asked for.
namespace mayfly::test::faults {

/// The sums of one run's books. Runs of a scenario without faults all have the same.
struct tally {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t values = 0;        ///< requests that ended with a value
  std::uint64_t other_ends = 0;    ///< ... or with an exception, cancelled, expired
  std::uint64_t clean_errors = 0;  ///< documented exceptions, seen by the caller

  bool operator==(tally const&) const = default;
};

/// What one run of a scenario saw. Made anew for each run; any thread may write.
class ledger {
 public:
  static constexpr std::size_t most_requests = 64;

  /// A line for a request that is about to be asked for.
  [[nodiscard]] std::size_t open_line() noexcept {
    std::size_t const number = asked_++;
    expect(number < most_requests, "more requests than the books have lines");
    return number % most_requests;
  }
  void accept(std::size_t number) noexcept {
    accepted_[number] = true;
    ++accepted_sum_;
  }
  void refuse() noexcept { ++refused_; }
  void end(std::size_t number, bool value) noexcept {
    ++ends_[number];
    ++(value ? values_ : other_ends_);
  }
  void clean_error() noexcept { ++clean_errors_; }
  /// The error of an executor that says that none can be made in this process any more.
  void told_to_restart() noexcept {
    ++clean_errors_;
    spent_ = true;
  }

  void violated(char const* what) noexcept {
    char const* none = nullptr;
    violation_.compare_exchange_strong(none, what);
  }
  void expect(bool holds, char const* otherwise) noexcept {
    if (!holds) violated(otherwise);
  }
  void lost(char const* what) noexcept {
    lost_ = true;
    violated(what);
  }
  /// When all requests must have ended: each that was accepted once, the others never.
  void close() noexcept {
    for (std::size_t number = 0; number < most_requests; ++number) {
      if (ends_[number] != (accepted_[number] ? 1 : 0)) lost("outcomes that are not one for each accepted request");
    }
  }

  [[nodiscard]] tally sums() const noexcept { return {accepted_sum_, refused_, values_, other_ends_, clean_errors_}; }
  [[nodiscard]] bool is_spent() const noexcept { return spent_; }
  [[nodiscard]] bool has_lost() const noexcept { return lost_; }
  /// The first thing that must not be; null while there is none. Text that lives for ever.
  [[nodiscard]] char const* violation() const noexcept { return violation_; }

 private:
  std::array<std::atomic<bool>, most_requests> accepted_{};
  std::array<std::atomic<int>, most_requests> ends_{};
  std::atomic<std::size_t> asked_{0};
  std::atomic<std::uint64_t> accepted_sum_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> values_{0};
  std::atomic<std::uint64_t> other_ends_{0};
  std::atomic<std::uint64_t> clean_errors_{0};
  std::atomic<bool> spent_{false};
  std::atomic<bool> lost_{false};
  std::atomic<char const*> violation_{nullptr};
};

struct scenario {
  std::string_view name;
  void (*run)(ledger& book);
};

/// All of them.
[[nodiscard]] std::span<scenario const> scenarios() noexcept;

}  // namespace mayfly::test::faults
