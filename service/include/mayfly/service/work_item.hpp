#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/memory_split.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/service/answer_buffer.hpp>
#include <mayfly/service/request_error.hpp>
#include <mayfly/service/request_source.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>

namespace mayfly::service {

/// What one request cost, for the summary.
struct request_costs {
  /// From the handler's start until the answer was ready. Nothing where no handler ran, or did not come to its end.
  std::optional<std::chrono::nanoseconds> took;
  memory_split memory;  ///< of its arena
};

/// One request on its way through a run: a slot of the answer_window.
///
///     vacant --reader--> pending --worker--> answered --whoever writes--> vacant
///
/// Everything but `state` belongs to whoever the arrow names.
struct alignas(64) work_item {
  enum class phase : unsigned char { vacant, pending, answered };

  std::size_t number = 0;  ///< from 1, within its pass
  std::size_t pass = 0;    ///< 0 but where the input is repeated
  request_text request;
  /// Set when the engine is first asked to start it, and the same however often it is asked again.
  std::optional<std::chrono::steady_clock::time_point> deadline_at;

  answer_buffer answer{std::pmr::new_delete_resource()};
  // What the answer lies in, where that is not the heap: its request's arena, or one of its own.
  scope_hold hold;
  std::optional<arena> copy;
  request_error error;
  request_costs costs;

  std::atomic<phase> state{phase::vacant};

  void drop_answer() {
    if (hold || copy) answer.forget();  // its bytes go with the arena
    answer.release();
    hold.release();
    copy.reset();
  }
};

}  // namespace mayfly::service
