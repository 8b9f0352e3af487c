#include "command_line.hpp"

#include <mayfly/service/run_command.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <deque>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace mayfly::service {

namespace {

constexpr char const* run_footer = R"(Examples:
  # RFC 8785 canonical form of every line of a file
  mayfly run --handler canonicalize --in requests.ndjson --out answers.ndjson

  # from a pipe to a pipe: two values of each request, as [name, id]
  zcat log.gz | mayfly run --handler extract --pointer /user/name --pointer /id | sort | uniq -c

  # one patch for every file of a folder
  mayfly run --handler merge-patch --patch patch.json --in documents/ --out patched.ndjson

  # a handler of your own (docs/plugins.md)
  mayfly run --plugin ./wordcount.so --handler wordcount --in requests.ndjson

  # what arenas are worth: run the same on the global heap, 50 times over
  mayfly run --handler canonicalize --in requests.ndjson --out /dev/null --repeat 50 --memory arena
  mayfly run --handler canonicalize --in requests.ndjson --out /dev/null --repeat 50 --memory heap

  # everything a flag can say, from a file (handler = "extract", pointer = ["/id"], depth = 64, ...)
  mayfly run --config run.toml

A request that cannot be answered gets {"request":17,"error":"...","at":42} in its place, and the run goes on.

Exit status: 0  every request was answered
             3  some requests have an error for an answer
             2  the command line makes no sense, or input or output failed
           130  ended by Ctrl-C or SIGTERM; what had been read was answered)";

constexpr char const* main_footer = R"(mayfly run --help shows everything a run can be told, with examples.)";

/// One flag as it was said.
struct said_setting {
  setting const* known;
  std::vector<std::string> values;
  bool flag = false;
  CLI::Option* option = nullptr;
};

/// Flags are strings to CLI11: what they mean is decided where the configuration file's values are, too.
void add_settings(CLI::App& run, std::deque<said_setting>& all) {
  for (auto const& known : settings()) {
    auto& said = all.emplace_back(said_setting{&known, {}, false, nullptr});
    std::string const name = "--" + std::string(known.name);
    std::string const help(known.help);
    if (known.takes == setting::shape::flag) {
      said.option = run.add_flag(name, said.flag, help);
    } else {
      said.option = run.add_option(name, said.values, help)->type_name(std::string(known.value_name))->type_size(1);
      if (known.takes == setting::shape::list) {
        // Any number of times, one value each time: CLI11 heeds allow_extra_args only below its own idea of "any".
        said.option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
        said.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      } else {
        said.option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
      }
    }
    said.option->group(std::string(known.group));
  }
}

/// The arguments from the last to the first, as CLI11 wants them. To it --name= has no value and takes the argument
/// behind it for one; here that is the empty value, and --pointer= the whole request.
std::vector<std::string> arguments_reversed(std::span<char const* const> arguments) {
  std::vector<std::string> all;
  for (std::string const argument : arguments) {
    bool const empty_value =
        argument.starts_with("--") && argument.size() > 3 && argument.find('=') + 1 == argument.size();
    all.push_back(empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (empty_value) all.emplace_back();
  }
  std::reverse(all.begin(), all.end());
  return all;
}

run_options options_said(std::deque<said_setting> const& all, std::string const& config) {
  run_options options;
  std::vector<std::string> names;
  for (auto const& said : all) {
    if (said.option->count() == 0) continue;
    names.emplace_back(said.known->name);
    auto const values = said.known->takes == setting::shape::flag ? std::vector<std::string>{""} : said.values;
    for (auto const& value : values) {
      auto const wrong = said.known->apply(options, value);
      if (wrong) throw usage_error("--" + names.back() + ": '" + value + "' " + *wrong);
    }
  }
  if (!config.empty()) apply_config(options, config, names);
  check(options);
  return options;
}

}  // namespace

parsed_command_line parse_command_line(int argc, char const* const* argv) {
  CLI::App app{"mayfly runs requests on a pool of threads and gives every one of them an arena of its own.", "mayfly"};
  app.set_version_flag("--version", "mayfly " MAYFLY_VERSION);
  app.require_subcommand(1);
  app.footer(main_footer);
  auto* const run = app.add_subcommand("run", "Answer every request of a file, a folder or a stream.");
  run->footer(run_footer);
  std::deque<said_setting> said;
  add_settings(*run, said);
  std::string config;
  run->add_option("--config", config, "a TOML file that says what is not said by flags; keys are the flags' names")
      ->type_name("FILE")
      ->group("Input and output");

  int const trouble = static_cast<int>(exit_code::trouble);
  try {
    app.parse(arguments_reversed({argv + 1, static_cast<std::size_t>(std::max(argc, 1) - 1)}));
    return {options_said(said, config), 0};
  } catch (CLI::ParseError const& end) {
    return {std::nullopt, app.exit(end) == 0 ? 0 : trouble};
  } catch (usage_error const& wrong) {
    std::cerr << "mayfly: " << wrong.what() << "\nmayfly run --help shows what can be said.\n";
    return {std::nullopt, trouble};
  }
}

}  // namespace mayfly::service
