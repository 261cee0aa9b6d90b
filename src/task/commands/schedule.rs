//! TASK.SCHEDULE: a task for now or for later.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Id;
use crate::reply::Reply;
use crate::task::again::{self, Sent};
use crate::task::dispatch::limits;
use crate::task::handle::Queue;
use crate::task::new_task::{NewTask, ensure_memory, ensure_size};
use crate::task::options::{AFTER, AfterArgs, PAYLOAD, RouteOptions, RunOptions, UniqueArgs, UsedArgs, WHEN, When};
use crate::task::{after, replace, reply_to};

arguments! {
    pub(crate) struct ScheduleArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        payload: &'a [u8] = PAYLOAD,
        id: Option<&'a str> = Arg::option("ID", Arg::ID).means("its id; by default one that is made for it"),
        when: Option<When> = WHEN,
        run: RunOptions<'a> = Arg::shared(),
        unique: Option<UniqueArgs<'a>> = Arg::group("UNIQUE", "unique")
            .means("refused while another task holds this key, until that task ends"),
        route: RouteOptions<'a> = Arg::shared(),
        after: Option<AfterArgs<'a>> = AFTER,
        used: Option<UsedArgs<'a>> = Arg::group("USED", "used")
            .means("it is moved in from another queue, where it used n attempts; no total counts it"),
    }
}

/// TASK.SCHEDULE.
pub(crate) struct Schedule;

impl Command for Schedule {
    type Args<'a> = ScheduleArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.SCHEDULE",
        summary: "Schedules a task, due at once, after DELAY, or AT a time. Sending it again with the same ID and payload adds nothing.",
        complexity: "O(1), O(log N) with a delay, O(P) AFTER P ids",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ScheduleArgs::ARGS,
        reply: "the id; with REPLACE that of the task it overwrote, if any",
        errors: &[
            (
                "DUPLICATE",
                "a task of this ID has another payload or did not succeed, or another one holds the UNIQUE key; `unknown` if that one is gone and the key is held FOR a time",
            ),
            (
                "NOTASK",
                "a task of AFTER is not there, without MISSINGOK; or it did not succeed, without ONFAIL RUN",
            ),
            ("NOMEMBER", "TO with NOW: that worker is not a member"),
            ("TOOBIG", "the payload is larger than `steward.max-payload`"),
            ("QUEUEFULL", "the queue has as many tasks as its `max-length`"),
            ("OOM", "memory is full"),
        ],
    };

    fn run(args: &ScheduleArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let task = NewTask::asked(&args.run, &args.route, &queue.context);
        let mut task = task.at(args.when.as_ref(), &queue.context).unique(args.unique.as_ref());
        task.used(queue, args.used.as_ref())?;
        let replace = args.unique.as_ref().and_then(|unique| unique.replace.as_ref());
        if replace.is_some() && args.after.is_some() {
            return Err(Error::BadArg("AFTER contradicts REPLACE: give one of them".into()));
        }
        ensure_fits(args)?;
        let old = match args.id.map(str::as_bytes) {
            Some(id) if !(replace.is_some() && replace::is_due(queue, id, &task.options)) => {
                match again::find(queue, id, args.payload)? {
                    Sent::Before => {
                        again::confirm(queue);
                        return Ok(Reply::Id(Id::from_slice(id)).into());
                    }
                    Sent::Never(old) => old,
                }
            }
            _ => None,
        };
        ensure_memory(&queue.context)?;
        reply_to::ensure_allowed(args.route.reply.as_ref(), &queue.name, caller)?;
        task.ensure_there(queue)?;
        after::depend(queue, &mut task.options, args.after.as_ref(), caller)?;
        task.ensure_types(queue)?;
        ensure_size("payload", args.payload, &queue.context)?;
        if !task.is_dead()
            && let Some(id) = replace::replace(queue, &mut task, args.id, replace, args.payload)?
        {
            queue.serve_waiters();
            return Ok(Reply::Id(id).into());
        }
        let id = match args.id {
            Some(id) => Id::from_slice(id.as_bytes()),
            None => queue.free_id(),
        };
        if !task.is_dead() {
            limits::ensure_length(queue, 1)?;
        }
        if old.as_ref().is_some_and(|old| old.header.ghosts != 0) {
            queue.keys.ensure_type(queue.name.queue())?;
        }
        task.number_kind(queue)?;
        task.add(queue, Id::from_slice(&id), args.payload, old)?;
        queue.serve_waiters();
        Ok(Reply::Id(id).into())
    }
}

/// Errors with `BadArg` for options that USED and DEAD exclude.
fn ensure_fits(args: &ScheduleArgs<'_>) -> Result<()> {
    let Some(used) = &args.used else {
        return Ok(());
    };
    let replaces = args.unique.as_ref().is_some_and(|unique| unique.replace.is_some());
    let dead = used.dead.is_some();
    let excluded = [
        (replaces, "USED", "REPLACE"),
        (dead && args.when.is_some(), "DEAD", "a due time"),
        (dead && args.after.is_some(), "DEAD", "AFTER"),
    ];
    match excluded.iter().find(|(excluded, ..)| *excluded) {
        Some((_, one, other)) => Err(Error::BadArg(format!("{one} contradicts {other}: give one of them"))),
        None => Ok(()),
    }
}
