#include "command_line.hpp"

#include "replay_line.hpp"
#include "tune_line.hpp"
#include <mayfly/stress/stress_command.hpp>

#include <CLI/CLI.hpp>

#include <deque>
#include <iostream>
#include <string>
#include <vector>

namespace mayfly::stress {

namespace {

constexpr char const* stress_footer = R"(Examples:
  # a minute of everything, and the same choices each time
  mayfly-stress stress --seed 7 --duration 60s --mix default --faults pages,cancel,throw,slow,epochs,budget

  # exactly these 100000 requests; two runs print the same digest of their choices
  mayfly-stress stress --seed 7 --requests 100000

  # only held scopes and nested work, no faults, on 8 threads
  mayfly-stress stress --mix held=1,parallel=2,tasks=1 --faults none --workers 8

  # pages that go back to the system all the time, under a budget that moves
  mayfly-stress stress --faults epochs,budget --page-budget 16MiB --mix small=10,large=2,oversize=1

  # handlers of your own beside ours, refused memory now and then
  mayfly-stress stress --plugin ./libmine.so --mix plugin=10,small=5 --faults pages --duration 5m

What is checked, all the time: each accepted request ends exactly once, the way its choices allow; every byte that a
request wrote, in each of its lanes, is its own when it is read back at the end; each page has one owner; the id of an
ended request is refused for ever; in the end every page is home and no scope lives.

A violation prints the seed, the request's number, what was expected and seen, and the one command that repeats it.
The same seed makes the same choices; which thread is when where, no seed can say: repeat more than once.

Exit status: 0  clean
             1  violations
             2  the command line makes no sense, or the report could not be written
             4  the watchdog ended it: nothing got done for --watchdog
           130  ended by Ctrl-C or SIGTERM; clean as far as it went)";

constexpr char const* record_footer = R"(Examples:
  # the memory of 100000 small and large requests, for replay
  mayfly-stress record mix.mft --requests 100000 --mix small=10,large=1
  mayfly-stress replay mix.mft --simulate

It is mayfly-stress stress with a recorder, and without faults unless --faults asks for some: all that is checked there
is checked here. mayfly run --record FILE records real requests.)";

constexpr char const* main_footer =
    R"(mayfly-stress COMMAND --help shows everything a command can be told, with examples.)";

/// One flag as it was said.
struct said_setting {
  setting const* known;
  std::vector<std::string> values;
  bool flag = false;
  CLI::Option* option = nullptr;
};

/// Flags are strings to CLI11: what they mean is said in one place, stress_options.cpp.
void add_settings(CLI::App& command, std::deque<said_setting>& all) {
  for (auto const& known : settings()) {
    auto& said = all.emplace_back(said_setting{&known, {}, false, nullptr});
    std::string const name = "--" + std::string(known.name);
    std::string const help(known.help);
    if (known.takes == setting::shape::flag) {
      said.option = command.add_flag(name, said.flag, help);
    } else {
      said.option = command.add_option(name, said.values, help)->type_name(std::string(known.value_name))->type_size(1);
      if (known.takes == setting::shape::list) {
        said.option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
        said.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      } else {
        said.option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
      }
    }
    said.option->group(std::string(known.group));
  }
}

/// `options`: what holds where nothing is said.
stress_options options_said(std::deque<said_setting> const& all, stress_options options) {
  for (auto const& said : all) {
    if (said.option->count() == 0) continue;
    auto const values = said.known->takes == setting::shape::flag ? std::vector<std::string>{""} : said.values;
    for (auto const& value : values) {
      auto const wrong = said.known->apply(options, value);
      if (wrong) throw usage_error("--" + std::string(said.known->name) + ": '" + value + "' " + *wrong);
    }
  }
  complete(options);
  return options;
}

}  // namespace

parsed_command_line parse_command_line(int argc, char const* const* argv) {
  CLI::App app{"mayfly-stress looks for what breaks when requests run at the same time, and at what memory they take.",
               "mayfly-stress"};
  app.set_version_flag("--version", "mayfly-stress " MAYFLY_VERSION);
  app.require_subcommand(1);
  app.footer(main_footer);
  auto* const stress = app.add_subcommand("stress", "Run a seeded mix of requests with faults, and check every one.");
  stress->footer(stress_footer);
  std::deque<said_setting> said;
  add_settings(*stress, said);
  auto* const record = app.add_subcommand("record", "Run such a mix and write a trace of every allocation.");
  record->footer(record_footer);
  std::string trace;
  record->add_option("trace", trace, "where the trace goes")->required()->type_name("FILE");
  std::deque<said_setting> said_of_record;
  add_settings(*record, said_of_record);
  replay_options replayed;
  auto* const replay = add_replay(app, replayed);
  tune_options tuned;
  auto* const tune = add_tune(app, tuned);

  int const trouble = static_cast<int>(exit_code::trouble);
  try {
    app.parse(argc, argv);
    if (replay->parsed()) return {.replay = replayed};
    if (tune->parsed()) return {.tune = tuned};
    if (stress->parsed()) return {.stress = options_said(said, {})};
    stress_options without_faults;
    without_faults.faults = "none";
    without_faults.record = trace;
    return {.stress = options_said(said_of_record, without_faults)};
  } catch (CLI::ParseError const& end) {
    return {.exit = app.exit(end) == 0 ? 0 : trouble};
  } catch (usage_error const& wrong) {
    std::cerr << "mayfly-stress: " << wrong.what() << "\nmayfly-stress stress --help shows what can be said.\n";
    return {.exit = trouble};
  }
}

}  // namespace mayfly::stress
