#pragma once

#include <mayfly/trace/tune.hpp>

#include <string>

namespace mayfly::stress {

/// "pages of 16 64 256 KiB, magazines of 8 4 2": what tells settings apart at a glance.
[[nodiscard]] std::string sizes_of(trace::replay_settings const& settings);

// SVG pictures, in the colours of tune_page()'s style.

/// Requests a second against resident memory, as measured.
[[nodiscard]] std::string measured_picture(trace::tuning_result const& found);
/// Cost against memory of all that was tried, by the model.
[[nodiscard]] std::string model_picture(trace::tuning_result const& found);
/// What of the memory that arenas took nobody was given, a bar for each setting.
[[nodiscard]] std::string waste_picture(trace::tuning_result const& found);

}  // namespace mayfly::stress
