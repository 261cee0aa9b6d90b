//! The server's allocator, so that `used_memory` and `maxmemory` include the module's memory.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::process::abort;

use super::api::optional;

/// The server's allocator. Nothing may allocate before the module is introduced to the server.
#[derive(Debug)]
pub(crate) struct ServerAlloc;

/// A size for which the server's allocator aligns as required: its size classes are multiples of powers of 2.
fn size(layout: Layout) -> usize {
    layout.pad_to_align().size()
}

// SAFETY: the process has one allocator; it never returns null: out of memory, it aborts the server.
unsafe impl GlobalAlloc for ServerAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the functions belong to one allocator. Without them the module cannot continue.
        match unsafe { optional!(RedisModule_Alloc) } {
            Some(alloc) => unsafe { alloc(size(layout)) }.cast(),
            None => abort(),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _layout: Layout) {
        // SAFETY: as above.
        match unsafe { optional!(RedisModule_Free) } {
            Some(free) => unsafe { free(pointer.cast::<c_void>()) },
            None => abort(),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        match unsafe { optional!(RedisModule_Calloc) } {
            Some(calloc) => unsafe { calloc(1, size(layout)) }.cast(),
            None => abort(),
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let new_size = new_size.next_multiple_of(layout.align());
        // SAFETY: as above.
        match unsafe { optional!(RedisModule_Realloc) } {
            Some(realloc) => unsafe { realloc(pointer.cast::<c_void>(), new_size) }.cast(),
            None => abort(),
        }
    }
}
