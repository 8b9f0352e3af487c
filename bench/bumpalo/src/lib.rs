//! bumpalo as a contender of bench/micro. Whole loops are here, not single calls: only in Rust is its allocation inlined,
//! as ours is in C++. What they do and write is what bench/micro/allocators.cpp does.

use bumpalo::Bump;
use std::alloc::Layout;
use std::arch::asm;
use std::hint::unreachable_unchecked;

/// What DoNotOptimize() is in C++: the pointer is needed, and all memory may have been read and written.
#[inline(always)]
fn keep(memory: *mut u8) {
    unsafe { asm!("/* {0} */", in(reg) memory, options(nostack, preserves_flags)) }
}

/// 32 bytes aligned to 8, written. The layout is constant, as it is for C++'s contenders.
#[inline(always)]
fn allocate_and_write(bump: &Bump) {
    let layout = match Layout::from_size_align(32, 8) {
        Ok(layout) => layout,
        Err(_) => unsafe { unreachable_unchecked() },
    };
    let memory = bump.alloc_layout(layout).as_ptr();
    unsafe { memory.write_bytes(1, 32) };
    keep(memory);
}

/// A Bump that is kept from request to request, which is how it is fastest: reset() keeps its chunk.
#[no_mangle]
pub extern "C" fn bumpalo_new(capacity: usize) -> *mut Bump {
    Box::into_raw(Box::new(Bump::with_capacity(capacity)))
}

/// # Safety
/// `bump` is from bumpalo_new(), and ends here.
#[no_mangle]
pub unsafe extern "C" fn bumpalo_delete(bump: *mut Bump) {
    drop(Box::from_raw(bump));
}

/// Allocates and writes so many times, then frees all.
///
/// # Safety
/// `bump` is from bumpalo_new().
#[no_mangle]
pub unsafe extern "C" fn bumpalo_allocate_and_reset(bump: *mut Bump, allocations: usize) {
    let bump = &mut *bump;
    for _ in 0..allocations {
        allocate_and_write(bump);
    }
    bump.reset();
}

/// So many requests, each with a Bump of its own and one allocation.
#[no_mangle]
pub extern "C" fn bumpalo_open_allocate_close(requests: usize) {
    for _ in 0..requests {
        let bump = Bump::new();
        allocate_and_write(&bump);
    }
}
