// Runs one program of the corpus under each layer of this build, each time in a process of its own, and compares what
// was reported with what is expected:
//
//     escape_driver RESULTS_FOLDER PROGRAM legal LAYER...
//     escape_driver RESULTS_FOLDER PROGRAM illegal LAYER=CELL...
//
// A cell is what the table in docs/escape.md shows: the first rule that the layer reported (before the first access
// for egress, tripwire and audit, by the access for guard), AddressSanitizer's word for the access, "-" for nothing,
// "n/a" where there was no access; "?" expects anything.
// RESULTS_FOLDER/PROGRAM.json gets what was seen. Exits with 1 where that is not what was expected.

#include "harness.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
// Symbols take a second a report and nobody reads them here. Leaks are what illegal programs leave.
extern "C" char const* __asan_default_options();  // NOLINT(bugprone-reserved-identifier)
extern "C" char const* __asan_default_options() { return "symbolize=0:detect_leaks=0:handle_abort=0"; }  // NOLINT
#endif

namespace escape {
namespace {

constexpr std::array<std::pair<std::string_view, layer>, 5> layers{{
    {"egress", layer::egress},
    {"tripwire", layer::tripwire},
    {"audit", layer::audit},
    {"guard", layer::guard},
    {"asan", layer::asan},
}};

/// The cell of a program that this layer catches or not, as threads happen to run.
constexpr std::string_view varies = "?";

/// What one run left behind.
struct trace {
  std::string before;  ///< what was written before the first access
  std::string after;
  bool touched = false;
  int status = 0;
};

[[noreturn]] void run_here(program const& chosen, layer judged) {
  rlimit const none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::alarm(100);
  choose(judged);
  try {
    chosen.run();
    say(marker_end);
  } catch (std::exception const& error) {
    say(marker_threw);
    say(typeid(error).name());
  }
  ::_exit(0);  // without destructors of globals, which may well hold what is gone
}

trace run_apart(program const& chosen, layer judged) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) std::abort();
  std::cout.flush();  // ThreadSanitizer's _exit() writes what is left in the child's copy
  pid_t const child = ::fork();
  if (child < 0) std::abort();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    run_here(chosen, judged);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  trace seen;
  ::waitpid(child, &seen.status, 0);
  auto const at = text.find(marker_touch);
  seen.touched = at != std::string::npos;
  seen.before = text.substr(0, at);
  if (seen.touched) seen.after = text.substr(at + marker_touch.size());
  return seen;
}

/// The word behind the first `start` in the text; empty where there is none.
std::string word_behind(std::string const& text, std::string_view start) {
  auto const at = text.find(start);
  if (at == std::string::npos) return {};
  auto const first = at + start.size();
  return text.substr(first, text.find_first_of(" :\n", first) - first);
}

/// The first rule of one layer, such as "MF-E12" of "MF-E1".
std::string rule_of(std::string const& text, std::string_view family) {
  std::string const digit = word_behind(text, family);
  return digit.empty() ? "-" : std::string{family} + digit;
}

bool ended_well(trace const& seen) { return WIFEXITED(seen.status) && WEXITSTATUS(seen.status) == 0; }

/// What stands in the table for this run.
std::string cell_of(layer judged, trace const& seen) {
  if (seen.before.find(marker_failed) != std::string::npos) return "failed";
  bool const by_access = judged == layer::guard || judged == layer::asan;
  if (!by_access) {
    if (!ended_well(seen)) return "died";
    return rule_of(seen.before, judged == layer::egress ? "MF-E1" : judged == layer::tripwire ? "MF-E2" : "MF-E4");
  }
  std::string const cell = judged == layer::guard ? rule_of(seen.before + seen.after, "MF-E3")
                                                  : word_behind(seen.after, "ERROR: AddressSanitizer: ");
  if (!seen.touched && (cell.empty() || cell == "-")) return ended_well(seen) ? "n/a" : "died";
  if (cell.empty() || cell == "-") return ended_well(seen) ? "-" : "died";
  return cell;
}

/// A legal program says nothing, ends by itself, and has found its own result right.
std::string legal_cell_of(trace const& seen) {
  return ended_well(seen) && !seen.touched && seen.before == std::string{marker_end} + "\n" ? "silent" : "noisy";
}

struct expectation {
  std::string_view layer_name;
  layer judged;
  std::string_view cell;
};

expectation parse(std::string_view argument, bool legal) {
  auto const equals = argument.find('=');
  std::string_view const name = argument.substr(0, equals);
  for (auto const& [known, judged] : layers) {
    if (known == name && legal == (equals == std::string_view::npos)) {
      return {name, judged, legal ? "silent" : argument.substr(equals + 1)};
    }
  }
  std::cerr << "escape_driver: " << argument << " is no layer" << (legal ? "" : "=cell") << "\n";
  std::exit(2);
}

int judge(program const& chosen, bool legal, std::vector<expectation> const& expected, std::string const& results) {
  int status = 0;
  std::string cells;
  for (expectation const& each : expected) {
    trace const seen = run_apart(chosen, each.judged);
    std::string const cell = legal ? legal_cell_of(seen) : cell_of(each.judged, seen);
    cells += (cells.empty() ? "" : ", ") + ('"' + std::string{each.layer_name} + "\": \"") + cell + '"';
    std::cout << each.layer_name << ": " << cell << "\n";
    bool const any = each.cell == varies && cell != "died" && cell != "failed";
    if (any || cell == each.cell) continue;
    status = 1;
    std::cout << chosen.name << ": " << each.layer_name << " was to give " << each.cell << " and gave " << cell
              << "\n--- before the first access\n"
              << seen.before << "--- after it\n"
              << seen.after << "--- wait status " << seen.status << "\n";
  }
  std::filesystem::create_directories(results);
  std::ofstream{results + "/" + std::string{chosen.name} + ".json"} << "{\"program\": \"" << chosen.name << "\", "
                                                                    << cells << "}\n";
  return status;
}

}  // namespace
}  // namespace escape

int main(int argc, char** argv) {
  using namespace escape;
  std::vector<std::string_view> const arguments(argv + 1, argv + argc);
  if (arguments.size() < 4 || (arguments[2] != "legal" && arguments[2] != "illegal")) {
    std::cerr << "usage: escape_driver RESULTS_FOLDER PROGRAM legal LAYER...\n"
                 "       escape_driver RESULTS_FOLDER PROGRAM illegal LAYER=CELL...\n";
    return 2;
  }
  bool const legal = arguments[2] == "legal";
  std::vector<expectation> expected;
  for (std::size_t i = 3; i < arguments.size(); ++i) expected.push_back(parse(arguments[i], legal));
  for (program const& each : programs()) {
    if (each.name == arguments[1]) return judge(each, legal, expected, std::string{arguments[0]});
  }
  std::cerr << "escape_driver: there is no program " << arguments[1] << "\n";
  return 2;
}
