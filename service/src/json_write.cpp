#include <mayfly/service/json_parse.hpp>
#include <mayfly/service/json_write.hpp>
#include <mayfly/service/numbers.hpp>
#include <mayfly/service/text.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace mayfly::service {

namespace {

namespace json = boost::json;

std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

/// RFC 8785 section 3.2.2.2: the two-character escapes where JSON has one, \u00xx in lower case elsewhere.
char* write_escape(char* to, char c) {
  *to++ = '\\';
  switch (c) {
    case '\b':
      *to++ = 'b';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '"':
    case '\\':
      *to++ = c;
      return to;
    default:
      break;
  }
  static constexpr char digits[] = "0123456789abcdef";
  auto const byte = static_cast<unsigned char>(c);
  for (char const d : {'u', '0', '0', digits[byte >> 4], digits[byte & 15U]}) *to++ = d;
  return to;
}

void write_escaped(std::string_view text, answer_buffer& to) {
  while (!text.empty()) {
    std::size_t const plain = plain_prefix(text);
    to.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    to.commit(write_escape(to.reserve(6), text.front()));
    text.remove_prefix(1);
  }
}

// What has room of its own on the stack is kept out of the functions that recurse, so that a level costs little.
template <class Integer>
[[gnu::noinline]] void write_integer(Integer value, answer_buffer& to) {
  char* const begin = to.reserve(number_text_capacity);
  to.commit(std::to_chars(begin, begin + number_text_capacity, value).ptr);
}

template <class Number>
[[gnu::noinline]] void write_ecmascript_number(Number value, answer_buffer& to) {
  to.commit(write_ecmascript(to.reserve(number_text_capacity), value));
}

bool is_verbatim(json::string const& text) { return !text.empty() && text.front() == verbatim_mark; }

bool is_pair_list(json::array const& list) {
  if (list.empty()) return false;
  auto const* mark = list.front().if_string();
  return mark != nullptr && mark->size() == 1 && mark->front() == pair_list_mark;
}

/// The walk through a tree, one level of recursion for each of its levels; how numbers, strings and objects are written
/// is the form's.
template <class Form>
class tree_writer {
 public:
  void write(json::value const& value) {
    switch (value.kind()) {
      case json::kind::null:
        return to_.append("null");
      case json::kind::bool_:
        return to_.append(value.get_bool() ? "true" : "false");
      case json::kind::int64:
        return form().write_number(value.get_int64());
      case json::kind::uint64:
        return form().write_number(value.get_uint64());
      case json::kind::double_:
        return form().write_number(value.get_double());
      case json::kind::string:
        return form().write_text(value.get_string());
      case json::kind::array:
        return form().write_array(value.get_array());
      case json::kind::object:
        return form().write_object(value.get_object());
    }
  }

 protected:
  void write_elements(json::array const& list) {
    to_.push('[');
    bool first = true;
    for (auto const& element : list) {
      if (!first) to_.push(',');
      first = false;
      write(element);
    }
    to_.push(']');
  }

  void write_member(bool first, json::string_view name, json::value const& value) {
    if (!first) to_.push(',');
    write_string(view(name), to_);
    to_.push(':');
    write(value);
  }

  answer_buffer& to_;

 private:
  friend Form;

  explicit tree_writer(answer_buffer& to) : to_(to) {}

  Form& form() { return static_cast<Form&>(*this); }
};

class as_read_writer : public tree_writer<as_read_writer> {
 public:
  explicit as_read_writer(answer_buffer& to) : tree_writer(to) {}

 private:
  friend tree_writer;

  template <class Integer>
  void write_number(Integer value) {
    write_integer(value, to_);
  }
  void write_number(double value) { write_ecmascript_number(value, to_); }

  void write_text(json::string const& text) {
    if (is_verbatim(text)) {
      to_.append(view(text).substr(1));
    } else {
      write_string(view(text), to_);
    }
  }

  void write_array(json::array const& list) {
    if (is_pair_list(list)) return write_pairs(list);
    write_elements(list);
  }

  void write_pairs(json::array const& list) {
    to_.push('{');
    for (std::size_t i = 1; i < list.size(); i += 2) write_member(i == 1, list[i].get_string(), list[i + 1]);
    to_.push('}');
  }

  void write_object(json::object const& object) {
    to_.push('{');
    bool first = true;
    for (auto const& member : object) write_member(std::exchange(first, false), member.key(), member.value());
    to_.push('}');
  }
};

struct sortable {
  unsigned long long prefix;
  json::key_value_pair const* member;

  friend bool operator<(sortable const& a, sortable const& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return utf16_less(view(a.member->key()), view(b.member->key()));
  }
};

class canonical_writer : public tree_writer<canonical_writer> {
 public:
  canonical_writer(answer_buffer& to, std::pmr::memory_resource* scratch) : tree_writer(to), members_(scratch) {}

 private:
  friend tree_writer;

  template <class Number>
  void write_number(Number value) {
    write_ecmascript_number(value, to_);
  }
  void write_text(json::string const& text) { write_string(view(text), to_); }
  void write_array(json::array const& list) { write_elements(list); }

  void write_object(json::object const& object) {
    std::size_t const begin = sort_members(object);
    to_.push('{');
    for (std::size_t i = begin; i < begin + object.size(); ++i) {
      json::key_value_pair const& member = *members_[i].member;  // writing may move the table
      write_member(i == begin, member.key(), member.value());
    }
    to_.push('}');
    members_.resize(begin);
  }

  /// Puts the sorted members of an object on top of the stack of members; returns where they begin.
  [[gnu::noinline]] std::size_t sort_members(json::object const& object) {
    std::size_t const begin = members_.size();
    if (members_.capacity() - begin < object.size()) members_.reserve(2 * (begin + object.size()));
    bool sorted = true;
    for (auto const& member : object) {
      members_.push_back({utf16_prefix(view(member.key())), &member});
      if (members_.size() > begin + 1) sorted = sorted && members_[members_.size() - 2] < members_.back();
    }
    if (!sorted) std::sort(members_.begin() + static_cast<std::ptrdiff_t>(begin), members_.end());
    return begin;
  }

  std::pmr::vector<sortable> members_;  // of all objects that are open, innermost last
};

}  // namespace

void write_string(std::string_view text, answer_buffer& to) {
  char* const begin = to.reserve(text.size() + 2);
  if (char* const end = copy_plain(begin + 1, text)) [[likely]] {
    *begin = '"';
    *end = '"';
    return to.commit(end + 1);
  }
  to.push('"');
  write_escaped(text, to);
  to.push('"');
}

void write_as_read(json::value const& tree, answer_buffer& to) { as_read_writer(to).write(tree); }

void write_canonical(json::value const& tree, answer_buffer& to, std::pmr::memory_resource* scratch) {
  canonical_writer(to, scratch).write(tree);
}

}  // namespace mayfly::service
