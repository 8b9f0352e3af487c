#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/plugin.hpp>
#include <mayfly/stress/violations.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mayfly::stress {

/// What a plugin's handler answers, in its request's memory, where it stays to the end of the scope and is read back
/// by the destructor. To be made in that memory.
class kept_answer final : public plugin_answer {
 public:
  kept_answer(arena& lane, std::uint64_t number, violation_log& into) noexcept
      : lane_(lane), number_(number), into_(into) {}
  kept_answer(kept_answer const&) = delete;
  kept_answer& operator=(kept_answer const&) = delete;
  ~kept_answer();

  void append(std::string_view text) override;

 private:
  struct piece {
    piece* next;
    std::string_view text;
  };

  arena& lane_;  // of the thread that the handler runs on
  std::uint64_t number_;
  violation_log& into_;
  piece* first_ = nullptr;
  piece* last_ = nullptr;
  std::uint64_t sum_ = 0;  // of all that was appended
  std::uint64_t bytes_ = 0;
};

/// A JSON text for a handler that makes no input of its own: {"number":17,"text":"words","numbers":[3,1,2]}, up to some
/// 4 KiB, the same for the same two numbers.
[[nodiscard]] std::string usual_input(std::uint64_t seed, std::uint64_t number);

}  // namespace mayfly::stress
