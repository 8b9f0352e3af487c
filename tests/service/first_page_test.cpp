// What the adaptive first page costs on real requests, beside every fixed one: in pages and in bytes that a request
// holds and does not use. Prints its table.

#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/json_resource.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

namespace mayfly::service::test {
namespace {

using texts = std::vector<std::string>;

/// What requests of one route held when they ended.
struct held {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> pages{0};
  std::atomic<std::uint64_t> wasted_bytes{0};
};

struct cost {
  double pages = 0;         // a request
  double wasted_bytes = 0;  // a request
  /// As the executor weighs them (executor_options::adaptive_first_page).
  [[nodiscard]] double bytes() const { return wasted_bytes + 4096 * pages; }
};

/// Canonicalises the texts, over and over, each file as a route of its own; costs from the second time on.
cost run(executor_options options, std::vector<texts> const& files) {
  constexpr int times = 20;
  static constexpr std::array routes{"a", "b", "c", "d", "e"};
  held all;
  handler_settings settings;
  settings.kind = handler_kind::canonicalize;
  options.workers = 2;
  executor pool{options};
  for (int time = 0; time < times; ++time) {
    std::vector<std::future<void>> waiting;
    for (std::size_t f = 0; f < files.size(); ++f) {
      for (std::string const& text : files[f]) {
        waiting.push_back(pool.submit(routes[f], [&, time](request_context& request) {
          {
            json_resource trees(request.arena());
            request_memory const memory{boost::json::storage_ptr(&trees), request.memory()};
            answer_buffer answer(memory.bytes, text.size() + 1);
            request_error error;
            static_cast<void>(handle_request(text, memory, settings, {}, answer, error));
            answer.forget();
          }
          if (time == 0) return;
          arena_usage const usage = request.scope().usage();
          ++all.requests;
          all.pages += usage.page_count();
          all.wasted_bytes += usage.reserved_bytes - usage.handed_out_bytes;
        }));
      }
      for (auto& one : waiting) one.get();
      waiting.clear();
    }
  }
  auto const requests = static_cast<double>(all.requests.load());
  return {static_cast<double>(all.pages.load()) / requests, static_cast<double>(all.wasted_bytes.load()) / requests};
}

/// A folder's files, or a file's lines.
texts texts_of(std::filesystem::path const& path) {
  if (!std::filesystem::is_directory(path)) return lines_of(read_file(path));
  texts found;
  for (auto const& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() == ".json") found.push_back(read_file(entry.path()));
  }
  return found;
}

void expect_adaptive_to_be_near_the_best(char const* name, std::vector<texts> const& files) {
  cost const adaptive = run({}, files);
  double best = 0;
  std::printf("%-16s adaptive: %5.2f pages, %7.0f bytes unused\n", name, adaptive.pages, adaptive.wasted_bytes);
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    cost const fixed = run({.adaptive_first_page = false, .first_page_class = c}, files);
    std::printf("%-16s class %zu : %5.2f pages, %7.0f bytes unused\n", "", c, fixed.pages, fixed.wasted_bytes);
    best = c == 0 ? fixed.bytes() : std::min(best, fixed.bytes());
  }
  std::printf("%-16s adaptive / best fixed: %.3f\n", "", adaptive.bytes() / best);
  ASSERT_GT(best, 0) << name;
  EXPECT_LE(adaptive.bytes(), 1.05 * best) << name;
}

TEST(FirstPage, IsNeverWorseThanTheBestFixedOneByMoreThanFivePercent) {
  auto const data = test_data();
  if (!data) GTEST_SKIP() << "MAYFLY_TEST_DATA is not set";
  std::vector<texts> mix;
  for (char const* file :
       {"twitter-statuses.ndjson", "github-events.ndjson", "citm-performances.ndjson", "json-minefield"}) {
    mix.push_back(texts_of(*data / file));
    expect_adaptive_to_be_near_the_best(file, {mix.back()});
  }
  // Documents a hundred times as large: one route of them, and the mix with it.
  texts large;
  for (std::size_t i = 0; i < 40; ++i) {
    std::string text = "[";
    for (std::size_t k = 0; k < 10 + i % 5; ++k) text += (k == 0 ? "" : ",") + mix[0][(i + k) % mix[0].size()];
    large.push_back(text + "]");
  }
  expect_adaptive_to_be_near_the_best("arrays", {large});
  mix.push_back(large);
  expect_adaptive_to_be_near_the_best("all of them", mix);
}

}  // namespace
}  // namespace mayfly::service::test
