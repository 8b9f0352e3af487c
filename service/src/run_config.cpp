#include <mayfly/service/run_options.hpp>

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

namespace mayfly::service {

namespace {

std::string place(std::string const& path, toml::source_region const& region) {
  return path + ":" + std::to_string(region.begin.line);
}

/// How much of one name must change to become the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string unknown_key(std::string_view key) {
  std::string message = "unknown key '" + std::string(key) + "'";
  auto const all = settings();
  auto const nearest = std::min_element(all.begin(), all.end(), [&](setting const& a, setting const& b) {
    return distance(a.name, key) < distance(b.name, key);
  });
  if (distance(nearest->name, key) <= 3) return message + "; did you mean '" + std::string(nearest->name) + "'?";
  message += "; known are";
  for (auto const& known : all) message += " " + std::string(known.name);
  return message;
}

/// The value as it would stand behind the flag; nothing where it is of the wrong type.
std::optional<std::string> as_flag_text(toml::node const& node) {
  if (auto const text = node.value_exact<std::string>()) return text;
  if (auto const number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  return std::nullopt;
}

std::vector<std::string> values_of(setting const& known, toml::node const& node, std::string const& where) {
  std::string const key = "'" + std::string(known.name) + "' ";
  if (known.takes == setting::shape::flag) {
    auto const said = node.value_exact<bool>();
    if (!said) throw usage_error(where + key + "must be true or false");
    return *said ? std::vector<std::string>{""} : std::vector<std::string>{};
  }
  auto const* list = node.as_array();
  if (list == nullptr || known.takes != setting::shape::list) {
    auto const text = as_flag_text(node);
    if (!text) throw usage_error(where + key + "must be a string or a number");
    return {*text};
  }
  std::vector<std::string> values;
  for (auto const& element : *list) {
    auto const text = as_flag_text(element);
    if (!text) throw usage_error(where + key + "must be an array of strings");
    values.push_back(*text);
  }
  return values;
}

toml::table parse_file(std::string const& path) {
  try {
    return toml::parse_file(path);
  } catch (toml::parse_error const& error) {
    throw usage_error(place(path, error.source()) + ": " + std::string(error.description()));
  }
}

}  // namespace

void apply_config(run_options& to, std::string const& path, std::span<std::string const> said_already) {
  to.config = path;
  toml::table const table = parse_file(path);
  for (auto&& [key, node] : table) {
    if (setting_named(key.str()) == nullptr)
      throw usage_error(place(path, key.source()) + ": " + unknown_key(key.str()));
  }
  // In the order of the settings, whatever the file's: a first page is one of the page sizes.
  for (setting const& known : settings()) {
    toml::node const* const node = table.get(known.name);
    if (node == nullptr) continue;
    std::string const line = place(path, node->source());
    bool const overruled = std::find(said_already.begin(), said_already.end(), known.name) != said_already.end();
    run_options unused;
    for (auto const& value : values_of(known, *node, line + ": ")) {
      auto const wrong = known.apply(overruled ? unused : to, value);
      if (wrong) throw usage_error(line + ": '" + std::string(known.name) + "': '" + value + "' " + *wrong);
    }
    if (!overruled) to.said_by_config.emplace(known.name, line);
  }
}

}  // namespace mayfly::service
