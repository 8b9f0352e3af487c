#pragma once

#include <mayfly/executor.hpp>

#include <cstddef>
#include <string_view>

/// What a program of the corpus is written with. One pattern a file; the comment on top of the file says what every
/// layer makes of it, and the tests hold it to that. A program is run by driver.cpp in a process of its own.
namespace escape {

/// Makes a program known to the driver under its file's name.
class registration {
 public:
  registration(char const* file, void (*run)());
};

/// Options for an executor under the layer that is judged. One worker, so that a request that comes next begins when
/// the one before has closed.
[[nodiscard]] mayfly::executor_options options();

/// Returns when the requests submitted so far have closed.
void next_request(mayfly::executor& pool);

/// To be called right before memory of a closed scope is read, written or freed. Layers that speak before any access
/// are judged by what was reported until here, and the program ends here. Under guard mode and AddressSanitizer it goes
/// on, and must not get far.
void about_to_touch();

/// about_to_touch(), and then reads every byte.
void touch(void const* memory, std::size_t bytes);
inline void touch(std::string_view text) { touch(text.data(), text.size()); }

/// Ends the program as failed, saying so, unless `holds`.
void require(bool holds, char const* what);

/// Longer than any small buffer.
inline constexpr std::string_view long_text = "a text that is too long for the small buffer of any string";

}  // namespace escape

/// ESCAPE_PROGRAM { ... }  once in a file, inside a namespace named after it.
#define ESCAPE_PROGRAM                                                                   \
  static void escape_program();                                                          \
  static ::escape::registration const escape_registered{__FILE_NAME__, &escape_program}; \
  static void escape_program()
