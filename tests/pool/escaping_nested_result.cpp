#include <mayfly/executor.hpp>

#include <string_view>

// Does not compile: the view would point into the nested scope (MF-E05).
void escape(mayfly::request_context& request) {
  static_cast<void>(request.nested([](mayfly::request_context& inner) { return std::string_view{inner.route()}; }));
}
