#include <mayfly/programs/quantities.hpp>
#include <mayfly/programs/text_table.hpp>
#include <mayfly/stress/replay_report.hpp>

#include <boost/json.hpp>

#include <array>
#include <cstdio>

namespace mayfly::stress {

namespace {

namespace json = boost::json;
using programs::readable_bytes;
using programs::readable_time;
using programs::text_table;
using programs::with_commas;

std::string bytes_text(std::uint64_t bytes) { return readable_bytes(static_cast<double>(bytes)); }

std::string percent(std::uint64_t part, std::uint64_t whole) {
  std::array<char, 32> text;
  double const share = whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  std::snprintf(text.data(), text.size(), "%.1f %%", share);
  return text.data();
}

void add_pages(text_table& to, replay_result const& result) {
  trace::memory_figures const& memory = result.memory();
  for (std::size_t c = 0; c < memory.pages.size(); ++c) {
    trace::class_figures const& of = memory.pages[c];
    to.row(c == 0 ? "pages" : "", bytes_text(result.settings.pages.class_bytes[c]) + ": " + with_commas(of.taken) +
                                      " taken, " + with_commas(of.from_depot) + " magazines from the depot, " +
                                      with_commas(of.from_system) + " from the OS");
  }
  to.row("blocks", with_commas(memory.blocks_from_cache) + " from the cache, " +
                       with_commas(memory.blocks_from_system) + " from the OS");
}

void add_memory(text_table& to, trace::memory_figures const& memory) {
  to.row("taken", bytes_text(memory.reserved_bytes) + " of pages and blocks, " + bytes_text(memory.handed_out_bytes) +
                      " of it handed out");
  to.row("wasted", percent(memory.tail_waste_bytes, memory.reserved_bytes) + " at pages' ends, " +
                       percent(memory.room_bytes, memory.reserved_bytes) + " in last pages, " +
                       percent(memory.skipped_bytes, memory.reserved_bytes) + " skipped at first ones, " +
                       percent(memory.oversize_slack_bytes, memory.reserved_bytes) + " in the rounding of blocks");
}

json::object pages_in(replay_result const& result) {
  json::object all;
  for (std::size_t c = 0; c < result.memory().pages.size(); ++c) {
    trace::class_figures const& of = result.memory().pages[c];
    all[std::to_string(result.settings.pages.class_bytes[c])] =
        json::object{{"taken", of.taken}, {"from_depot", of.from_depot}, {"from_os", of.from_system}};
  }
  return all;
}

}  // namespace

std::string replay_table(replay_result const& result) {
  trace::memory_figures const& memory = result.memory();
  text_table to{16};
  char const* const how = result.simulated ? "simulated" : result.options.real_time ? "in real time" : "at full speed";
  to.heading(result.options.trace + ", " + how + ", threads: " + std::to_string(result.threads));
  double const seconds = std::chrono::duration<double>(result.took()).count();
  to.row("requests", with_commas(memory.requests) + ", with " + with_commas(memory.arenas) + " arenas");
  to.row("allocations", with_commas(memory.allocations) + ", " +
                            with_commas(static_cast<std::uint64_t>(static_cast<double>(memory.allocations) / seconds)) +
                            " a second");
  to.row("took", readable_time(result.took()));
  add_pages(to, result);
  add_memory(to, memory);
  std::string committed = "peak " + bytes_text(memory.peak_committed_bytes);
  if (result.simulated) committed += ", mean " + readable_bytes(result.simulated->mean_committed_bytes);
  to.row("committed", committed + "; " + bytes_text(memory.returned_bytes) + " given back as unneeded");
  if (result.real) {
    to.row("resident", "peak " + bytes_text(result.real->peak_resident_bytes) + ", mean " +
                           readable_bytes(result.real->mean_resident_bytes) + "; " +
                           with_commas(result.real->page_faults) + " page faults");
    if (!result.real->peak_is_exact)
      to.row("", "(the system hides a process's peak: the largest of looks 200 us apart)");
    to.row("arena's time", "p50 " + readable_time(result.real->latency.p50()) + ", p99 " +
                               readable_time(result.real->latency.p99()) + ", max " +
                               readable_time(result.real->latency.max()));
  }
  if (memory.refused != 0)
    to.row("REFUSED", with_commas(memory.refused) + " allocations: there was no memory for them");
  if (result.counted.dropped_arenas + result.counted.dropped_requests != 0) {
    to.row("DROPPED", with_commas(result.counted.dropped_arenas) + " arenas were not recorded");
  }
  if (!result.whole()) to.row("stopped", "before the end of the trace");
  return to.take();
}

std::string replay_json(replay_result const& result) {
  trace::memory_figures const& memory = result.memory();
  json::object to{{"trace", result.options.trace},
                  {"simulated", result.simulated.has_value()},
                  {"threads", result.threads},
                  {"whole", result.whole()},
                  {"seconds", std::chrono::duration<double>(result.took()).count()},
                  {"requests", memory.requests},
                  {"arenas", memory.arenas},
                  {"allocations", memory.allocations},
                  {"refused", memory.refused},
                  {"dropped_arenas", result.counted.dropped_arenas},
                  {"pages", pages_in(result)},
                  {"blocks_from_cache", memory.blocks_from_cache},
                  {"blocks_from_os", memory.blocks_from_system},
                  {"reserved_bytes", memory.reserved_bytes},
                  {"handed_out_bytes", memory.handed_out_bytes},
                  {"tail_waste_bytes", memory.tail_waste_bytes},
                  {"room_bytes", memory.room_bytes},
                  {"skipped_bytes", memory.skipped_bytes},
                  {"oversize_slack_bytes", memory.oversize_slack_bytes},
                  {"returned_bytes", memory.returned_bytes},
                  {"peak_committed_bytes", memory.peak_committed_bytes}};
  if (result.simulated) {
    to["mean_committed_bytes"] = result.simulated->mean_committed_bytes;
  } else {
    to["peak_resident_bytes"] = result.real->peak_resident_bytes;
    to["peak_is_exact"] = result.real->peak_is_exact;
    to["mean_resident_bytes"] = result.real->mean_resident_bytes;
    to["page_faults"] = result.real->page_faults;
    to["arena_ns"] = json::object{{"p50", result.real->latency.p50().count()},
                                  {"p99", result.real->latency.p99().count()},
                                  {"max", result.real->latency.max().count()}};
  }
  return json::serialize(to) + "\n";
}

}  // namespace mayfly::stress
