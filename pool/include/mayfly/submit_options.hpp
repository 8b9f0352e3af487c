#pragma once

#include <mayfly/executor_options.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string_view>

namespace mayfly {

/// What is asked for with one request. An aggregate, to be written with designated initialisers:
///     {.route = "sum", .deadline = 50ms, .priority = priority::high}
struct submit_options {
  /// What kind of request this is, for lists, reports and statistics. The characters are not copied: they must stay
  /// where they are as long as the executor lives, as those of a literal do.
  std::string_view route{};

  /// How long it may take from now, waiting included. Zero or less is expired already. None: as long as it takes.
  std::optional<std::chrono::nanoseconds> deadline{};

  /// The same as a point in time; when both are given the earlier one holds.
  std::optional<std::chrono::steady_clock::time_point> deadline_at{};

  mayfly::priority priority = mayfly::priority::normal;

  /// Cancels the request when its source is asked to stop. Costs nothing when it has no source.
  std::stop_token stop{};

  /// Bytes it may allocate; 0: what executor_options says.
  std::size_t request_bytes = 0;
};

}  // namespace mayfly
