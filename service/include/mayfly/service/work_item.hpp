#pragma once

#include <mayfly/scope.hpp>
#include <mayfly/service/answer_buffer.hpp>
#include <mayfly/service/request_error.hpp>
#include <mayfly/service/request_source.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace mayfly::service {

/// What one request cost, for the summary.
struct request_costs {
  std::chrono::nanoseconds took{0};  ///< from the handler's start until the answer was ready
  std::size_t arena_bytes = 0;       ///< handed out by its arena
  std::size_t reserved_bytes = 0;    ///< pages and blocks of its arena
  std::uint32_t pages = 0;
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

  answer_buffer answer{std::pmr::new_delete_resource()};
  scope_hold hold;  ///< keeps the arena that the answer lies in; empty when the answer lies on the heap
  request_error error;
  request_costs costs;

  std::atomic<phase> state{phase::vacant};
};

}  // namespace mayfly::service
