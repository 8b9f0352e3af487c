#include <mayfly/service/json_pointer.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <charconv>
#include <optional>

namespace mayfly::service {

namespace {

namespace json = boost::json;

std::optional<unsigned char> hex_byte(std::string_view two) {
  unsigned value = 0;
  auto const read = std::from_chars(two.data(), two.data() + two.size(), value, 16);
  if (two.size() != 2 || read.ptr != two.data() + two.size()) return std::nullopt;
  return static_cast<unsigned char>(value);
}

/// ABNF array-index: 0, or digits without a leading zero. "-" is an index too, of an element that does not exist.
std::optional<std::size_t> array_index(std::string_view token) {
  if (token.empty() || token.front() < '0' || token.front() > '9') return std::nullopt;
  if (token.size() > 1 && token.front() == '0') return std::nullopt;
  std::size_t index = 0;
  auto const read = std::from_chars(token.data(), token.data() + token.size(), index);
  if (read.ec != std::errc{} || read.ptr != token.data() + token.size()) return std::nullopt;
  return index;
}

json::value const* step_into(json::value const& value, std::string_view token) {
  if (auto const* object = value.if_object()) return object->if_contains({token.data(), token.size()});
  auto const* array = value.if_array();
  if (array == nullptr) return nullptr;
  auto const index = array_index(token);
  return index ? array->if_contains(*index) : nullptr;
}

}  // namespace

std::variant<json_pointer, json_pointer::syntax_error> json_pointer::parse(std::string_view text) {
  std::string decoded;
  bool const fragment = text.starts_with('#');
  if (fragment) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] != '%') {
        decoded.push_back(text[i]);
        continue;
      }
      auto const byte = hex_byte(text.substr(i + 1, 2));
      if (!byte) return syntax_error{"'%' must be followed by two hexadecimal digits", i};
      decoded.push_back(static_cast<char>(*byte));
      i += 2;
    }
  } else {
    decoded = text;
  }

  json_pointer pointer;
  if (decoded.empty()) return pointer;
  if (decoded.front() != '/') return syntax_error{"a pointer is empty or begins with '/'", fragment ? 1U : 0U};
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    if (decoded[i] == '/') {
      pointer.tokens_.emplace_back();
    } else if (decoded[i] != '~') {
      pointer.tokens_.back().push_back(decoded[i]);
    } else if (i + 1 < decoded.size() && (decoded[i + 1] == '0' || decoded[i + 1] == '1')) {
      pointer.tokens_.back().push_back(decoded[++i] == '0' ? '~' : '/');
    } else {
      return syntax_error{"'~' must be followed by 0 (for ~) or 1 (for /)", i};
    }
  }
  return pointer;
}

json::value const* json_pointer::find_in(json::value const& tree) const {
  json::value const* value = &tree;
  for (auto const& token : tokens_) {
    value = step_into(*value, token);
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace mayfly::service
