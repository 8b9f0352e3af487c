#pragma once

#include <mayfly/service/engine.hpp>
#include <mayfly/service/handlers.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::service {

/// When the progress line is shown.
enum class progress_choice : unsigned char { automatic, always, never };

/// Everything `mayfly run` can be told, by flags or by a configuration file.
struct run_options {
  std::string handler;               ///< one of ours, or of a plugin's
  std::vector<std::string> plugins;  ///< files
  std::string in = "-";
  std::string out = "-";
  std::string patch;
  std::vector<std::string> pointers;

  std::size_t workers = 0;
  std::size_t window = 256;
  std::string record;  ///< where a trace goes; empty: none is made
  memory_kind memory = memory_kind::arena;

  std::size_t depth = 512;
  std::size_t max_request_bytes = std::size_t{16} << 20U;
  std::size_t request_bytes = std::size_t{256} << 20U;
  bool advise = false;
  bool stats = false;
  executor_options of_memory;  ///< what memory_settings.hpp names
  std::optional<std::chrono::nanoseconds> deadline;

  std::size_t guard_one_in = 0;
  std::size_t audit_one_in = 0;
  std::size_t repeat = 1;
  bool json = false;
  bool quiet = false;
  progress_choice progress = progress_choice::automatic;

  std::string config;  ///< the file that said some of it; empty: none did
  /// The settings that it did say, and the line: "run.toml:3".
  std::map<std::string, std::string, std::less<>> said_by_config;
};

/// Something said to us that makes no sense. what() says what, where, and what would.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One thing that can be said, with the same name on the command line (--name) and in the configuration file (name).
struct setting {
  enum class shape : unsigned char {
    text,  ///< takes a value
    list,  ///< takes a value, and may be said again
    flag,  ///< said or not
  };
  std::string_view name;
  shape takes;
  std::string_view value_name;
  std::string_view group;
  std::string_view help;
  /// Puts it into the options; the answer is what is wrong with the value, nothing when it is fine.
  std::optional<std::string> (*apply)(run_options& to, std::string const& value);
};

[[nodiscard]] std::span<setting const> settings();
[[nodiscard]] setting const* setting_named(std::string_view name);

/// Applies a TOML file: keys are the flags' names, without the dashes. Names in `said_already` are checked and left
/// alone, because flags go before the file. Throws usage_error naming the key and its line.
void apply_config(run_options& to, std::string const& path, std::span<std::string const> said_already);

/// Where a setting was said, for complaints: "--patch", or "'patch' (run.toml:3)".
[[nodiscard]] std::string said(run_options const& options, std::string_view name);

/// The complaint where --json and the answers go to one place.
[[nodiscard]] std::string json_needs_a_file(run_options const& options);

/// The complaint about a handler that is not there, or not said. `of_plugins` are the names that plugins bring.
[[nodiscard]] std::string unknown_handler(run_options const& options, std::vector<std::string> const& of_plugins);

/// What does not go together, as far as it can be said before plugins are loaded. Throws usage_error.
void check(run_options const& options);

}  // namespace mayfly::service
