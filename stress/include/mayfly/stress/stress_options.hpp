#pragma once

#include <mayfly/stress/choices.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::stress {

/// What is done at the interleaving points of lock-free steps.
enum class perturbation_level : std::uint8_t { off, light, heavy };

/// When the progress line is shown.
enum class progress_choice : std::uint8_t { automatic, always, never };

/// Everything that `mayfly-stress stress` can be told.
struct stress_options {
  std::optional<std::uint64_t> seed;
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::uint64_t> requests;
  std::string mix = "default";
  std::string faults = "pages,cancel,throw,slow,epochs,budget";
  std::string record;  ///< where a trace goes; empty: none is made
  std::size_t workers = 4;
  std::size_t submitters = 2;
  std::size_t in_flight = 256;
  std::optional<std::size_t> page_budget;
  std::vector<std::string> plugins;
  std::optional<perturbation_level> perturb;
  std::chrono::nanoseconds watchdog = std::chrono::seconds{30};
  bool json = false;
  bool quiet = false;
  progress_choice progress = progress_choice::automatic;

  static constexpr std::size_t tight_page_budget = std::size_t{4} << 20U;  ///< what the fault `pages` takes
  [[nodiscard]] std::size_t page_budget_bytes() const;
};

/// Something said to us that makes no sense. what() says what, and what would.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One flag.
struct setting {
  enum class shape : std::uint8_t { text, list, flag };
  std::string_view name;
  shape takes;
  std::string_view value_name;
  std::string_view group;
  std::string_view help;
  /// Puts it into the options; the answer is what is wrong with the value, nothing when it is fine.
  std::optional<std::string> (*apply)(stress_options& to, std::string const& value);
};
[[nodiscard]] std::span<setting const> settings();

/// Throws usage_error for what only makes no sense together; chooses what was left open.
void complete(stress_options& options);

/// Whether this build has interleaving points.
[[nodiscard]] bool has_interleaving_points() noexcept;

/// The one command that makes the same choices again, for the first `requests` requests.
[[nodiscard]] std::string repeat_command(stress_options const& options, std::uint64_t requests);

}  // namespace mayfly::stress
