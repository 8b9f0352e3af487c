#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mayfly::service {

/// A JSON Pointer (RFC 6901), parsed once and then looked up in any number of trees, from any number of threads.
class json_pointer {
 public:
  struct syntax_error {
    std::string text;
    std::size_t at;
  };

  /// Accepts the plain form ("/a~1b/0") and the URI fragment form of section 6 ("#/a~1b/0", percent-encoded).
  [[nodiscard]] static std::variant<json_pointer, syntax_error> parse(std::string_view text);

  /// The value pointed at, or null when there is none: a name the object does not have, an index past the end or not
  /// written as section 4 wants it ("01"), "-", or any step into a value that is neither object nor array.
  [[nodiscard]] boost::json::value const* find_in(boost::json::value const& tree) const;

 private:
  std::vector<std::string> tokens_;  // unescaped
};

}  // namespace mayfly::service
