#include <mayfly/allocation_error.hpp>
#include <mayfly/request_errors.hpp>
#include <mayfly/service/plugin_handler.hpp>

#include <exception>
#include <limits>
#include <new>
#include <string>

namespace mayfly::service {

namespace {

/// What a handler appends, in the answer where it will be written from; and what is wrong with it.
class answer_line final : public plugin_answer {
 public:
  explicit answer_line(answer_buffer& to) : to_(to) {}

  void append(std::string_view text) override {
    if (line_feed_ == nowhere) {
      auto const found = text.find('\n');
      if (found != std::string_view::npos) line_feed_ = bytes_ + found;
    }
    to_.append(text);
    bytes_ += text.size();
  }

  /// Whether it is one line of text, which it then ends.
  [[nodiscard]] bool complete(request_error& error) {
    if (line_feed_ != nowhere) {
      error.format(failure::handler_failed, 0, "the handler's answer is to be one line, and byte %zu is a line feed",
                   line_feed_);
    } else if (bytes_ == 0) {
      error.assign(failure::handler_failed, "the handler gave no answer", 0);
    } else {
      to_.push('\n');
      return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  answer_buffer& to_;
  std::size_t bytes_ = 0;
  std::size_t line_feed_ = nowhere;
};

/// In a handler of what a plugin's handler threw.
void explain_thrown(request_error& error) noexcept {
  try {
    throw;
  } catch (bad_request const& refused) {
    error.assign(failure::refused, refused.what(), refused.at());
  } catch (request_expired const&) {
    error.assign(failure::expired, "past its deadline", 0);
  } catch (request_cancelled const&) {
    error.assign(failure::cancelled, "cancelled", 0);
  } catch (allocation_error const& refused) {
    error.assign(failure::over_budget, refused.what(), 0);
  } catch (std::bad_alloc const&) {
    error.assign(failure::over_budget, "out of memory", 0);
  } catch (std::exception const& thrown) {
    error.format(failure::handler_failed, 0, "the handler threw: %s", thrown.what());
  } catch (...) {
    error.assign(failure::handler_failed, "the handler threw something that is no std::exception", 0);
  }
}

}  // namespace

bool handle_with_plugin(std::string_view request, std::uint64_t number, request_context& context,
                        handler_settings const& settings, interruption const& interrupt, answer_buffer& answer,
                        request_error& error) noexcept {
  parse_options options;
  options.max_depth = settings.max_depth;
  options.interrupted = interrupt.asked;
  options.interrupted_context = interrupt.context;
  parse_progress progress;
  try {
    if (!check_json(request, options, error, progress)) return false;
    answer_line line(answer);
    settings.of_plugin->run({.request = context, .input = request, .answer = line, .seed = 0, .number = number});
    return line.complete(error);
  } catch (...) {
    explain_thrown(error);
    return false;
  }
}

}  // namespace mayfly::service
