#include <mayfly/detail/quantities.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/memory_settings.hpp>

#include <toml++/toml.h>

#include <algorithm>
#include <stdexcept>

namespace mayfly {
namespace {

[[noreturn]] void refuse(std::string const& path, toml::source_region const& where, std::string const& what) {
  throw std::invalid_argument(path + ":" + std::to_string(where.begin.line) + ": " + what);
}

/// The value as text; nothing where it is neither a string nor a number.
std::optional<std::string> text_of(toml::node const& node) {
  if (auto const text = node.value_exact<std::string>()) return text;
  if (auto const number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  return std::nullopt;
}

void refuse_unknown(std::string const& path, toml::table const& table) {
  for (auto const& [key, node] : table) {
    if (std::ranges::find(memory_settings(), key.str(), &memory_setting::name) != memory_settings().end()) continue;
    std::string known;
    for (memory_setting const& each : memory_settings()) known += " " + std::string(each.name);
    refuse(path, node.source(), "unknown key '" + std::string(key.str()) + "'; known are" + known);
  }
}

}  // namespace

executor_options executor_options::from_file(std::string const& path) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (toml::parse_error const& error) {
    refuse(path, error.source(), std::string(error.description()));
  }
  refuse_unknown(path, table);
  executor_options options;
  for (memory_setting const& each : memory_settings()) {
    toml::node const* const node = table.get(each.name);
    if (node == nullptr) continue;
    std::string const key = "'" + std::string(each.name) + "' ";
    auto const text = text_of(*node);
    if (!text) refuse(path, node->source(), key + "must be a string or a number");
    if (auto const wrong = each.apply(options, *text)) refuse(path, node->source(), key + *wrong);
  }
  return options;
}

}  // namespace mayfly
