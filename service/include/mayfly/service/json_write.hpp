#pragma once

#include <mayfly/service/answer_buffer.hpp>

#include <boost/json/value.hpp>

#include <memory_resource>
#include <string_view>

namespace mayfly::service {

/// Writes a tree made by parse() without white space: members in the order read, numbers as they were written,
/// strings with the fewest escapes (as RFC 8785 writes them).
/// Throws what the answer's memory throws. Stack: bounded by the depth of the tree.
void write_as_read(boost::json::value const& tree, answer_buffer& to);

/// Writes a tree parsed with number_mode::as_double in the form of RFC 8785, the JSON Canonicalization Scheme:
/// members sorted by the UTF-16 code units of their names, numbers as ECMAScript prints doubles, the fewest escapes.
/// `scratch` holds the sorting tables: they are reused through the tree, not freed one by one.
void write_canonical(boost::json::value const& tree, answer_buffer& to, std::pmr::memory_resource* scratch);

/// Writes a string with its quotes and the escapes of RFC 8785 section 3.2.2.2.
void write_string(std::string_view text, answer_buffer& to);

}  // namespace mayfly::service
