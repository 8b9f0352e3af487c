#pragma once

#include <mayfly/stress/world.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace mayfly::stress {

/// What lies in the scope of each request, and tells the ledger of its end: made first in the arena, so that it is
/// destroyed last, when nobody can find the scope any more and before its first page goes.
class request_body {
 public:
  request_body(world& in, ledger_record& record, choice const& what, scope_id id);
  request_body(request_body const&) = delete;
  request_body& operator=(request_body const&) = delete;
  ~request_body();

  [[nodiscard]] choice const& what() const noexcept { return what_; }
  [[nodiscard]] written_memory& memory() noexcept { return memory_; }
  [[nodiscard]] written_memory const& memory() const noexcept { return memory_; }

 private:
  world& world_;
  ledger_record& record_;
  choice what_;
  scope_id id_;
  written_memory memory_;
};

/// Runs a request. Its answer is its body, in the request's memory.
struct stress_handler {
  world* in;
  ledger_record* record;
  std::uint64_t number;

  request_body const* operator()(request_context& request) const;
};

/// Judges how it ended.
struct stress_completion {
  world* in;
  ledger_record* record;
  std::uint64_t number;

  void operator()(outcome<request_body const*> const& end, request_context& request) const;
};

/// What a request does by its kind (request_steps.cpp).
void run_steps(world& in, ledger_record& record, request_body& body, request_context& request);

/// What a request throws when it was chosen to; says which request it is from.
class planted_error : public std::runtime_error {
 public:
  explicit planted_error(std::uint64_t number)
      : std::runtime_error("planted in request " + std::to_string(number)), number_(number) {}
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  std::uint64_t number_;
};

/// The number and the text that are thrown for a request.
[[nodiscard]] int planted_number(std::uint64_t number) noexcept;
[[nodiscard]] std::string planted_text(std::uint64_t number);

/// A task's or timer's share in the request that it came from: its arguments are destroyed exactly once, whatever
/// becomes of it.
class ticket {
 public:
  ticket(world& in, ledger_record& record, std::uint64_t number);
  ticket(ticket&& other) noexcept
      : world_(std::exchange(other.world_, nullptr)), record_(other.record_), number_(other.number_) {}
  ticket& operator=(ticket&&) = delete;
  ~ticket();

  /// What a task does, in a request of its own.
  void run(request_context& request) const;

 private:
  world* world_;
  ledger_record* record_;
  std::uint64_t number_;
};

}  // namespace mayfly::stress

/// It points to the world and its ledger, which outlive every request.
template <>
inline constexpr bool mayfly::is_detached<mayfly::stress::ticket> = true;
