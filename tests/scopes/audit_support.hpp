#pragma once

#include <mayfly/audit.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <unistd.h>

namespace mayfly::test {

/// A report, kept beyond its handler. Its address is disguised: the tests' own books are no holder.
struct heard {
  explicit heard(escape_report const& report)
      : rule{report.rule},
        disguised_address{~reinterpret_cast<std::uintptr_t>(report.address)},
        scope{report.scope},
        route{report.route},
        opened_thread{report.opened_thread},
        closed_thread{report.closed_thread},
        offset{report.offset},
        holder{report.holder},
        holder_bytes{report.holder_bytes},
        holder_address{report.holder_address},
        suspect{report.suspect} {}

  escape_rule rule;
  std::uintptr_t disguised_address;
  scope_id scope;
  std::string route;
  std::int32_t opened_thread;
  std::int32_t closed_thread;
  std::size_t offset;
  std::string holder;
  std::size_t holder_bytes;
  void const* holder_address;
  bool suspect;
};

/// Says what was heard when a matcher is not content.
inline void PrintTo(heard const& each, std::ostream* out) {
  *out << code(each.rule) << " by " << each.holder << " (" << each.holder_bytes << " bytes at " << each.holder_address
       << ", offset " << each.offset << ")" << (each.suspect ? ", suspect" : "");
}

/// Hears the reports of the process while it lives.
class listening {
 public:
  listening() { set_escape_handler(&listening::hear, this); }
  ~listening() { set_escape_handler(nullptr, nullptr); }
  listening(listening const&) = delete;
  listening& operator=(listening const&) = delete;

  [[nodiscard]] std::vector<heard> const& reports() const { return reports_; }

 private:
  static void hear(escape_report const& report, void* self) noexcept {
    auto& mine = *static_cast<listening*>(self);
    std::scoped_lock const lock{mine.mutex_};
    mine.reports_.emplace_back(report);
  }

  std::mutex mutex_;
  std::vector<heard> reports_;
};

/// Where nobody looks into what holds blocks, Clang makes none.
template <typename Holder>
void somebody_looks_into(Holder const& holder) {
  asm volatile("" : : "r"(&holder) : "memory");
}

/// No limit: what AddressSanitizer keeps of other tests' memory is large.
inline constexpr audit_options unlimited{.most_bytes = std::size_t{1} << 40U};

/// A registry whose scopes are audited, one open scope, and the reports. No address is used for two scopes: what a
/// freed block still says of one test's scope is not taken for another's.
class audited {
 public:
  explicit audited(audit_options const& options = {.one_in = 1})
      : registry_{pool(), {.capacity = 64, .audit = options}} {
    open();
  }
  ~audited() {
    if (scope_ != nullptr) close();
  }
  audited(audited const&) = delete;
  audited& operator=(audited const&) = delete;

  void open() {
    scope_ = registry_.open({.route = "test"});
    ASSERT_NE(scope_, nullptr);
  }
  void close() {
    scope_->close();
    scope_ = nullptr;
  }
  [[nodiscard]] mayfly::scope& scope() { return *scope_; }
  [[nodiscard]] scope_registry& registry() { return registry_; }
  [[nodiscard]] std::vector<heard> const& reports() const { return ears_.reports(); }

  [[nodiscard]] int* int_in_scope() {
    scope_entry const entered{*scope_};
    return scope_->make<int>(42);
  }
  [[nodiscard]] void* allocate(std::size_t bytes) {
    scope_entry const entered{*scope_};
    return scope_->arena().allocate(bytes);
  }

 private:
  static page_pool& pool() {
    static page_pool* const the_one = new page_pool{{.recycle = false}};
    return *the_one;
  }

  listening ears_;
  scope_registry registry_;
  mayfly::scope* scope_ = nullptr;
};

}  // namespace mayfly::test
