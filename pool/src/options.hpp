#pragma once

#include <mayfly/executor_options.hpp>

namespace mayfly::detail {

/// `asked` with every 0 that means "choose" replaced by the choice. Throws std::invalid_argument for nonsense, naming
/// the option, its value and what is allowed.
[[nodiscard]] executor_options resolve(executor_options const& asked);

}  // namespace mayfly::detail
