// What the memory_resource of a scope answers when it is called too late.

#include "support.hpp"
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;

/// Hears of every escape while it lives.
class reports {
 public:
  reports() { set_escape_handler(hear, this); }
  ~reports() { set_escape_handler(nullptr, nullptr); }
  reports(reports const&) = delete;
  reports& operator=(reports const&) = delete;

  /// What was heard since the last call.
  std::vector<escape_report> take() {
    std::scoped_lock const lock{mutex_};
    return std::exchange(heard_, {});
  }

 private:
  static void hear(escape_report const& report, void* user) noexcept {
    auto& self = *static_cast<reports*>(user);
    std::scoped_lock const lock{self.mutex_};
    self.heard_.push_back(report);
  }

  std::mutex mutex_;
  std::vector<escape_report> heard_;
};

struct Tripwire : testing::Test {
  [[nodiscard]] escape_report only_report() {
    auto const all = heard.take();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? escape_report{} : all[0];
  }

  reports heard;
  test::scopes s{1};
};

/// As a container that outlived its scope would call: bytes of its memory, and its resource.
struct late_caller {
  explicit late_caller(scope& in)
      : resource{in.memory()}, memory{inside(in, [&] { return resource->allocate(100); })}, id{in.id()} {}

  std::pmr::memory_resource* resource;
  void* memory;
  scope_id id;
};

TEST_F(Tripwire, SaysNothingWhileTheScopeLives) {
  scope& opened = s.open();
  late_caller caller{opened};
  elsewhere([&] { caller.resource->deallocate(caller.memory, 100); });  // from outside: stays until the end
  inside(opened, [&] {
    std::pmr::vector<std::pmr::string> words{opened.memory()};
    for (int i = 0; i < 1000; ++i) words.emplace_back(std::string(50, 'x'));
    opened.make<std::pmr::vector<int>>(std::size_t{100}, opened.memory());  // gives back in its destructor, at the end
  });
  elsewhere([&] { inside(opened, [&] { opened.make<std::pmr::string>(std::string(100, 'y'), opened.memory()); }); });
  opened.close();
  EXPECT_TRUE(heard.take().empty());
}

TEST_F(Tripwire, SaysNothingWhileTheEndedScopeIsPinned) {
  scope& opened = s.open();
  late_caller caller{opened};
  auto pin = s.registry.pin(opened.id());
  opened.close();
  caller.resource->deallocate(caller.memory, 100);
  EXPECT_TRUE(heard.take().empty());
  pin = {};
  caller.resource->deallocate(caller.memory, 100);
  EXPECT_EQ(only_report().scope, caller.id);
}

TEST_F(Tripwire, ReportsMemoryThatIsGivenBackAfterTheEndAndDoesNothing) {
  scope& opened = s.open("late route");
  late_caller caller{opened};
  auto const when = opened.opened();
  opened.close();
  std::uint64_t const before = escape_reports(escape_rule::late_deallocate);
  caller.resource->deallocate(caller.memory, 100);
  EXPECT_EQ(escape_reports(escape_rule::late_deallocate), before + 1);
  auto const report = only_report();
  EXPECT_EQ(report.rule, escape_rule::late_deallocate);
  EXPECT_EQ(report.address, caller.memory);
  EXPECT_EQ(report.scope, caller.id);
  EXPECT_EQ(report.route, "late route");
  EXPECT_EQ(report.opened, when);
  EXPECT_NE(report.opened_thread, 0);
  EXPECT_EQ(report.opened_thread, report.this_thread);
  EXPECT_EQ(report.allocation_bytes, 100U);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(Tripwire, ReportsMemoryThatIsAskedAfterTheEndAndThrows) {
  scope& opened = s.open("late route");
  late_caller const caller{opened};
  opened.close();
  try {
    static_cast<void>(caller.resource->allocate(50));
    FAIL() << "it must throw";
  } catch (scope_gone const& gone) {
    EXPECT_EQ(gone.id(), caller.id);
    EXPECT_NE(std::string{gone.what()}.find("MF-E22"), std::string::npos);
    EXPECT_NE(std::string{gone.what()}.find(to_string(caller.id)), std::string::npos);
  }
  auto const report = only_report();
  EXPECT_EQ(report.rule, escape_rule::late_allocate);
  EXPECT_EQ(report.scope, caller.id);
  EXPECT_EQ(report.route, "late route");
  EXPECT_EQ(report.allocation_bytes, 50U);
  EXPECT_THROW(static_cast<void>(caller.resource->allocate(50)), std::bad_alloc);
}

TEST_F(Tripwire, KnowsTheNextThirtyOneTenantsFromItsOwn) {
  std::optional<late_caller> caller;
  {
    scope& opened = s.open();
    caller.emplace(opened);
    opened.close();
  }
  for (std::size_t tenant = 1; tenant < detail::resource_ring::size; ++tenant) {
    scope& opened = s.open("the next");
    EXPECT_NE(opened.memory(), caller->resource);
    EXPECT_FALSE(opened.memory()->is_equal(*caller->resource));
    inside(opened, [&] {
      auto* const mine = static_cast<std::byte*>(opened.memory()->allocate(100));
      caller->resource->deallocate(mine, 100);  // the memory that its own now is another's
      EXPECT_EQ(only_report().scope, caller->id);
      EXPECT_NE(opened.memory()->allocate(8), mine) << "nothing was given back";
      EXPECT_THROW(static_cast<void>(caller->resource->allocate(8)), scope_gone);
      auto const report = only_report();
      EXPECT_EQ(report.scope, caller->id);
      EXPECT_EQ(report.route, "") << "that is the tenant's";
    });
    opened.close();
  }
}

TEST_F(Tripwire, ReportsWhatIsNotTheScopesMemoryAlsoWhenTheResourceHasComeRound) {
  std::optional<late_caller> caller;
  {
    scope& opened = s.open();
    static_cast<void>(inside(opened, [&] { return opened.memory()->allocate(40'000); }));  // another page
    caller.emplace(opened);
    opened.close();
  }
  for (std::size_t tenant = 1; tenant < detail::resource_ring::size; ++tenant) s.open().close();
  scope& opened = s.open();
  ASSERT_EQ(opened.memory(), caller->resource) << "32 tenancies on";
  inside(opened, [&] {
    static_cast<void>(opened.memory()->allocate(8));
    caller->resource->deallocate(caller->memory, 100);
    auto const report = only_report();
    EXPECT_EQ(report.rule, escape_rule::late_deallocate);
    EXPECT_EQ(report.address, caller->memory);
  });
  opened.close();
}

TEST_F(Tripwire, ReportsTheMemoryOfAnotherScope) {
  test::scopes two;
  scope& one = two.open();
  scope& other = two.open();
  inside(one, [&] {
    void* const mine = one.memory()->allocate(64);
    inside(other, [&] { other.memory()->deallocate(mine, 64); });
    EXPECT_EQ(only_report().scope, one.id()) << "whose memory it is";
    int local = 0;
    one.memory()->deallocate(&local, sizeof local);
    EXPECT_EQ(only_report().scope, one.id()) << "to whom it was given";
  });
  one.close();
  other.close();
}

TEST_F(Tripwire, IsThereAfterTheRegistryAndThePoolHaveGone) {
  std::optional<late_caller> caller;
  {
    test::scopes gone;
    std::string const route = "a route that ends with its registry, too long to lie in the string itself";
    scope& opened = gone.open(route);
    caller.emplace(opened);
    opened.close();
  }
  caller->resource->deallocate(caller->memory, 100);
  auto const report = only_report();
  EXPECT_EQ(report.scope, caller->id);
  EXPECT_EQ(report.route, "");
  EXPECT_THROW(static_cast<void>(caller->resource->allocate(8)), scope_gone);
  heard.take();
  test::scopes next;  // in the same slots, perhaps
  scope& tenant = next.open();
  caller->resource->deallocate(caller->memory, 100);
  EXPECT_EQ(only_report().rule, escape_rule::late_deallocate);
  tenant.close();
}

TEST_F(Tripwire, AnswersFromAnyThread) {
  scope& opened = s.open();
  late_caller const caller{opened};
  opened.close();
  elsewhere([&] {
    caller.resource->deallocate(caller.memory, 100);
    EXPECT_THROW(static_cast<void>(caller.resource->allocate(8)), scope_gone);
  });
  EXPECT_EQ(heard.take().size(), 2U);
}

TEST_F(Tripwire, AnswersInARetiredSlot) {
  test::scopes last{1, scope_id::largest_generation};
  scope& opened = last.open();
  late_caller const caller{opened};
  opened.close();
  ASSERT_EQ(last.registry.retired_slots(), 1U);
  caller.resource->deallocate(caller.memory, 100);
  EXPECT_EQ(only_report().scope, caller.id);
}

TEST_F(Tripwire, ContainersThatOutliveTheirScopeEndWithReportsAlone) {
  auto escaped = std::make_unique<std::optional<std::pmr::vector<std::pmr::string>>>();
  scope& opened = s.open();
  inside(opened, [&] { escaped->emplace(opened.memory()); });  // empty: takes memory when it is too late
  opened.close();
  EXPECT_THROW((*escaped)->emplace_back("late"), scope_gone);
  EXPECT_EQ(only_report().rule, escape_rule::late_allocate);
  escaped.reset();
  EXPECT_TRUE(heard.take().empty()) << "it had nothing to give back";
}

}  // namespace
}  // namespace mayfly
