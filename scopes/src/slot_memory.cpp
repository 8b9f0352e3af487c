#include <mayfly/detail/slot_memory.hpp>
#include <mayfly/detail/slot_space.hpp>

#include <mutex>
#include <type_traits>

namespace mayfly::detail {

struct slot_memory::directory {
  std::mutex mutex;
  block* blocks = nullptr;
};

/// Never destroyed: what it keeps must stay mapped, and registries with static storage may end after anything of ours.
slot_memory::directory& slot_memory::left() noexcept {
  static constinit directory the_one;
  static_assert(std::is_trivially_destructible_v<directory>);
  return the_one;
}

slot_memory::slot_memory(std::size_t bytes) : kept_{nullptr} {
  auto& all = left();
  std::scoped_lock const lock{all.mutex};
  block** best = nullptr;
  for (block** link = &all.blocks; *link != nullptr; link = &(*link)->next) {
    if ((*link)->memory.bytes() < bytes || (*link)->fresh_generation > reusable_generations) continue;
    if (best == nullptr || (*link)->memory.bytes() < (*best)->memory.bytes()) best = link;
  }
  if (best == nullptr) {
    kept_ = new block{.memory = mapping::zeroed(bytes)};
  } else {
    kept_ = *best;
    *best = kept_->next;
  }
}

slot_memory::~slot_memory() {
  if (!kept_->memory) {  // the system had none: nothing that anybody could use again
    delete kept_;
    return;
  }
  auto& all = left();
  std::scoped_lock const lock{all.mutex};
  kept_->next = all.blocks;
  all.blocks = kept_;
}

}  // namespace mayfly::detail
