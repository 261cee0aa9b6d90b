//! Thin wrappers over the server's functions: strings, calls, the log, context flags.
//!
//! Every function is looked up by name when the module is loaded; a function that the server lacks is a null pointer
//! here. [`missing`] checks once that the required ones are there.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use redis_module::raw;

pub(super) use raw::{RedisModuleCallReply as RawReply, RedisModuleCtx as Ctx, RedisModuleString as RawText};

/// Calls a function of the server that `missing` made sure of.
macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {
        match redis_module::raw::$name {
            Some(function) => function($($argument),*),
            None => $crate::redis::api::absent(stringify!($name)),
        }
    };
}
pub(crate) use call;

/// A function that only some servers have.
macro_rules! optional {
    ($name:ident) => {{
        // By value: a reference to a `static mut` is not allowed.
        let function = redis_module::raw::$name;
        function
    }};
}
pub(crate) use optional;

/// What the functions of the server return on success.
pub(super) const OK: c_int = 0;
/// What they return on failure.
pub(super) const ERR: c_int = 1;

/// Severity of a line in the server's log.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    /// What an operator should see.
    Warning,
}

/// Writes a line to the server's log. `ctx` may be null.
pub(super) fn log(level: Level, text: &str) {
    let level = match level {
        Level::Warning => c"warning",
    };
    let line: Vec<u8> = text.bytes().filter(|&byte| byte != 0).chain([0]).collect();
    // SAFETY: the text is an argument of "%s", never the format, and ends with the one NUL it has.
    unsafe {
        if let Some(log) = optional!(RedisModule_Log) {
            log(
                ptr::null_mut(),
                level.as_ptr(),
                c"%s".as_ptr(),
                line.as_ptr().cast::<c_char>(),
            );
        }
    }
}

/// Aborts: a function that was there when the module was loaded is gone.
#[cold]
pub(super) fn absent(name: &str) -> ! {
    log(Level::Warning, &format!("the server has no {name}"));
    std::process::abort()
}

/// The first required function that the server lacks.
pub(super) fn missing() -> Option<&'static str> {
    macro_rules! check {
        ($($name:ident)*) => { $(
            // SAFETY: reads a pointer that was set when the module was loaded.
            if unsafe { optional!($name) }.is_none() {
                return Some(stringify!($name));
            }
        )* };
    }
    check!(
        RedisModule_AbortBlock RedisModule_ACLCheckKeyPermissions RedisModule_BlockClient RedisModule_Call
        RedisModule_CallReplyArrayElement RedisModule_CallReplyInteger RedisModule_CallReplyLength RedisModule_CallReplyStringPtr
        RedisModule_CallReplyType RedisModule_CloseKey RedisModule_CreateCommand RedisModule_CreateString
        RedisModule_CreateSubcommand RedisModule_CreateTimer RedisModule_DbSize RedisModule_UnlinkKey
        RedisModule_FreeCallReply RedisModule_FreeModuleUser RedisModule_FreeServerInfo RedisModule_FreeString RedisModule_FreeThreadSafeContext RedisModule_GetBlockedClientHandle
        RedisModule_GetBlockedClientPrivateData RedisModule_GetClientId RedisModule_GetClientInfoById
        RedisModule_GetCommand RedisModule_GetCommandKeys RedisModule_GetContextFlags RedisModule_GetCurrentUserName
        RedisModule_GetDetachedThreadSafeContext RedisModule_GetModuleUserFromUserName RedisModule_GetSelectedDb RedisModule_GetServerInfo
        RedisModule_HashGet RedisModule_HashSet RedisModule_InfoAddFieldLongLong RedisModule_InfoAddSection
        RedisModule_IsKeysPositionRequest RedisModule_KeyAtPosWithFlags RedisModule_KeyType RedisModule_ListDelete RedisModule_ListGet RedisModule_ListPop RedisModule_ListPush
        RedisModule_LoadConfigs RedisModule_NotifyKeyspaceEvent RedisModule_OpenKey RedisModule_RegisterBoolConfig
        RedisModule_RegisterInfoFunc RedisModule_RegisterNumericConfig RedisModule_Replicate
        RedisModule_ReplicateVerbatim RedisModule_ReplyWithArray RedisModule_ReplyWithCallReply RedisModule_ReplyWithError
        RedisModule_ReplyWithLongLong RedisModule_ReplyWithMap RedisModule_ReplyWithNull
        RedisModule_ReplyWithNullArray RedisModule_ReplyWithSimpleString RedisModule_ReplyWithStringBuffer
        RedisModule_Scan RedisModule_ScanCursorCreate RedisModule_ScanCursorDestroy RedisModule_SelectDb RedisModule_ServerInfoGetFieldC
        RedisModule_SetCommandInfo RedisModule_SetDisconnectCallback RedisModule_SetModuleOptions
        RedisModule_SignalModifiedKey RedisModule_StopTimer RedisModule_StringDMA RedisModule_StringPtrLen
        RedisModule_StreamAdd RedisModule_StreamTrimByLength RedisModule_StringSet RedisModule_StringTruncate RedisModule_SubscribeToKeyspaceEvents
        RedisModule_SubscribeToServerEvent RedisModule_UnblockClient RedisModule_ValueLength RedisModule_WrongArity
        RedisModule_ZsetAdd RedisModule_ZsetFirstInScoreRange RedisModule_ZsetLastInScoreRange
        RedisModule_ZsetRangeCurrentElement RedisModule_ZsetRangeNext RedisModule_ZsetRangePrev
        RedisModule_ZsetRangeStop RedisModule_ZsetRem RedisModule_ZsetScore
    );
    None
}

/// A string of the server that we own.
#[derive(Debug)]
pub(super) struct Text(*mut RawText);

impl Text {
    /// A string of these bytes.
    pub(super) fn new(bytes: &[u8]) -> Text {
        // SAFETY: pointer and length are those of a slice; the server copies them.
        Text(unsafe {
            call!(RedisModule_CreateString(
                ptr::null_mut(),
                bytes.as_ptr().cast::<c_char>(),
                bytes.len()
            ))
        })
    }

    /// Takes ownership of a string that a function of the server returned; `None` when null.
    ///
    /// # Safety
    /// `raw` is null or a string that is freed nowhere else.
    pub(super) unsafe fn take(raw: *mut RawText) -> Option<Text> {
        (!raw.is_null()).then(|| Text(raw))
    }

    /// The pointer the server's functions take.
    pub(super) fn raw(&self) -> *mut RawText {
        self.0
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the string lives as long as `self` and is never written to.
        unsafe { bytes_of(self.0) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: we own one reference.
        unsafe { call!(RedisModule_FreeString(ptr::null_mut(), self.0)) }
    }
}

/// The bytes of a string the server lends us.
///
/// # Safety
/// `raw` is null or a string that lives, and is not written to, as long as the slice is used.
pub(super) unsafe fn bytes_of<'a>(raw: *const RawText) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: as the caller promises.
    unsafe {
        if raw.is_null() {
            return &[];
        }
        slice_of(call!(RedisModule_StringPtrLen(raw, &raw mut length)), length)
    }
}

/// The bytes at a pointer of the server; none for null.
///
/// # Safety
/// `start` is null, or `length` bytes from there live as long as the slice is used.
pub(super) unsafe fn slice_of<'a>(start: *const c_char, length: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }
}

/// The reply of RM_Call; freed when dropped.
#[derive(Debug)]
pub(super) struct CallReply(*mut RawReply);

impl CallReply {
    /// Runs a command with these arguments. `modifiers` are those of RM_Call, such as `E` (errors as replies), `S`
    /// (script mode), `!` (replicate).
    pub(super) fn of(ctx: *mut Ctx, command: &CStr, modifiers: &str, arguments: &[&[u8]]) -> CallReply {
        let arguments: Vec<Text> = arguments.iter().map(|bytes| Text::new(bytes)).collect();
        let vector: Vec<*mut RawText> = arguments.iter().map(Text::raw).collect();
        let mut format: Vec<u8> = modifiers.bytes().filter(|&byte| byte != 0).collect();
        format.extend_from_slice(b"v\0");
        // SAFETY: `v` takes a vector of strings and its length as size_t; both live through the call.
        CallReply(unsafe {
            call!(RedisModule_Call(
                ctx,
                command.as_ptr(),
                format.as_ptr().cast::<c_char>(),
                vector.as_ptr(),
                vector.len()
            ))
        })
    }

    /// Whether the command was refused.
    pub(super) fn is_error(&self) -> bool {
        self.0.is_null() || kind(self.0) == raw::REDISMODULE_REPLY_ERROR as c_int
    }

    /// The text of an error.
    pub(super) fn error(&self) -> String {
        if self.0.is_null() {
            return "no reply".into();
        }
        String::from_utf8_lossy(string(self.0)).into_owned()
    }

    /// Passes it on unchanged to the client of this context.
    pub(super) fn pass_on(&self, ctx: *mut Ctx) {
        // SAFETY: a context with a client to answer, and a live reply.
        unsafe {
            if self.0.is_null() || call!(RedisModule_ReplyWithCallReply(ctx, self.0)) != OK {
                call!(RedisModule_ReplyWithError(
                    ctx,
                    c"ERR the reply is none for this client".as_ptr()
                ));
            }
        }
    }

    /// The integer; `None` for anything else.
    pub(super) fn count(&self) -> Option<usize> {
        // SAFETY: a live reply.
        let number = unsafe { call!(RedisModule_CallReplyInteger(self.0)) };
        (kind(self.0) == raw::REDISMODULE_REPLY_INTEGER as c_int)
            .then_some(number)
            .and_then(|number| usize::try_from(number).ok())
    }

    /// The elements of an array as bytes; nested arrays are flattened.
    pub(super) fn strings(&self) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if !self.is_error() {
            collect(self.0, &mut out);
        }
        out
    }
}

impl Drop for CallReply {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: ours, freed once.
            unsafe { call!(RedisModule_FreeCallReply(self.0)) }
        }
    }
}

fn kind(reply: *mut RawReply) -> c_int {
    // SAFETY: a live reply.
    unsafe { call!(RedisModule_CallReplyType(reply)) }
}

fn string<'a>(reply: *mut RawReply) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: a live reply; the bytes belong to it and are copied by our callers.
    unsafe { slice_of(call!(RedisModule_CallReplyStringPtr(reply, &raw mut length)), length) }
}

fn collect(reply: *mut RawReply, out: &mut Vec<Vec<u8>>) {
    if kind(reply) != raw::REDISMODULE_REPLY_ARRAY as c_int {
        out.push(string(reply).to_vec());
        return;
    }
    // SAFETY: a live array; its elements belong to it.
    unsafe {
        for position in 0..call!(RedisModule_CallReplyLength(reply)) {
            let element = call!(RedisModule_CallReplyArrayElement(reply, position));
            if !element.is_null() {
                collect(element, out);
            }
        }
    }
}

/// The keys among the words of a command; none for an unknown command.
pub(super) fn keys_of<'c>(ctx: *mut Ctx, command: &[&'c [u8]]) -> Vec<&'c [u8]> {
    let texts: Vec<Text> = command.iter().map(|bytes| Text::new(bytes)).collect();
    let mut vector: Vec<*mut RawText> = texts.iter().map(Text::raw).collect();
    let mut count = 0;
    // SAFETY: the strings live through the call; it returns as many positions as it says, which we free.
    unsafe {
        let length = c_int::try_from(vector.len()).unwrap_or(0);
        let positions = call!(RedisModule_GetCommandKeys(
            ctx,
            vector.as_mut_ptr(),
            length,
            &raw mut count
        ));
        if positions.is_null() {
            return Vec::new();
        }
        let found = std::slice::from_raw_parts(positions, usize::try_from(count).unwrap_or(0));
        let key = |at: &c_int| command.get(usize::try_from(*at).ok()?).copied();
        let keys = found.iter().filter_map(key).collect();
        call!(RedisModule_Free(positions.cast()));
        keys
    }
}

/// The client that the append-only file is read through has this id.
const FROM_FILE: u64 = u64::MAX;

/// What the server says of itself and of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(u32);

impl Flags {
    /// As seen from this context.
    pub(super) fn of(ctx: *mut Ctx) -> Flags {
        // SAFETY: a context the server lent us.
        Flags(unsafe { call!(RedisModule_GetContextFlags(ctx)) }.cast_unsigned())
    }
    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
    /// Whether this server is a primary that has loaded its data.
    pub(super) fn decides(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_MASTER) && !self.has(raw::REDISMODULE_CTX_FLAGS_LOADING)
    }
    /// Whether the old data still serves while new data is loaded.
    pub(super) fn loads_aside(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_ASYNC_LOADING)
    }
    /// Whether a command of this client came from the primary or from the append-only file.
    pub(super) fn brings_effects(self, client: u64) -> bool {
        client == FROM_FILE || self.has(raw::REDISMODULE_CTX_FLAGS_REPLICATED)
    }
    /// Whether a script is running.
    pub(super) fn in_script(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_LUA)
    }
    /// Whether a transaction is being executed.
    pub(super) fn in_transaction(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_MULTI)
    }
    /// Whether the client must not be blocked: in MULTI, in a script, or in a call of another module.
    pub(super) fn must_not_wait(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING)
    }
    /// Whether memory is used up to its limit.
    pub(super) fn memory_full(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_OOM)
    }
    /// Whether there is an append-only file.
    pub(super) fn has_file(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_AOF)
    }
    /// Whether the server is part of a cluster.
    pub(super) fn in_cluster(self) -> bool {
        self.has(raw::REDISMODULE_CTX_FLAGS_CLUSTER)
    }
}
