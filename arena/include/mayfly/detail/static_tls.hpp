#pragma once

/// For the few thread-locals that every request reads: in the block that a thread gets at its start, at an offset that
/// is known when the program is loaded, as malloc libraries have theirs. Otherwise code that is compiled to be moved
/// (-fPIC, which a static library has to be to go into a shared one) asks a function where they are, or keeps the
/// registers that such a call would cost where the linker has left it out: some 60 instructions of a scope's 530. In a
/// library that is loaded later (dlopen) they take a few bytes of what the loader holds ready for that.
#define MAYFLY_STATIC_TLS [[gnu::tls_model("initial-exec")]]
