#include "chunk.hpp"
#include "file_writer.hpp"
#include <mayfly/trace/trace_builder.hpp>

#include <map>

namespace mayfly::trace {

/// A block in the making for each thread.
class trace_builder::file {
 public:
  explicit file(recorded_settings const& settings) : writer_{output_, settings} {}

  /// Adds a record to the thread's block; what is full is written first.
  template <class Add>
  void add(std::uint32_t thread, std::uint64_t now_ns, Add const& adds) {
    auto& open = open_[thread];
    if (!open) start(open, thread, now_ns);
    if (adds(*open)) return;
    writer_.write_records(open->content());
    open->begin(thread, now_ns);
    static_cast<void>(adds(*open));
  }

  std::vector<std::byte> finish() {
    for (auto const& [thread, open] : open_) {
      if (open->has_records()) writer_.write_records(open->content());
    }
    writer_.finish(counted);
    return output_.take();
  }

  totals counted;
  std::uint64_t lives_in_parts = 0;

 private:
  static void start(std::unique_ptr<chunk>& open, std::uint32_t thread, std::uint64_t now_ns) {
    open = std::make_unique<chunk>();
    open->begin(thread, now_ns);
  }

  memory_output output_;
  file_writer writer_;
  std::map<std::uint32_t, std::unique_ptr<chunk>> open_;
};

trace_builder::trace_builder(recorded_settings const& settings) : file_{std::make_unique<file>(settings)} {}
trace_builder::~trace_builder() = default;

std::uint64_t trace_builder::add_request(std::string_view route, life const& when,
                                         std::span<operation const> operations) {
  std::uint64_t const id = ++file_->counted.requests;
  file_->add(when.opened_by, when.opened_ns, [&](chunk& to) { return to.add_opened(id, when.opened_ns); });
  file_->add(when.closed_by, when.opened_ns, [&](chunk& to) { return to.add_ended(id, route, 0, when.closed_ns); });
  if (!operations.empty()) add_arena(id, when, operations);
  return id;
}

void trace_builder::add_arena(std::uint64_t request, life const& when, std::span<operation const> operations) {
  constexpr std::size_t part_bytes = chunk::capacity / 2;
  std::vector<std::byte> bytes(operations.size() * longest_operation);
  std::byte* at = bytes.data();
  chunk::arena_end end{.request = request,
                       .opened_ns = when.opened_ns,
                       .closed_ns = when.closed_ns,
                       .opened_by = when.opened_by,
                       .first_class = when.first_class};
  for (operation const& each : operations) {
    at = write_operation(at, each);
    if (each.kind == operation_kind::allocate || each.kind == operation_kind::allocate_block) ++end.allocations;
  }
  std::span<std::byte const> rest{bytes.data(), at};
  if (rest.size() > part_bytes) end.life = ++file_->lives_in_parts;
  for (; rest.size() > part_bytes; rest = rest.subspan(part_bytes), ++end.parts) {
    file_->add(when.opened_by, when.opened_ns,
               [&](chunk& to) { return to.add_part(end.life, end.parts, rest.first(part_bytes)); });
  }
  file_->add(when.closed_by, when.opened_ns, [&](chunk& to) { return to.add_arena(end, rest); });
  ++file_->counted.arenas;
  file_->counted.allocations += end.allocations;
}

std::vector<std::byte> trace_builder::finish() { return file_->finish(); }

}  // namespace mayfly::trace
