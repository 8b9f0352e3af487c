#pragma once

#include <mayfly/plugin.hpp>

#include <memory>
#include <stdexcept>
#include <string>

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

  [[nodiscard]] plugin const& handlers() const noexcept;

 private:
  struct loaded;
  std::unique_ptr<loaded> loaded_;
};

}  // namespace mayfly::programs
