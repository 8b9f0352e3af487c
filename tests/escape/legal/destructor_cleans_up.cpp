// legal: a global points into the arena and a destructor at the scope's end clears it

#include "program.hpp"

namespace destructor_cleans_up {

static int const* current = nullptr;
class current_setter {
 public:
  explicit current_setter(int value) : value_{value} { current = &value_; }
  current_setter(current_setter const&) = delete;
  current_setter& operator=(current_setter const&) = delete;
  ~current_setter() { current = nullptr; }

 private:
  int value_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  int const seen = pool.submit("destructor",
                               [](mayfly::request_context& request) {
                                 request.arena().make<current_setter>(7);
                                 return *current;
                               })
                       .get();
  escape::next_request(pool);
  escape::require(seen == 7 && current == nullptr, "the destructor has run");
}

}  // namespace destructor_cleans_up
