#include <mayfly/service/json_parse.hpp>
#include <mayfly/service/numbers.hpp>
#include <mayfly/service/text.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <vector>

namespace mayfly::service {

namespace {

namespace json = boost::json;
using json::error_code;
using json::string_view;

constexpr unsigned events_between_polls = 4096;

/// What a builder refuses beyond what the grammar refuses.
enum class parse_refusal : unsigned char { none, number_too_large, interrupted };

/// What a reading of a text knows: how far it is, whether it is to end, why it was refused.
class reading {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  reading(std::string_view text, parse_options const& options, parse_progress& progress)
      : text_(text), options_(options), progress_(progress) {}

  [[nodiscard]] parse_refusal why() const { return why_; }

 protected:
  void note(string_view token) {
    // The rest of a string with escapes lies in the parser's own buffer, which says nothing about the place.
    auto const offset = reinterpret_cast<std::uintptr_t>(token.data()) - reinterpret_cast<std::uintptr_t>(text_.data());
    if (offset <= text_.size()) progress_.reached = offset;
  }

  bool step(string_view token, error_code& problem) {
    note(token);
    if (--events_left_ != 0) [[likely]]
      return true;
    events_left_ = events_between_polls;
    if (options_.interrupted == nullptr || !options_.interrupted(options_.interrupted_context)) return true;
    return refuse(parse_refusal::interrupted, token, problem);
  }

  bool refuse(parse_refusal why, string_view token, error_code& problem) {
    note(token);
    why_ = why;
    problem = json::error::exception;  // any error stops the parser; why() is the reason that counts
    return false;
  }

 private:
  std::string_view text_;
  parse_options const& options_;
  parse_progress& progress_;
  unsigned events_left_ = events_between_polls;
  parse_refusal why_ = parse_refusal::none;
};

/// The handler of Boost's parser: turns its events into a tree. Boost's own handler would do but for two things: its
/// doubles are up to an ulp off (it multiplies by a table of powers of ten), and it forgets how a number was written.
template <number_mode Numbers, repeated_names Names>
class tree_builder : public reading {
 public:
  tree_builder(json::storage_ptr const& storage, unsigned char* temporary, std::size_t temporary_bytes,
               std::string_view text, parse_options const& options, parse_progress& progress)
      : reading(text, options, progress), stack_(storage, temporary, temporary_bytes) {
    stack_.reset(storage);
  }

  json::value release() { return stack_.release(); }
  [[nodiscard]] std::size_t names() const { return names_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
  bool on_number_part(string_view, error_code&) { return true; }

  bool on_object_begin(error_code&) {
    if constexpr (Names == repeated_names::kept) stack_.push_string(string_view(&pair_list_mark, 1));
    return true;
  }
  bool on_object_end(std::size_t members, error_code&) {
    if constexpr (Names == repeated_names::kept) {
      stack_.push_array(2 * members + 1);
    } else {
      stack_.push_object(members);
    }
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t elements, error_code&) {
    stack_.push_array(elements);
    return true;
  }

  bool on_key_part(string_view part, std::size_t, error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_key(string_view rest, std::size_t, error_code& problem) {
    ++names_;
    if constexpr (Names == repeated_names::kept) {
      stack_.push_string(rest);
    } else {
      stack_.push_key(rest);
    }
    return step(rest, problem);
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(string_view rest, std::size_t, error_code& problem) {
    stack_.push_string(rest);
    return step(rest, problem);
  }

  bool on_int64(std::int64_t value, string_view written, error_code& problem) {
    if (Numbers == number_mode::as_written && value == 0 && written.front() == '-') {
      push_verbatim(written);
    } else {
      stack_.push_int64(value);
    }
    return step(written, problem);
  }
  bool on_uint64(std::uint64_t value, string_view written, error_code& problem) {
    stack_.push_uint64(value);
    return step(written, problem);
  }
  bool on_double(double, string_view written, error_code& problem) {
    if constexpr (Numbers == number_mode::as_written) {
      push_verbatim(written);
    } else {
      double value = 0;
      if (read_double({written.data(), written.size()}, value) == number_reading::too_large) {
        return refuse(parse_refusal::number_too_large, written, problem);
      }
      stack_.push_double(value);
    }
    return step(written, problem);
  }

  bool on_bool(bool value, error_code&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }

 private:
  void push_verbatim(string_view written) {
    stack_.push_chars(string_view(&verbatim_mark, 1));
    stack_.push_string(written);
  }

  json::value_stack stack_;
  std::size_t names_ = 0;
};

/// The same where nothing is kept: whether it is JSON is all that is asked.
class text_checker : public reading {
 public:
  using reading::reading;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t, error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(string_view, std::size_t, error_code&) { return true; }
  bool on_key(string_view rest, std::size_t, error_code& problem) { return step(rest, problem); }
  bool on_string_part(string_view, std::size_t, error_code&) { return true; }
  bool on_string(string_view rest, std::size_t, error_code& problem) { return step(rest, problem); }
  bool on_int64(std::int64_t, string_view written, error_code& problem) { return step(written, problem); }
  bool on_uint64(std::uint64_t, string_view written, error_code& problem) { return step(written, problem); }
  bool on_double(double, string_view written, error_code& problem) { return step(written, problem); }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
};

/// Members in all objects of the tree. Smaller than the number of names read when a name was repeated.
std::size_t count_members(json::value const& tree) {
  std::size_t count = 0;
  if (auto const* object = tree.if_object()) {
    count = object->size();
    for (auto const& member : *object) {
      if (member.value().is_structured()) count += count_members(member.value());
    }
  } else if (auto const* array = tree.if_array()) {
    for (auto const& element : *array) {
      if (element.is_structured()) count += count_members(element);
    }
  }
  return count;
}

void explain(error_code const& problem, std::string_view text, std::size_t at, parse_options const& options,
             request_error& error) {
  if (problem == json::error::too_deep) {
    error.format(failure::too_deep, at, "nested deeper than %zu levels", options.max_depth);
  } else if (problem == json::error::extra_data) {
    error.assign(failure::bad_json, "more text after the end of the value", at);
  } else if (problem == json::error::exponent_overflow) {
    error.assign(failure::bad_json, "the exponent of this number is beyond all reason", at);
  } else if (problem == json::error::illegal_trailing_surrogate || problem == json::error::illegal_leading_surrogate) {
    error.assign(failure::bad_json, "an escaped surrogate that is not one of a pair", at);
  } else if (problem == json::error::incomplete || at >= text.size()) {
    error.assign(failure::bad_json, "the text ends in the middle of a value", text.size());
  } else {
    auto const byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x7F) {
      error.format(failure::bad_json, at, "not JSON: unexpected '%c'", text[at]);
    } else if (byte < 0x80) {
      error.format(failure::bad_json, at, "not JSON: unexpected control character 0x%02x", byte);
    } else {
      error.format(failure::bad_json, at, "not JSON: unexpected byte 0x%02x, or not UTF-8", byte);
    }
  }
}

std::size_t bytes_of_mark(std::string_view text) { return text.starts_with("\xEF\xBB\xBF") ? 3 : 0; }

template <number_mode Numbers, repeated_names Names>
std::optional<json::value> parse_as(std::string_view text, request_memory const& memory, parse_options const& options,
                                    request_error& error, parse_progress& progress);

/// Names in the order read, and which of them is the first that its object already had. What is not needed to go one
/// level down is kept out of the function that recurses, so that a level costs little stack (S5).
class repetition_finder {
 public:
  explicit repetition_finder(std::pmr::memory_resource* memory) : names_(memory) {}

  /// `tree` was parsed with repeated_names::kept.
  void look_into(json::value const& tree) {
    auto const* list = tree.if_array();
    if (list == nullptr || list->empty()) return;
    if (!is_pair_list(*list)) {
      for (auto const& element : *list) look_into(element);
      return;
    }
    std::size_t const begin = names_.size();
    for (std::size_t i = 1; i < list->size(); i += 2) {
      open_member((*list)[i].get_string());
      look_into((*list)[i + 1]);
    }
    close_object(begin);
  }

  struct entry {
    std::string_view name;
    std::size_t ordinal;
    auto operator<=>(entry const&) const = default;
  };
  [[nodiscard]] entry const& first() const { return first_; }

 private:
  static bool is_pair_list(json::array const& list) {
    auto const* mark = list.front().if_string();
    return mark != nullptr && mark->size() == 1 && mark->front() == pair_list_mark;
  }

  [[gnu::noinline]] void open_member(json::string const& name) {
    names_.push_back({{name.data(), name.size()}, names_seen_++});
  }

  [[gnu::noinline]] void close_object(std::size_t begin) {
    std::sort(names_.begin() + static_cast<std::ptrdiff_t>(begin), names_.end());
    for (std::size_t i = begin + 1; i < names_.size(); ++i) {
      if (names_[i].name == names_[i - 1].name && names_[i].ordinal < first_.ordinal) first_ = names_[i];
    }
    names_.resize(begin);
  }

  std::pmr::vector<entry> names_;  // of all objects that are open, innermost last
  std::size_t names_seen_ = 0;
  entry first_{{}, static_cast<std::size_t>(-1)};
};

/// Where the n-th name (from 0) of a valid JSON text begins: before the n-th colon that is in no string.
std::size_t place_of_name(std::string_view text, std::size_t n) {
  std::size_t begin_of_string = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      begin_of_string = i;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
    } else if (text[i] == ':' && n-- == 0) {
      return begin_of_string;
    }
  }
  return text.size();
}

/// A second reading of a text that is valid but for a repeated name, only made to say which name it is and where.
void explain_repetition(std::string_view text, request_memory const& memory, parse_options const& options,
                        request_error& error) {
  parse_progress progress;
  auto const tree = parse_as<number_mode::as_written, repeated_names::kept>(text, memory, options, error, progress);
  if (!tree) return;
  repetition_finder finder(memory.bytes);
  finder.look_into(*tree);
  error.assign(failure::repeated_name, "the name \"", place_of_name(text, finder.first().ordinal));
  error.append(whole_characters(finder.first().name, 100));
  error.append("\" appears twice in one object");
}

json::parse_options settings_for(std::string_view text, parse_options const& options) {
  assert(options.max_depth <= deepest_depth);
  json::parse_options settings;
  settings.max_depth = options.max_depth;
  // Boost's own check goes byte by byte through every string that is not ASCII. Where ours finds a fault theirs is
  // made again, because only the parser knows whether another error comes first.
  settings.allow_invalid_utf8 = is_utf8(text);
  return settings;
}

/// Whether it is a text that `parser`'s handler lets through; otherwise `error` says why not.
template <class Handler>
bool read_all(json::basic_parser<Handler>& parser, std::string_view text, parse_options const& options,
              request_error& error, parse_progress const& progress) {
  error_code problem;
  std::size_t const skipped = bytes_of_mark(text);
  std::size_t const at = parser.write_some(false, text.data() + skipped, text.size() - skipped, problem) + skipped;
  if (!problem && at < text.size()) problem = json::error::extra_data;
  if (!problem) return true;
  switch (parser.handler().why()) {
    case parse_refusal::number_too_large:
      error.assign(failure::bad_json, "a number larger than any double", progress.reached);
      break;
    case parse_refusal::interrupted:
      error.assign(failure::expired, "past its deadline", progress.reached);
      break;
    case parse_refusal::none:
      explain(problem, text, at, options, error);
      break;
  }
  return false;
}

template <number_mode Numbers, repeated_names Names>
std::optional<json::value> parse_as(std::string_view text, request_memory const& memory, parse_options const& options,
                                    request_error& error, parse_progress& progress) {
  // Enough for the open containers of most requests; what does not fit goes to the request's own storage.
  alignas(std::max_align_t) unsigned char temporary[8192];
  json::basic_parser<tree_builder<Numbers, Names>> parser(settings_for(text, options), memory.trees, temporary,
                                                          sizeof temporary, text, options, progress);
  if (!read_all(parser, text, options, error, progress)) return std::nullopt;
  auto& builder = parser.handler();
  std::optional<json::value> tree(builder.release());
  if (Names == repeated_names::refused && count_members(*tree) != builder.names()) {
    explain_repetition(text, memory, options, error);
    return std::nullopt;
  }
  return tree;
}

}  // namespace

std::optional<json::value> parse(std::string_view text, request_memory const& memory, parse_options const& options,
                                 request_error& error, parse_progress& progress) {
  using enum number_mode;
  using enum repeated_names;
  if (options.numbers == as_double) {
    if (options.names == kept) return parse_as<as_double, kept>(text, memory, options, error, progress);
    return parse_as<as_double, refused>(text, memory, options, error, progress);
  }
  if (options.names == kept) return parse_as<as_written, kept>(text, memory, options, error, progress);
  return parse_as<as_written, refused>(text, memory, options, error, progress);
}

bool check_json(std::string_view text, parse_options const& options, request_error& error, parse_progress& progress) {
  json::basic_parser<text_checker> parser(settings_for(text, options), text, options, progress);
  return read_all(parser, text, options, error, progress);
}

}  // namespace mayfly::service
