#include <mayfly/allocation_error.hpp>
#include <mayfly/service/handlers.hpp>
#include <mayfly/service/json_write.hpp>
#include <mayfly/service/merge_patch.hpp>
#include <mayfly/service/text.hpp>

#include <array>
#include <charconv>
#include <exception>
#include <new>

namespace mayfly::service {

namespace {

namespace json = boost::json;

constexpr std::array<handler_name, 4> names{{
    {"echo", handler_kind::echo},
    {"canonicalize", handler_kind::canonicalize},
    {"merge-patch", handler_kind::merge_patch},
    {"extract", handler_kind::extract},
}};

void write_extracted(json::value const& tree, std::span<json_pointer const> pointers, answer_buffer& answer) {
  auto const write_one = [&](json_pointer const& pointer) {
    if (auto const* found = pointer.find_in(tree)) {
      write_as_read(*found, answer);
    } else {
      answer.append("null");
    }
  };
  if (pointers.size() == 1) return write_one(pointers.front());
  answer.push('[');
  bool first = true;
  for (auto const& pointer : pointers) {
    if (!first) answer.push(',');
    first = false;
    write_one(pointer);
  }
  answer.push(']');
}

parse_options options_for(handler_settings const& settings, interruption const& interrupt) {
  parse_options options;
  options.max_depth = settings.max_depth;
  options.interrupted = interrupt.asked;
  options.interrupted_context = interrupt.context;
  if (settings.kind == handler_kind::canonicalize) options.numbers = number_mode::as_double;
  return options;
}

/// Echo alone may meet a repeated name. Trees with one are built differently (and are larger), so the first reading
/// hopes that there is none.
std::optional<json::value> parse_for(handler_settings const& settings, std::string_view request,
                                     request_memory const& memory, parse_options options, request_error& error,
                                     parse_progress& progress) {
  auto tree = parse(request, memory, options, error, progress);
  if (tree || settings.kind != handler_kind::echo || error.kind() != failure::repeated_name) return tree;
  error = {};
  options.names = repeated_names::kept;
  return parse(request, memory, options, error, progress);
}

bool answer_with(std::string_view request, request_memory const& memory, handler_settings const& settings,
                 interruption const& interrupt, answer_buffer& answer, request_error& error, parse_progress& progress) {
  auto tree = parse_for(settings, request, memory, options_for(settings, interrupt), error, progress);
  if (!tree) return false;
  progress.reached = request.size();
  switch (settings.kind) {
    case handler_kind::echo:
      write_as_read(*tree, answer);
      break;
    case handler_kind::canonicalize:
      write_canonical(*tree, answer, memory.bytes);
      break;
    case handler_kind::merge_patch:
      merge_patch(*tree, settings.patch);
      write_as_read(*tree, answer);
      break;
    case handler_kind::extract:
      write_extracted(*tree, settings.pointers, answer);
      break;
  }
  answer.push('\n');
  return true;
}

}  // namespace

std::span<handler_name const> handler_names() { return names; }

std::optional<handler_kind> handler_named(std::string_view name) {
  for (auto const& candidate : names) {
    if (candidate.name == name) return candidate.kind;
  }
  return std::nullopt;
}

std::string_view name_of(handler_kind kind) {
  for (auto const& candidate : names) {
    if (candidate.kind == kind) return candidate.name;
  }
  return "?";
}

bool handle_request(std::string_view request, request_memory const& memory, handler_settings const& settings,
                    interruption const& interrupt, answer_buffer& answer, request_error& error) noexcept {
  parse_progress progress;
  try {
    return answer_with(request, memory, settings, interrupt, answer, error, progress);
  } catch (allocation_error const& refused) {
    error.assign(failure::over_budget, refused.what(), progress.reached);
  } catch (std::bad_alloc const&) {
    error.assign(failure::over_budget, "out of memory", progress.reached);
  } catch (std::exception const& bug) {
    error.format(failure::internal, progress.reached, "internal error: %s", bug.what());
  }
  return false;
}

void write_error_line(std::size_t request, request_error const& error, std::string_view file, answer_buffer& to) {
  auto const write_number = [&](std::size_t number) {
    char* const begin = to.reserve(24);
    to.commit(std::to_chars(begin, begin + 24, number).ptr);
  };
  to.append("{\"request\":");
  write_number(request);
  // A file's name is any bytes at all, and the line is UTF-8.
  auto const write_text = [&](std::string_view text) {
    is_utf8(text) ? write_string(text, to) : write_string(repaired_utf8(text), to);
  };
  to.append(",\"error\":");
  write_text(error.text());
  to.append(",\"at\":");
  write_number(error.at());
  if (!file.empty()) {
    to.append(",\"file\":");
    write_text(file);
  }
  to.push('}');
}

}  // namespace mayfly::service
