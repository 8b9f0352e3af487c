#pragma once

#include <mayfly/escape_report.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace mayfly::test {

/// While it lives, escape reports come here and not to standard error.
class heard_escapes {
 public:
  struct heard {
    escape_rule rule;
    void const* address;
    scope_id scope;
    std::string route;
    std::size_t offset;
    std::int32_t opened_thread;
  };

  heard_escapes() { set_escape_handler(&heard_escapes::hear, nullptr); }
  ~heard_escapes() {
    set_escape_handler(nullptr, nullptr);
    std::scoped_lock const lock{mutex()};
    all().clear();
  }
  heard_escapes(heard_escapes const&) = delete;
  heard_escapes& operator=(heard_escapes const&) = delete;

  [[nodiscard]] std::vector<heard> reports() const {
    std::scoped_lock const lock{mutex()};
    return all();
  }
  [[nodiscard]] std::vector<escape_rule> rules() const {
    std::vector<escape_rule> found;
    for (heard const& each : reports()) found.push_back(each.rule);
    return found;
  }

 private:
  // Static: a thread that reports may still be about to call the handler when the object goes.
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  static std::vector<heard>& all() {
    static std::vector<heard> reports;
    return reports;
  }
  static void hear(escape_report const& report, void*) noexcept {
    std::scoped_lock const lock{mutex()};
    all().push_back(
        {report.rule, report.address, report.scope, std::string{report.route}, report.offset, report.opened_thread});
  }
};

}  // namespace mayfly::test
