//! Shared by all verbs: the open keys, the effects to replicate, the notifications.

use std::ffi::{CStr, c_int};

use redis_module::raw;
use smallvec::SmallVec;

use crate::error::Result;
use crate::keyspace::Type;
use crate::names::Key;
use crate::redis::api::{CallReply, Ctx, Level, OK, Text, call, log};
use crate::redis::effects::{EFFECTS, EffectLog};
use crate::redis::handles::{Handles, Open};

/// What becomes of the effects of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effects {
    /// They are sent to replicas and the append-only file.
    Collected,
    /// Nobody listens: they are changes for the server to count.
    Counted,
    /// There are none, or they came from elsewhere and are passed on unchanged.
    PassedOn,
}

/// Lets the server count a change that is sent nowhere. `ctx` is that of a client's command.
pub(crate) fn count_change(ctx: *mut Ctx) {
    // SAFETY: as the caller promises. Where nobody listens, the server only counts.
    unsafe { call!(RedisModule_ReplicateVerbatim(ctx)) };
}

/// Sends effects, with the text of the name of their record, to replicas and the append-only file.
pub(crate) fn send(ctx: *mut Ctx, name: &Text, effects: &EffectLog) {
    // SAFETY: `s` takes a string of the server, `b` a pointer and a length as size_t.
    let sent = unsafe {
        call!(RedisModule_Replicate(
            ctx,
            EFFECTS.as_ptr(),
            c"sb".as_ptr(),
            name.raw(),
            effects.bytes().as_ptr(),
            effects.bytes().len()
        ))
    };
    if sent != OK {
        let command = EFFECTS.to_string_lossy();
        let text = format!("{command} is unknown to the server: effects were not replicated");
        log(Level::Warning, &text);
    }
}

/// The server's keys, for one transaction.
#[derive(Debug)]
pub(crate) struct ServerKeys<'s> {
    /// The open keys.
    pub handles: Handles<'s>,
    effects: Effects,
    /// The collected effects, by database.
    collected: SmallVec<[EffectLog; 1]>,
    /// Whether anything was written.
    written: bool,
}

impl<'s> ServerKeys<'s> {
    /// For a transaction.
    pub(crate) fn new(handles: Handles<'s>, effects: Effects) -> ServerKeys<'s> {
        ServerKeys {
            handles,
            effects,
            collected: SmallVec::new(),
            written: false,
        }
    }

    /// Whether the transaction has written nothing.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.written
    }

    /// Ends the transaction: closes all keys and sends what was done to replicas and the append-only file.
    pub(crate) fn finish(&mut self) {
        self.handles.close_all();
        if self.written && self.effects == Effects::Counted {
            count_change(self.handles.ctx);
        }
        for effects in self.collected.drain(..) {
            self.handles.select(effects.name().db);
            let name = self.handles.texts.of(effects.name()).own();
            send(self.handles.ctx, &name, &effects);
            self.handles.texts.keep_buffer(effects.into_buffer());
        }
    }

    /// Adds an effect to those of the transaction.
    #[inline]
    pub(super) fn effect(&mut self, key: Key<'_>, write: impl FnOnce(&mut EffectLog)) {
        self.written |= self.effects != Effects::PassedOn;
        if self.effects != Effects::Collected {
            return;
        }
        if let Some(effects) = self
            .collected
            .iter_mut()
            .find(|effects| effects.name().db == key.name.db)
        {
            write(effects);
        } else {
            let mut effects = EffectLog::new(key.name, self.handles.texts.take_buffer());
            write(&mut effects);
            self.collected.push(effects);
        }
    }

    /// The key open, and whether it has a value, which is of this type.
    pub(super) fn typed(&mut self, key: Key<'_>, of: Type) -> Result<(&mut Open, bool)> {
        let open = self.handles.open(key);
        let there = open.ensure(of)?;
        Ok((open, there))
    }

    /// Sends the notification of a removal from a key and, if that removed its last element, that the key is gone.
    pub(super) fn notify(&mut self, key: Key<'_>, class: c_int, event: &CStr) {
        self.handles.notify(key, class, event);
        if self.handles.observed() && matches!(self.handles.open(key).kind(), Ok(None)) {
            self.handles.notify(key, raw::REDISMODULE_NOTIFY_GENERIC, c"del");
        }
    }

    /// Runs a command that reads or writes one key; all keys are closed first.
    pub(super) fn command(&mut self, command: &CStr, key: Key<'_>, arguments: &[&[u8]]) -> CallReply {
        self.handles.close_all();
        self.handles.select(key.name.db);
        let text = self.handles.text(key);
        let mut all = vec![text.text().bytes()];
        all.extend_from_slice(arguments);
        let reply = CallReply::of(self.handles.ctx, command, "E", &all);
        if reply.is_error() {
            let text = format!("{} failed: {}", command.to_string_lossy(), reply.error());
            log(Level::Warning, &text);
        }
        reply
    }
}
