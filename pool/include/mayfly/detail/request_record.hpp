#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/detail/job.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/scope_id.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>

namespace mayfly {

class scope;
class scope_registry;

namespace detail {

/// Cancels a request when somebody's stop_source says so.
struct stop_link {
  scope_registry* registry;
  scope_id id;
  void operator()() const noexcept;
};

/// What the executor knows of a request, beside its scope: one for each slot of the registry, at the same index.
///
///     line 0    what to run, for whom, until when
///     line 1    the link to a stop_source, where one was given
///     line 2-3  the job itself, where it fits; else it is in the scope's arena
///
/// Written by the submitting thread before the push, then by the worker that popped it (sync ring-cell); nobody else
/// looks at it, but for request_context's own threads, which only read.
struct alignas(64) request_record {
  static constexpr std::size_t inline_bytes = 128;
  static constexpr std::size_t inline_alignment = 16;

  [[nodiscard]] static constexpr bool fits(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= inline_bytes && alignment <= inline_alignment;
  }

  job_functions const* functions = nullptr;
  void* job = nullptr;
  scope* owner = nullptr;
  std::uint64_t submitted = 0;  ///< ticks
  std::uint64_t deadline = 0;   ///< ticks; 0: none
  bool stop_linked = false;     ///< whether line 1 is in use
  alignas(64) std::optional<std::stop_callback<stop_link>> stop;
  alignas(64) std::byte storage[inline_bytes];
};

/// A request between "the executor takes it" and "it is queued": the submitting thread's.
struct submission {
  request_record* record = nullptr;  ///< null: refused
  void* storage = nullptr;           ///< where the job is to be made
  admission_reason refusal = admission_reason::accepted;
};

}  // namespace detail
}  // namespace mayfly
