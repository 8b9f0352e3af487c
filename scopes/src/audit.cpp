#include "audit_at_end.hpp"
#include "heap_walk.hpp"
#include "loaded_objects.hpp"
#include "symbols.hpp"
#include "thread_locals.hpp"
#include "told_holders.hpp"
#include <mayfly/audit.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/detail/thread_id.hpp>
#include <mayfly/detail/thread_scope.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <span>
#include <string_view>
#include <system_error>

#include <sys/mman.h>

namespace mayfly {
namespace {

using namespace detail;

constexpr std::size_t most_objects = 256;
constexpr std::size_t most_threads = 1024;
constexpr std::size_t most_findings = 256;

/// A word that points into the scope, and what it belongs to.
struct finding {
  escape_rule rule;
  found_word word;
  loaded_object const* object;  // global, thread-local
  memory_range holder;          // heap block; of a thread-local: the thread's block
  std::int32_t thread;          // thread-local
};

/// What an audit works in: shared memory without a name, which no heap search takes for a heap, and which one thread
/// has to itself. Too large for a stack.
struct audit_workplace {
  memory_search::workplace search;
  heap_walk::workplace heap;
  std::array<loaded_object, most_objects> objects;
  std::array<running_thread, most_threads> threads;
  std::array<finding, most_findings> findings;
};

class mapped_workplace {
 public:
  mapped_workplace() noexcept
      : start_{::mmap(nullptr, sizeof(audit_workplace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)} {}
  ~mapped_workplace() {
    if (*this) ::munmap(start_, sizeof(audit_workplace));
  }
  mapped_workplace(mapped_workplace const&) = delete;
  mapped_workplace& operator=(mapped_workplace const&) = delete;

  [[nodiscard]] explicit operator bool() const noexcept { return start_ != MAP_FAILED; }
  /// Default-initialised: zero pages are not touched before they are needed.
  [[nodiscard]] audit_workplace& get() const noexcept { return *::new (start_) audit_workplace; }

 private:
  void* start_;
};

/// Text put together in a fixed buffer; what does not fit is cut.
class short_text {
 public:
  void add(std::string_view text) noexcept { used_ += text.copy(text_.data() + used_, text_.size() - used_); }
  void add_number(std::uint64_t number, int base = 10) noexcept {
    auto const [end, error] = std::to_chars(text_.data() + used_, text_.data() + text_.size(), number, base);
    if (error == std::errc{}) used_ = static_cast<std::size_t>(end - text_.data());
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), used_}; }

 private:
  std::array<char, 320> text_;
  std::size_t used_ = 0;
};

/// One audit, from the search to the reports.
class scope_audit {
 public:
  scope_audit(audit_workplace& work, scope& of, audit_options const& options) noexcept
      : work_{work},
        of_{of},
        options_{options},
        search_{work.search, of.registry().pool(), of.id().bits(), options.most_bytes} {
    exempt(&of.registry().pool(), sizeof(page_pool));
    exempt(&of.registry(), sizeof(scope_registry));
    for (audit_exemption const& each : of.registry().audit_exemptions()) exempt(each.start, each.bytes);
  }

  audit_result run(scope_clock::time_point closed) noexcept {
    list_places();
    heap_walk heap{work_.heap, search_, objects(), threads()};
    if (options_.globals) search_globals();
    if (options_.thread_locals) search_thread_locals();
    if (options_.heap) search_heap(heap);
    // The search is over: from here on the heap may be used, and handlers may do what they like.
    for (std::size_t i = 0; i < findings_; ++i) judge(work_.findings[i], closed);
    result_.searched_bytes = search_.searched_bytes();
    result_.complete = search_.complete();
    return result_;
  }

 private:
  /// Where globals and thread-locals are.
  void list_places() noexcept {
    std::size_t const loaded = list_loaded_objects(work_.objects);
    objects_ = std::min(loaded, work_.objects.size());
    thread_list const list = list_threads(work_.threads);
    threads_ = list.count;
    auto const all_known = [&](loaded_object const& object) {
      return !object.has_more && (threads_ == 1 || knows_thread_locals(object));
    };
    if (loaded > objects_ || !list.complete || !std::ranges::all_of(objects(), all_known)) search_.not_complete();
  }

  [[nodiscard]] std::span<loaded_object const> objects() const noexcept { return {work_.objects.data(), objects_}; }

  [[nodiscard]] std::span<running_thread const> threads() const noexcept { return {work_.threads.data(), threads_}; }

  void exempt(void const* start, std::size_t bytes) noexcept {
    search_.exempt({reinterpret_cast<std::uintptr_t>(start), bytes});
  }

  void note(finding const& found) noexcept {
    if (MAYFLY_MUTANT("audit-finds-nothing")) return;
    if (findings_ == work_.findings.size()) return search_.not_complete();
    work_.findings[findings_++] = found;
  }

  void search_globals() noexcept {
    for (loaded_object const& object : objects()) {
      for (std::size_t i = 0; i < object.writable_count; ++i) {
        for (found_word const word : search_.search(object.writable[i])) {
          note({.rule = escape_rule::held_by_global, .word = word, .object = &object, .holder = {}, .thread = 0});
        }
      }
    }
  }

  void search_thread_locals() noexcept {
    auto const own_scope = reinterpret_cast<std::uintptr_t>(&detail::current);
    for (loaded_object const& object : objects()) {
      memory_range const here = thread_locals_of(work_.threads[0], object);
      for (running_thread const& thread : threads()) {
        memory_range const there = thread_locals_of(thread, object);
        for (found_word const word : search_.search(there)) {
          // What a thread works for is ours to know: it may be in its own entry of the scope, in a lane that lies
          // there.
          bool const ours =
              here.has(own_scope) &&
              memory_range{own_scope - here.first, sizeof(detail::thread_scope)}.has(word.at - there.first);
          if (ours) continue;
          note({.rule = escape_rule::held_by_thread_local,
                .word = word,
                .object = &object,
                .holder = there,
                .thread = thread.id});
        }
      }
    }
  }

  void search_heap(heap_walk& heap) noexcept {
    page_pool const& pool = of_.registry().pool();
    memory_range const pages{reinterpret_cast<std::uintptr_t>(pool.page_address(0)), pool.reserved_bytes()};
    for (heap_holding const& held : heap.run(pages)) {
      // Thread-locals of libraries that were loaded late lie in heap blocks.
      bool const known = std::any_of(work_.findings.begin(), work_.findings.begin() + findings_,
                                     [&held](finding const& f) { return f.word.at == held.word.at; });
      if (known) continue;
      note({.rule = escape_rule::held_by_heap_block,
            .word = held.word,
            .object = nullptr,
            .holder = held.block,
            .thread = 0});
    }
  }

  /// A holder is told of once, with the first word found in it.
  void judge(finding const& found, scope_clock::time_point closed) noexcept {
    if (read_word(found.word.at) != found.word.value) return;  // it has let go meanwhile
    bool const at_end = closed != scope_clock::time_point::min();
    if (at_end && told_before(found.word, of_.opened())) return;
    memory_range holder = found.holder;
    short_text name;
    if (found.object == nullptr) {
      name.add("heap block");
    } else {
      holder = describe(found, name);
    }
    if (holder.first == last_holder_ && found.thread == last_thread_) return;
    last_holder_ = holder.first;
    last_thread_ = found.thread;
    std::uint32_t& count = found.rule == escape_rule::held_by_global         ? result_.globals
                           : found.rule == escape_rule::held_by_thread_local ? result_.thread_locals
                                                                             : result_.heap_blocks;
    ++count;
    if (result_.holders() > options_.most_reports) return;
    remember_told(found.word);
    tell(found, holder, name.view(), closed);
  }

  /// Writes "name+0x8 in libthing.so", with the thread where it is a thread-local; returns where the variable lies.
  memory_range describe(finding const& found, short_text& text) const noexcept {
    bool const global = found.rule == escape_rule::held_by_global;
    std::uintptr_t const start = global ? found.object->base : found.holder.first;
    variable_kind const kind = global ? variable_kind::global : variable_kind::thread_local_variable;
    variable_name variable;
    memory_range holder{found.word.at, sizeof(std::uint64_t)};
    std::array<char, 64> file;
    if (find_variable(*found.object, found.word.at - start, kind, variable)) {
      holder = {start + variable.value, variable.bytes};
      text.add(variable.name());
      if (found.word.at != holder.first) {
        text.add("+0x");
        text.add_number(found.word.at - holder.first, 16);
      }
    } else {
      text.add(global ? "a global without a name at 0x" : "a thread-local without a name at 0x");
      text.add_number(found.word.at - start, 16);
    }
    if (!global) {
      text.add(" of thread ");
      text.add_number(static_cast<std::uint32_t>(found.thread));
    }
    text.add(" in ");
    text.add({file.data(), write_object_name(*found.object, file)});
    return holder;
  }

  void tell(finding const& found, memory_range holder, std::string_view name,
            scope_clock::time_point closed) const noexcept {
    report_escape({.rule = found.rule,
                   .address = pointer_to(found.word.value),
                   .scope = of_.id(),
                   .route = of_.route(),
                   .opened = of_.opened(),
                   .closed = closed,
                   .opened_thread = of_.opener_thread(),
                   .closed_thread = closed == scope_clock::time_point::min() ? 0 : this_thread_id(),
                   .offset = found.word.at - holder.first,
                   .holder = name,
                   .holder_bytes = holder.bytes,
                   .holder_address = pointer_to(holder.first),
                   .suspect = found.rule != escape_rule::held_by_global});
  }

  audit_workplace& work_;
  scope& of_;
  audit_options const& options_;
  memory_search search_;
  audit_result result_;
  std::size_t objects_ = 0;
  std::size_t threads_ = 0;
  std::size_t findings_ = 0;
  std::uintptr_t last_holder_ = 0;
  std::int32_t last_thread_ = 0;
};

audit_result audit(scope& of, audit_options const& options, scope_clock::time_point closed) noexcept {
  if (of.reserved_bytes() == 0) return {};
  mapped_workplace const work;
  if (!work) return {.complete = false};
  return scope_audit{work.get(), of, options}.run(closed);
}

}  // namespace

audit_result audit_scope(scope& ended, audit_options const& options) noexcept {
  return audit(ended, options, scope_clock::time_point::min());
}

void detail::audit_at_end(scope& ended) noexcept {
  static_cast<void>(audit(ended, ended.registry().audit(), scope_clock::now()));
}

}  // namespace mayfly
