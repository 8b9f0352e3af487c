// legal: a request submitted from inside a request takes its id, its token, a scoped_ref and a promise made there along

#include "program.hpp"
#include <mayfly/promise.hpp>
#include <mayfly/scoped_ref.hpp>

#include <optional>
#include <utility>

namespace submit_takes_tokens_along {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::optional<mayfly::future<int>> answer;
  pool.run({.route = "parent"},
           [&](mayfly::request_context& request) {
             mayfly::promise<int> made_here;
             answer = made_here.get_future();
             mayfly::scoped_ref<int> const number{request.scope(), *request.arena().make<int>(7)};
             auto const admitted = pool.try_submit(
                 {.route = "child"},
                 [id = request.id(), token = request.stop_token(), number,
                  promised = std::move(made_here)](mayfly::request_context& child) mutable {
                   bool const all_gone = id != child.id() && token.stop_requested() && !number.pin();
                   promised.set_value(all_gone ? 1 : 0);
                 },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             escape::require(static_cast<bool>(admitted), "the child is accepted");
           })
      .value();
  escape::next_request(pool);
  escape::require(answer->get() == 1, "the child finds its parent gone");
}

}  // namespace submit_takes_tokens_along
