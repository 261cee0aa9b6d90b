//! TASK.SCHEDULE: a task for now or for later.

use crate::backoff;
use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::config::MAX_ATTEMPTS;
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::names::{Id, Name};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::dispatch::{limits, serve};
use crate::task::header::{HEADER, Record, TaskState, generated_id};
use crate::task::index::dependencies::{self, AFTER};
use crate::task::new_task::New;
use crate::task::reply_to::{self, REPLY};
use crate::task::{self, replace};
use crate::time::{MAX_DELAY, MAX_LEASE, MAX_UNIX_MS, MIN_UNIX_MS, Wall};
use crate::tx::{Command, Response, Tx};

/// DELAY or AT.
pub(crate) const WHEN: Arg = Arg::value(
    "when",
    Kind::OneOf(&[
        Arg::duration("DELAY", 0, MAX_DELAY),
        Arg::option(
            "AT",
            "unix-ms",
            Kind::Int(MIN_UNIX_MS, MAX_UNIX_MS, "unix ms, not seconds"),
        ),
    ]),
);
/// PRIORITY.
pub(crate) const PRIORITY: Arg = Arg::option("PRIORITY", "priority", Kind::Int(0, 9, ""));
/// ATTEMPTS.
pub(crate) const ATTEMPTS: Arg = Arg::option("ATTEMPTS", "n", Kind::Int(1, MAX_ATTEMPTS, ""));
/// BACKOFF.
pub(crate) const BACKOFF: Arg = Arg::option("BACKOFF", "backoff", Kind::Group(backoff::ARGS));
/// LEASE.
pub(crate) const LEASE: Arg = Arg::duration("LEASE", 1, MAX_LEASE);
/// EXPIRE.
pub(crate) const EXPIRE: Arg = Arg::duration("EXPIRE", 1, MAX_DELAY);
/// UNIQUE.
pub(crate) const UNIQUE: Arg = Arg::option(
    "UNIQUE",
    "unique",
    Kind::Group(&[
        Arg::value("key", Kind::Text),
        Arg::duration("FOR", 1, MAX_DELAY),
        Arg::flag("REPLACE"),
    ]),
);

/// GROUP.
pub(crate) const GROUP: Arg = Arg::option("GROUP", "key", Kind::Text);
/// TO.
pub(crate) const TO: Arg = Arg::option("TO", "worker", Kind::Text);
/// RETAIN.
pub(crate) const RETAIN: Arg = Arg::duration("RETAIN", 0, MAX_DELAY);

/// What a recurring task may say of its occurrences: the options of SCHEDULE but for those that are about one task
/// (ID, DELAY, AT, UNIQUE).
pub(crate) const TASK_OPTIONS: &[Arg] = &[PRIORITY, ATTEMPTS, BACKOFF, LEASE, EXPIRE, RETAIN, GROUP, TO, REPLY];

/// TASK.SCHEDULE.
pub(crate) struct Schedule;

impl Command for Schedule {
    const SPEC: Spec = Spec {
        name: "TASK.SCHEDULE",
        summary: "Schedules a task: ready at once, after DELAY or AT a time. With EXPIRE it is dropped when nobody claimed it that long after it became ready. With UNIQUE no other task of the key waits or runs, or none is accepted FOR a time; REPLACE: one that waits becomes this one. Those of a GROUP run one at a time, in order. TO: only that worker may claim it, until its membership ends. AFTER: it is blocked until those tasks are acknowledged.",
        complexity: "O(1), O(log N) with a delay",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("payload", Kind::Bytes),
            Arg::option("ID", "id", Kind::Text),
            WHEN,
            PRIORITY,
            ATTEMPTS,
            BACKOFF,
            LEASE,
            EXPIRE,
            RETAIN,
            UNIQUE,
            GROUP,
            TO,
            REPLY,
            AFTER,
        ],
        reply: "the id, with REPLACE perhaps that of the task that waited",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let mut new = New::from_args(args, &tx.context)?;
        reply_to::check(args, &name, caller)?;
        let settings = task::settings(tx, &name)?;
        new.options.after = dependencies::check(args, tx, &name, &settings)?;
        new.check(tx, &name)?;
        check_payload(args.bytes("payload"), &tx.context)?;
        if let Some(id) = replace::replace(args, tx, &name, &new, &settings)? {
            serve::serve(tx, &name);
            return Ok(Reply::Id(id).into());
        }
        let (id, old) = match args.get("ID") {
            Some(id) => (
                Id::from_slice(id.as_bytes()),
                old_record(tx, &name, id.as_bytes(), &settings)?,
            ),
            None => (free_id(tx, &name)?, None),
        };
        limits::ensure_length(tx, &name, 1, &settings)?;
        if old.as_ref().is_some_and(|old| old.ghosts != 0) {
            tx.keys.ensure_type(name.queue())?;
        }
        new.add(tx, &name, &id, args.bytes("payload"), old, &settings)?;
        serve::serve(tx, &name);
        Ok(Reply::Id(id).into())
    }
}

/// The wall moment DELAY or AT stands for.
pub(crate) fn due(args: &Args<'_>, context: &Context) -> Option<Wall> {
    match (args.int("DELAY"), args.int("AT")) {
        (Some(delay), _) => Some(context.wall.after(delay)),
        (None, Some(at)) => Some(Wall(at)),
        (None, None) => None,
    }
}

/// Nothing, when the payload is within `steward.max-payload`.
pub(crate) fn check_payload(payload: &[u8], context: &Context) -> Result<(), Error> {
    let most = usize::try_from(context.config.max_payload).unwrap_or(usize::MAX);
    if payload.len() > most {
        return Err(Error::TooBig(most));
    }
    Ok(())
}

/// An id of the module's making that nobody else has used.
pub(crate) fn free_id(tx: &mut Tx<'_>, name: &Name) -> Result<Id, Error> {
    loop {
        let id = generated_id(tx.next_fence(0));
        if !tx.keys.exists(name.task(&id)) {
            return Ok(Id::from_slice(&id));
        }
    }
}

/// `DUPLICATE` when the id is a task's; else the record that is left of one, if any.
pub(crate) fn old_record(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    settings: &QueueSettings,
) -> Result<Option<Record>, Error> {
    let Some(bytes) = tx.keys.get_start(name.task(id), HEADER)? else {
        return Ok(None);
    };
    let mut record = Record::read(&bytes).ok_or(Error::Foreign)?;
    if task::exists(&record, settings) {
        return Err(Error::Duplicate(String::from_utf8_lossy(id).into_owned()));
    }
    if record.state != TaskState::Removed || record.fence < settings.dropped_below() {
        // Its ids stand in indexes that are set aside and swept.
        record.ghosts = 0;
    }
    Ok(Some(record))
}
