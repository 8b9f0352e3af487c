// legal: numbers leave that could be addresses and are not

#include "program.hpp"

#include <array>
#include <cstdint>

namespace return_large_numbers {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const numbers = pool.submit("numbers",
                                   [](mayfly::request_context&) {
                                     return std::array<std::uint64_t, 4>{0, 1, ~std::uint64_t{0}, 1U << 20U};
                                   })
                           .get();
  escape::next_request(pool);
  escape::require(numbers[3] == 1U << 20U, "the numbers are whole");
}

}  // namespace return_large_numbers
