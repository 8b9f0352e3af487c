#include "format.hpp"
#include <mayfly/trace/trace.hpp>

#include <boost/json.hpp>

#include <stdexcept>

namespace mayfly::trace {
namespace {

namespace json = boost::json;

template <class Number>
Number number_of(json::object const& in, char const* name) {
  json::value const* const found = in.if_contains(name);
  if (found == nullptr) throw std::runtime_error(std::string("the settings have no \"") + name + '"');
  json::error_code error;
  auto const number = found->to_number<Number>(error);
  if (error) throw std::runtime_error(std::string("the setting \"") + name + "\" is not a number that it can be");
  return number;
}

/// The same of a setting that older recordings do not have: what they ran with is the default.
template <class Number>
void read_if_there(json::object const& in, char const* name, Number& into) {
  if (in.contains(name)) into = number_of<Number>(in, name);
}

/// The same, of a choice that is written as a number.
template <class Enum>
void read_choice_if_there(json::object const& in, char const* name, Enum last, Enum& into) {
  if (!in.contains(name)) return;
  auto const number = number_of<std::size_t>(in, name);
  if (number > static_cast<std::size_t>(last))
    throw std::runtime_error(std::string("the setting \"") + name + "\" is no choice there is");
  into = static_cast<Enum>(number);
}

template <class Number, std::size_t Count>
void read_numbers(json::object const& in, char const* name, std::array<Number, Count>& into) {
  json::value const* const found = in.if_contains(name);
  json::array const* const list = found == nullptr ? nullptr : found->if_array();
  if (list == nullptr || list->size() != Count) {
    throw std::runtime_error(std::string("the setting \"") + name + "\" is not a list of " + std::to_string(Count));
  }
  for (std::size_t i = 0; i < Count; ++i) {
    json::error_code error;
    into[i] = (*list)[i].to_number<Number>(error);
    if (error) throw std::runtime_error(std::string("the setting \"") + name + "\" holds what is not a number");
  }
}

template <class Number, std::size_t Count>
json::array list_of(std::array<Number, Count> const& numbers) {
  return json::array(numbers.begin(), numbers.end());
}

}  // namespace

std::string settings_as_json(recorded_settings const& settings) {
  page_pool_options const& pages = settings.pages;
  json::object out{{"program", settings.program},
                   {"workers", settings.workers},
                   {"epoch_ns", settings.epoch.count()},
                   {"class_bytes", list_of(pages.class_bytes)},
                   {"magazine_pages", list_of(pages.magazine_pages)},
                   {"max_bytes", pages.max_bytes},
                   {"idle_cap_bytes", pages.idle_cap_bytes},
                   {"idle_floor_bytes", pages.idle_floor_bytes},
                   {"idle_epochs", pages.idle_epochs},
                   {"block_cache_bytes", pages.block_cache_bytes},
                   {"growth_percent", pages.growth_percent},
                   {"largest_in_page_bytes", pages.largest_in_page_bytes},
                   {"return_by", static_cast<unsigned>(pages.return_by)},
                   {"huge_pages", static_cast<unsigned>(pages.huge_pages)}};
  if (settings.first_class) out["first_class"] = *settings.first_class;
  return json::serialize(out);
}

recorded_settings settings_from_json(std::string_view text) {
  json::error_code error;
  json::value const parsed = json::parse(text, error);
  json::object const* const in = error ? nullptr : parsed.if_object();
  if (in == nullptr) throw std::runtime_error("the settings are no JSON object");
  recorded_settings out;
  if (json::value const* const name = in->if_contains("program"); name != nullptr && name->is_string()) {
    out.program = std::string(name->get_string());
  }
  out.workers = number_of<unsigned>(*in, "workers");
  out.epoch = std::chrono::nanoseconds{number_of<std::int64_t>(*in, "epoch_ns")};
  page_pool_options& pages = out.pages;
  read_numbers(*in, "class_bytes", pages.class_bytes);
  read_numbers(*in, "magazine_pages", pages.magazine_pages);
  pages.max_bytes = number_of<std::size_t>(*in, "max_bytes");
  pages.idle_cap_bytes = number_of<std::size_t>(*in, "idle_cap_bytes");
  pages.idle_floor_bytes = number_of<std::size_t>(*in, "idle_floor_bytes");
  pages.idle_epochs = number_of<std::uint32_t>(*in, "idle_epochs");
  pages.block_cache_bytes = number_of<std::size_t>(*in, "block_cache_bytes");
  read_if_there(*in, "growth_percent", pages.growth_percent);
  read_if_there(*in, "largest_in_page_bytes", pages.largest_in_page_bytes);
  read_choice_if_there(*in, "return_by", memory_return::free, pages.return_by);
  read_choice_if_there(*in, "huge_pages", huge_page_use::always, pages.huge_pages);
  if (in->contains("first_class")) out.first_class = number_of<std::size_t>(*in, "first_class");
  if (out.first_class && *out.first_class >= page_pool_options::classes) {
    throw std::runtime_error("the setting \"first_class\" is not a page class");
  }
  return out;
}

}  // namespace mayfly::trace
