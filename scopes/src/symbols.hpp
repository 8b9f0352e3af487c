#pragma once

#include "loaded_objects.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::detail {

/// A variable as its object file names it.
struct variable_name {
  std::array<char, 192> text{};  ///< demangled; cut where it is longer
  std::uint64_t value = 0;       ///< where it starts, from the object's base (a thread-local: in the thread's block)
  std::size_t bytes = 0;

  [[nodiscard]] std::string_view name() const noexcept { return text.data(); }
};

enum class variable_kind : std::uint8_t { global, thread_local_variable };

/// Which variable of `object` lies at `value`, from its symbol tables; false where they are stripped, name nothing
/// there, or the file is not the one that was loaded. Reads the file; may allocate to demangle.
[[nodiscard]] bool find_variable(loaded_object const& object, std::uint64_t value, variable_kind kind,
                                 variable_name& into) noexcept;

/// The last part of the object's path; the program's own name for the program.
std::size_t write_object_name(loaded_object const& object, std::array<char, 64>& into) noexcept;

}  // namespace mayfly::detail
