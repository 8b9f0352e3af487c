#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory_resource>
#include <string>
#include <vector>

using namespace std::chrono_literals;

TEST(Executor, AnswersTheReadmesExample) {
  mayfly::executor pool{{.workers = 2}};
  auto f = pool.submit("greet", [](mayfly::request_context& request) {
    std::pmr::vector<std::pmr::string> w{request.memory()};
    w.emplace_back("hello");
    return mayfly::detach(w.front());
  });
  EXPECT_EQ(f.get(), "hello");
  std::promise<double> pr;
  auto a = pool.try_submit(
      {.route = "sum", .deadline = 5s},
      [](mayfly::request_context& r) {
        auto p = r.arena().make_span<double>(1000);
        r.parallel_for(0, 1000, [&](std::size_t i) { p[i] = double(i); });
        double t = 0;
        for (double d : p) t += d;
        return t;
      },
      [&](mayfly::outcome<double> const& s, mayfly::request_context&) { pr.set_value(s.value()); });
  EXPECT_TRUE(a);
  EXPECT_EQ(pr.get_future().get(), 499500.0);
  auto r = pool.run({.route = "x", .deadline = 1s}, [](mayfly::request_context& c) {
    mayfly::task_group g{c};
    int x = 0, y = 0;
    g.run([&] { x = 1; });
    g.run([&] { y = 2; });
    g.wait();
    return x + y;
  });
  EXPECT_EQ(r.value(), 3);
}
