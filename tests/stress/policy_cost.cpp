// One function written on the policy and the same by hand, to be compared instruction by instruction: policy_cost.py.

#include <mayfly/byte_budget.hpp>
#include <mayfly/detail/index_chain.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

using namespace mayfly::detail;  // NOLINT(google-build-using-namespace): a probe, included nowhere

namespace {

struct plain_links {
  std::atomic<std::uint32_t> next;
  std::atomic<std::uint32_t> next_chain;
  std::atomic<std::uint32_t> count;
};

/// chain_depot as it would be without a policy.
struct plain_depot {
  std::atomic<std::uint64_t> head{0};
  std::atomic<std::uint32_t> items{0};
};

/// byte_budget, likewise.
struct plain_budget {
  std::atomic<std::size_t> limit;
  std::atomic<std::size_t> used;
};

std::uint64_t replaced(std::uint64_t old, std::uint32_t index_plus_one) {
  return ((old >> 32U) + 1) << 32U | index_plus_one;
}

}  // namespace

extern "C" void push_by_policy(chain_depot& depot, index_links* links, std::uint64_t word) {
  depot.push(links, index_chain::from_word(word));
}

extern "C" void push_by_hand(plain_depot& depot, plain_links* links, std::uint64_t word) {
  index_chain const chain = index_chain::from_word(word);
  if (chain.empty()) return;
  depot.items.fetch_add(chain.count(), std::memory_order_relaxed);
  plain_links& top = links[chain.head()];
  top.count.store(chain.count(), std::memory_order_relaxed);
  std::uint64_t head = depot.head.load(std::memory_order_relaxed);
  do {
    top.next_chain.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
  } while (!depot.head.compare_exchange_weak(head, replaced(head, chain.head() + 1), std::memory_order_release,
                                             std::memory_order_relaxed));
}

extern "C" bool charge_by_policy(mayfly::byte_budget& budget, std::size_t bytes) { return budget.try_charge(bytes); }

extern "C" bool charge_by_hand(plain_budget& budget, std::size_t bytes) {
  std::size_t const most = budget.limit.load(std::memory_order_relaxed);
  std::size_t used = budget.used.load(std::memory_order_relaxed);
  do {
    if (bytes > most || used > most - bytes) return false;
  } while (
      !budget.used.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed, std::memory_order_relaxed));
  return true;
}

extern "C" void refund_by_policy(mayfly::byte_budget& budget, std::size_t bytes) { budget.refund(bytes); }

extern "C" void refund_by_hand(plain_budget& budget, std::size_t bytes) {
  budget.used.fetch_sub(bytes, std::memory_order_relaxed);
}

extern "C" std::uint64_t pop_by_policy(chain_depot& depot, index_links* links) { return depot.pop(links).word(); }

extern "C" std::uint64_t pop_by_hand(plain_depot& depot, plain_links* links) {
  std::uint64_t head = depot.head.load(std::memory_order_acquire);
  while (static_cast<std::uint32_t>(head) != 0) {
    std::uint32_t const index = static_cast<std::uint32_t>(head) - 1;
    std::uint32_t const below = links[index].next_chain.load(std::memory_order_relaxed);
    if (depot.head.compare_exchange_weak(head, replaced(head, below), std::memory_order_acquire,
                                         std::memory_order_acquire)) {
      std::uint32_t const count = links[index].count.load(std::memory_order_relaxed);
      std::uint64_t const word = count == 0 ? 0 : std::uint64_t{index} << 32U | count;
      depot.items.fetch_sub(static_cast<std::uint32_t>(word), std::memory_order_relaxed);
      return word;
    }
  }
  return 0;
}
