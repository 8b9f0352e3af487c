#pragma once

#include <mayfly/plugin.hpp>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::programs {

/// A plugin that is no use. what() says which file, why, and what would help.
class plugin_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A shared object with handlers, loaded until this goes: keep it until no handler of it runs, and none of what they
/// made lives.
class plugin_file {
 public:
  /// Throws plugin_error.
  explicit plugin_file(std::string const& path);
  plugin_file(plugin_file&&) noexcept;
  plugin_file& operator=(plugin_file&&) = delete;
  ~plugin_file();

  [[nodiscard]] std::string const& path() const noexcept;
  [[nodiscard]] plugin const& handlers() const noexcept;

 private:
  struct loaded;
  std::unique_ptr<loaded> loaded_;
};

/// All plugins of a run, each name once. To be kept as long as a plugin_file.
class plugin_set {
 public:
  /// Loads them in this order. Throws plugin_error for one that is no use, and for a handler whose name is taken: by
  /// another, or by the program (`taken`).
  explicit plugin_set(std::span<std::string const> paths, std::span<std::string_view const> taken = {});

  /// Of all files, in the order in which they were registered. They lie still.
  [[nodiscard]] std::vector<plugin::named_handler const*> const& handlers() const noexcept { return handlers_; }
  [[nodiscard]] std::vector<std::string> names() const;
  /// Null: there is none of that name.
  [[nodiscard]] plugin::named_handler const* find(std::string_view name) const noexcept;

 private:
  void add(plugin_file const& file, std::span<std::string_view const> taken);

  std::vector<plugin_file> files_;
  std::vector<plugin::named_handler const*> handlers_;
  std::vector<plugin_file const*> brought_by_;  // for each of handlers_
};

}  // namespace mayfly::programs
