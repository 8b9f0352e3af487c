// Throws while it registers, something whose code goes with it.
#include <mayfly/plugin.hpp>

namespace {
struct own_error : std::runtime_error {
  using std::runtime_error::runtime_error;
  char const* what() const noexcept override { return "no licence was found"; }
};
}  // namespace

MAYFLY_PLUGIN(mine) {
  mine.add_handler("first", [](mayfly::plugin_call const&) {});
  throw own_error("");
}
