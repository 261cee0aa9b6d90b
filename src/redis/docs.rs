//! Describes commands to COMMAND DOCS, COMMAND INFO and the ACL, from their declarations.

use std::ffi::{CString, c_int};
use std::ptr;

use redis_module::raw;

use super::api::{Ctx, OK, call, optional};
use super::reply::c_string;
use crate::command::{Access, Arg, Keys, Kind, SINCE, Spec};

/// The sizes of the server's structures as compiled here, so that older and newer servers can read ours.
static VERSION: raw::RedisModuleCommandInfoVersion = raw::RedisModuleCommandInfoVersion {
    version: 1,
    sizeof_historyentry: size_of::<raw::RedisModuleCommandHistoryEntry>(),
    sizeof_keyspec: size_of::<raw::RedisModuleCommandKeySpec>(),
    sizeof_arg: size_of::<raw::RedisModuleCommandArg>(),
};

/// Describes a command that was just created.
pub(super) fn describe(ctx: *mut Ctx, spec: &Spec) -> bool {
    let words = i32::try_from(spec.words()).unwrap_or(1);
    let mut arena = Arena::default();
    let mut keys = key_specs(spec, words);
    let args = arena.args(spec.args);
    let described = set(
        ctx,
        spec.name,
        &Info {
            summary: &arena.text(spec.summary),
            complexity: &arena.text(spec.complexity),
            tips: &arena.text(spec.tips()),
            arity: spec.arity(),
            keys: keys.as_mut_ptr(),
            args,
        },
    );
    described && set_categories(ctx, spec.name, &spec.categories())
}

/// Describes a command that only has subcommands.
pub(super) fn describe_container(ctx: *mut Ctx, name: &str) -> bool {
    let mut none = [no_key()];
    let info = Info {
        summary: c"A container for the settings of a queue.",
        complexity: c"Depends on subcommand.",
        tips: c"",
        arity: -2,
        keys: none.as_mut_ptr(),
        args: ptr::null_mut(),
    };
    set(ctx, name, &info)
}

struct Info<'a> {
    summary: &'a std::ffi::CStr,
    complexity: &'a std::ffi::CStr,
    tips: &'a std::ffi::CStr,
    arity: i32,
    keys: *mut raw::RedisModuleCommandKeySpec,
    args: *mut raw::RedisModuleCommandArg,
}

fn find(ctx: *mut Ctx, name: &str) -> *mut raw::RedisModuleCommand {
    // The server's name for a subcommand has a bar.
    let name = c_string(&name.replace(' ', "|"));
    // SAFETY: a text that lives through the call.
    unsafe { call!(RedisModule_GetCommand(ctx, name.as_ptr())) }
}

fn set(ctx: *mut Ctx, name: &str, info: &Info<'_>) -> bool {
    let command = find(ctx, name);
    let since = c_string(SINCE);
    let info = raw::RedisModuleCommandInfo {
        version: &raw const VERSION,
        summary: info.summary.as_ptr(),
        complexity: info.complexity.as_ptr(),
        since: since.as_ptr(),
        history: ptr::null_mut(),
        tips: if info.tips.is_empty() {
            ptr::null()
        } else {
            info.tips.as_ptr()
        },
        arity: info.arity,
        key_specs: info.keys,
        args: info.args,
    };
    // SAFETY: all of it lives through the call, which copies it; arrays end with a zeroed element.
    !command.is_null() && unsafe { call!(RedisModule_SetCommandInfo(command, &raw const info)) } == OK
}

fn set_categories(ctx: *mut Ctx, name: &str, categories: &str) -> bool {
    let (command, categories) = (find(ctx, name), c_string(categories));
    // SAFETY: a command and a text that live through the call. Redis 7.0 has no such function.
    unsafe {
        match optional!(RedisModule_SetCommandACLCategories) {
            Some(set) => set(command, categories.as_ptr()) == OK,
            None => true,
        }
    }
}

/// What the command does with the queues that it names.
pub(super) fn key_flags(spec: &Spec) -> c_int {
    match spec.access {
        Access::Read => raw::REDISMODULE_CMD_KEY_RO | raw::REDISMODULE_CMD_KEY_ACCESS,
        Access::Write | Access::Grow => {
            raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_ACCESS | raw::REDISMODULE_CMD_KEY_UPDATE
        }
    }
    .cast_signed()
}

fn key_specs(spec: &Spec, words: i32) -> [raw::RedisModuleCommandKeySpec; 2] {
    let mut key = no_key();
    if spec.keys == Keys::None {
        return [key, no_key()];
    }
    key.flags = u64::from(key_flags(spec).cast_unsigned());
    key.begin_search_type = raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INDEX;
    key.bs.index = raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_1 { pos: words };
    if spec.keys == Keys::First {
        key.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_RANGE;
        key.fk.range = raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 {
            lastkey: 0,
            keystep: 1,
            limit: 0,
        };
    } else {
        key.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_KEYNUM;
        key.fk.keynum = raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_2 {
            keynumidx: 0,
            firstkey: 1,
            keystep: 1,
        };
    }
    [key, no_key()]
}

/// A zeroed element: the end of an array of key specs.
fn no_key() -> raw::RedisModuleCommandKeySpec {
    // SAFETY: integers, null pointers and unions of integers.
    unsafe { std::mem::zeroed() }
}

/// Owns what the server's structures point to.
#[derive(Default)]
struct Arena {
    texts: Vec<CString>,
    arrays: Vec<Box<[raw::RedisModuleCommandArg]>>,
}

impl Arena {
    fn text(&self, text: &str) -> CString {
        c_string(text)
    }

    fn pointer(&mut self, text: &str) -> *const std::ffi::c_char {
        let text = c_string(text);
        let pointer = text.as_ptr();
        // The text itself does not move when the vector grows.
        self.texts.push(text);
        pointer
    }

    /// The arguments as an array that ends with a zeroed element.
    fn args(&mut self, args: &[Arg]) -> *mut raw::RedisModuleCommandArg {
        let mut array = Vec::new();
        for arg in args {
            self.push(&mut array, arg);
        }
        self.keep(array)
    }

    fn push(&mut self, array: &mut Vec<raw::RedisModuleCommandArg>, arg: &Arg) {
        let mut raw = no_arg();
        raw.name = self.pointer(&arg.name.to_ascii_lowercase());
        raw.key_spec_index = -1;
        if !arg.meaning.is_empty() {
            raw.summary = self.pointer(arg.meaning);
        }
        if let Some(word) = arg.word {
            raw.token = self.pointer(word);
            raw.flags |= raw::REDISMODULE_CMD_ARG_OPTIONAL.cast_signed();
        }
        match &arg.kind {
            Kind::Name => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_KEY;
                raw.key_spec_index = 0;
            }
            Kind::Text | Kind::Bytes => raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING,
            Kind::Int(..) => raw.type_ = integer(arg),
            Kind::IntOr(_, _, _, word) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF;
                raw.subargs = self.number_or(arg.name, word);
            }
            Kind::Flag => raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN,
            Kind::Words(words) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF;
                raw.subargs = self.words(words);
            }
            Kind::OneOf(options) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF;
                raw.flags |= raw::REDISMODULE_CMD_ARG_OPTIONAL.cast_signed();
                raw.subargs = self.args(options);
                // The choice is optional, its members are not.
                self.require_last();
            }
            Kind::Either(options) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF;
                raw.subargs = self.args(options);
                self.require_last();
            }
            Kind::Group(args) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK;
                raw.subargs = self.args(args);
            }
            Kind::Repeated(args) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK;
                raw.flags |=
                    (raw::REDISMODULE_CMD_ARG_MULTIPLE | raw::REDISMODULE_CMD_ARG_MULTIPLE_TOKEN).cast_signed();
                raw.subargs = self.args(args);
            }
            Kind::Shared(args) => {
                for arg in *args {
                    self.push(array, arg);
                }
                return;
            }
            Kind::Many(items) | Kind::ManyBefore(items, _) => return self.push_items(array, items, 0),
            Kind::Any(items) => return self.push_items(array, items, raw::REDISMODULE_CMD_ARG_OPTIONAL),
            Kind::Counted(_, _, items) if arg.word.is_some() => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK;
                raw.subargs = self.counted(arg.name, items);
            }
            Kind::AsMany(items) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK;
                raw.subargs = self.items(items);
            }
            Kind::Counted(least, _, items) => {
                raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER;
                array.push(raw);
                let flags = if *least > 0 {
                    0
                } else {
                    raw::REDISMODULE_CMD_ARG_OPTIONAL
                };
                return self.push_items(array, items, flags);
            }
        }
        array.push(raw);
    }

    /// Arguments that repeat: one alone, or several as a block.
    fn push_items(&mut self, array: &mut Vec<raw::RedisModuleCommandArg>, items: &[Arg], flags: u32) {
        if let [item] = items {
            self.push(array, item);
        } else {
            let mut block = no_arg();
            block.name = self.pointer("item");
            block.key_spec_index = -1;
            block.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK;
            block.subargs = self.args(items);
            array.push(block);
        }
        if let Some(last) = array.last_mut() {
            last.flags |= (raw::REDISMODULE_CMD_ARG_MULTIPLE | flags).cast_signed();
        }
    }

    /// A choice of these words.
    fn words(&mut self, words: &[&str]) -> *mut raw::RedisModuleCommandArg {
        let array = words.iter().map(|word| self.word(word)).collect();
        self.keep(array)
    }

    /// A number, or this word instead of it.
    fn number_or(&mut self, name: &str, word: &str) -> *mut raw::RedisModuleCommandArg {
        let array = vec![self.number(name), self.word(word)];
        self.keep(array)
    }

    /// A count, then these that many times.
    fn counted(&mut self, name: &str, items: &[Arg]) -> *mut raw::RedisModuleCommandArg {
        let mut array = vec![self.number(name)];
        self.push_items(&mut array, items, 0);
        self.keep(array)
    }

    /// These, again and again.
    fn items(&mut self, items: &[Arg]) -> *mut raw::RedisModuleCommandArg {
        let mut array = Vec::new();
        self.push_items(&mut array, items, 0);
        self.keep(array)
    }

    fn number(&mut self, name: &str) -> raw::RedisModuleCommandArg {
        let mut raw = no_arg();
        raw.name = self.pointer(name);
        raw.key_spec_index = -1;
        raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER;
        raw
    }

    fn word(&mut self, word: &str) -> raw::RedisModuleCommandArg {
        let mut raw = no_arg();
        raw.name = self.pointer(&word.to_ascii_lowercase());
        raw.token = self.pointer(word);
        raw.key_spec_index = -1;
        raw.type_ = raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN;
        raw
    }

    /// Keeps an array of arguments, terminated by a zeroed one, as long as this arena.
    fn keep(&mut self, mut array: Vec<raw::RedisModuleCommandArg>) -> *mut raw::RedisModuleCommandArg {
        array.push(no_arg());
        let mut array = array.into_boxed_slice();
        let pointer = array.as_mut_ptr();
        self.arrays.push(array);
        pointer
    }

    fn require_last(&mut self) {
        if let Some(array) = self.arrays.last_mut() {
            for arg in array.iter_mut() {
                arg.flags &= !raw::REDISMODULE_CMD_ARG_OPTIONAL.cast_signed();
            }
        }
    }
}

/// A zeroed element: the end of an array of arguments.
fn no_arg() -> raw::RedisModuleCommandArg {
    // SAFETY: integers and null pointers.
    unsafe { std::mem::zeroed() }
}

fn integer(arg: &Arg) -> raw::RedisModuleCommandArgType {
    if arg.name.starts_with("unix-") {
        raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_UNIX_TIME
    } else {
        raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER
    }
}
