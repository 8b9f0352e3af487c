#pragma once

#include <mayfly/executor_options.hpp>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mayfly {

/// The words of memory_return and of huge_page_use, in their order.
inline constexpr std::array<std::string_view, 2> memory_return_names{"dontneed", "free"};
inline constexpr std::array<std::string_view, 4> huge_page_use_names{"system", "off", "advise", "always"};

/// A setting of an executor's memory as it stands in a configuration file and behind flags of the programs.
struct memory_setting {
  std::string_view name;
  std::string_view value_name;
  std::string_view help;
  /// Puts it into the options; the answer is what is wrong with the value, nothing when it is fine.
  std::optional<std::string> (*apply)(executor_options& to, std::string_view value);
};

/// All of them, in the order in which they must be applied: "first-page" names one of "page-sizes".
[[nodiscard]] std::span<memory_setting const> memory_settings() noexcept;

}  // namespace mayfly
