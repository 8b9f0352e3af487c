#include <mayfly/programs/text_table.hpp>

namespace mayfly::programs {

void text_table::row(std::string_view name, std::string_view text) {
  text_.append("  ").append(name);
  if (name.size() < name_columns_) text_.append(name_columns_ - name.size(), ' ');
  text_.append(text) += '\n';
}

void text_table::row(std::string_view name, std::vector<std::string> const& parts) {
  constexpr std::size_t most = 96;
  std::string line;
  for (auto const& part : parts) {
    if (!line.empty() && line.size() + part.size() + 2 > most) {
      row(name, line + ",");
      name = "";
      line.clear();
    }
    line += (line.empty() ? "" : ", ") + part;
  }
  row(name, line.empty() ? "none" : line);
}

}  // namespace mayfly::programs
