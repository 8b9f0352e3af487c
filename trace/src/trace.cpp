#include "trace_parser.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace mayfly::trace {

trace trace::from_bytes(std::vector<std::byte> content, std::string_view name) {
  trace made;
  made.content_ = std::move(content);
  trace_parser{made, name}.parse();
  return made;
}

trace trace::read(std::string const& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  auto const bytes = in ? static_cast<std::streamoff>(in.tellg()) : -1;
  std::vector<std::byte> content(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  if (!in) throw trace_error(path + ": cannot be read: " + std::strerror(errno));
  return from_bytes(std::move(content), path);
}

}  // namespace mayfly::trace
