#include <mayfly/detail/thread_id.hpp>
#include <mayfly/scope_entry.hpp>
#include <mayfly/stress/requests.hpp>
#include <mayfly/stress/thread_stacks.hpp>

#include <optional>
#include <string>

namespace mayfly::stress {

namespace {

/// The first object in the arena, so the last to be destroyed.
request_body& make_body(world& in, ledger_record& record, choice const& what, request_context& request) {
  return *request.arena().make<request_body>(in, record, what, request.id());
}

void check_current(world& in, request_context& request, std::uint64_t number) {
  scope const* const current = current_scope();
  if (current == nullptr || current->id() != request.id()) {
    in.violations.add(number, "its own scope current in its handler: " + to_string(request.id()),
                      current == nullptr ? "none is" : to_string(current->id()) + " is");
  }
  auto const found = in.registry->find(request.id());
  if (!found || found->id != request.id()) {
    in.violations.add(number, "that its id " + to_string(request.id()) + " is found while it runs", "it is not");
  }
}

/// Whether the choice, or the faults that are on, can end a request that way.
bool may_end(world const& in, choice const& what, outcome_kind kind) {
  switch (kind) {
    case outcome_kind::value:
      return what.throws == thrown_thing::nothing;
    case outcome_kind::exception:
      return true;  // judged by what it is
    case outcome_kind::cancelled:
      return what.cancel_by_id || what.cancel_by_source || in.plan.faults.has(fault::cancel);
    case outcome_kind::expired:
      return what.deadline_us != 0;
  }
  return false;
}

void check_refused_memory(world& in, choice const& what, allocation_error const& error) {
  in.counts.memory[static_cast<std::size_t>(error.reason())].add();
  if (what.throws != thrown_thing::out_of_budget && in.plan.faults.has(fault::pages)) in.counts.count(fault::pages);
  bool const own_limit = error.reason() == refusal::byte_budget && what.request_bytes != 0;
  bool const pool_limit = error.reason() == refusal::page_cap && in.has_page_budget();
  if (!own_limit && !pool_limit) in.violations.add(what.number, "no memory refused", error.what());
}

/// Nothing: it is what it may be. Else what was thrown.
std::optional<std::string> judge_exception(world& in, choice const& what, std::exception_ptr const& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (planted_error const& error) {
    if (what.throws == thrown_thing::runtime_error && error.number() == what.number) return std::nullopt;
    return error.what();
  } catch (int number) {
    if (what.throws == thrown_thing::number && number == planted_number(what.number)) return std::nullopt;
    return "the number " + std::to_string(number);
  } catch (std::string const& text) {
    if (what.throws == thrown_thing::text && text == planted_text(what.number)) return std::nullopt;
    return "the text " + text;
  } catch (allocation_error const& error) {
    check_refused_memory(in, what, error);
    return std::nullopt;
  } catch (refused_error const& error) {
    if (what.kind == request_kind::nested && error.reason() == admission_reason::queue_full) return std::nullopt;
    return error.what();
  } catch (std::exception const& error) {
    return error.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

void check_outcome(world& in, choice const& what, outcome<request_body const*> const& end) {
  in.counts.outcomes[static_cast<std::size_t>(end.kind())].add();
  if (!may_end(in, what, end.kind())) {
    in.violations.add(what.number, "an end that its choices lead to (it is " + std::string(to_string(what.kind)) + ")",
                      std::string(mayfly::to_string(end.kind())));
  } else if (end.kind() == outcome_kind::exception && what.kind != request_kind::plugin) {
    if (auto const wrong = judge_exception(in, what, end.error())) {
      in.violations.add(what.number, "what it was to throw, and nothing else", *wrong);
    }
  } else if (end && (*end)->what() != what) {
    in.violations.add(what.number, "its own answer", "that of request " + std::to_string((*end)->what().number));
  }
}

}  // namespace

request_body::request_body(world& in, ledger_record& record, choice const& what, scope_id id)
    : world_(in), record_(record), what_(what), id_(id), memory_(what.key) {
  world_.book.opened(record_, what_.number);
}

request_body::~request_body() {
  memory_.check(*world_.pages, id_, what_.number, world_.violations);
  world_.counts.written_bytes.add(memory_.bytes());
  check_ended(*world_.registry, id_, what_.number, world_.violations);
  world_.ended.add(id_, what_.number);
  world_.book.closed(record_, what_.number);
}

request_body const* stress_handler::operator()(request_context& request) const {
  let_stack_be_asked();
  auto& runs_on = in->runs_on[request.scope().slot_index()];
  runs_on.store(detail::this_thread_id(), std::memory_order_relaxed);  // relaxed: for the watchdog to look at
  in->book.started(*record, number);
  choice const what = choose(in->plan, number);
  request_body& body = make_body(*in, *record, what, request);
  check_current(*in, request, number);
  run_steps(*in, *record, body, request);
  return &body;
}

void stress_completion::operator()(outcome<request_body const*> const& end, request_context& request) const {
  choice const what = choose(in->plan, number);
  check_outcome(*in, what, end);
  auto& runs_on = in->runs_on[request.scope().slot_index()];
  runs_on.store(0, std::memory_order_relaxed);  // relaxed: as above
  if (what.hold && end) {
    in->counts.holds.add();
    in->to_let_go.push({request.hold(), &(*end)->memory(), number, what.wait_us});
  }
  in->book.completed(*record, number);
}

int planted_number(std::uint64_t number) noexcept { return static_cast<int>(number & 0x7FFF'FFFFU); }
std::string planted_text(std::uint64_t number) { return "text planted in request " + std::to_string(number); }

ticket::ticket(world& in, ledger_record& record, std::uint64_t number)
    : world_(&in), record_(&record), number_(number) {
  world_->book.add_part(*record_, number_);
}

ticket::~ticket() {
  if (world_ != nullptr) world_->book.end_part(*record_, number_);
}

void ticket::run(request_context& request) const {
  world_->counts.tasks_run.add();
  auto* const memory = request.arena().make<written_memory>(mix_numbers(number_, request.id().bits()));
  number_stream from(number_);
  for (std::uint64_t left = from.between(1, 10); left != 0; --left) {
    memory->write(request.arena(), from.between(1, 1000));
  }
  memory->check(*world_->pages, request.id(), number_, world_->violations);
  world_->counts.written_bytes.add(memory->bytes());
}

}  // namespace mayfly::stress
