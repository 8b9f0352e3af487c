#include <mayfly/stress/side_threads.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace mayfly::stress {

namespace {

void wait_for(std::uint32_t wait_us) {
  if (wait_us != 0) std::this_thread::sleep_for(std::chrono::microseconds{wait_us});
}

void cancel_everything(world& in) {
  in.counts.storms.add();
  auto& registry = *in.registry;
  registry.for_each_live([&](scope_info const& one) {
    if (registry.request_cancel(one.id)) in.counts.count(fault::cancel);
  });
}

void carry_out(world& in, cancel_order& order) {
  wait_for(order.wait_us);
  if (order.source.stop_possible()) {
    order.source.request_stop();
    in.counts.cancels.add();
  } else if (order.id && in.requests->request_cancel(order.id)) {
    in.counts.cancels.add();
    if (order.is_fault) in.counts.count(fault::cancel);
  }
  if (order.storm) cancel_everything(in);
}

void let_one_go(world& in, held_scope& held) {
  wait_for(held.wait_us);
  scope_id const id = held.hold.get().id();
  if (!in.registry->find(id)) {
    in.violations.add(held.number, "that its id " + to_string(id) + " is found while it is held", "it is not");
  }
  held.memory->check(*in.pages, id, held.number, in.violations);
  held.hold.release();
}

/// Pins a live scope for a moment: under the pin it stays what it is.
void pin_one(world& in, scope_id id, number_stream& from) {
  scope_pin const pinned = in.registry->pin(id);
  if (!pinned) return;
  in.counts.pins.add();
  if (from.one_in(4)) std::this_thread::yield();
  if (pinned.get().id() == id) return;
  in.violations.add(std::nullopt, "scope " + to_string(id) + " under a pin", to_string(pinned.get().id()));
}

}  // namespace

side_threads::side_threads(world& in)
    : world_(in), cancels_([this] { cancel(); }), lets_go_([this] { let_go(); }), probes_([this] { probe(); }) {
  if (in.plan.faults.has(fault::epochs)) ends_epochs_ = std::thread([this] { end_epochs(); });
  if (in.plan.faults.has(fault::budget)) moves_budget_ = std::thread([this] { move_budget(); });
}

side_threads::~side_threads() {
  ending_.store(true, std::memory_order_relaxed);  // relaxed: a flag to be polled
  world_.to_cancel.close();
  world_.to_let_go.close();
  for (auto* const each : {&cancels_, &lets_go_, &probes_, &ends_epochs_, &moves_budget_}) {
    if (each->joinable()) each->join();
  }
}

void side_threads::cancel() {
  for (auto orders = world_.to_cancel.take_all(); !orders.empty(); orders = world_.to_cancel.take_all()) {
    for (auto& order : orders) carry_out(world_, order);
  }
}

void side_threads::let_go() {
  for (auto held = world_.to_let_go.take_all(); !held.empty(); held = world_.to_let_go.take_all()) {
    for (auto& one : held) let_one_go(world_, one);
  }
}

void side_threads::probe() {
  number_stream from(mix_numbers(world_.plan.seed, ~std::uint64_t{0}));
  while (!ending_.load(std::memory_order_relaxed)) {  // relaxed: as above
    for (int i = 0; i < 64; ++i) {
      if (world_.ended.check(from.next() % ended_ids::kept, *world_.registry, world_.violations)) {
        world_.counts.ids_probed.add();
      }
    }
    world_.registry->for_each_live([&](scope_info const& one) {
      if (from.one_in(8)) pin_one(world_, one.id, from);
    });
    std::this_thread::sleep_for(std::chrono::microseconds{from.between(20, 300)});
  }
}

/// As an executor's trimmer does once a second.
void side_threads::end_epochs() {
  number_stream from(mix_numbers(world_.plan.seed, ~std::uint64_t{1}));
  while (!ending_.load(std::memory_order_relaxed)) {  // relaxed: as above
    world_.counts.returned_bytes.add(world_.pages->end_epoch());
    world_.counts.count(fault::epochs);
    wait_for(static_cast<std::uint32_t>(from.between(20, 500)));
  }
}

/// Between a quarter of the budget, or of 16 MiB where there is none, and all of it; in the end it is what it was.
void side_threads::move_budget() {
  constexpr std::size_t where_there_is_none = std::size_t{16} << 20U;
  std::size_t const whole = world_.pages->max_bytes();
  std::size_t const most = std::min(whole, where_there_is_none);
  number_stream from(mix_numbers(world_.plan.seed, ~std::uint64_t{2}));
  while (!ending_.load(std::memory_order_relaxed)) {  // relaxed: as above
    std::size_t const next = from.one_in(3) ? whole : from.between(most / 4, most);
    world_.counts.returned_bytes.add(world_.pages->set_max_bytes(next));
    world_.counts.count(fault::budget);
    wait_for(static_cast<std::uint32_t>(from.between(100, 2'000)));
  }
  world_.pages->set_max_bytes(whole);
}

void check_all_ended_ids(world& in) {
  for (std::size_t place = 0; place < ended_ids::kept; ++place) {
    if (in.ended.check(place, *in.registry, in.violations)) in.counts.ids_probed.add();
  }
}

}  // namespace mayfly::stress
