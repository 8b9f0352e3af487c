// legal: a struct of strings, vectors and numbers leaves as it is

#include "program.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace return_heap_aggregate {

struct order {
  std::string customer;
  std::vector<double> prices;
  std::optional<std::string> note;
  std::chrono::seconds age;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const made = pool.submit("order",
                                [](mayfly::request_context& request) {
                                  auto const prices = request.arena().make_span<double>(3);
                                  prices[1] = 2.5;
                                  return order{std::string{request.arena().copy("Ada")},
                                               {prices.begin(), prices.end()},
                                               std::nullopt,
                                               std::chrono::seconds{1}};
                                })
                        .get();
  escape::next_request(pool);
  escape::require(made.customer == "Ada" && made.prices.at(1) == 2.5 && !made.note, "the order is whole");
}

}  // namespace return_heap_aggregate
