// A plugin as careful people build them: nothing of it is visible but what it exports, and it has large thread-locals.
#include <mayfly/scope_entry.hpp>
#include <mayfly/scope_gone.hpp>
#include <mayfly/scoped_ref.hpp>

#include <array>
#include <cstddef>

#define MAYFLY_EXPORTED extern "C" [[gnu::visibility("default")]]

MAYFLY_EXPORTED mayfly::scope const* hidden_current_scope();
MAYFLY_EXPORTED int const* hidden_get(mayfly::scoped_ref<int> const& of);
MAYFLY_EXPORTED int* hidden_make(mayfly::scope& in, int value);
MAYFLY_EXPORTED void hidden_throw(mayfly::scope_id gone);
MAYFLY_EXPORTED std::byte* hidden_thread_local();

namespace {
thread_local std::array<std::byte, std::size_t{64} << 10U> scratch;
}  // namespace

mayfly::scope const* hidden_current_scope() { return mayfly::current_scope(); }

int const* hidden_get(mayfly::scoped_ref<int> const& of) { return of.get(); }

int* hidden_make(mayfly::scope& in, int value) {
  mayfly::scope_entry const entered(in);
  return in.make<int>(value);
}

void hidden_throw(mayfly::scope_id gone) { throw mayfly::scope_gone{gone}; }

std::byte* hidden_thread_local() { return scratch.data(); }
