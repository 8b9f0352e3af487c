#pragma once

#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace mayfly::trace {

/// Makes traces by hand: for tests, and for workloads that nobody has recorded. One thread at a time.
class trace_builder {
 public:
  explicit trace_builder(recorded_settings const& settings);
  ~trace_builder();
  trace_builder(trace_builder const&) = delete;
  trace_builder& operator=(trace_builder const&) = delete;

  struct life {
    std::uint64_t opened_ns = 0;
    std::uint64_t closed_ns = 0;
    std::uint32_t opened_by = 0;
    std::uint32_t closed_by = 0;
    std::uint32_t first_class = 0;
  };
  /// A request from the life's beginning to its end, with one arena, which does that; none where it does nothing.
  /// Returns its id. Operations above 32 KiB are written in parts.
  std::uint64_t add_request(std::string_view route, life const& when, std::span<operation const> operations);
  /// Another arena of a request that was added.
  void add_arena(std::uint64_t request, life const& when, std::span<operation const> operations);

  /// The file's content. The builder is done.
  [[nodiscard]] std::vector<std::byte> finish();

 private:
  class file;
  std::unique_ptr<file> file_;
};

}  // namespace mayfly::trace
