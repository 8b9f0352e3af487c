#include <mayfly/detail/quantities.hpp>
#include <mayfly/memory_settings.hpp>

#include <algorithm>
#include <array>

namespace mayfly {
namespace {

using answer = std::optional<std::string>;
using detail::parse_bytes;

constexpr char const* bytes_wanted = "must be a number of bytes, alone or with KiB, MiB or GiB behind it";

/// As many values with commas between them as there are page sizes.
template <class Value, class Parse>
bool parse_each(std::string_view text, std::array<Value, page_pool_options::classes>& into, Parse const& parse) {
  std::array<Value, page_pool_options::classes> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t const comma = text.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == values.size())) return false;
    auto const value = parse(text.substr(0, comma));
    if (!value) return false;
    values[i] = static_cast<Value>(*value);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  into = values;
  return true;
}

answer set_page_sizes(executor_options& to, std::string_view value) {
  if (parse_each(value, to.page_options.class_bytes, &parse_bytes)) return std::nullopt;
  return "must be three sizes, such as 16KiB,64KiB,256KiB";
}

answer set_magazines(executor_options& to, std::string_view value) {
  auto const parse = [](std::string_view part) { return detail::parse_count(part, 1, 4096); };
  if (parse_each(value, to.page_options.magazine_pages, parse)) return std::nullopt;
  return "must be three numbers of pages from 1 to 4096, such as 8,4,2";
}

answer set_first_page(executor_options& to, std::string_view value) {
  to.adaptive_first_page = value == "adaptive";
  if (to.adaptive_first_page) return std::nullopt;
  auto const& sizes = to.page_options.class_bytes;
  auto const found = std::ranges::find(sizes, parse_bytes(value).value_or(0));
  if (found == sizes.end()) return "is neither adaptive nor one of the page sizes";
  to.first_page_class = static_cast<std::size_t>(found - sizes.begin());
  return std::nullopt;
}

template <std::size_t page_pool_options::* Field>
answer set_bytes(executor_options& to, std::string_view value) {
  auto const bytes = parse_bytes(value);
  if (!bytes) return bytes_wanted;
  to.page_options.*Field = *bytes;
  return std::nullopt;
}

answer set_idle_epochs(executor_options& to, std::string_view value) {
  auto const epochs = detail::parse_count(value, 1, page_pool_options::most_idle_epochs);
  if (!epochs) return "must be a number from 1 to 64";
  to.page_options.idle_epochs = static_cast<std::uint32_t>(*epochs);
  return std::nullopt;
}

answer set_page_growth(executor_options& to, std::string_view value) {
  auto const percent = detail::parse_count(value, 0, page_pool_options::most_growth_percent);
  if (!percent) return "must be a number of percent from 0 to 10000";
  to.page_options.growth_percent = static_cast<std::uint32_t>(*percent);
  return std::nullopt;
}

answer set_page_budget(executor_options& to, std::string_view value) {
  auto const bytes = parse_bytes(value);
  std::size_t const page = to.page_options.class_bytes.front();
  if (bytes && *bytes != 0 && *bytes < page) {
    return "must be " + std::to_string(page / 1024) + "KiB, the size of a page, at least, or 0 for no limit";
  }
  if (!bytes) return bytes_wanted;
  to.page_budget_bytes = *bytes;
  return std::nullopt;
}

answer set_trim_interval(executor_options& to, std::string_view value) {
  auto const time = value == "0" ? std::chrono::nanoseconds{0} : detail::parse_duration(value);
  bool const fits = time && (time->count() == 0 || (*time >= executor_options::least_trim_interval &&
                                                    *time <= executor_options::longest_trim_interval));
  if (!fits) return "must be 0 (never), or a time from 100ms to 60m";
  to.trim_interval = *time;
  return std::nullopt;
}

/// One of the words, by which one it is.
template <class Enum, std::size_t Count>
answer set_word(std::array<std::string_view, Count> const& words, std::string_view value, Enum& to,
                char const* otherwise) {
  auto const found = std::ranges::find(words, value);
  if (found == words.end()) return otherwise;
  to = static_cast<Enum>(found - words.begin());
  return std::nullopt;
}

answer set_return_by(executor_options& to, std::string_view value) {
  return set_word(memory_return_names, value, to.page_options.return_by, "must be dontneed or free");
}

answer set_huge_pages(executor_options& to, std::string_view value) {
  return set_word(huge_page_use_names, value, to.page_options.huge_pages, "must be system, off, advise or always");
}

constexpr std::array<memory_setting, 13> all_settings{{
    {"page-sizes", "A,B,C", "the three page sizes, powers of two from 4KiB to 2MiB (default 16KiB,64KiB,256KiB)",
     &set_page_sizes},
    {"page-growth", "PERCENT", "a request's next page is at most so much of what its pages hold already (default 100)",
     &set_page_growth},
    {"largest-in-page", "SIZE",
     "above this an allocation has a block of its own, 4KiB to half the largest page (default 0: a quarter of it)",
     &set_bytes<&page_pool_options::largest_in_page_bytes>},
    {"magazines", "A,B,C", "pages in a thread's magazine, for each page size (default 8,4,2)", &set_magazines},
    {"first-page", "SIZE",
     "a request's first page: adaptive (default: what requests so far make cheapest), or a page size", &set_first_page},
    {"idle-floor", "SIZE", "idle memory of each page size that is never given back (default 128KiB)",
     &set_bytes<&page_pool_options::idle_floor_bytes>},
    {"idle-cap", "SIZE", "idle memory of each page size beyond which it goes back at once (default 256MiB)",
     &set_bytes<&page_pool_options::idle_cap_bytes>},
    {"idle-epochs", "N", "trim intervals after which memory that was not needed goes back, 1 to 64 (default 5)",
     &set_idle_epochs},
    {"block-cache", "SIZE", "idle memory kept for allocations too large for a page (default 64MiB)",
     &set_bytes<&page_pool_options::block_cache_bytes>},
    {"page-budget", "SIZE", "memory all arenas together may take (default 0: no limit)", &set_page_budget},
    {"trim-interval", "TIME", "how often memory that requests did not need lately goes back (default 1s; 0: never)",
     &set_trim_interval},
    {"return-by", "HOW", "how idle memory goes back: dontneed (default: at once), or free (when the system needs it)",
     &set_return_by},
    {"huge-pages", "WHEN", "huge pages for arenas: system (default: as it is set up), off, advise or always",
     &set_huge_pages},
}};

}  // namespace

std::span<memory_setting const> memory_settings() noexcept { return all_settings; }

}  // namespace mayfly
