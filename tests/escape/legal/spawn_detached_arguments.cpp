// legal: a task detached from inside a request takes detached arguments

#include "program.hpp"

#include <latch>
#include <string>

namespace spawn_detached_arguments {

static std::latch ran{1};
static std::string seen;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::pmr::string const name{escape::long_text, request.memory()};
             auto const admitted = pool.spawn(
                 {.route = "child"},
                 [](mayfly::request_context&, std::string const& text) {
                   seen = text;
                   ran.count_down();
                 },
                 mayfly::detach(name));
             escape::require(static_cast<bool>(admitted), "the task is accepted");
           })
      .value();
  ran.wait();
  escape::require(seen == escape::long_text, "the task has run");
}

}  // namespace spawn_detached_arguments
