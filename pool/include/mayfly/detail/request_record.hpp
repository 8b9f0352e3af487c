#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/detail/job.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/scope_id.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stop_token>
#include <type_traits>

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
///
/// Needs no constructor: an executor has as many as it may have requests in flight, and one that was never used takes
/// no memory.
struct alignas(64) request_record {
  static constexpr std::size_t inline_bytes = 128;
  static constexpr std::size_t inline_alignment = 16;

  [[nodiscard]] static constexpr bool fits(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= inline_bytes && alignment <= inline_alignment;
  }

  using stop_callback = std::stop_callback<stop_link>;

  /// From now on the request is cancelled when `token`'s source says so, or at once where it has.
  void link_stop(std::stop_token const& token, stop_link link) { std::construct_at(callback(), token, link); }
  /// Waits for a stop that is being asked for right now.
  void unlink_stop() noexcept { std::destroy_at(callback()); }

  job_functions const* functions;
  void* job;
  scope* owner;
  std::uint64_t submitted;     ///< ticks
  std::uint64_t deadline;      ///< ticks; 0: none
  std::size_t promised_bytes;  ///< of the page budget, set aside until it has run
  bool stop_linked;            ///< between link_stop() and unlink_stop()
  alignas(64) std::byte stop[sizeof(stop_callback)];
  alignas(64) std::byte storage[inline_bytes];

 private:
  [[nodiscard]] stop_callback* callback() noexcept { return std::launder(reinterpret_cast<stop_callback*>(&stop)); }
};
static_assert(std::is_trivially_default_constructible_v<request_record> &&
              std::is_trivially_destructible_v<request_record>);

/// A request between "the executor takes it" and "it is queued": the submitting thread's.
struct submission {
  request_record* record = nullptr;  ///< null: refused
  void* storage = nullptr;           ///< where the job is to be made
  admission_reason refusal = admission_reason::accepted;
};

}  // namespace detail
}  // namespace mayfly
