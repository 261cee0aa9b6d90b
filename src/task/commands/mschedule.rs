//! TASK.MSCHEDULE: many tasks in one step.

use std::collections::BTreeSet;

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Id;
use crate::reply::Reply;
use crate::task::again::{self, Sent};
use crate::task::dispatch::limits;
use crate::task::handle::{Queue, Task};
use crate::task::index::dependencies;
use crate::task::new_task::{NewTask, ensure_memory, ensure_size};
use crate::task::options::{AFTER, AfterArgs, PAYLOAD, RouteOptions, RunOptions, WHEN, When};
use crate::task::{after, reply_to};

arguments! {
    pub(crate) struct MScheduleArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        payloads: Vec<&'a [u8]> = Arg::counted("numtasks", MAX_COUNT, &PAYLOAD)
            .means("how many tasks, and their payloads"),
        ids: Option<Vec<&'a str>> = Arg::as_many("IDS", "ids", &Arg::ID)
            .means("an id for each payload; tasks that were sent before with the same payload stay as they are"),
        when: Option<When> = WHEN,
        run: RunOptions<'a> = Arg::shared(),
        route: RouteOptions<'a> = Arg::shared(),
        after: Option<AfterArgs<'a>> = AFTER,
    }
}

/// TASK.MSCHEDULE.
pub(crate) struct MSchedule;

impl Command for MSchedule {
    type Args<'a> = MScheduleArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MSCHEDULE",
        summary: "Schedules several tasks with the same options: all of them, or none. With AFTER, at most 10,000 dependencies a call (tasks times ids).",
        complexity: "O(N) for N tasks, O(N log M) with a delay, O(N*P) AFTER P ids",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: MScheduleArgs::ARGS,
        reply: "array of ids, in the order of the payloads",
        errors: &[
            (
                "DUPLICATE",
                "a task of these IDS has another payload, or did not succeed",
            ),
            (
                "NOTASK",
                "a task of AFTER is not there, without MISSINGOK; or it did not succeed, without ONFAIL RUN",
            ),
            ("NOMEMBER", "TO with NOW: that worker is not a member"),
            ("TOOBIG", "a payload is larger than `steward.max-payload`"),
            (
                "QUEUEFULL",
                "with these the queue would have more tasks than its `max-length`",
            ),
            ("OOM", "memory is full"),
        ],
    };

    fn run(args: &MScheduleArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let ids = match &args.ids {
            Some(ids) => {
                add_missing(args, ids, caller, queue)?;
                ids.iter().map(|id| Id::from_slice(id.as_bytes())).collect()
            }
            None => {
                let mut task = new_task(args, &args.payloads, caller, queue)?;
                task.number_kind(queue)?;
                task.add_all(queue, &args.payloads)?
            }
        };
        queue.serve_waiters();
        Ok(Reply::Array(ids.into_iter().map(Reply::Id).collect()).into())
    }
}

/// What all tasks of these payloads have in common. Errors unless all of them may be added.
fn new_task(
    args: &MScheduleArgs<'_>,
    payloads: &[&[u8]],
    caller: &Caller<'_>,
    queue: &mut Queue<'_>,
) -> Result<NewTask> {
    ensure_memory(&queue.context)?;
    let mut task = NewTask::asked(&args.run, &args.route, &queue.context).at(args.when.as_ref(), &queue.context);
    reply_to::ensure_allowed(args.route.reply.as_ref(), &queue.name, caller)?;
    if let Some(after) = &args.after {
        dependencies::ensure_few(payloads.len(), after.len())?;
    }
    task.ensure_there(queue)?;
    after::depend(queue, &mut task.options, args.after.as_ref(), caller)?;
    task.ensure_types(queue)?;
    for payload in payloads {
        ensure_size("payload", payload, &queue.context)?;
    }
    limits::ensure_length(queue, payloads.len())?;
    Ok(task)
}

/// Adds those tasks that are not there yet.
fn add_missing(args: &MScheduleArgs<'_>, ids: &[&str], caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<()> {
    let mut seen = BTreeSet::new();
    let mut missing: Vec<(&str, Option<Task>)> = Vec::new();
    let mut payloads = Vec::new();
    for (id, payload) in ids.iter().zip(&args.payloads) {
        if !seen.insert(id) {
            return Err(Error::BadArg("IDS has an id twice".into()));
        }
        if let Sent::Never(old) = again::find(queue, id.as_bytes(), payload)? {
            missing.push((id, old));
            payloads.push(*payload);
        }
    }
    if missing.is_empty() {
        again::confirm(queue);
        return Ok(());
    }
    let mut task = new_task(args, &payloads, caller, queue)?;
    if missing
        .iter()
        .flat_map(|(_, old)| old)
        .any(|old| old.header.ghosts != 0)
    {
        queue.keys.ensure_type(queue.name.queue())?;
    }
    task.number_kind(queue)?;
    for ((id, old), payload) in missing.into_iter().zip(payloads) {
        task.add(queue, Id::from_slice(id.as_bytes()), payload, old)?;
    }
    Ok(())
}
