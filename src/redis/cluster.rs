//! What the server tells of its cluster without a command.

use std::ffi::{CString, c_char};
use std::ptr;

use redis_module::raw;

use super::api::{Ctx, OK, call, slice_of};

/// Length of the id of a node.
const ID: usize = raw::REDISMODULE_NODE_ID_LEN as usize;

/// Whether this node takes any node for failing: the cluster may be down.
pub(super) fn has_failing_nodes(ctx: *mut Ctx) -> bool {
    let mut count = 0;
    // SAFETY: a context the server lent us; as many ids as it says, of a fixed length, freed with their list.
    unsafe {
        let list = call!(RedisModule_GetClusterNodesList(ctx, &raw mut count));
        if list.is_null() {
            return false;
        }
        let failing = (0..count).any(|at| is_failing(ctx, *list.add(at)));
        call!(RedisModule_FreeClusterNodesList(list));
        failing
    }
}

/// # Safety
/// `id` is that of a node, from the server's list.
unsafe fn is_failing(ctx: *mut Ctx, id: *const c_char) -> bool {
    // The list has the bare ids, and the server reads this one up to a NUL.
    // SAFETY: as the caller promises.
    let Ok(id) = CString::new(unsafe { slice_of(id, ID) }) else {
        return false;
    };
    let (mut port, mut flags) = (0, 0);
    // SAFETY: what is not asked for may be null.
    let found = unsafe {
        call!(RedisModule_GetClusterNodeInfo(
            ctx,
            id.as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut port,
            &raw mut flags
        ))
    };
    let failing = raw::REDISMODULE_NODE_PFAIL | raw::REDISMODULE_NODE_FAIL;
    found == OK && flags.cast_unsigned() & failing != 0
}
