//! Writes replies to clients.

use std::ffi::{CString, c_char, c_int, c_long};

use super::api::{Ctx, OK, call, optional};
use super::callback::guard;
use super::canned;
use crate::error::Error;
use crate::reply::Reply;

/// Replies with the result of `work`; `None` if the client is blocked or has its reply. A panic is replied as an error.
pub(super) fn answer(ctx: *mut Ctx, work: impl FnOnce() -> Result<Option<Reply>, Error>) -> c_int {
    let answer = guard(work).unwrap_or(Err(Error::Internal));
    whole(ctx, || match &answer {
        Ok(Some(reply)) => write(ctx, reply),
        Ok(None) => {}
        Err(error) => write_error(ctx, error),
    });
    OK
}

/// Writes a reply; `false` when it is incomplete. A panic within it closes the connection: its client would take what
/// follows for the rest.
pub(super) fn whole(ctx: *mut Ctx, write: impl FnOnce()) -> bool {
    let written = guard(write).is_some();
    if !written {
        // SAFETY: a context with a client to answer.
        unsafe {
            if let Some(close) = optional!(RedisModule_DeauthenticateAndCloseClient) {
                close(ctx, call!(RedisModule_GetClientId(ctx)));
            }
        }
    }
    written
}

/// Writes a reply.
pub(super) fn write(ctx: *mut Ctx, reply: &Reply) {
    // SAFETY: a context with a client to answer; lengths are those of the slices, which are copied, and
    // every array and map is followed by as many elements as it announces.
    unsafe {
        match reply {
            Reply::Null => {
                call!(RedisModule_ReplyWithNull(ctx));
            }
            Reply::NullArray => {
                call!(RedisModule_ReplyWithNullArray(ctx));
            }
            Reply::Status("OK") if canned::write_ok(ctx) => {}
            Reply::Status(text) => {
                let text = c_string(text);
                call!(RedisModule_ReplyWithSimpleString(ctx, text.as_ptr()));
            }
            Reply::Int(number) => {
                call!(RedisModule_ReplyWithLongLong(ctx, *number));
            }
            Reply::Bytes(bytes) => write_bytes(ctx, bytes),
            Reply::Shared(bytes) => write_bytes(ctx, bytes),
            Reply::Id(id) => write_bytes(ctx, id),
            Reply::Tail(bytes, from) => write_bytes(ctx, bytes.get(*from..).unwrap_or_default()),
            Reply::Word(word) => write_bytes(ctx, word.as_bytes()),
            Reply::Array(items) => {
                call!(RedisModule_ReplyWithArray(ctx, length(items.len())));
                for item in items {
                    write(ctx, item);
                }
            }
            Reply::Texts(fields) => {
                call!(RedisModule_ReplyWithMap(ctx, length(fields.len())));
                for (field, value) in fields {
                    write_bytes(ctx, field.as_bytes());
                    write_bytes(ctx, value.as_bytes());
                }
            }
            Reply::Map(fields) => {
                call!(RedisModule_ReplyWithMap(ctx, length(fields.len())));
                canned::with_fields(|canned| {
                    for (field, value) in fields {
                        if !canned.write_field(ctx, field) {
                            write_bytes(ctx, field.as_bytes());
                        }
                        write(ctx, value);
                    }
                });
            }
        }
    }
}

/// Writes an error. Characters other than plain ASCII are shown as `?`.
pub(super) fn write_error(ctx: *mut Ctx, error: &Error) {
    let text: String = error
        .to_string()
        .chars()
        .map(|char| if matches!(char, ' '..='~') { char } else { '?' })
        .collect();
    let text = c_string(&text);
    // SAFETY: as above.
    unsafe {
        call!(RedisModule_ReplyWithError(ctx, text.as_ptr()));
    }
}

fn write_bytes(ctx: *mut Ctx, bytes: &[u8]) {
    // SAFETY: as above.
    unsafe {
        call!(RedisModule_ReplyWithStringBuffer(
            ctx,
            bytes.as_ptr().cast::<c_char>(),
            bytes.len()
        ));
    }
}

fn length(length: usize) -> c_long {
    c_long::try_from(length).unwrap_or(0)
}

/// The text as a C string, cut off at a NUL.
pub(super) fn c_string(text: &str) -> CString {
    let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}
