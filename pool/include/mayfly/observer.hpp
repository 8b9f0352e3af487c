#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/outcome.hpp>
#include <mayfly/scope_id.hpp>

#include <exception>
#include <string_view>

namespace mayfly {

/// Told what happens to requests. Every function is called on the thread that does the thing, many threads at once,
/// between its other work: be quick, do not block, do not call the executor back. All but on_refused() are called
/// once for each accepted request they speak of; none may throw.
class executor_observer {
 public:
  virtual ~executor_observer() = default;

  /// A request was accepted; on the submitting thread, perhaps after a worker has begun or even ended it.
  virtual void on_open(scope_id /*id*/, std::string_view /*route*/) noexcept {}

  /// A request's completion is done and its scope closes now; on a worker. A held scope lives on for its holders.
  virtual void on_close(scope_id /*id*/, std::string_view /*route*/, outcome_kind /*kind*/) noexcept {}

  /// A request was refused; on the submitting thread.
  virtual void on_refused(std::string_view /*route*/, admission_reason /*reason*/) noexcept {}

  /// A completion threw; what it threw goes no further. On a worker. It may be kept, so it is looked at as what leaves
  /// a request is: for one that holds an address of its memory (MF-E13) `error` is escape_refused, if the executor's
  /// options say so.
  virtual void on_completion_failure(scope_id /*id*/, std::string_view /*route*/,
                                     std::exception_ptr const& /*error*/) noexcept {}
};

}  // namespace mayfly
