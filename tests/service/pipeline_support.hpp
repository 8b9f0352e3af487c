#pragma once

#include "support.hpp"
#include <mayfly/service/answer_file.hpp>
#include <mayfly/service/engine.hpp>
#include <mayfly/service/request_source.hpp>
#include <mayfly/service/runner.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace mayfly::service::test {

/// A folder that goes with the test.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mayfly-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  scratch_folder(scratch_folder const&) = delete;
  scratch_folder& operator=(scratch_folder const&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

/// A whole run of the program's insides, without the program.
struct run_result {
  std::string answers;
  run_summary summary;
};

enum class engine_kind { inline_heap, pool_arena, pool_heap };

inline run_result run_file(std::string const& in, handler_settings const& handlers, engine_kind kind,
                           engine_options options = {}, std::size_t passes = 1, source_options reading = {}) {
  scratch_folder const folder;
  std::string const out = (folder / "answers").string();
  run_result result;
  {
    input_blocks blocks;
    auto source = open_source(in, blocks, reading);
    if (passes > 1) source = repeat_source(std::move(source), passes);
    answer_file file(out);
    run_plan plan;
    plan.source = source.get();
    plan.passes = passes;
    plan.requests_per_pass = passes > 1 ? source->total().value_or(0) / passes : 0;
    plan.blocks = &blocks;
    plan.output = &file;
    plan.window = options.window;
    plan.make_engine = [&](answer_window& window) {
      if (kind == engine_kind::inline_heap) return make_inline_engine(handlers, window);
      options.memory = kind == engine_kind::pool_heap ? memory_kind::heap : memory_kind::arena;
      return make_pool_engine(options, handlers, window);
    };
    result.summary = run(plan);
  }
  result.answers = read_file(out);
  return result;
}

}  // namespace mayfly::service::test
