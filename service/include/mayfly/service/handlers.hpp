#pragma once

#include <mayfly/plugin.hpp>
#include <mayfly/service/answer_buffer.hpp>
#include <mayfly/service/json_parse.hpp>
#include <mayfly/service/json_pointer.hpp>
#include <mayfly/service/request_error.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mayfly::service {

/// What `mayfly run` itself can do with a request.
enum class handler_kind : unsigned char {
  echo,          ///< parse, write as read
  canonicalize,  ///< RFC 8785
  merge_patch,   ///< RFC 7396, one patch for all requests
  extract,       ///< RFC 6901, one or more pointers
};

/// A handler and what it is called on the command line.
struct handler_name {
  std::string_view name;
  handler_kind kind;
};
[[nodiscard]] std::span<handler_name const> handler_names();
[[nodiscard]] std::optional<handler_kind> handler_named(std::string_view name);
[[nodiscard]] std::string_view name_of(handler_kind kind);

/// Everything a handler knows before the first request comes; shared read-only by all workers.
struct handler_settings {
  handler_kind kind = handler_kind::echo;
  std::size_t max_depth = 512;
  boost::json::value patch;            ///< merge_patch: parsed with number_mode::as_written, on the heap
  std::vector<json_pointer> pointers;  ///< extract: at least one
  /// Null, or a handler to be called instead, which outlives every request: see handle_with_plugin().
  plugin::named_handler const* of_plugin = nullptr;

  /// As the command line has it. Stays as long as the settings and the plugin do.
  [[nodiscard]] std::string_view name() const { return of_plugin != nullptr ? of_plugin->name : name_of(kind); }
};

/// A way to end a request that is past its deadline; asked every few thousand values.
struct interruption {
  bool (*asked)(void*) = nullptr;
  void* context = nullptr;
};

/// Answers one request, as `settings.kind` says: true and the answer, a line with its line feed, in `answer`; or false
/// and the reason in `error`, with `answer` to be thrown away. Every byte comes from `memory`, whose exhaustion
/// (std::bad_alloc) is one of the reasons; nothing is thrown. Trees are gone when it returns. Any thread.
[[nodiscard]] bool handle_request(std::string_view request, request_memory const& memory,
                                  handler_settings const& settings, interruption const& interrupt,
                                  answer_buffer& answer, request_error& error) noexcept;

/// Appends {"request":17,"error":"...","at":42}, and "file" where the request was a file of its own.
void write_error_line(std::size_t request, request_error const& error, std::string_view file, answer_buffer& to);

}  // namespace mayfly::service
