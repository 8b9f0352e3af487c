// legal: a std::thread captures a view and is joined in the handler

#include "program.hpp"

#include <string_view>
#include <thread>

namespace joined_thread {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::size_t const length = pool.submit("thread",
                                         [](mayfly::request_context& request) {
                                           std::size_t size = 0;
                                           auto const text = request.arena().copy(escape::long_text);
                                           std::thread{[&size, text] { size = text.size(); }}.join();
                                           return size;
                                         })
                                 .get();
  escape::next_request(pool);
  escape::require(length == escape::long_text.size(), "the thread has read it");
}

}  // namespace joined_thread
