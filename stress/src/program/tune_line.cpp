#include "tune_line.hpp"

#include "replay_line.hpp"
#include <mayfly/programs/quantities.hpp>

#include <map>
#include <string>

namespace mayfly::stress {

namespace {

constexpr char const* tune_footer = R"(Examples:
  # what a recorded run would be fastest with, within 256 MiB
  mayfly-stress tune run.mft --goal throughput --max-rss 256MiB --out mayfly.toml --report tune.html
  mayfly run --config mayfly.toml --handler canonicalize --in requests.ndjson --out /dev/null

  # the least memory, for at most a twentieth more time
  mayfly-stress tune run.mft --goal memory

Thousands of settings are tried in a model of the trace; the best four are then played for real, in turns with today's, and
the best of those again in fresh rounds, which decide by a sign test. Where nothing is better beyond the
noise and by --least-gain of what a request takes (or of the memory held), it says so.
Today's settings are those of the recording but for what is said of memory below. docs/tuning.md explains the figures.

Ctrl-C ends it with the best so far: of the model, and then it says that nobody has measured it, or of the rounds.

Exit status: 0  done
             2  the command line makes no sense, the trace cannot be read, or a file not be written
           130  ended by Ctrl-C or SIGTERM, with the best so far)";

}  // namespace

CLI::App* add_tune(CLI::App& to, tune_options& into) {
  auto* const tune = to.add_subcommand("tune", "Search for the settings of memory that suit a trace best.");
  tune->footer(tune_footer);
  tune->add_option("trace", into.trace, "the trace: what --record wrote")->required()->type_name("TRACE");
  std::map<std::string, trace::tuning_goal> const goals{{"throughput", trace::tuning_goal::throughput},
                                                        {"memory", trace::tuning_goal::memory}};
  tune->add_option("--goal", into.tuning.goal, "throughput (default), or memory")
      ->transform(CLI::CheckedTransformer(goals).description(""))
      ->type_name("GOAL");
  tune->add_option_function<std::string>(
          "--max-rss",
          [&into](std::string const& said) {
            auto const bytes = programs::parse_bytes(said);
            if (!bytes || *bytes == 0)
              throw CLI::ValidationError("--max-rss", "'" + said + "' is not a number of bytes, such as 256MiB");
            into.tuning.max_bytes = *bytes;
          },
          "what all pages and blocks may take (default: any)")
      ->type_name("SIZE");
  tune->add_option("--out", into.out, "where the recommended configuration goes")->type_name("FILE.toml");
  tune->add_option("--report", into.report, "where a page with tables and pictures goes")->type_name("FILE.html");
  tune->add_option("--points", into.tuning.points, "settings that are tried in the model, 8 to 100000 (default 2048)")
      ->check(CLI::Range(8, 100'000));
  tune->add_option("--rounds", into.tuning.rounds,
                   "rounds of measuring at most, and fresh ones for the best, 5 to 1000 (default 15)")
      ->check(CLI::Range(5, 1'000));
  tune->add_option_function<double>(
          "--least-gain", [&into](double percent) { into.tuning.least_gain = percent / 100; },
          "what must be gained for a change: of the time that a request takes, or of the memory held, 0 to 100 "
          "(default 2)")
      ->check(CLI::Range(0.0, 100.0))
      ->type_name("PERCENT");
  tune->add_option("--seed", into.tuning.seed, "what settings are drawn from (default 1)");
  tune->add_option("--threads", into.threads, "threads that share out the trace's, 1 to 1024 (default: as recorded)")
      ->check(CLI::Range(1, 1024));
  add_memory_settings(*tune, into.today);
  tune->add_flag("--quiet", into.quiet, "no progress line");
  return tune;
}

}  // namespace mayfly::stress
