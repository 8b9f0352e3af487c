#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>
#include <tbb/task_group.h>

#include <atomic>
#include <new>
#include <thread>

#include <dlfcn.h>

// oneTBB has no memory for a task. Its allocating function is replaced: both overloads, as inline code and the library
// itself call them.
namespace {

std::atomic<bool> next_fails{false};
std::atomic<std::thread::id> spared{};  // the one thread for which it does not

void fail_perhaps() {
  if (std::this_thread::get_id() != spared.load() && next_fails.exchange(false)) throw std::bad_alloc{};
}

template <class Function>
Function* of_onetbb(char const* mangled) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, mangled));
}

}  // namespace

namespace tbb::detail::r1 {

void* __TBB_EXPORTED_FUNC allocate(d1::small_object_pool*& pool, std::size_t bytes) {
  static auto* const theirs = of_onetbb<void*(d1::small_object_pool*&, std::size_t)>(
      "_ZN3tbb6detail2r18allocateERPNS0_2d117small_object_poolEm");
  fail_perhaps();
  return theirs(pool, bytes);
}

void* __TBB_EXPORTED_FUNC allocate(d1::small_object_pool*& pool, std::size_t bytes, d1::execution_data const& data) {
  static auto* const theirs = of_onetbb<void*(d1::small_object_pool*&, std::size_t, d1::execution_data const&)>(
      "_ZN3tbb6detail2r18allocateERPNS0_2d117small_object_poolEmRKNS2_14execution_dataE");
  fail_perhaps();
  return theirs(pool, bytes, data);
}

}  // namespace tbb::detail::r1

namespace {

using mayfly::executor;
using mayfly::request_context;
using mayfly::task_group;
using mayfly::test::wait_until;

TEST(TaskMemory, ATaskThatCouldNotBeMadeIsNotWaitedFor) {
  executor pool{{.workers = 1}};
  auto result = pool.run({}, [](request_context& request) {
    int ran = 0;
    task_group group{request};
    next_fails = true;
    EXPECT_THROW(group.run([&] { ran += 100; }), std::bad_alloc);
    EXPECT_FALSE(next_fails.load()) << "the replacement was called";
    group.wait();
    group.run([&] { ++ran; });
    group.wait();
    return ran;
  });
  EXPECT_EQ(result.value(), 1);
}

TEST(TaskMemory, AWorkerThatHadNoMemoryToHelpHelpsLaterAndComesBack) {
  executor pool{{.workers = 2}};
  auto const handler = [&](request_context& request) {
    spared = std::this_thread::get_id();
    next_fails = true;  // for the other worker, when it takes its seat
    std::uint64_t const before = pool.stats().helped_chunks;
    request.parallel_for(0, 2, [&](std::size_t) { wait_until([&] { return pool.stats().helped_chunks != before; }); });
    return next_fails.load();
  };
  EXPECT_FALSE(pool.run({}, handler).value()) << "the other worker's allocation failed";
  EXPECT_TRUE(pool.drain(std::chrono::minutes{1}, std::chrono::seconds{1}).complete());
}

}  // namespace
