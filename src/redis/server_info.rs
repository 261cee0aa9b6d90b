//! Reads the server's own INFO fields without a command.

use std::ffi::CStr;
use std::ptr;

use super::api::call;

/// The value of a field of a section; `None` if there is no such field.
pub(super) fn field(section: &CStr, field: &CStr) -> Option<Vec<u8>> {
    // SAFETY: texts that live through the calls; the section is ours to free, and the value, which is part of it, is
    // copied before.
    unsafe {
        let info = call!(RedisModule_GetServerInfo(ptr::null_mut(), section.as_ptr()));
        let value = call!(RedisModule_ServerInfoGetFieldC(info, field.as_ptr()));
        let value = (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes().to_vec());
        call!(RedisModule_FreeServerInfo(ptr::null_mut(), info));
        value
    }
}
