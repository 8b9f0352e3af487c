// Does not compile. The note leads to the one field of many that is guilty.
#include <mayfly/detail/require_detached.hpp>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct item {
  double weights[3];
  std::variant<int, std::string_view> name;
};
struct answer {
  int status;
  std::vector<answer> parts;
  std::map<int, std::unique_ptr<item>> items;
};

int main() { mayfly::detail::require_detached<mayfly::escape_rule::handler_result, std::optional<answer>>(); }
