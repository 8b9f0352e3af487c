#pragma once

#include <mayfly/detail/home_scope.hpp>
#include <mayfly/detail/require_detached.hpp>
#include <mayfly/escape_report.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace mayfly {

/// What a channel says to a value.
enum class channel_reason : std::uint8_t {
  sent,
  full,     ///< as many values wait, or are being received, as it has room for (try_send() only)
  closed,   ///< close() was called
  escapes,  ///< the value holds an address of the sender's scope (MF-E15)
};

[[nodiscard]] constexpr std::string_view to_string(channel_reason reason) noexcept {
  switch (reason) {
    case channel_reason::sent:
      return "sent";
    case channel_reason::full:
      return "full";
    case channel_reason::closed:
      return "closed";
    case channel_reason::escapes:
      return "escapes";
  }
  return "unknown";
}

/// A bounded queue of detached values between any number of senders and receivers, in requests or outside. Values are
/// received in the order in which they were sent, each once. All memory is taken by the constructor; every function but
/// that may be called from any thread. send() and receive() block the thread: not what a worker should wait in for
/// long.
///
/// A value sent inside a scope is looked at for addresses of that scope's memory: a shared_ptr into the arena, a number
/// that was a pointer (MF-E15). A channel made inside a scope may carry such values around there, as it goes with it;
/// who receives one outside is refused it then, and it is left where it is: its destructor might touch what is gone.
///
/// A value is moved out and destroyed, and an escape is reported, while nothing is locked: destructors and the escape
/// handler may use the channel. Only sending moves a T while the channel is locked. Where moving throws, a sender keeps
/// its value and a receiver has lost it; the channel goes on.
template <class T>
class channel {
 public:
  /// Room for `capacity` values; throws std::invalid_argument where that is 0. `egress` says what becomes of a value
  /// that holds an address of memory which it may outlive.
  explicit channel(std::size_t capacity, egress_action egress = egress_action::refuse)
      : capacity_(capacity), egress_(egress) {
    detail::require_detached<escape_rule::channel_value, T>();
    if (capacity == 0) throw std::invalid_argument("channel: capacity is 0: must be at least 1");
    places_ = std::make_unique<place[]>(capacity);
    order_ = std::make_unique<place*[]>(capacity);
    for (std::size_t i = capacity; i-- != 0;) places_[i].next_free = std::exchange(free_, &places_[i]);
  }
  /// Destroys the values that nobody has received. Nobody may be inside.
  ~channel() {
    while (waiting_ != 0) discard(take());
  }
  channel(channel const&) = delete;
  channel& operator=(channel const&) = delete;

  /// Sends at once or not at all: `value` is moved from only where the answer is `sent`.
  [[nodiscard]] channel_reason try_send(T&& value) { return put(value, false); }
  [[nodiscard]] channel_reason try_send(T const& value) { return try_send(T(value)); }

  /// Sends as soon as there is room; sent, closed or escapes.
  channel_reason send(T&& value) { return put(value, true); }
  channel_reason send(T const& value) { return send(T(value)); }

  /// The next value, as soon as there is one; nothing when the channel is closed and empty.
  [[nodiscard]] std::optional<T> receive() { return get(true); }
  /// The next value, if there is one.
  [[nodiscard]] std::optional<T> try_receive() { return get(false); }

  /// Takes nothing more; what was sent can still be received. Wakes whoever waits.
  void close() noexcept {
    std::scoped_lock const lock(mutex_);
    closed_ = true;
    room_.notify_all();
    value_.notify_all();
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// How many values wait. A hint by the time it is read.
  [[nodiscard]] std::size_t size() const {
    std::scoped_lock const lock(mutex_);
    return waiting_;
  }

 private:
  struct place {
    alignas(T) std::byte bytes[sizeof(T)];
    bool homes;        // points into the home scope
    place* next_free;  // the free places are a list

    [[nodiscard]] T& value() noexcept { return *std::launder(reinterpret_cast<T*>(bytes)); }
  };

  channel_reason put(T& value, bool wait) {
    std::optional<escape_report> report;
    detail::sent_value const seen = detail::look_at_sent(value, home_, egress_, report);
    if (seen == detail::sent_value::stopped) return channel_reason::escapes;
    std::unique_lock lock(mutex_);
    if (wait) room_.wait(lock, [this] { return closed_ || free_ != nullptr; });
    if (closed_) return channel_reason::closed;
    if (free_ == nullptr) return channel_reason::full;
    fill(*free_, value);
    place* const filled = std::exchange(free_, free_->next_free);
    filled->homes = seen == detail::sent_value::homes;
    order_[(first_ + waiting_) % capacity_] = filled;
    ++waiting_;
    value_.notify_one();
    return channel_reason::sent;
  }

  /// Moving may throw; the room that this sender was woken for is another's then.
  void fill(place& empty, T& value) {
    try {
      ::new (static_cast<void*>(empty.bytes)) T(std::move(value));
    } catch (...) {
      room_.notify_one();
      throw;
    }
  }

  /// Unlocked while the value is moved out and destroyed, or reported: all three run code of the user's.
  std::optional<T> get(bool wait) {
    while (true) {
      std::unique_lock lock(mutex_);
      if (wait) value_.wait(lock, [this] { return closed_ || waiting_ != 0; });
      if (waiting_ == 0) return std::nullopt;
      place& taken = take();
      lock.unlock();
      struct gives_back {
        channel& to;
        place& emptied;
        ~gives_back() { to.give_back(emptied); }
      } const afterwards{*this, taken};
      if (taken.homes && !home_.is_around() && stops_outside()) continue;
      struct leaves {
        T& value;
        ~leaves() { std::destroy_at(&value); }
      } const moved_from{taken.value()};
      return std::optional<T>(std::move(taken.value()));
    }
  }

  /// The place of the first value, which waits no more: the caller's to end and to give back.
  place& take() noexcept {
    place& next = *order_[first_];
    first_ = (first_ + 1) % capacity_;
    --waiting_;
    return next;
  }

  void give_back(place& emptied) noexcept {
    std::scoped_lock const lock(mutex_);
    emptied.next_free = std::exchange(free_, &emptied);
    room_.notify_one();
  }

  void discard(place& unwanted) noexcept {
    if (!unwanted.homes || home_.is_around()) std::destroy_at(&unwanted.value());
  }

  [[nodiscard]] bool stops_outside() const noexcept {
    return detail::stops(home_.received_outside(escape_rule::value_sent), egress_);
  }

  std::size_t capacity_;
  egress_action egress_;
  detail::home_scope home_;
  std::unique_ptr<place[]> places_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable room_;
  std::condition_variable value_;
  std::unique_ptr<place*[]> order_;  // a ring: the values that wait, from first_ on
  place* free_ = nullptr;
  std::size_t first_ = 0;
  std::size_t waiting_ = 0;
  bool closed_ = false;
};

}  // namespace mayfly
