#pragma once

#include <mayfly/page_pool_options.hpp>
#include <mayfly/trace/operation.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::trace {

/// A trace cannot be read: the message names the file, the offset in it, what is wrong there, and the way out.
class trace_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What was in force when a trace was recorded.
struct recorded_settings {
  std::string program;  ///< who recorded
  unsigned workers = 0;
  page_pool_options pages{};
  std::optional<std::size_t> first_class{};  ///< nothing: chosen by route
  std::chrono::nanoseconds epoch{0};         ///< between calls of page_pool::end_epoch(); 0: none
};

/// One arena from its first allocation until its memory went. Times in ns since the recording began.
struct arena_life {
  std::uint64_t request = 0;  ///< the id of the request whose it was: the arena's owner tag
  std::uint64_t opened_ns = 0;
  std::uint64_t closed_ns = 0;
  std::uint64_t allocations = 0;
  std::span<std::byte const> operations;
  std::uint32_t opened_by = 0;  ///< threads are numbered from 0
  std::uint32_t closed_by = 0;
  std::uint32_t first_class = 0;
};

/// One request; it has no arena where it took no memory.
struct request {
  std::uint64_t id = 0;
  std::uint64_t opened_ns = 0;  ///< accepted; where that is not known, its first arena's time
  std::uint64_t closed_ns = 0;
  std::uint32_t route = 0;   ///< index in trace::routes()
  std::uint8_t outcome = 0;  ///< as outcome_kind
};

/// How much there is in a trace, and how much there is not.
struct totals {
  std::uint64_t requests = 0;
  std::uint64_t arenas = 0;
  std::uint64_t allocations = 0;
  std::uint64_t dropped_requests = 0;  ///< not in the trace, as there was no room to note them down
  std::uint64_t dropped_arenas = 0;
  friend bool operator==(totals const&, totals const&) = default;
};

/// A recorded trace in memory, checked from its first byte to its last: whoever reads it can trust it.
/// docs/trace-format.md says what is in the file.
class trace {
 public:
  /// Throws trace_error. Costs some 10 ns an allocation, and the file's size in memory.
  [[nodiscard]] static trace read(std::string const& path);
  /// The same of a file's content; `name` is for messages.
  [[nodiscard]] static trace from_bytes(std::vector<std::byte> content, std::string_view name);

  [[nodiscard]] recorded_settings const& settings() const noexcept { return settings_; }
  [[nodiscard]] std::span<std::string const> routes() const noexcept { return routes_; }
  [[nodiscard]] std::span<request const> requests() const noexcept { return requests_; }  ///< in the order of opened_ns
  [[nodiscard]] std::span<arena_life const> arenas() const noexcept { return arenas_; }   ///< in the order of opened_ns
  [[nodiscard]] totals const& counted() const noexcept { return totals_; }
  /// One past the largest thread number.
  [[nodiscard]] std::uint32_t threads() const noexcept { return threads_; }

 private:
  friend class trace_parser;

  std::vector<std::byte> content_;
  std::deque<std::vector<std::byte>> joined_;  // operations of lives that came in parts
  recorded_settings settings_;
  std::vector<std::string> routes_;
  std::vector<request> requests_;
  std::vector<arena_life> arenas_;
  totals totals_;
  std::uint32_t threads_ = 0;
};

}  // namespace mayfly::trace
