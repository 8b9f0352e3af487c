#pragma once

#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace mayfly::service {

/// What the system says to `error`, an errno.
[[nodiscard]] inline std::string system_reason(int error) { return std::generic_category().message(error); }

/// An open file, closed with its owner unless it was borrowed.
class file_descriptor {
 public:
  file_descriptor() = default;
  explicit file_descriptor(int number) : number_(number), owned_(true) {}
  static file_descriptor borrow(int number) {
    file_descriptor borrowed;
    borrowed.number_ = number;
    return borrowed;
  }
  file_descriptor(file_descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)), owned_(std::exchange(other.owned_, false)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~file_descriptor() { close(); }

  [[nodiscard]] int get() const { return number_; }

  /// What close() says: 0, or -1 with errno. 0 for a borrowed one, which stays open.
  int close() {
    int const number = std::exchange(number_, -1);
    return std::exchange(owned_, false) && number >= 0 ? ::close(number) : 0;
  }

 private:
  int number_ = -1;
  bool owned_ = false;
};

}  // namespace mayfly::service
