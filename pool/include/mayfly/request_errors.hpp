#pragma once

#include <mayfly/admission.hpp>

#include <stdexcept>

namespace mayfly {

/// What a future holds, and run() gives, when the executor did not take the request.
class refused_error : public std::runtime_error {
 public:
  explicit refused_error(admission_reason reason);
  [[nodiscard]] admission_reason reason() const noexcept { return reason_; }

 private:
  admission_reason reason_;
};

/// The request ended because somebody cancelled it. Thrown by outcome::value(), by futures, and by
/// request_context::parallel_for and task_group::wait when they were cut short.
class request_cancelled : public std::runtime_error {
 public:
  request_cancelled();
};

/// The request ended because its deadline had passed. Thrown like request_cancelled.
class request_expired : public std::runtime_error {
 public:
  request_expired();
};

}  // namespace mayfly
