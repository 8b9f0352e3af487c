#include <mayfly/programs/quantities.hpp>
#include <mayfly/programs/text_table.hpp>
#include <mayfly/service/json_write.hpp>
#include <mayfly/service/numbers.hpp>
#include <mayfly/service/report.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace mayfly::service {

namespace {

double per_request(run_summary const& summary, std::uint64_t amount) {
  return summary.totals.requests == 0 ? 0 : static_cast<double>(amount) / static_cast<double>(summary.totals.requests);
}

std::string fixed(double value, int digits) {
  std::array<char, 64> text;
  auto const written = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  return {text.data(), written.ptr};
}

std::string rate_text(double value) {
  return value >= 1000 ? programs::with_commas(static_cast<std::uint64_t>(std::llround(value))) : fixed(value, 1);
}

struct pass_rates {
  double slowest = 0;
  double fastest = 0;
};

/// Of whole passes; there must be one.
pass_rates rates_of(run_summary const& summary) {
  double const each = summary.requests_per_pass;
  auto const rate = [&](std::chrono::nanoseconds time) {
    return each / std::max(std::chrono::duration<double>(time).count(), 1e-9);
  };
  auto const [shortest, longest] = std::minmax_element(summary.passes.begin(), summary.passes.end());
  return {rate(*longest), rate(*shortest)};
}

/// JSON with one key a line, for eyes and for programs.
class json_text {
 public:
  void open(char const* key = nullptr) {
    begin(key);
    text_ += '{';
    ++depth_;
    first_ = true;
  }
  void close() {
    --depth_;
    if (!first_) line();
    text_ += '}';
    first_ = false;
  }
  void number(char const* key, double value, int digits = 3) {
    std::array<char, number_text_capacity> text;
    double const scale = std::pow(10, digits);
    double const rounded = std::round(value * scale) / scale;
    raw(key, {text.data(), write_ecmascript(text.data(), rounded)});
  }
  void count(char const* key, std::uint64_t value) { raw(key, std::to_string(value)); }
  void text(char const* key, std::string_view value) {
    answer_buffer quoted(std::pmr::new_delete_resource());
    write_string(value, quoted);
    raw(key, quoted.str());
  }
  void raw(char const* key, std::string const& value) {
    begin(key);
    text_ += value;
  }
  [[nodiscard]] std::string take() { return std::move(text_) + "\n"; }

 private:
  void line() { text_ += "\n" + std::string(2 * depth_, ' '); }
  void begin(char const* key) {
    if (depth_ == 0) return;
    if (!first_) text_ += ',';
    first_ = false;
    line();
    text_ += '"' + std::string(key) + "\": ";
  }

  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true;
};

double microseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; }

char const* name_of(memory_kind memory) { return memory == memory_kind::arena ? "arena" : "heap"; }

void add_failures(programs::text_table& to, answer_totals const& totals) {
  if (totals.failed() == 0) return;
  std::string text = programs::with_commas(totals.failed()) + " (";
  for (std::size_t kind = 1; kind < failure_kinds; ++kind) {
    if (totals.by_failure[kind] == 0) continue;
    if (!text.ends_with('(')) text += ", ";
    text += programs::with_commas(totals.by_failure[kind]) + " " + std::string(name_of(static_cast<failure>(kind)));
  }
  to.row("failed", text + ")");
}

std::string percent(std::uint64_t part, std::uint64_t all) {
  return fixed(all == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(all), 1) + " %";
}

std::string share(std::uint64_t part, std::uint64_t all) {
  return programs::with_commas(part) + " (" + percent(part, all) + ")";
}

std::string latency_text(latency_histogram const& latency) {
  if (latency.empty()) return "no request was run to its end";
  return "p50 " + programs::readable_time(latency.p50()) + ", p99 " + programs::readable_time(latency.p99()) +
         ", p99.9 " + programs::readable_time(latency.p999()) + ", max " + programs::readable_time(latency.max());
}

void add_latency(json_text& to, latency_histogram const& latency) {
  if (latency.empty()) return to.raw("latency_us", "null");
  to.open("latency_us");
  to.number("p50", microseconds(latency.p50()));
  to.number("p99", microseconds(latency.p99()));
  to.number("p999", microseconds(latency.p999()));
  to.number("max", microseconds(latency.max()));
  to.number("mean", microseconds(latency.mean()));
  to.close();
}

void add_first_pages(json_text& to, route_stats const& sizes) {
  to.open("first_pages");
  for (first_page_worth const& worth : sizes.first_pages) {
    to.open(std::to_string(worth.page_bytes).c_str());
    to.number("one_page_part", worth.one_page_part, 4);
    to.number("unused_part", worth.unused_part, 4);
    to.number("pages_per_request", worth.pages_per_request, 4);
    to.number("cost_bytes", worth.cost_bytes, 1);
    to.close();
  }
  to.close();
}

void add_sizes(json_text& to, std::optional<route_stats> const& sizes, bool advise) {
  if (!sizes) return to.raw("request_bytes", "null");
  to.open("request_bytes");
  to.count("p50", sizes->p50_bytes);
  to.count("p95", sizes->p95_bytes);
  to.count("p99", sizes->p99_bytes);
  to.count("first_page", sizes->first_page_bytes);
  if (advise) add_first_pages(to, *sizes);
  to.close();
}

/// What requests held, part by part.
struct part_held {
  char const* key;
  char const* name;
  memory_split::figure bytes;
};
constexpr std::array<part_held, 6> parts_held{{
    {"handed_out", "handed out", &memory_split::handed_out_bytes},
    {"tail_waste", "tail waste", &memory_split::tail_waste_bytes},
    {"room", "room", &memory_split::room_bytes},
    {"skipped", "skipped", &memory_split::skipped_bytes},
    {"oversize_slack", "oversize slack", &memory_split::oversize_slack_bytes},
    {"lanes_unused", "lanes unused", &memory_split::lanes_unused_bytes},
}};

void add_account(json_text& to, memory_split const& held, memory_account const& account) {
  to.open("memory_held");
  to.count("bytes", held.held_bytes);
  for (part_held const& part : parts_held) to.count(part.key, held.*part.bytes);
  to.close();
  to.open("memory_account");
  to.count("reserved_bytes", account.total().bytes);
  to.count("committed_bytes", account.committed_bytes());
  to.count("resident_bytes", account.total().resident_bytes);
  to.raw("resident_known", account.resident_known ? "true" : "false");
  for (std::size_t i = 0; i < memory_places; ++i) {
    auto const place = static_cast<memory_place>(i);
    to.open(to_string(place).data());
    to.count("pieces", account.of(place).pieces);
    to.count("bytes", account.of(place).bytes);
    to.count("resident_bytes", account.of(place).resident_bytes);
    to.close();
  }
  to.close();
}

void add_memory(programs::text_table& to, run_summary const& summary) {
  auto const& totals = summary.totals;
  if (summary.pages) {
    to.row("arena a request", programs::readable_bytes(per_request(summary, totals.memory.handed_out_bytes)) +
                                  " used of " +
                                  programs::readable_bytes(per_request(summary, totals.memory.held_bytes)) + " in " +
                                  fixed(per_request(summary, totals.memory.pages), 2) + " pages");
    if (summary.sizes && summary.sizes->p50_bytes != 0) {
      auto const& sizes = *summary.sizes;
      auto const readable = [](std::size_t bytes) { return programs::readable_bytes(static_cast<double>(bytes)); };
      to.row("bytes a request", "p50 " + readable(sizes.p50_bytes) + ", p95 " + readable(sizes.p95_bytes) + ", p99 " +
                                    readable(sizes.p99_bytes) + "; first page " + readable(sizes.first_page_bytes));
    }
    auto const& from = *summary.pages;
    std::uint64_t const all = from.magazine + from.depot + from.system;
    to.row("pages from", "magazine " + share(from.magazine, all) + ", depot " + share(from.depot, all) + ", OS " +
                             share(from.system, all));
    to.row("arenas held at most", programs::readable_bytes(static_cast<double>(from.peak_bytes)));
  }
  if (summary.mallocs) to.row("mallocs a request", fixed(per_request(summary, *summary.mallocs), 3));
  to.row("page faults a request", fixed(per_request(summary, summary.page_faults), 3));
}

/// Where the memory of requests went, and where that of all arenas is now, a line each.
void add_account(programs::text_table& to, memory_split const& held, memory_account const& account) {
  auto const readable = [](std::size_t bytes) { return programs::readable_bytes(static_cast<double>(bytes)); };
  std::string parts;
  for (part_held const& part : parts_held) {
    parts += (parts.empty() ? "" : ", ") + percent(held.*part.bytes, held.held_bytes) + " " + part.name;
  }
  to.row("held by requests", readable(held.held_bytes) + " in all: " + parts);
  memory_amount const total = account.total();
  to.row("memory at the end", readable(total.resident_bytes) + " resident, " + readable(account.committed_bytes()) +
                                  " held, of " + readable(total.bytes) + " reserved");
  for (std::size_t i = 0; i < memory_places; ++i) {
    auto const place = static_cast<memory_place>(i);
    memory_amount const& amount = account.of(place);
    if (amount.bytes == 0) continue;
    std::string name{to_string(place)};
    std::replace(name.begin(), name.end(), '_', ' ');
    to.row("", name + ": " + readable(amount.bytes) + ", " + readable(amount.resident_bytes) + " resident");
  }
}

/// What each first page would be worth, a line each, and what follows from it.
void add_advice(programs::text_table& to, route_stats const& sizes) {
  auto const readable = [](std::size_t bytes) { return programs::readable_bytes(static_cast<double>(bytes)); };
  auto const percent = [](double part) { return fixed(100 * part, 0) + " %"; };
  char const* heading = "first pages";
  for (first_page_worth const& worth : sizes.first_pages) {
    to.row(std::exchange(heading, ""), readable(worth.page_bytes) + ": " + percent(worth.one_page_part) +
                                           " of requests fit in one, " + percent(worth.unused_part) + " unused, " +
                                           fixed(worth.pages_per_request, 2) + " pages a request");
  }
  auto const best = std::min_element(
      sizes.first_pages.begin(), sizes.first_pages.end(),
      [](first_page_worth const& left, first_page_worth const& right) { return left.cost_bytes < right.cost_bytes; });
  to.row("advice", best->page_bytes == sizes.first_page_bytes
                       ? "none: requests get " + readable(best->page_bytes) + " by themselves, which costs least"
                       : "--first-page " + readable(best->page_bytes) + " would cost least; requests get " +
                             readable(sizes.first_page_bytes) + " so far");
}

void add_trace(json_text& to, std::optional<trace::recording_report> const& recording) {
  if (!recording) return to.raw("trace", "null");
  trace::totals const& counted = recording->counted;
  to.open("trace");
  to.count("requests", counted.requests);
  to.count("arenas", counted.arenas);
  to.count("allocations", counted.allocations);
  to.count("dropped_requests", counted.dropped_requests);
  to.count("dropped_arenas", counted.dropped_arenas);
  to.count("bytes", recording->file_bytes);
  to.close();
}

void add_audit(json_text& to, std::optional<audit_reports> const& audit) {
  if (!audit) return to.raw("audit", "null");
  to.open("audit");
  to.count("globals", audit->globals);
  to.count("thread_locals", audit->thread_locals);
  to.count("heap_blocks", audit->heap_blocks);
  to.close();
}

}  // namespace

std::string summary_table(run_options const& options, run_summary const& summary) {
  auto const& totals = summary.totals;
  programs::text_table to{22};
  to.heading("mayfly run: " + options.handler + ", memory " + name_of(options.memory) + ", " +
             std::to_string(summary.workers) + (summary.workers == 1 ? " worker" : " workers"));
  std::string requests = programs::with_commas(totals.requests);
  if (options.repeat > 1)
    requests +=
        " in " + programs::with_commas(summary.whole_passes) + " passes" + (summary.cut_pass ? " and a part" : "");
  to.row("requests",
         requests + " in " + programs::readable_time(summary.elapsed) + (summary.stopped ? ", stopped early" : ""));
  add_failures(to, totals);
  std::string rate = rate_text(summary.requests_per_second());
  if (summary.of_median_pass()) {
    auto const [slowest, fastest] = rates_of(summary);
    rate += "  (median pass; " + rate_text(slowest) + " to " + rate_text(fastest) + ")";
  }
  to.row("requests/s", rate);
  to.row("MB/s", fixed(summary.megabytes_per_second(), 1) + " read, " +
                     programs::readable_bytes(static_cast<double>(totals.bytes_in)) + " in, " +
                     programs::readable_bytes(static_cast<double>(totals.bytes_out)) + " out");
  to.row("latency", latency_text(totals.latency));
  add_memory(to, summary);
  if (summary.account) add_account(to, totals.memory, *summary.account);
  if (options.advise && summary.sizes) add_advice(to, *summary.sizes);
  if (summary.audit) {
    to.row("audit", programs::with_commas(summary.audit->globals) +
                        " held by globals; suspects: " + programs::with_commas(summary.audit->thread_locals) +
                        " by thread-locals, " + programs::with_commas(summary.audit->heap_blocks) + " by heap blocks");
  }
  if (summary.recording) to.row("trace", to_string(*summary.recording));
  return to.take();
}

std::string summary_json(run_options const& options, run_summary const& summary) {
  auto const& totals = summary.totals;
  json_text to;
  to.open();
  to.text("handler", options.handler);
  to.text("memory", name_of(options.memory));
  to.count("workers", summary.workers);
  to.count("requests", totals.requests);
  to.count("failed", totals.failed());
  to.open("failures");
  for (std::size_t kind = 1; kind < failure_kinds; ++kind) {
    if (totals.by_failure[kind] != 0) {
      to.count(name_of(static_cast<failure>(kind)).data(), totals.by_failure[kind]);
    }
  }
  to.close();
  to.number("elapsed_seconds", std::chrono::duration<double>(summary.elapsed).count(), 6);
  to.number("requests_per_second", summary.requests_per_second(), 1);
  to.number("megabytes_per_second", summary.megabytes_per_second(), 3);
  to.open("passes");
  to.count("count", summary.whole_passes);
  if (summary.passes.empty()) {
    to.raw("slowest_requests_per_second", "null");
    to.raw("fastest_requests_per_second", "null");
  } else {
    auto const [slowest, fastest] = rates_of(summary);
    to.number("slowest_requests_per_second", slowest, 1);
    to.number("fastest_requests_per_second", fastest, 1);
  }
  to.close();
  to.count("bytes_in", totals.bytes_in);
  to.count("bytes_out", totals.bytes_out);
  add_latency(to, totals.latency);
  if (summary.pages) {
    to.number("arena_bytes_per_request", per_request(summary, totals.memory.handed_out_bytes), 1);
    to.number("reserved_bytes_per_request", per_request(summary, totals.memory.held_bytes), 1);
    to.open("pages");
    to.number("per_request", per_request(summary, totals.memory.pages), 4);
    to.count("from_magazine", summary.pages->magazine);
    to.count("from_depot", summary.pages->depot);
    to.count("from_os", summary.pages->system);
    to.count("peak_bytes", summary.pages->peak_bytes);
    to.close();
  } else {
    to.raw("pages", "null");
  }
  add_sizes(to, summary.sizes, options.advise);
  if (summary.account) {
    add_account(to, totals.memory, *summary.account);
  } else {
    to.raw("memory_held", "null");
    to.raw("memory_account", "null");
  }
  if (summary.mallocs) {
    to.number("mallocs_per_request", per_request(summary, *summary.mallocs), 4);
  } else {
    to.raw("mallocs_per_request", "null");
  }
  to.number("page_faults_per_request", per_request(summary, summary.page_faults), 4);
  add_audit(to, summary.audit);
  add_trace(to, summary.recording);
  to.raw("stopped", summary.stopped ? "true" : "false");
  to.close();
  return to.take();
}

}  // namespace mayfly::service
