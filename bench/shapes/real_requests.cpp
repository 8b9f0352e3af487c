// Real requests as `mayfly run` serves them: parsed, canonicalised (RFC 8785), serialised; by two workers, with each
// request in an arena ("mayfly") or on the global heap ("malloc": glibc's, or another by LD_PRELOAD). The same
// handlers on the same executor, and the answers are compared with those of one thread on the heap.
//
//   bench_requests --work twitter --contender mayfly --seconds 1
//
// Works: twitter (the statuses of twitter.json, 4.7 KB each), caniuse (the documents of node-caniuse-db, 13 KB each).

#include <mayfly/service/answer_file.hpp>
#include <mayfly/service/engine.hpp>
#include <mayfly/service/handlers.hpp>
#include <mayfly/service/request_source.hpp>
#include <mayfly/service/runner.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

namespace service = mayfly::service;

constexpr int not_here = 77;  // scripts/bench: what is missing is no failure

struct asked_for {
  std::string work;
  std::string contender;
  double seconds = 1;
  std::string in;  // instead of the work's own requests
  std::size_t workers = 2;
};

[[noreturn]] void end_with(int status, std::string const& why) {
  std::fprintf(stderr, "bench_requests: %s\n", why.c_str());
  std::exit(status);
}

std::string requests_of(asked_for const& asked) {
  if (!asked.in.empty()) return asked.in;
  if (asked.work == "caniuse") return "/usr/share/nodejs/caniuse-db/features-json";
  if (asked.work != "twitter") end_with(2, "there is no work " + asked.work);
  char const* const data = std::getenv("MAYFLY_TEST_DATA");
  std::string const folder = data != nullptr && *data != '\0' ? data : MAYFLY_SOURCE_DIR "/../shared/data";
  return folder + "/twitter-statuses.ndjson";
}

/// A file in memory that has a name.
class memory_file {
 public:
  memory_file() : file_(::memfd_create("answers", 0)) {
    if (file_ < 0) throw std::runtime_error("no memory file");
  }
  memory_file(memory_file const&) = delete;
  memory_file& operator=(memory_file const&) = delete;
  ~memory_file() { ::close(file_); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }
  [[nodiscard]] std::string content() const {
    auto const size = ::lseek(file_, 0, SEEK_END);
    std::string text(static_cast<std::size_t>(size), '\0');
    if (::pread(file_, text.data(), text.size(), 0) != size) throw std::runtime_error("a memory file cannot be read");
    return text;
  }

 private:
  int file_;
};

service::handler_settings canonicalize() {
  service::handler_settings settings;
  settings.kind = service::handler_kind::canonicalize;
  return settings;
}

/// What one thread answers on the heap.
std::string expected_answers(std::string const& in, service::handler_settings const& settings) {
  service::input_blocks blocks;
  auto const source = service::open_source(in, blocks, {});
  std::string answers;
  for (service::request_text request; source->next(request) == service::source_state::request;) {
    service::request_memory const memory{{}, std::pmr::new_delete_resource()};
    service::answer_buffer answer(memory.bytes);
    service::request_error error;
    if (!service::handle_request(request.text, memory, settings, {}, answer, error)) {
      throw std::runtime_error("a request has no answer: " + std::string{error.text()});
    }
    answers += answer.str();
  }
  return answers;
}

constexpr std::uint64_t least_passes = 6;

/// Ends a run: when the time is over, but not before it has gone over its requests a few times. On a thread of its own.
class alarm {
 public:
  alarm(std::atomic<bool>& stop, double seconds, service::run_progress const& progress, std::uint64_t least_answers)
      : thread_([=, this, &stop, &progress] {
          std::unique_lock lock(mutex_);
          if (ended_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return over_; })) return;
          // relaxed, both: a figure and a flag, and nothing is read on the strength of them
          while (progress.answered.load(std::memory_order_relaxed) < least_answers) {
            if (ended_.wait_for(lock, std::chrono::milliseconds(1), [this] { return over_; })) return;
          }
          stop.store(true, std::memory_order_relaxed);
        }) {}
  alarm(alarm const&) = delete;
  alarm& operator=(alarm const&) = delete;
  ~alarm() {
    {
      std::scoped_lock const lock(mutex_);
      over_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

/// The most that was ever resident. Not getrusage's: that one knows of what this process was before exec.
unsigned long long peak_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  end_with(not_here, "/proc/self/status, which has the most memory that was resident");
}

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto const seconds = [](timeval const& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct measured {
  service::run_summary summary;
  double processor_seconds = 0;
};

measured measure(asked_for const& asked, service::handler_settings const& settings) {
  constexpr std::size_t more_passes_than_fit = 1'000'000;
  std::string const in = requests_of(asked);
  memory_file const out;
  service::input_blocks blocks;
  auto once = service::open_source(in, blocks, {});
  auto const source = service::repeat_source(std::move(once), more_passes_than_fit);
  service::answer_file file(out.path());
  std::atomic<bool> stop{false};
  service::run_progress progress;
  service::run_plan plan;
  plan.source = source.get();
  plan.passes = more_passes_than_fit;
  plan.requests_per_pass = source->total().value_or(0) / more_passes_than_fit;
  plan.blocks = &blocks;
  plan.output = &file;
  plan.handlers = &settings;
  plan.stop = &stop;
  plan.progress = &progress;
  auto const memory = asked.contender == "mayfly" ? service::memory_kind::arena : service::memory_kind::heap;
  plan.make_engine = [&](service::answer_window& window) {
    service::engine_options options;
    options.memory = memory;
    options.workers = asked.workers;
    options.window = plan.window;
    return service::make_pool_engine(options, settings, window);
  };
  measured result;
  double const before = processor_seconds();
  {
    alarm const ends(stop, asked.seconds, progress, least_passes * plan.requests_per_pass);
    result.summary = service::run(plan);
  }
  result.processor_seconds = processor_seconds() - before;
  if (result.summary.totals.failed() != 0) throw std::runtime_error("some requests have no answer");
  if (out.content() != expected_answers(in, settings)) throw std::runtime_error("the answers are not those expected");
  return result;
}

void print(asked_for const& asked, measured const& result) {
  auto const& summary = result.summary;
  // The first pass warms up, and is the only one whose answers are written.
  std::vector<std::chrono::nanoseconds> passes(summary.passes.begin() + 1, summary.passes.end());
  auto const middle = passes.begin() + static_cast<std::ptrdiff_t>(passes.size() / 2);
  std::nth_element(passes.begin(), middle, passes.end());
  auto const& latency = summary.totals.latency;
  std::printf(
      "{\"work\":\"%s\",\"contender\":\"%s\",\"unit\":\"ns\",\"value\":%.1f,\"handler_mean_ns\":%.1f,"
      "\"processor_ns\":%.1f,\"peak_kib\":%llu,\"passes\":%zu,\"requests\":%llu}\n",
      asked.work.c_str(), asked.contender.c_str(), static_cast<double>(middle->count()) / summary.requests_per_pass,
      static_cast<double>(latency.mean().count()),
      result.processor_seconds * 1e9 / static_cast<double>(summary.totals.requests), peak_kib(), passes.size(),
      static_cast<unsigned long long>(summary.totals.requests));
}

template <class Number>
Number number(std::string_view option, std::string_view text) {
  Number value{};
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || !(value > 0)) {
    end_with(2, std::string{option} + " takes a number above 0, not " + std::string{text});
  }
  return value;
}

asked_for parse(std::span<char* const> words) {
  asked_for asked;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    std::string_view const option = words[i];
    if (i + 1 == words.size()) end_with(2, std::string{option} + " needs a value");
    std::string_view const value = words[i + 1];
    if (option == "--work") {
      asked.work = value;
    } else if (option == "--contender") {
      asked.contender = value;
    } else if (option == "--seconds") {
      asked.seconds = number<double>(option, value);
    } else if (option == "--in") {
      asked.in = value;
    } else if (option == "--workers") {
      asked.workers = number<std::size_t>(option, value);
    } else {
      end_with(2, "there is no option " + std::string{option});
    }
  }
  if (asked.contender != "mayfly" && asked.contender != "malloc")
    end_with(2, "there is no contender " + asked.contender);
  return asked;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    asked_for const asked = parse(std::span<char* const>(arguments, static_cast<std::size_t>(count)));
    std::string const in = requests_of(asked);
    if (!std::filesystem::exists(in)) end_with(not_here, "there is no " + in);
    service::handler_settings const settings = canonicalize();
    print(asked, measure(asked, settings));
    return 0;
  } catch (std::exception const& error) {
    end_with(1, error.what());
  }
}
