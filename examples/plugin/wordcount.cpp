// Two handlers for `mayfly run` and for `mayfly-stress stress`, given with --plugin: docs/plugins.md goes through this
// file.
#include <mayfly/json_resource.hpp>
#include <mayfly/plugin.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace json = boost::json;

/// The member of that name, of a request that must be an object and have it.
json::value const& member(json::value const& request, std::string_view name) {
  auto const* const object = request.if_object();
  auto const* const found = object == nullptr ? nullptr : object->if_contains(name);
  if (found == nullptr) throw mayfly::bad_request("the request has no \"" + std::string(name) + "\"");
  return *found;
}

/// Writes JSON into the answer, a buffer at a time.
void answer_with(json::value const& tree, mayfly::plugin_answer& answer) {
  json::serializer text;
  std::array<char, 2048> piece;
  for (text.reset(&tree); !text.done();) {
    auto const part = text.read(piece.data(), piece.size());
    answer.append({part.data(), part.size()});
  }
}

/// {"text":"to be or not to be"} -> {"words":6,"distinct":4,"most":"be","times":2}
void count_words(mayfly::plugin_call const& call) {
  mayfly::json_resource trees(call.request.arena());  // all of it in the request's memory, and gone with it
  auto const request = json::parse(call.input, &trees);
  auto const* const text = member(request, "text").if_string();
  if (text == nullptr) throw mayfly::bad_request("\"text\" is no string");

  std::pmr::map<std::string_view, std::size_t> counts(call.request.memory());
  auto const is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  for (auto from = text->begin(); (from = std::find_if_not(from, text->end(), is_space)) != text->end();) {
    call.request.throw_if_stopped();
    auto const to = std::find_if(from, text->end(), is_space);
    ++counts[std::string_view(from, static_cast<std::size_t>(to - from))];
    from = to;
  }

  json::object answer({{"words", 0}, {"distinct", counts.size()}}, &trees);
  std::size_t words = 0;
  std::pair<std::string_view, std::size_t> most;
  for (auto const& each : counts) {
    words += each.second;
    if (each.second > most.second) most = each;
  }
  answer["words"] = words;
  if (words != 0) {
    answer["most"] = most.first;
    answer["times"] = most.second;
  }
  answer_with(std::move(answer), call.answer);
}

/// What mayfly-stress counts words in: the same each time for the same two numbers.
std::string some_text(std::uint64_t seed, std::uint64_t number) {
  std::seed_seq sequence{seed, number};
  std::minstd_rand random(sequence);
  std::string text;
  for (auto left = random() % 200; left != 0; --left) {
    text.append(1 + random() % 3, static_cast<char>('a' + random() % 4)).push_back(' ');
  }
  return json::serialize(json::object{{"text", text}});
}

/// {"numbers":[3,1,2]} -> [1,2,3], sorted in two halves beside each other.
void sort_numbers(mayfly::plugin_call const& call) {
  mayfly::json_resource trees(call.request.arena());
  auto const request = json::parse(call.input, &trees);
  auto const* const given = member(request, "numbers").if_array();
  if (given == nullptr) throw mayfly::bad_request("\"numbers\" is no array");

  std::pmr::vector<std::int64_t> numbers(call.request.memory());
  for (auto const& each : *given) {
    auto const* const number = each.if_int64();
    if (number == nullptr) throw mayfly::bad_request("\"numbers\" has something that is no whole number");
    numbers.push_back(*number);
  }
  auto const middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  call.request.parallel_for(0, 2, [&](std::size_t half) {
    half == 0 ? std::sort(numbers.begin(), middle) : std::sort(middle, numbers.end());
  });
  json::array sorted(&trees);
  sorted.resize(numbers.size());
  std::merge(numbers.begin(), middle, middle, numbers.end(), sorted.begin());
  answer_with(std::move(sorted), call.answer);
}

}  // namespace

MAYFLY_PLUGIN(mine) {
  mine.add_handler("wordcount", &count_words, &some_text);
  mine.add_handler("sort", &sort_numbers);  // mayfly-stress makes its usual input, which has "numbers"
}
