// pattern: a batch is split into views, and a request submitted for them takes the vector along, not the text
// way out: closure of another request, through the heap
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace fan_out_vector_of_views {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "batch"},
           [&pool](mayfly::request_context& request) {
             std::string_view rest = request.arena().copy(escape::long_text);
             std::vector<std::string_view> words;
             for (auto end = rest.find(' '); end != rest.npos; end = rest.find(' ')) {
               words.push_back(rest.substr(0, end));
               rest.remove_prefix(end + 1);
             }
             auto const admitted = pool.try_submit(
                 {.route = "part"},
                 [words = std::move(words)](mayfly::request_context&) {
                   for (std::string_view const each : words) escape::touch(each);
                 },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             escape::require(static_cast<bool>(admitted), "the part is accepted");
           })
      .value();
  escape::next_request(pool);
}

}  // namespace fan_out_vector_of_views
