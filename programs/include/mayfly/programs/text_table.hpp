#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mayfly::programs {

/// Lines for a person: a name, and what there is to say.
class text_table {
 public:
  /// Names take so many columns, behind two of margin.
  explicit text_table(std::size_t name_columns) : name_columns_{name_columns} {}

  void heading(std::string_view text) { text_.append(text) += '\n'; }
  void row(std::string_view name, std::string_view text);
  /// The parts with commas between them, or "none"; goes on in further lines, without a name, where it is long.
  void row(std::string_view name, std::vector<std::string> const& parts);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::size_t name_columns_;
  std::string text_;
};

}  // namespace mayfly::programs
