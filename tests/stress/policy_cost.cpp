// One function written on the policy and the same by hand, to be compared instruction by instruction: policy_cost.py.

#include <mayfly/detail/index_chain.hpp>

#include <atomic>
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
