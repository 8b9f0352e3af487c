#pragma once

#include <mayfly/plugin.hpp>
#include <mayfly/service/answer_buffer.hpp>
#include <mayfly/service/handlers.hpp>
#include <mayfly/service/request_error.hpp>

#include <cstdint>
#include <string_view>

namespace mayfly::service {

/// As handle_request(), by `settings.of_plugin`: looks whether the request is JSON, of no more levels than allowed, and
/// gives it to the handler, which answers in the memory of `context`. `number` is the request's, from 0.
[[nodiscard]] bool handle_with_plugin(std::string_view request, std::uint64_t number, request_context& context,
                                      handler_settings const& settings, interruption const& interrupt,
                                      answer_buffer& answer, request_error& error) noexcept;

}  // namespace mayfly::service
