#include <mayfly/trace/tune.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace mayfly::trace {
namespace {

std::string kib_text(std::uint64_t bytes) { return std::to_string(bytes / 1024) + " KiB"; }

std::string mib_text(double bytes) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f MiB", bytes / (1024 * 1024));
  return text.data();
}

template <class Numbers>
std::string list(Numbers const& numbers, std::uint64_t unit) {
  std::string text;
  for (auto const each : numbers) text += (text.empty() ? "" : ", ") + std::to_string(each / unit);
  return text;
}

std::uint64_t pages_taken(memory_figures const& of) {
  return of.pages[0].taken + of.pages[1].taken + of.pages[2].taken;
}
std::uint64_t fresh_pages(memory_figures const& of) {
  return of.pages[0].from_system + of.pages[1].from_system + of.pages[2].from_system;
}
std::uint64_t from_depot(memory_figures const& of) {
  return of.pages[0].from_depot + of.pages[1].from_depot + of.pages[2].from_depot;
}
double wasted(memory_figures const& of) {
  return static_cast<double>(of.tail_waste_bytes + of.room_bytes + of.skipped_bytes + of.oversize_slack_bytes);
}

std::uint64_t blocks(memory_figures const& of) { return of.blocks_from_cache + of.blocks_from_system; }
std::size_t largest_in_page(page_pool_options const& of) {
  return of.largest_in_page_bytes != 0 ? of.largest_in_page_bytes : of.class_bytes.back() / 4;
}

std::string class_text(std::optional<std::size_t> first, page_pool_options const& pages) {
  return first ? "of " + kib_text(pages.class_bytes[*first]) : "chosen by route";
}

/// One setting of what is recommended, and what the model says with it and without.
class comparison {
 public:
  comparison(tuning_result const& found, tried_settings const& best) : found_{found}, best_{best} {}

  [[nodiscard]] replay_settings const& best() const noexcept { return best_.settings; }
  [[nodiscard]] replay_settings const& today() const noexcept { return found_.today.settings; }

  /// Says it where they differ in the field: `text` gets what was tried with it and without it.
  template <class Field, class Text>
  void say(std::vector<std::string>& to, Field const& field, Text const& text) const {
    if (field(best()) == field(today())) return;
    auto const alone = std::ranges::find_if(found_.without, [&](tried_settings const& each) {
      return field(each.settings) == field(today()) && field(each.settings) != field(best());
    });
    to.push_back(text(best_, alone != found_.without.end() ? *alone : found_.tried.front()));
  }

 private:
  tuning_result const& found_;
  tried_settings const& best_;
};

char const* word_for(huge_page_use use) {
  switch (use) {
    case huge_page_use::system:
      return "as the system has them";
    case huge_page_use::off:
      return "none";
    case huge_page_use::advise:
      return "for each 2 MiB in full use";
    case huge_page_use::always:
      return "always";
  }
  return "";
}

std::string unused(tried_settings const& with, tried_settings const& without) {
  return mib_text(wasted(with.memory)) + " of all that requests take lie unused instead of " +
         mib_text(wasted(without.memory));
}
std::string pages_text(tried_settings const& with, tried_settings const& without) {
  return "requests take " + std::to_string(pages_taken(with.memory)) + " pages instead of " +
         std::to_string(pages_taken(without.memory)) + ", and " + unused(with, without) + ".";
}
std::string blocks_text(tried_settings const& with, tried_settings const& without) {
  return std::to_string(with.memory.blocks_from_system) + " blocks come from the system instead of " +
         std::to_string(without.memory.blocks_from_system) + ".";
}
std::string held(tried_settings const& with, tried_settings const& without) {
  return mib_text(with.mean_committed_bytes) + " are held on average instead of " +
         mib_text(without.mean_committed_bytes) + ", and " + std::to_string(fresh_pages(with.memory)) +
         " pages come from the system instead of " + std::to_string(fresh_pages(without.memory)) + ".";
}

using settings = replay_settings const&;
using tried = tried_settings const&;

void say_of_pages(std::vector<std::string>& said, comparison const& of) {
  page_pool_options const& is = of.best().pages;
  page_pool_options const& was = of.today().pages;
  of.say(
      said, [](settings in) { return in.pages.class_bytes; },
      [&](tried with, tried without) {
        return "Pages of " + list(is.class_bytes, 1024) + " KiB instead of " + list(was.class_bytes, 1024) + ": " +
               pages_text(with, without);
      });
  of.say(
      said, [](settings in) { return in.first_class; },
      [&](tried with, tried without) {
        return "First pages " + class_text(of.best().first_class, is) + " instead of " +
               class_text(of.today().first_class, was) + ": " + pages_text(with, without);
      });
  of.say(
      said, [](settings in) { return in.pages.growth_percent; },
      [&](tried with, tried without) {
        return "Next pages of up to " + std::to_string(is.growth_percent) +
               " % of what a request's hold already instead of " + std::to_string(was.growth_percent) +
               " %: " + pages_text(with, without);
      });
  of.say(
      said, [](settings in) { return in.pages.largest_in_page_bytes; },
      [&](tried with, tried without) {
        return "Blocks of their own for what is larger than " + kib_text(largest_in_page(is)) + " instead of " +
               kib_text(largest_in_page(was)) + ": " + std::to_string(blocks(with.memory)) + " of them instead of " +
               std::to_string(blocks(without.memory)) + ", and " + unused(with, without) + ".";
      });
  of.say(
      said, [](settings in) { return in.pages.magazine_pages; },
      [&](tried with, tried without) {
        return "Magazines of " + list(is.magazine_pages, 1) + " pages instead of " + list(was.magazine_pages, 1) +
               ": threads go to the depot " + std::to_string(from_depot(with.memory)) + " times instead of " +
               std::to_string(from_depot(without.memory)) + ", and " + held(with, without);
      });
}

void say_of_idle_memory(std::vector<std::string>& said, comparison const& of) {
  page_pool_options const& is = of.best().pages;
  page_pool_options const& was = of.today().pages;
  of.say(
      said, [](settings in) { return in.pages.idle_floor_bytes; },
      [&](tried with, tried without) {
        return "Of idle pages " + kib_text(is.idle_floor_bytes) + " always stay instead of " +
               kib_text(was.idle_floor_bytes) + ": " + held(with, without);
      });
  of.say(
      said, [](settings in) { return in.pages.idle_cap_bytes; },
      [&](tried with, tried without) {
        return "Of idle pages up to " + kib_text(is.idle_cap_bytes) + " stay for a while instead of " +
               kib_text(was.idle_cap_bytes) + ": " + held(with, without);
      });
  of.say(
      said, [](settings in) { return in.pages.idle_epochs; },
      [&](tried with, tried without) {
        return "Idle memory stays for " + std::to_string(is.idle_epochs) + " epochs instead of " +
               std::to_string(was.idle_epochs) + ": " + held(with, without);
      });
  of.say(
      said, [](settings in) { return in.pages.block_cache_bytes; },
      [&](tried with, tried without) {
        return "Idle blocks of up to " + kib_text(is.block_cache_bytes) + " instead of " +
               kib_text(was.block_cache_bytes) + ": " + blocks_text(with, without);
      });
  of.say(
      said, [](settings in) { return in.pages.huge_pages; },
      [&](tried, tried) {
        return std::string("Huge pages: ") + word_for(is.huge_pages) + " instead of " + word_for(was.huge_pages) +
               ": the model knows nothing of them, so it was measured.";
      });
}

}  // namespace

std::vector<std::string> reasons(tuning_result const& found) {
  std::vector<std::string> said;
  if (found.proof == tuning_proof::nothing) return said;
  auto const best = std::ranges::find_if(
      found.tried, [&](tried_settings const& each) { return same(each.settings, found.recommended); });
  if (best == found.tried.end()) return said;
  comparison const of{found, *best};
  say_of_pages(said, of);
  say_of_idle_memory(said, of);
  return said;
}

}  // namespace mayfly::trace
