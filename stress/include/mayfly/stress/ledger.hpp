#pragma once

#include <mayfly/stress/violations.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mayfly::stress {

/// One request from before it is submitted until nothing is left of it. Made by a ledger, used again and again.
class ledger_record {
  friend class ledger;

  // What has happened to whom: the request's number above the low 8 bits, flags in them; 0: free.
  std::atomic<std::uint64_t> life_{0};
  // Who may still tell of it: its submitter, its scope, each task and timer of it.
  std::atomic<std::uint32_t> parts_{0};
};

/// Books of every request: each that was accepted is completed exactly once, and before its scope closes, which happens
/// once; each that was refused does nothing. Every function may be called from any thread but begin() and take(),
/// whose `submitter` belongs to one thread. Whoever breaks the rules is told to the violation_log.
///
///     begin -> accepted | refused -> [started] -> completed -> [opened] closed -> parts gone -> free
///
/// No lock is shared between requests: it would order what is to be tried unordered.
class ledger {
 public:
  /// `each`: requests of one submitter that may be unended at a time.
  ledger(std::size_t submitters, std::size_t each, violation_log& violations);

  /// A record for that request, which has its submitter's part and its scope's. Null: all are taken now.
  [[nodiscard]] ledger_record* begin(std::size_t submitter, std::uint64_t number) noexcept;

  /// The executor's answer, from its submitter, which gives its part up. (refused: its scope's too.)
  void accepted(ledger_record& of, std::uint64_t number);
  void refused(ledger_record& of, std::uint64_t number);

  void started(ledger_record& of, std::uint64_t number);  ///< its handler begins
  void opened(ledger_record& of, std::uint64_t number);   ///< closed() will follow
  void completed(ledger_record& of,
                 std::uint64_t number);                  ///< its completion runs; ends its scope's part unless opened
  void closed(ledger_record& of, std::uint64_t number);  ///< its scope ends; ends its scope's part

  void add_part(ledger_record& of, std::uint64_t number);
  void end_part(ledger_record& of, std::uint64_t number);

  /// Says of each request that has not ended what is missing. When nothing runs any more.
  void check_all_ended();

  [[nodiscard]] std::uint64_t accepted_count() const noexcept { return figure(accepted_); }
  [[nodiscard]] std::uint64_t refused_count() const noexcept { return figure(refused_); }
  [[nodiscard]] std::uint64_t completed_count() const noexcept { return figure(completed_); }
  /// Scopes of requests that were open at a time, at most.
  [[nodiscard]] std::uint64_t most_live() const noexcept { return figure(most_live_); }

 private:
  struct submitter_records {
    std::vector<ledger_record> records;
    std::size_t next = 0;
  };

  static std::uint64_t figure(std::atomic<std::uint64_t> const& of) noexcept {
    return of.load(std::memory_order_relaxed);  // relaxed: a figure
  }
  /// The word before; left as it was where it is not that request's.
  std::uint64_t mark(ledger_record& of, std::uint64_t number, std::uint64_t flag);
  void finish(ledger_record& of, std::uint64_t number);
  void add_live() noexcept;
  void complain(std::uint64_t number, char const* expected, std::uint64_t life);

  violation_log& violations_;
  std::vector<submitter_records> submitters_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> completed_{0};
  std::atomic<std::int64_t> live_{0};  // for a moment below zero: an end may be told before its acceptance
  std::atomic<std::uint64_t> most_live_{0};
};

}  // namespace mayfly::stress
