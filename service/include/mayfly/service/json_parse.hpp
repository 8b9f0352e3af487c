#pragma once

#include <mayfly/service/request_error.hpp>

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <memory_resource>
#include <optional>
#include <string_view>

namespace mayfly::service {

/// What becomes of a number in the tree.
enum class number_mode : unsigned char {
  /// Its text survives: integers that fit and print as they were read are stored as integers, every other number as
  /// a *verbatim string* (below). No number is converted, so none can change.
  as_written,
  /// Its value survives: an integer that fits in 64 bits is stored as one, every other number as the nearest double
  /// (IEEE 754, ties to even). A number beyond the largest double is an error.
  as_double,
};

/// What becomes of a name that appears twice in one object.
enum class repeated_names : unsigned char {
  /// The request is refused, and the error names the name and the place of its second appearance.
  refused,
  /// All of them survive, in the order read: see `pair_list_mark`.
  kept,
};

/// What the parser accepts, and how it keeps what it reads.
struct parse_options {
  std::size_t max_depth = 512;
  number_mode numbers = number_mode::as_written;
  repeated_names names = repeated_names::refused;
  /// Asked now and then (every few thousand values) while a request is parsed: true ends it with an error.
  bool (*interrupted)(void*) = nullptr;
  void* interrupted_context = nullptr;
};

/// The deepest nesting that can be asked for. The parser recurses, a few hundred bytes a level, and a worker's
/// stack is 4 MiB at least (pool/README.md).
inline constexpr std::size_t deepest_depth = 4096;

/// The first byte of a *verbatim string*: a string in the tree that holds the text of a JSON number. 0xFF is never a
/// byte of valid UTF-8 and the parser accepts nothing else, so no string of a request can be mistaken for one.
inline constexpr char verbatim_mark = '\xFF';

/// An array that begins with a string of only this byte stands for an object in which a name is repeated (a
/// boost::json::object cannot hold such a thing): name, value, name, value... follow it.
inline constexpr char pair_list_mark = '\xFE';

/// Where a parse stopped and how much was in it; what a caller needs to explain an exception thrown by the storage.
struct parse_progress {
  std::size_t reached = 0;  ///< offset of the last name, string or number that was taken in whole
};

/// Where a request's bytes come from: its arena, or the heap for comparison. Handlers use nothing else.
struct request_memory {
  boost::json::storage_ptr trees;
  std::pmr::memory_resource* bytes;
};

/// Parses one JSON text (RFC 8259) into a tree whose every byte comes from `memory`.
///
/// - Strict: no comments, no trailing commas, nothing after the value but white space, valid UTF-8 only, escaped
///   surrogates only in pairs. A UTF-8 byte order mark at the very start is skipped.
/// - On an error the result is empty and `error` says what is wrong and at which byte.
/// - Throws what `memory` throws (std::bad_alloc); `progress` then tells how far it was.
/// - Stack: bounded by options.max_depth. Calls no allocator but `memory`.
[[nodiscard]] std::optional<boost::json::value> parse(std::string_view text, request_memory const& memory,
                                                      parse_options const& options, request_error& error,
                                                      parse_progress& progress);

/// Whether parse() would take the text, with repeated names kept and numbers as they are written; the same errors.
/// Allocates nothing.
[[nodiscard]] bool check_json(std::string_view text, parse_options const& options, request_error& error,
                              parse_progress& progress);

}  // namespace mayfly::service
