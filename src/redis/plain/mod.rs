//! The short way of SCHEDULE, CLAIM, ACK and MACK of plain tasks, straight to the server's functions: no arguments are
//! parsed into a tree, no key is looked for twice, no reply is built before it is written. [`crate::task::plain`] says
//! when a step is plain, and what it means for memory. Whatever is not plain goes the general way, as if nothing had
//! been tried.

mod ack;
mod claim;
mod key;
mod schedule;

use std::ffi::{c_char, c_long};
use std::rc::Rc;

use self::key::Open;
use super::api::{Ctx, Flags, RawText, call};
use super::databases;
use super::effects::EffectLog;
use super::keyspace::{count_change, send};
use super::module::{self, Module};
use super::texts::{Kept, NameTexts, Texts};
use super::timer::SOON;
use crate::context::Context;
use crate::names::{Key, Name, Part, Place};
use crate::state::State;
use crate::task::plain;

/// A call of a command.
#[derive(Debug)]
pub(super) struct Call<'c> {
    /// The context, with a client to answer.
    pub ctx: *mut Ctx,
    /// The arguments after the command's name.
    pub arguments: &'c [&'c [u8]],
    /// The same as strings of the server.
    pub texts: &'c [*mut RawText],
    /// The server's flags.
    pub flags: Flags,
    /// The connection of the client.
    pub connection: u64,
    /// The number of the selected database.
    pub db: i32,
}

/// A command on its short way.
pub(super) struct Step<'m> {
    ctx: *mut Ctx,
    state: &'m mut State,
    texts: &'m mut Texts,
    context: Context,
    name: Name,
    names: Rc<NameTexts>,
    /// The effects; `None` if nobody listens.
    effects: Option<EffectLog>,
}

/// Carries a command out and answers it; `None`, with nothing changed, if it is not plain.
pub(super) type Way = fn(&mut Step<'_>, &Call<'_>) -> Option<()>;

/// The short way of a command, if it has one.
#[inline(always)]
pub(super) fn way(command: &str) -> Option<Way> {
    match command {
        "TASK.SCHEDULE" => Some(schedule::schedule),
        "TASK.CLAIM" => Some(claim::claim),
        "TASK.ACK" => Some(ack::ack),
        "TASK.MACK" => Some(ack::mack),
        _ => None,
    }
}

/// Carries a command out and answers it, if it is plain; whether it was.
pub(super) fn run(way: Way, call: &Call<'_>) -> bool {
    let done = module::with(|module| {
        let flags = call.flags;
        if module.observed
            || module.discovery.is_some()
            || flags.in_cluster()
            || flags.must_not_wait()
            || flags.memory_full()
        {
            return None;
        }
        let context = module.context();
        let name = Name::new(databases::id(call.db), call.arguments.first()?).ok()?;
        if !plain::is_queue(&module.state, &name, &context) {
            return None;
        }
        let listened = module.audience.listens(flags);
        let Module { state, texts, .. } = &mut *module;
        let names = texts.of(&name);
        let effects = listened.then(|| EffectLog::new(&name, texts.take_buffer()));
        let mut step = Step {
            ctx: call.ctx,
            state,
            texts,
            context,
            name,
            names,
            effects,
        };
        let done = way(&mut step, call);
        step.finish(done.is_some());
        done?;
        module.plain += 1;
        if module.state.take_planned() {
            module.arm(&context, SOON);
        }
        Some(())
    });
    done.flatten().is_some()
}

impl Step<'_> {
    /// Opens one of the queue's keys.
    #[inline]
    fn open(&mut self, place: Place<'_>) -> Open {
        let text = Kept::new(&self.names, self.name.key(place), &mut self.texts.scratch);
        Open::new(self.ctx, text)
    }

    /// Adds an effect on one of the queue's keys, if anybody listens.
    #[inline]
    fn effect(&mut self, place: Place<'_>, write: impl FnOnce(&mut EffectLog, Key<'_>)) {
        if let Some(effects) = &mut self.effects {
            write(effects, self.name.key(place));
        }
    }

    /// Ends the step: what it did, if anything, is sent or counted.
    fn finish(self, done: bool) {
        match self.effects {
            Some(effects) => {
                if done {
                    send(self.ctx, &self.names.own(), &effects);
                }
                self.texts.keep_buffer(effects.into_buffer());
            }
            None if done => count_change(self.ctx),
            None => {}
        }
    }

    /// Writes a bulk string to the client.
    fn reply(&self, bytes: &[u8]) {
        // SAFETY: a context with a client to answer; the server copies the bytes.
        unsafe {
            call!(RedisModule_ReplyWithStringBuffer(
                self.ctx,
                bytes.as_ptr().cast::<c_char>(),
                bytes.len()
            ))
        };
    }

    /// Writes an integer to the client.
    fn reply_number(&self, number: u64) {
        // SAFETY: as above.
        unsafe { call!(RedisModule_ReplyWithLongLong(self.ctx, number.cast_signed())) };
    }

    /// Writes the start of an array to the client.
    fn reply_array(&self, length: usize) {
        // SAFETY: as above.
        unsafe { call!(RedisModule_ReplyWithArray(self.ctx, length as c_long)) };
    }
}

/// The place of a task.
fn task(id: &[u8]) -> Place<'_> {
    Place::Of(Part::Task, id)
}
