//! Registers every command with the server.

use std::collections::BTreeSet;

use super::api::{Ctx, Level, OK, call, log};
use super::dispatch::entry;
use super::docs;
use super::reply::c_string;
use crate::command::run::Command;
use crate::command::{Keys, Spec};
use crate::commands::{Visitor, visit_all};

/// Registers all commands; `false` when the server refuses one.
pub(super) fn register(ctx: *mut Ctx) -> bool {
    let mut registrar = Registrar {
        ctx,
        containers: BTreeSet::new(),
        failed: None,
    };
    visit_all(&mut registrar);
    if let Some(name) = registrar.failed {
        log(Level::Warning, &format!("the server refused to register {name}"));
    }
    registrar.failed.is_none()
}

struct Registrar {
    ctx: *mut Ctx,
    containers: BTreeSet<String>,
    failed: Option<&'static str>,
}

impl Visitor for Registrar {
    fn visit<C: Command>(&mut self) {
        let spec = &C::SPEC;
        // In lower case, like the server's own: cluster clients look up the position of the key by this name.
        let name = spec.name.to_ascii_lowercase();
        let done = match name.split_once(' ') {
            None => self.create(&name, Some(entry::<C>), &flags(spec), &spec.keys),
            Some((container, name)) => {
                let known = !self.containers.insert(container.into()) || self.container(container);
                known && self.subcommand::<C>(container, name)
            }
        };
        if !(done && docs::describe(self.ctx, spec)) {
            self.failed.get_or_insert(spec.name);
        }
    }
}

type Entry = unsafe extern "C" fn(*mut Ctx, *mut *mut super::api::RawText, std::ffi::c_int) -> std::ffi::c_int;

impl Registrar {
    fn create(&self, name: &str, entry: Option<Entry>, flags: &str, keys: &Keys) -> bool {
        let (name, flags) = (c_string(name), c_string(flags));
        let (first, last) = positions(keys);
        // SAFETY: texts that live through the call, which copies them, and our own function.
        unsafe {
            call!(RedisModule_CreateCommand(
                self.ctx,
                name.as_ptr(),
                entry,
                flags.as_ptr(),
                first,
                last,
                1
            )) == OK
        }
    }

    /// A command that only has subcommands.
    fn container(&self, name: &str) -> bool {
        self.create(name, None, "", &Keys::None) && docs::describe_container(self.ctx, name)
    }

    fn subcommand<C: Command>(&self, container: &str, name: &str) -> bool {
        let (container, name, flags) = (c_string(container), c_string(name), c_string(&flags(&C::SPEC)));
        // SAFETY: as above.
        unsafe {
            let parent = call!(RedisModule_GetCommand(self.ctx, container.as_ptr()));
            let (first, last) = positions(&C::SPEC.keys);
            let first = if first > 0 { first + 1 } else { first };
            let last = if last > 0 { last + 1 } else { last };
            !parent.is_null()
                && call!(RedisModule_CreateSubcommand(
                    parent,
                    name.as_ptr(),
                    Some(entry::<C>),
                    flags.as_ptr(),
                    first,
                    last,
                    1
                )) == OK
        }
    }
}

/// Cluster routing does not use key specs, only first and last key; where that is not enough, it calls us.
fn flags(spec: &Spec) -> String {
    let mut flags = spec.flags();
    if spec.keys == Keys::Counted {
        flags.push_str(" getkeys-api");
    }
    flags
}

/// First and last key; the key spec is complete.
fn positions(keys: &Keys) -> (i32, i32) {
    match keys {
        Keys::First => (1, 1),
        Keys::None | Keys::Counted => (0, 0),
    }
}
