#pragma once

/// For the few thread-locals that every request reads: in the block that a thread gets at its start, at an offset that
/// is known when the program is loaded, as malloc libraries have theirs. Otherwise code that is compiled to be moved
/// (-fPIC, which a static library has to be to go into a shared one) asks a function where they are, or keeps the
/// registers that such a call would cost where the linker has left it out: some 60 instructions of a scope's 530.
///
/// Visible, so that a plugin that hides all of its own reads the program's: with ones of its own it would know of no
/// scope.
///
/// A library that brings mayfly along and is loaded later (dlopen) has to find room in that block, for *all* of its
/// thread-locals: glibc keeps some 1.6 KiB ready, and refuses to load what has more. MAYFLY_DYNAMIC_TLS is for those.
#ifdef MAYFLY_DYNAMIC_TLS
#define MAYFLY_STATIC_TLS [[gnu::visibility("default")]]
#else
#define MAYFLY_STATIC_TLS [[gnu::visibility("default"), gnu::tls_model("initial-exec")]]
#endif
