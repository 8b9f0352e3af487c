#include "replay_line.hpp"

#include <mayfly/memory_settings.hpp>
#include <mayfly/programs/quantities.hpp>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::stress {

namespace {

constexpr char const* replay_footer = R"(Examples:
  # what a recorded run takes, in a model: nothing is allocated
  mayfly run --handler canonicalize --in requests.ndjson --out /dev/null --record run.mft
  mayfly-stress replay run.mft --simulate

  # the same with other pages, and on 128 threads
  mayfly-stress replay run.mft --simulate --page-sizes 8KiB,32KiB,128KiB --threads 128

  # for real: as many threads as recorded, as fast as they can, each allocation written to
  mayfly-stress replay run.mft

What is not said is as it was when the trace was recorded. docs/tuning.md explains the figures.

Exit status: 0  played
             2  the command line makes no sense, or the trace cannot be read
           130  ended by Ctrl-C or SIGTERM; the figures are of what was played)";

std::vector<std::string> parts_of(std::string const& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

/// Three values with commas between them.
template <class Value, class Parse>
CLI::results_t::size_type read_three(std::string const& said,
                                     std::optional<std::array<Value, page_pool_options::classes>>& into,
                                     Parse const& parse, char const* otherwise) {
  auto const parts = parts_of(said);
  if (parts.size() != page_pool_options::classes) throw CLI::ValidationError("'" + said + "' " + otherwise);
  auto& values = into.emplace();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto const value = parse(parts[i]);
    if (!value) throw CLI::ValidationError("'" + said + "' " + otherwise);
    values[i] = static_cast<Value>(*value);
  }
  return parts.size();
}

void add_bytes(CLI::App& to, char const* name, std::optional<std::size_t>& into, char const* help) {
  to.add_option_function<std::string>(
        name,
        [&into, name](std::string const& said) {
          into = programs::parse_bytes(said);
          if (!into) throw CLI::ValidationError(name, "'" + said + "' is not a number of bytes, such as 64KiB or 1GiB");
        },
        help)
      ->type_name("SIZE")
      ->group("Memory");
}

/// One of the words, by which one it is.
template <class Enum, std::size_t Count>
void add_word(CLI::App& to, char const* name, std::array<std::string_view, Count> const& words,
              std::optional<Enum>& into, char const* help) {
  to.add_option_function<std::string>(
        name,
        [&into, &words](std::string const& said) {
          into = static_cast<Enum>(std::ranges::find(words, said) - words.begin());
        },
        help)
      ->check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())))
      ->group("Memory");
}

}  // namespace

void add_memory_settings(CLI::App& to, memory_settings& into) {
  to.add_option_function<std::string>(
        "--page-sizes",
        [&into](std::string const& said) {
          read_three(said, into.class_bytes, &programs::parse_bytes, "are not three sizes such as 16KiB,64KiB,256KiB");
        },
        "the three page sizes, each a power of two and larger than the one before")
      ->type_name("A,B,C")
      ->group("Memory");
  to.add_option_function<std::string>(
        "--magazines",
        [&into](std::string const& said) {
          auto const parse = [](std::string const& part) { return programs::parse_count(part, 1, 4096); };
          read_three(said, into.magazine_pages, parse, "are not three numbers of pages such as 8,4,2");
        },
        "pages in a thread's magazine, for each page size")
      ->type_name("A,B,C")
      ->group("Memory");
  to.add_option_function<std::string>(
        "--first-page",
        [&into](std::string const& said) {
          into.first_page_bytes = said == "adaptive" ? std::optional<std::size_t>{0} : programs::parse_bytes(said);
          if (!into.first_page_bytes)
            throw CLI::ValidationError("--first-page", "'" + said + "' is neither adaptive nor a page size");
        },
        "size of a request's first page, or adaptive")
      ->type_name("SIZE")
      ->group("Memory");
  to.add_option("--page-growth", into.growth_percent,
                "an arena's next page is at most so many percent of what its pages hold already, 0 to 10000")
      ->check(CLI::Range(0U, page_pool_options::most_growth_percent))
      ->group("Memory");
  add_bytes(to, "--largest-in-page", into.largest_in_page_bytes,
            "above this an allocation has a block of its own; 0: a quarter of the largest page");
  add_bytes(to, "--idle-floor", into.idle_floor_bytes, "idle memory of each page size that stays");
  add_bytes(to, "--idle-cap", into.idle_cap_bytes, "idle memory of each page size above which it goes back at once");
  add_bytes(to, "--block-cache", into.block_cache_bytes, "idle memory kept in blocks");
  add_bytes(to, "--max", into.max_bytes, "memory of all pages and blocks; 0: no limit");
  to.add_option("--idle-epochs", into.idle_epochs, "epochs after which idle memory goes back, 1 to 64")
      ->check(CLI::Range(1, 64))
      ->group("Memory");
  add_word(to, "--return-by", memory_return_names, into.return_by, "how idle memory goes back");
  add_word(to, "--huge-pages", huge_page_use_names, into.huge_pages, "huge pages for arenas");
  to.add_option_function<std::string>(
        "--epoch",
        [&into](std::string const& said) {
          into.epoch = said == "0" ? std::optional{std::chrono::nanoseconds{0}} : programs::parse_duration(said);
          if (!into.epoch)
            throw CLI::ValidationError("--epoch", "'" + said + "' is not a time, such as 1s or 250ms, or 0 for none");
        },
        "an epoch's length in the trace's time")
      ->type_name("TIME")
      ->group("Memory");
}

CLI::App* add_replay(CLI::App& to, replay_options& into) {
  auto* const replay = to.add_subcommand("replay", "Play a recorded trace again, for real or in a model.");
  replay->footer(replay_footer);
  replay->add_option("trace", into.trace, "the trace: what --record wrote")->required()->type_name("TRACE");
  auto* const simulate =
      replay->add_flag("--simulate", into.simulate, "in a model of any number of threads, whose memory nobody touches");
  replay->add_flag("--real-time", into.real_time, "at the times of the trace; otherwise as fast as threads can")
      ->excludes(simulate);
  replay->add_option("--threads", into.threads, "threads that share out the trace's, 1 to 1024 (default: as recorded)")
      ->check(CLI::Range(1, 1024));
  add_memory_settings(*replay, into.memory);
  replay->add_flag("--json", into.json, "the figures as one JSON object");
  replay->add_flag("--quiet", into.quiet, "no progress line");
  return replay;
}

}  // namespace mayfly::stress
