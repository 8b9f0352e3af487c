#include <mayfly/scope_entry.hpp>
#include <mayfly/stress/kept_answer.hpp>
#include <mayfly/stress/requests.hpp>
#include <mayfly/task_group.hpp>

#include <chrono>
#include <memory_resource>
#include <thread>
#include <vector>

namespace mayfly::stress {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::microseconds;

/// One request's handler, step by step. What it draws depends on its key alone.
class steps {
 public:
  steps(world& in, ledger_record& record, request_body& body, request_context& request)
      : world_(in), record_(record), body_(body), request_(request), what_(body.what()), from_(body.what().key) {}

  void run() {
    write_some(1, 8, 256);
    run_kind();
    if (what_.throws != thrown_thing::nothing) throw_at_its_place();
    if (what_.overrun) overrun();
    write_some(1, 8, 256);
  }

 private:
  void run_kind() {
    switch (what_.kind) {
      case request_kind::small:
      case request_kind::throwing:
        return write_some(2, 20, 512);
      case request_kind::held:
        return write_some(2, 60, 1024);
      case request_kind::large:
        return run_large();
      case request_kind::oversize:
        return run_oversize();
      case request_kind::parallel:
        return run_parallel();
      case request_kind::tasks:
        return run_tasks();
      case request_kind::nested:
        return run_nested(request_, from_.between(1, 3));
      case request_kind::cancelled:
        return run_until_stopped(microseconds{2000});
      case request_kind::expiring:
        return run_until_stopped(microseconds{what_.deadline_us + 2000});
      case request_kind::detached:
        return run_detached();
      case request_kind::timers:
        return run_timers();
      case request_kind::plugin:
        return run_plugin();
    }
  }

  /// The user's own handler, between bytes of ours, which must stay as they are.
  void run_plugin() {
    auto const& handler = world_.user_handlers[what_.plugin_handler];
    std::string const made =
        handler.input ? handler.input(world_.plan.seed, what_.number) : usual_input(world_.plan.seed, what_.number);
    auto& answer = *request_.arena().make<kept_answer>(request_.arena(), what_.number, world_.violations);
    std::string_view const input = request_.arena().copy(made);
    write_some(1, 1, 256);
    handler.run(
        {.request = request_, .input = input, .answer = answer, .seed = world_.plan.seed, .number = what_.number});
    if (input != made) world_.violations.add(what_.number, "its input as it was given to its handler", "another text");
  }

  void write_some(std::uint64_t least, std::uint64_t most, std::uint64_t most_bytes) {
    for (std::uint64_t left = from_.between(least, most); left != 0; --left) write(from_.between(1, most_bytes));
  }

  void write(std::size_t bytes) {
    body_.memory().write(request_.arena(), bytes, std::size_t{8} << from_.between(0, 3));
  }

  void run_large() {
    write_some(100, 600, 2048);
    std::pmr::vector<std::uint64_t> grown{request_.memory()};
    std::uint64_t const count = from_.between(100, 10'000);
    for (std::uint64_t i = 0; i < count; ++i) grown.push_back(what_.key + i);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (grown[i] == what_.key + i) continue;
      world_.violations.add(what_.number, "element " + std::to_string(i) + " of its own vector as it was put there",
                            std::to_string(grown[i]));
      return;
    }
  }

  void run_oversize() {
    for (std::uint64_t left = from_.between(1, 3); left != 0; --left) {
      write(from_.between(65U << 10U, from_.one_in(8) ? 3U << 20U : 400U << 10U));
      if (!from_.one_in(2)) continue;
      std::size_t const bytes = from_.between(65U << 10U, 200U << 10U);  // given back early, or grown and left
      void* const early = request_.arena().allocate(bytes);
      bool const grown = request_.arena().try_extend(early, bytes, bytes + 64);
      request_.arena().deallocate(early, grown ? bytes + 64 : bytes);
    }
  }

  /// One piece of nested work: allocates in the lane of whichever thread runs it.
  void piece(std::size_t index) const {
    scope const* const current = current_scope();
    if (current == nullptr || current->id() != request_.id()) {
      world_.violations.add(what_.number, "its own scope current in its nested work: " + to_string(request_.id()),
                            current == nullptr ? "none is" : to_string(current->id()) + " is");
      return;
    }
    number_stream from(mix_numbers(what_.key, index));
    for (std::uint64_t left = from.between(1, 4); left != 0; --left) {
      body_.memory().write(request_.arena(), from.between(1, 400));
    }
  }

  void run_parallel() {
    bool const twice = from_.one_in(6);
    std::uint64_t const count = from_.between(4, twice ? 8 : 64);
    request_.parallel_for(0, count, [&](std::size_t i) {
      piece(i);
      if (twice) request_.parallel_for(0, 8, [&](std::size_t j) { piece(1000 + 8 * i + j); });
    });
  }

  void run_tasks() {
    task_group group{request_};
    std::uint64_t const count = from_.between(2, 12);
    for (std::uint64_t i = 0; i < count; ++i) group.run([this, i] { piece(i); });
    if (from_.one_in(8)) group.cancel();
    group.wait();
  }

  void run_nested(request_context& outer, std::uint64_t depth) {
    scope_id inner_id;
    outer.nested([&](request_context& inner) {
      world_.counts.nested_scopes.add();
      inner_id = inner.id();
      std::uint64_t const key = mix_numbers(what_.key, depth);
      auto* const memory = inner.arena().make<written_memory>(key);
      for (std::uint64_t left = from_.between(1, 12); left != 0; --left) {
        memory->write(inner.arena(), from_.between(1, 2000));
      }
      if (depth > 1) run_nested(inner, depth - 1);
      memory->check(*world_.pages, inner.id(), what_.number, world_.violations);
      world_.counts.written_bytes.add(memory->bytes());
    });
    check_ended(*world_.registry, inner_id, what_.number, world_.violations);
  }

  /// Works until it is told to stop, but for no longer than `most`.
  void run_until_stopped(microseconds most) {
    auto const until = clock::now() + most;
    bool const in_pieces = from_.one_in(3);
    while (clock::now() < until) {
      if (what_.overrun) return;  // will not look
      request_.throw_if_stopped();
      if (in_pieces) {
        request_.parallel_for(0, 16, [&](std::size_t i) { piece(i); });
      } else {
        write(from_.between(1, 64));
      }
      std::this_thread::sleep_for(microseconds{20});
    }
  }

  void run_detached() {
    for (std::uint64_t left = from_.between(1, 4); left != 0; --left) {
      auto const admitted = request_.spawn(
          {.route = "task"}, [](request_context& own, ticket const& from) { from.run(own); },
          ticket(world_, record_, what_.number));
      if (admitted) world_.counts.tasks.add();
      if (!admitted) world_.counts.count(admitted.reason());
    }
  }

  void run_timers() {
    for (std::uint64_t left = from_.between(1, 3); left != 0; --left) {
      auto const set = request_.spawn_after(
          microseconds{from_.between(0, 3000)}, {.route = "timer"},
          [](request_context& own, ticket const& from) { from.run(own); }, ticket(world_, record_, what_.number));
      if (!set) {
        world_.counts.count(set.reason());
        continue;
      }
      world_.counts.timers.add();
      if (from_.one_in(3) && world_.requests->cancel_timer(set.id())) world_.counts.timers_cancelled.add();
    }
  }

  void overrun() const {
    auto const until = clock::now() + microseconds{what_.deadline_us + 200};
    while (clock::now() < until) std::this_thread::yield();
    world_.counts.count(fault::slow);
  }

  void throw_at_its_place() {
    if (what_.throw_is_fault) world_.counts.count(fault::throws);
    switch (what_.throws_at) {
      case throwing_place::between_steps:
        throw_it();
      case throwing_place::in_parallel_for:
        return request_.parallel_for(0, 16, [&](std::size_t i) {
          piece(i);
          if (i == 5) throw_it();
        });
      case throwing_place::beside_tasks: {
        task_group group{request_};
        for (std::size_t i = 0; i < 6; ++i) group.run([this, i] { piece(i); });
        throw_it();  // nobody has waited for them
      }
    }
  }

  [[noreturn]] void throw_it() const {
    switch (what_.throws) {
      case thrown_thing::number:
        throw planted_number(what_.number);
      case thrown_thing::text:
        throw planted_text(what_.number);
      case thrown_thing::out_of_budget:
        for (;;) body_.memory().write(request_.arena(), 20'000);  // until its budget is used up
      default:
        throw planted_error(what_.number);
    }
  }

  world& world_;
  ledger_record& record_;
  request_body& body_;
  request_context& request_;
  choice const what_;
  number_stream from_;
};

}  // namespace

void run_steps(world& in, ledger_record& record, request_body& body, request_context& request) {
  steps(in, record, body, request).run();
}

}  // namespace mayfly::stress
