#include <mayfly/request_errors.hpp>

#include <string>

namespace mayfly {

refused_error::refused_error(admission_reason reason)
    : std::runtime_error("mayfly: request refused: " + std::string(to_string(reason))), reason_(reason) {}

request_cancelled::request_cancelled() : std::runtime_error("mayfly: request cancelled") {}

request_expired::request_expired() : std::runtime_error("mayfly: request past its deadline") {}

}  // namespace mayfly
