#pragma once

#include <mayfly/service/handlers.hpp>

#include <boost/json/parse.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory_resource>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::service::test {

inline request_memory heap_memory() { return {boost::json::storage_ptr{}, std::pmr::new_delete_resource()}; }

struct reply {
  bool ok = false;
  std::string text;  // the answer, or the error's text
  std::size_t at = 0;
  failure kind = failure::none;
};

/// One request, answered on the heap by the calling thread: the reference everything else is compared with.
inline reply ask(std::string_view request, handler_settings const& settings) {
  request_memory const memory = heap_memory();
  answer_buffer answer(memory.bytes, request.size());
  request_error error;
  if (handle_request(request, memory, settings, {}, answer, error)) {
    std::string text = answer.str();
    text.pop_back();  // the line feed
    return {true, std::move(text), 0, failure::none};
  }
  return {false, std::string(error.text()), error.at(), error.kind()};
}

inline reply ask(std::string_view request, handler_kind kind) {
  handler_settings settings;
  settings.kind = kind;
  return ask(request, settings);
}

inline boost::json::value parse_patch(std::string_view text) {
  request_error error;
  parse_progress progress;
  auto tree = parse(text, heap_memory(), {}, error, progress);
  return tree ? *std::move(tree) : boost::json::value{};
}

/// The folder of real requests, where there is one: MAYFLY_TEST_DATA (scripts/test --help).
inline std::optional<std::filesystem::path> test_data() {
  char const* folder = std::getenv("MAYFLY_TEST_DATA");
  if (folder == nullptr || *folder == '\0') return std::nullopt;
  return std::filesystem::path(folder);
}

inline std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace mayfly::service::test
