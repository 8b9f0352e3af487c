#include <mayfly/latency_histogram.hpp>

#include <algorithm>
#include <cmath>

namespace mayfly {

std::chrono::nanoseconds latency_histogram::percentile(double fraction) const noexcept {
  if (count_ == 0) return std::chrono::nanoseconds{0};
  double const wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  std::uint64_t const rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return nanoseconds_of(std::min(buckets::upper_bound(i), max_));
  }
  return max();
}

void latency_histogram::add(std::chrono::nanoseconds latency) noexcept {
  auto const ns = static_cast<std::uint64_t>(std::max<std::chrono::nanoseconds::rep>(latency.count(), 0));
  ++counts_[buckets::index_of(ns)];
  ++count_;
  sum_ += ns;
  max_ = std::max(max_, ns);
}

void latency_histogram::merge(latency_histogram const& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

void latency_recorder::add_to_histogram(latency_histogram& into) const noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    std::uint64_t const here = counts_[i].load(std::memory_order_relaxed);  // relaxed: see the class
    into.counts_[i] += here;
    into.count_ += here;
  }
  into.sum_ += sum_.load(std::memory_order_relaxed);
  into.max_ = std::max(into.max_, max_.load(std::memory_order_relaxed));
}

}  // namespace mayfly
