#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

/// What the fault driver runs: small programs that keep books about what they asked for.
namespace mayfly::test::faults {

/// What one run of a scenario saw. Made anew for each run; any thread may write.
struct ledger {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> values{0};        ///< accepted requests that ended with a value
  std::atomic<std::uint64_t> other_ends{0};    ///< ... or with an exception, cancelled, expired
  std::atomic<std::uint64_t> clean_errors{0};  ///< documented exceptions, seen by the caller
  /// The first thing that must not be; null while there is none. Text that lives for ever.
  std::atomic<char const*> violation{nullptr};

  void violated(char const* what) noexcept {
    char const* none = nullptr;
    violation.compare_exchange_strong(none, what);
  }
  void expect(bool holds, char const* otherwise) noexcept {
    if (!holds) violated(otherwise);
  }
  [[nodiscard]] bool all_well() const noexcept { return refused == 0 && other_ends == 0 && clean_errors == 0; }
};

struct scenario {
  std::string_view name;
  void (*run)(ledger& book);
};

/// All of them.
[[nodiscard]] std::span<scenario const> scenarios() noexcept;

}  // namespace mayfly::test::faults
