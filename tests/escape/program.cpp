#include "program.hpp"

#include "harness.hpp"

#include <algorithm>
#include <cstring>

#include <unistd.h>

namespace escape {

namespace {

/// What is chosen once, before the program begins.
layer judged = layer::egress;

}  // namespace

std::vector<program>& programs() {
  static std::vector<program> all;
  return all;
}

registration::registration(char const* file, void (*run)()) {
  std::string_view name{file};
  programs().push_back({name.substr(0, name.rfind('.')), run});
}

void choose(layer chosen) { judged = chosen; }

void say(std::string_view line) {
  char text[256];
  std::size_t const length = std::min(line.size(), sizeof text - 1);
  std::memcpy(text, line.data(), length);
  text[length] = '\n';
  if (::write(STDERR_FILENO, text, length + 1) < 0) ::_exit(exit_broken);
}

mayfly::executor_options options() {
  mayfly::executor_options chosen;
  chosen.workers = 1;
  if (judged != layer::egress) chosen.egress = mayfly::egress_action::log;
  if (judged == layer::audit) chosen.audit.one_in = 1;
  if (judged == layer::guard || judged == layer::asan) chosen.guard.one_in = 1;
  return chosen;
}

void next_request(mayfly::executor& pool) {
  auto const done = pool.run({.route = "next"}, [](mayfly::request_context&) {});
  require(done.has_value(), "the next request runs");
}

void about_to_touch() {
  say(marker_touch);
  if (judged != layer::guard && judged != layer::asan) ::_exit(0);
}

void touch(void const* memory, std::size_t bytes) {
  about_to_touch();
  auto const* const first = static_cast<unsigned char const volatile*>(memory);
  unsigned sum = 0;
  for (std::size_t i = 0; i < bytes; ++i) sum += first[i];
  static_cast<void>(sum);
}

void require(bool holds, char const* what) {
  if (holds) return;
  say(marker_failed);
  say(what);
  ::_exit(exit_broken);
}

}  // namespace escape
