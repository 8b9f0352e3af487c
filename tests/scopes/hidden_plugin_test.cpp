// A program with mayfly in it, and a library that it loads and that was built with -fvisibility=hidden.
#include "support.hpp"
#include <mayfly/scope_entry.hpp>
#include <mayfly/scope_gone.hpp>
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <thread>

#include <dlfcn.h>

namespace mayfly {
namespace {

class HiddenPlugin : public ::testing::Test {
 protected:
  HiddenPlugin() : handle_{dlopen(HIDDEN_PLUGIN, RTLD_NOW | RTLD_LOCAL)} {
    if (handle_ == nullptr) throw std::runtime_error{dlerror()};
  }
  ~HiddenPlugin() override { dlclose(handle_); }

  template <typename Function>
  [[nodiscard]] Function* function(char const* name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name));
  }

  test::scopes all;

 private:
  void* handle_;
};

TEST_F(HiddenPlugin, MayHaveLargeThreadLocals) {
  auto* const local = function<std::byte*()>("hidden_thread_local");
  std::byte* theirs = nullptr;
  std::jthread{[&] { theirs = local(); }}.join();
  ASSERT_NE(theirs, nullptr);
  EXPECT_NE(local(), nullptr);
}

TEST_F(HiddenPlugin, KnowsTheProgramsCurrentScope) {
  auto* const current = function<scope const*()>("hidden_current_scope");
  scope& opened = all.open();
  EXPECT_EQ(current(), nullptr);
  {
    scope_entry const entered(opened);
    EXPECT_EQ(current(), &opened);
  }
  opened.close();
}

TEST_F(HiddenPlugin, EntersAScopeAndAllocatesThere) {
  auto* const make = function<int*(scope&, int)>("hidden_make");
  scope& opened = all.open();
  EXPECT_EQ(*make(opened, 7), 7);
  opened.close();
}

TEST_F(HiddenPlugin, ThrowsWhatTheProgramCatches) {
  auto* const throwing = function<void(scope_id)>("hidden_throw");
  EXPECT_THROW(throwing(scope_id{1, 2}), scope_gone);
}

TEST_F(HiddenPlugin, ResolvesARefThatTheProgramMade) {
  auto* const get = function<int const*(scoped_ref<int> const&)>("hidden_get");
  scope& opened = all.open();
  scoped_ref<int> ref;
  {
    scope_entry const entered(opened);
    int* const number = opened.make<int>(7);
    ref = {opened, *number};
    EXPECT_EQ(get(ref), number);
  }
  opened.close();
  EXPECT_EQ(get(ref), nullptr);
}

}  // namespace
}  // namespace mayfly
