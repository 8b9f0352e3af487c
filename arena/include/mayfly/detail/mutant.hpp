#pragma once

/// MAYFLY_MUTANT("name") is false: the code beside it is what runs.
///
/// Built with MAYFLY_MUTANTS (tests only), it is true where the environment variable MAYFLY_MUTANT has that name: a bug
/// planted on purpose, which a test must see. tests/mutants lists them, and which layer has to catch each.

#ifdef MAYFLY_MUTANTS

#include <cstdlib>
#include <string_view>

namespace mayfly::detail {

/// Read before main(): code that runs earlier has no mutants.
inline char const* const planted_mutant = std::getenv("MAYFLY_MUTANT");

[[nodiscard]] inline bool mutant_lives(std::string_view name) noexcept {
  return planted_mutant != nullptr && name == planted_mutant;
}

}  // namespace mayfly::detail

#define MAYFLY_MUTANT(name) (::mayfly::detail::mutant_lives(name))
#else
#define MAYFLY_MUTANT(name) false
#endif
