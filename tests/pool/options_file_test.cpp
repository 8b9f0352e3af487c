#include <mayfly/executor.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/page_pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace mayfly {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OptionsFile : public ::testing::Test {
 protected:
  executor_options read(std::string const& text) {
    std::ofstream{path_} << text << std::flush;
    return executor_options::from_file(path_);
  }
  std::string complaint(std::string const& text) {
    try {
      static_cast<void>(read(text));
    } catch (std::invalid_argument const& error) {
      return error.what();
    }
    return {};
  }
  void TearDown() override { std::filesystem::remove(path_); }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / ("mayfly-options-" + std::to_string(getpid()) + ".toml");
};

TEST_F(OptionsFile, SaysAllThatThereIsToMemory) {
  executor_options const options = read(R"(
    first-page = "128KiB"      # one of the sizes below, whatever stands first
    page-sizes = "8KiB,32KiB,128KiB"
    magazines = "4,2,1"
    idle-floor = 65536
    idle-cap = "1MiB"
    idle-epochs = 3
    block-cache = 0
    page-growth = 400
    largest-in-page = "64KiB"
    page-budget = "8KiB"       # a page of the smallest size
    trim-interval = "250ms"
    return-by = "free"
    huge-pages = "off"
  )");
  EXPECT_THAT(options.page_options.class_bytes, ElementsAre(8192, 32768, 131072));
  EXPECT_THAT(options.page_options.magazine_pages, ElementsAre(4, 2, 1));
  EXPECT_EQ(options.page_options.idle_floor_bytes, 65536U);
  EXPECT_EQ(options.page_options.idle_cap_bytes, 1048576U);
  EXPECT_EQ(options.page_options.idle_epochs, 3U);
  EXPECT_EQ(options.page_options.block_cache_bytes, 0U);
  EXPECT_EQ(options.page_options.growth_percent, 400U);
  EXPECT_EQ(options.page_options.largest_in_page_bytes, 65536U);
  EXPECT_EQ(options.page_budget_bytes, 8192U);
  EXPECT_EQ(options.trim_interval, std::chrono::milliseconds{250});
  EXPECT_EQ(options.page_options.return_by, mayfly::memory_return::free);
  EXPECT_EQ(options.page_options.huge_pages, mayfly::huge_page_use::off);
  EXPECT_FALSE(options.adaptive_first_page);
  EXPECT_EQ(options.first_page_class, 2U);
  executor_options unlimited = options;
  unlimited.page_budget_bytes = 0;
  executor pool{unlimited};
  EXPECT_EQ(pool.pages().class_bytes(2), 131072U);
  auto const reserved = pool.submit("r",
                                    [](request_context& request) {
                                      static_cast<void>(request.arena().allocate(1));
                                      return request.arena().reserved_bytes();
                                    })
                            .get();
  EXPECT_EQ(reserved, 131072U);
}

TEST_F(OptionsFile, LeavesTheRestAsItIs) {
  executor_options const options = read("first-page = \"adaptive\"\n");
  EXPECT_TRUE(options.adaptive_first_page);
  EXPECT_THAT(options.page_options.class_bytes, ElementsAre(16384, 65536, 262144));
}

TEST_F(OptionsFile, IsRefusedByLineAndKey) {
  EXPECT_THAT(complaint("\npages = 3"), HasSubstr(".toml:2: unknown key 'pages'; known are page-sizes page-growth"));
  EXPECT_THAT(complaint("magazines = \"4,2\""), HasSubstr(".toml:1: 'magazines' must be three numbers"));
  EXPECT_THAT(complaint("idle-epochs = 65"), HasSubstr("'idle-epochs' must be a number from 1 to 64"));
  EXPECT_THAT(complaint("return-by = \"never\""), HasSubstr("'return-by' must be dontneed or free"));
  EXPECT_THAT(complaint("huge-pages = \"on\""), HasSubstr("'huge-pages' must be system, off, advise or always"));
  EXPECT_THAT(complaint("idle-cap = true"), HasSubstr("'idle-cap' must be a string or a number"));
  EXPECT_THAT(complaint("first-page = \"5KiB\""), HasSubstr("is neither adaptive nor one of the page sizes"));
  EXPECT_THAT(complaint("page-growth = 10001"), HasSubstr("'page-growth' must be a number of percent from 0 to 10000"));
  EXPECT_THAT(complaint("page-budget = 16383"), HasSubstr("'page-budget' must be 16KiB, the size of a page, at least"));
  EXPECT_THAT(complaint("trim-interval = \"99ms\""),
              HasSubstr("'trim-interval' must be 0 (never), or a time from 100ms"));
  EXPECT_EQ(complaint("page-budget = 0\ntrim-interval = 0"), "");
  EXPECT_THAT(complaint("page-sizes = ["), HasSubstr(".toml:1: "));
  EXPECT_THROW(static_cast<void>(executor_options::from_file("/there/is/no.toml")), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
