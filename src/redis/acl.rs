//! The keys that the caller's ACL rules allow it to read and to write.

use std::cell::OnceCell;
use std::ffi::c_int;
use std::ptr;

use redis_module::raw;

use super::api::{CallReply, Ctx, OK, Text, call};

/// The caller's rules, looked up when first asked for.
#[derive(Debug)]
pub(super) struct Rules {
    ctx: *mut Ctx,
    user: OnceCell<User>,
}

#[derive(Debug)]
enum User {
    /// No user: the server itself or another module.
    Anyone,
    /// A user with these rules; null for one that was deleted or cannot be told, who has no rights.
    Named(*mut raw::RedisModuleUser),
}

impl Rules {
    /// The rules of the caller of this context.
    pub(super) fn of(ctx: *mut Ctx) -> Rules {
        Rules {
            ctx,
            user: OnceCell::new(),
        }
    }

    /// Whether the caller may read this key.
    pub(super) fn may_read(&self, key: &str) -> bool {
        self.may(key, raw::REDISMODULE_CMD_KEY_ACCESS)
    }

    /// Whether the caller may write this key.
    pub(super) fn may_write(&self, key: &str) -> bool {
        self.may(key, raw::REDISMODULE_CMD_KEY_INSERT)
    }

    fn may(&self, key: &str, access: u32) -> bool {
        match self.user.get_or_init(|| find(self.ctx)) {
            User::Anyone => true,
            User::Named(user) if user.is_null() => false,
            User::Named(user) => {
                let key = Text::new(key.as_bytes());
                // SAFETY: a live user and key.
                unsafe { call!(RedisModule_ACLCheckKeyPermissions(*user, key.raw(), access as c_int)) == OK }
            }
        }
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        if let Some(User::Named(user)) = self.user.get()
            && !user.is_null()
        {
            // SAFETY: ours, freed once.
            unsafe { call!(RedisModule_FreeModuleUser(*user)) }
        }
    }
}

/// Whether the caller has a user: the server itself, and another module in its own name, have none. `None` if that
/// cannot be told.
pub(super) fn has_user(ctx: *mut Ctx) -> Option<bool> {
    // The answer to a call in the caller's name tells: the server reports the command as unknown only after it has found
    // a user. Its text is kept with the reply, while what it frees afterwards may change errno.
    let error = CallReply::of(ctx, c"steward.nothing", "EC", &[]).error();
    if error.contains("nknown") {
        Some(true)
    } else {
        error.contains("no user").then_some(false)
    }
}

fn find(ctx: *mut Ctx) -> User {
    // Asking for the name of a caller without a user would crash the server.
    match has_user(ctx) {
        Some(true) => {}
        Some(false) => return User::Anyone,
        None => return User::Named(ptr::null_mut()),
    }
    // SAFETY: a context the server lent us, whose caller has a user.
    unsafe {
        let Some(name) = Text::take(call!(RedisModule_GetCurrentUserName(ctx))) else {
            return User::Named(ptr::null_mut());
        };
        User::Named(call!(RedisModule_GetModuleUserFromUserName(name.raw())))
    }
}
