#include <mayfly/stress/choices.hpp>

#include <charconv>
#include <numeric>
#include <utility>
#include <vector>

namespace mayfly::stress {

namespace {

constexpr std::array<std::string_view, kind_count> kind_names{"small",    "large",  "oversize", "parallel",  "tasks",
                                                              "nested",   "held",   "throwing", "cancelled", "expiring",
                                                              "detached", "timers", "plugin"};
constexpr std::array<std::string_view, fault_count> fault_names{"pages", "cancel", "throw", "slow", "epochs", "budget"};

// Mostly small ones, as in life; enough of the others that a second sees hundreds of each.
constexpr std::array<std::uint32_t, kind_count> default_weights{40, 6, 3, 8, 6, 6, 10, 6, 5, 5, 4, 4, 0};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    std::size_t const end = text.find(at, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

template <std::size_t N>
std::optional<std::size_t> find(std::array<std::string_view, N> const& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return i;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string listed(std::array<std::string_view, N> const& names) {
  std::string all;
  for (auto const name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

request_kind pick_kind(request_mix const& mix, number_stream& from) noexcept {
  std::uint64_t const total = mix.total();
  if (total == 0) return request_kind{};  // only a mix that nobody read: an empty one is refused
  std::uint64_t left = from.next() % total;
  std::size_t kind = 0;
  while (left >= mix.weights[kind]) left -= mix.weights[kind++];
  return static_cast<request_kind>(kind);
}

thrown_thing pick_thrown(number_stream& from) noexcept { return static_cast<thrown_thing>(from.between(1, 4)); }

void choose_for_kind(choice& what, number_stream& from) noexcept {
  switch (what.kind) {
    case request_kind::held:
      what.hold = true;
      break;
    case request_kind::throwing:
      what.throws = pick_thrown(from);
      what.throws_at = static_cast<throwing_place>(from.between(0, 2));
      if (what.throws == thrown_thing::out_of_budget) what.request_bytes = 256U << 10U;
      break;
    case request_kind::cancelled:
      what.cancel_by_source = from.one_in(3);
      what.cancel_by_id = !what.cancel_by_source;
      break;
    case request_kind::expiring:
      what.deadline_us = from.one_in(4) ? 1 : static_cast<std::uint32_t>(from.between(20, 1500));
      break;
    default:
      break;
  }
}

void choose_faults(choice& what, fault_set const& faults, number_stream& from) noexcept {
  // Every number is drawn whether its fault is on or not: turning one off leaves the other choices as they were.
  bool const small_budget = from.one_in(20);
  auto const budget = static_cast<std::uint32_t>(from.between(1, 40)) * (16U << 10U);
  bool const trim = from.one_in(200);
  bool const cancel = from.one_in(15);
  bool const storm = from.one_in(4000);
  bool const throws = from.one_in(20);
  auto const thrown = static_cast<thrown_thing>(from.between(1, 3));
  bool const slow = from.one_in(60);
  auto const deadline = static_cast<std::uint32_t>(from.between(50, 800));
  if (faults.has(fault::pages)) {
    if (small_budget && what.request_bytes == 0) what.request_bytes = budget;
    what.trim = trim;
  }
  if (faults.has(fault::cancel)) {
    what.cancel_is_fault = cancel && !what.cancel_by_id;
    what.cancel_by_id = what.cancel_by_id || cancel;
    what.storm = storm;
  }
  if (faults.has(fault::throws) && throws && what.throws == thrown_thing::nothing) {
    what.throws = thrown;
    what.throw_is_fault = true;
  }
  if (faults.has(fault::slow) && slow && what.deadline_us != 1) {
    what.overrun = true;
    if (what.deadline_us == 0) what.deadline_us = deadline;
  }
}

}  // namespace

std::string_view to_string(request_kind kind) noexcept { return kind_names[static_cast<std::size_t>(kind)]; }
std::string_view to_string(fault which) noexcept { return fault_names[static_cast<std::size_t>(which)]; }

std::optional<fault_set> fault_set::parse(std::string_view text, std::string& wrong) {
  fault_set set;
  if (text == "none") return set;
  for (auto const name : split(text, ',')) {
    auto const which = find(fault_names, name);
    if (!which) {
      wrong = "knows no fault '" + std::string(name) + "': there are " + listed(fault_names) + ", and none for none";
      return std::nullopt;
    }
    set.on[*which] = true;
  }
  return set;
}

std::string fault_set::text() const {
  std::string all;
  for (std::size_t i = 0; i < fault_count; ++i) {
    if (on[i]) all += (all.empty() ? "" : ",") + std::string(fault_names[i]);
  }
  return all.empty() ? "none" : all;
}

std::optional<request_mix> request_mix::parse(std::string_view text, std::string& wrong) {
  request_mix mix;
  mix.said = text;
  if (text == "default") {
    mix.weights = default_weights;
    return mix;
  }
  for (auto const part : split(text, ',')) {
    std::size_t const equals = part.find('=');
    auto const name = part.substr(0, equals);
    auto const kind = find(kind_names, name);
    if (!kind) {
      wrong = "knows no kind of request '" + std::string(name) + "': there are " + listed(kind_names) +
              "; say default, or kinds with weights such as small=10,held=1";
      return std::nullopt;
    }
    std::uint32_t weight = 1;
    if (equals != std::string_view::npos) {
      auto const number = part.substr(equals + 1);
      auto const read = std::from_chars(number.data(), number.data() + number.size(), weight);
      if (read.ec != std::errc{} || read.ptr != number.data() + number.size() || weight > 1'000'000) {
        wrong = "gives " + std::string(name) + " a weight that is no number from 0 to 1000000";
        return std::nullopt;
      }
    }
    mix.weights[*kind] = weight;
  }
  if (mix.total() != 0) return mix;
  wrong = "has no request in it: give one kind a weight above 0";
  return std::nullopt;
}

std::uint64_t request_mix::total() const noexcept {
  return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}

choice choose(choice_plan const& plan, std::uint64_t number) noexcept {
  number_stream from(mix_numbers(plan.seed, number));
  choice what;
  what.number = number;
  what.key = from.next();
  what.kind = pick_kind(plan.mix, from);
  std::uint64_t const urgency = from.between(0, 9);
  what.priority = urgency == 0 ? 0 : urgency < 8 ? 1 : 2;
  what.wait_us = static_cast<std::uint32_t>(from.between(0, 100));
  std::uint64_t const handler = from.next();
  if (plan.plugin_handlers != 0) what.plugin_handler = static_cast<std::uint32_t>(handler % plan.plugin_handlers);
  choose_for_kind(what, from);
  choose_faults(what, plan.faults, from);
  return what;
}

std::uint64_t digest(choice const& what) noexcept {
  auto const bits = [](bool a, bool b, bool c, bool d) {
    return (a ? 1U : 0U) | (b ? 2U : 0U) | (c ? 4U : 0U) | (d ? 8U : 0U);
  };
  std::uint64_t sum = mix_numbers(what.number, what.key);
  for (std::uint64_t const each :
       {std::uint64_t{static_cast<std::uint8_t>(what.kind)}, std::uint64_t{what.priority},
        std::uint64_t{what.plugin_handler}, std::uint64_t{static_cast<std::uint8_t>(what.throws)},
        std::uint64_t{static_cast<std::uint8_t>(what.throws_at)},
        std::uint64_t{bits(what.throw_is_fault, what.cancel_by_id, what.cancel_by_source, what.cancel_is_fault)},
        std::uint64_t{bits(what.storm, what.hold, what.trim, what.overrun)}, std::uint64_t{what.deadline_us},
        std::uint64_t{what.request_bytes}, std::uint64_t{what.wait_us}}) {
    sum = mix_numbers(sum, each);
  }
  return sum;
}

}  // namespace mayfly::stress
