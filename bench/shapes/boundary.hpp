#pragma once

// What happens to an answer at a request's boundary: it lies in the arena, and is read out field by field and
// serialised there; or it is copied to the heap first, the copy is read and serialised in the same way, and freed.

#include "shapes.hpp"
#include <mayfly/arena_resource.hpp>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

namespace shapes {

/// Longer than what a std::string keeps in itself.
inline constexpr std::string_view body_text = "three items, to be delivered on thursday before noon";

/// Where a response is put together: what a connection would send.
class response {
 public:
  void begin() { end_ = bytes_.data(); }
  void field(std::string_view name, std::int64_t value) {
    open(name);
    end_ = std::to_chars(end_, bytes_.data() + bytes_.size(), value).ptr;
  }
  /// The bodies here need no escapes.
  void field(std::string_view name, std::string_view text) {
    open(name);
    *end_++ = '"';
    put(text);
    *end_++ = '"';
  }
  void end() { *end_++ = '}'; }
  [[nodiscard]] std::string_view text() const {
    return {bytes_.data(), static_cast<std::size_t>(end_ - bytes_.data())};
  }

 private:
  void open(std::string_view name) {
    char const before = end_ == bytes_.data() ? '{' : ',';
    *end_++ = before;
    *end_++ = '"';
    put(name);
    put("\":");
  }
  void put(std::string_view text) {
    std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
  }

  std::array<char, 512> bytes_;
  char* end_ = bytes_.data();
};

template <class String>
struct answer_record {
  std::int64_t status;
  String body;
  std::int64_t total;
};

struct boundary_native {
  using in_request = answer_record<std::pmr::string>;
  using on_the_heap = std::unique_ptr<answer_record<std::string>>;

  static in_request* build(mayfly::arena& memory, std::pmr::memory_resource* strings, std::int64_t n) {
    return memory.make<in_request>(n, std::pmr::string{body_text, strings}, n + 1);
  }
  [[gnu::noinline]] static on_the_heap copy(in_request const* answer) {
    return on_the_heap{
        new answer_record<std::string>{answer->status, std::string{std::string_view{answer->body}}, answer->total}};
  }
  template <class Record>
  [[gnu::noinline]] static void serialise(Record const& answer, response& to) {
    to.begin();
    to.field("status", answer->status);
    to.field("body", std::string_view{answer->body});
    to.field("total", answer->total);
    to.end();
  }
};

struct boundary_json {
  static json::value* build(mayfly::arena& memory, std::pmr::memory_resource*, std::int64_t n) {
    auto const storage = mayfly::json_storage(memory);
    json::object answer(3, storage);
    answer.emplace("status", n);
    answer.emplace("body", json::string_view{body_text.data(), body_text.size()});
    answer.emplace("total", n + 1);
    return memory.make<json::value>(std::move(answer));
  }
  [[gnu::noinline]] static std::unique_ptr<json::value> copy(json::value const* tree) {
    return std::make_unique<json::value>(*tree, json::storage_ptr{});
  }
  template <class Tree>
  [[gnu::noinline]] static void serialise(Tree const& tree, response& to) {
    auto const& answer = tree->get_object();
    auto const& body = answer.at("body").get_string();
    to.begin();
    to.field("status", answer.at("status").get_int64());
    to.field("body", std::string_view{body.data(), body.size()});
    to.field("total", answer.at("total").get_int64());
    to.end();
  }
};

}  // namespace shapes
