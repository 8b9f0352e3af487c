#include <mayfly/explorer/fiber.hpp>

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define MAYFLY_EXPLORER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAYFLY_EXPLORER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define MAYFLY_EXPLORER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAYFLY_EXPLORER_TSAN 1
#endif
#endif

#ifdef MAYFLY_EXPLORER_ASAN
extern "C" void __sanitizer_start_switch_fiber(void** fake_stack, void const* bottom, std::size_t size);
extern "C" void __sanitizer_finish_switch_fiber(void* fake_stack, void const** bottom, std::size_t* size);
#endif
#ifdef MAYFLY_EXPLORER_TSAN
extern "C" void* __tsan_get_current_fiber();
extern "C" void* __tsan_create_fiber(unsigned flags);
extern "C" void __tsan_destroy_fiber(void* fiber);
extern "C" void __tsan_switch_to_fiber(void* fiber, unsigned flags);
#endif

namespace mayfly::explorer {
namespace {

constexpr std::size_t fiber_stack_bytes = std::size_t{256} << 10U;  // sanitizers' frames are large

}  // namespace

fiber::fiber() noexcept {
#ifdef MAYFLY_EXPLORER_TSAN
  sanitizer_state_ = __tsan_get_current_fiber();
#endif
}

fiber::fiber(entry_function entry, void* argument)
    : stack_{std::make_unique<std::byte[]>(fiber_stack_bytes)},
      entry_{entry},
      argument_{argument},
      stack_bottom_{stack_.get()},
      stack_bytes_{fiber_stack_bytes} {
#ifdef MAYFLY_EXPLORER_TSAN
  sanitizer_state_ = __tsan_create_fiber(0);
#endif
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = fiber_stack_bytes;
  context_.uc_link = nullptr;
  auto const self = reinterpret_cast<std::uintptr_t>(this);
  // makecontext() takes ints: the address goes in two halves.
  makecontext(&context_, reinterpret_cast<void (*)()>(&fiber::enter), 2, static_cast<unsigned>(self),
              static_cast<unsigned>(self >> 32U));
}

fiber::~fiber() {
#ifdef MAYFLY_EXPLORER_TSAN
  if (stack_) __tsan_destroy_fiber(sanitizer_state_);
#endif
}

void fiber::enter(unsigned low, unsigned high) noexcept {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): makecontext() takes ints
  auto* const self = reinterpret_cast<fiber*>(std::uintptr_t{high} << 32U | low);
  self->arrived();
  self->entry_(self->argument_);
}

void fiber::switch_to(fiber& to) noexcept {
  to.from_ = this;
#ifdef MAYFLY_EXPLORER_TSAN
  __tsan_switch_to_fiber(to.sanitizer_state_, 0);
#endif
#ifdef MAYFLY_EXPLORER_ASAN
  __sanitizer_start_switch_fiber(&sanitizer_state_, to.stack_bottom_, to.stack_bytes_);
#endif
  swapcontext(&context_, &to.context_);
  arrived();
}

/// The first arrival from a thread's own stack is where its bounds are learnt.
void fiber::arrived() noexcept {
#ifdef MAYFLY_EXPLORER_ASAN
  void const* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(sanitizer_state_, &bottom, &bytes);
  if (from_->stack_bottom_ == nullptr) {
    from_->stack_bottom_ = bottom;
    from_->stack_bytes_ = bytes;
  }
#endif
}

}  // namespace mayfly::explorer
