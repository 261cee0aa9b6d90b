//! TASK.SCHEDULE: a task for now or for later.

use crate::backoff::BackoffArgs;
use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, Typed, arguments};
use crate::config::MAX_ATTEMPTS;
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Id, Name};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::dispatch::{limits, serve};
use crate::task::header::{HEADER, Record, TaskState, generated_id};
use crate::task::index::dependencies::{self, AFTER, AfterArgs};
use crate::task::new_task::New;
use crate::task::reply_to::{self, REPLY};
use crate::task::{self, replace};
use crate::time::{MAX_DELAY, MAX_LEASE, MAX_UNIX_MS, MIN_UNIX_MS, Ms, Wall};
use crate::tx::Tx;

/// DELAY or AT.
pub(crate) const WHEN: Typed<Option<When>> = Arg::one_of("when");
pub(crate) const PRIORITY: Typed<Option<u8>> = Arg::option("PRIORITY", Arg::int("priority", 0, 9, ""));
pub(crate) const LEASE: Typed<Option<Ms>> = Arg::duration("LEASE", 1, MAX_LEASE);
pub(crate) const PAYLOAD: Typed<&[u8]> = Arg::bytes("payload");

arguments! {
    /// When a task is due.
    pub(crate) enum When {
        Delay(ms: Ms) = Arg::duration("DELAY", 0, MAX_DELAY),
        At(at: Ms) = Arg::option("AT", Arg::int("unix-ms", MIN_UNIX_MS, MAX_UNIX_MS, "unix ms, not seconds")),
    }
}

arguments! {
    /// How a task runs.
    pub(crate) struct RunOptions<'a> {
        priority: Option<u8> = PRIORITY,
        attempts: Option<u64> = Arg::option("ATTEMPTS", Arg::int("n", 1, MAX_ATTEMPTS, "")),
        backoff: Option<BackoffArgs<'a>> = Arg::group("BACKOFF", "backoff"),
        lease: Option<Ms> = LEASE,
        expire: Option<Ms> = Arg::duration("EXPIRE", 1, MAX_DELAY),
        retain: Option<Ms> = Arg::duration("RETAIN", 0, MAX_DELAY),
    }
}

arguments! {
    /// Whose turn a task waits for, who may claim it, and who is told of its end.
    pub(crate) struct RouteOptions<'a> {
        group: Option<&'a str> = Arg::option("GROUP", Arg::text("key")),
        to: Option<&'a str> = Arg::option("TO", Arg::text("worker")),
        reply: Option<&'a str> = REPLY,
    }
}

arguments! {
    /// What a recurring task may say of its occurrences: the options of SCHEDULE but for those that are about one task
    /// (ID, DELAY, AT, UNIQUE, AFTER).
    pub(crate) struct OccurrenceOptions<'a> {
        run: RunOptions<'a> = Arg::shared(),
        route: RouteOptions<'a> = Arg::shared(),
    }
}

arguments! {
    /// That no other task of the key is accepted.
    pub(crate) struct UniqueArgs<'a> {
        key: &'a str = Arg::text("key"),
        time: Option<Ms> = Arg::duration("FOR", 1, MAX_DELAY),
        replace: bool = Arg::flag("REPLACE"),
    }
}

arguments! {
    pub(crate) struct ScheduleArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        payload: &'a [u8] = PAYLOAD,
        id: Option<&'a str> = Arg::option("ID", Arg::ID),
        when: Option<When> = WHEN,
        run: RunOptions<'a> = Arg::shared(),
        unique: Option<UniqueArgs<'a>> = Arg::group("UNIQUE", "unique"),
        route: RouteOptions<'a> = Arg::shared(),
        after: Option<AfterArgs<'a>> = AFTER,
    }
}

/// TASK.SCHEDULE.
pub(crate) struct Schedule;

impl Command for Schedule {
    type Args<'a> = ScheduleArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.SCHEDULE",
        summary: "Schedules a task: ready at once, after DELAY or AT a time. With EXPIRE it is dropped when nobody claimed it that long after it became ready. With UNIQUE no other task of the key waits or runs, or none is accepted FOR a time; REPLACE: one that waits becomes this one. Those of a GROUP run one at a time, in order. TO: only that worker may claim it, until its membership ends. AFTER: it is blocked until those tasks are acknowledged.",
        complexity: "O(1), O(log N) with a delay",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: ScheduleArgs::ARGS,
        reply: "the id, with REPLACE perhaps that of the task that waited",
    };

    fn run(args: &ScheduleArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let mut new = New::asked(&args.run, &args.route, &tx.context)
            .at(args.when.as_ref(), &tx.context)
            .unique(args.unique.as_ref());
        reply_to::check(args.route.reply, &name, caller)?;
        let settings = task::settings(tx, &name)?;
        if args.after.is_some() && args.unique.as_ref().is_some_and(|unique| unique.replace) {
            return Err(Error::BadArg("AFTER contradicts REPLACE: give one of them".into()));
        }
        let after = args.after.as_ref();
        new.after(after, dependencies::check(after, tx, &name, &settings)?);
        new.check(tx, &name)?;
        check_payload(args.payload, &tx.context)?;
        if let Some(id) = replace::replace(args, tx, &name, &new, &settings)? {
            serve::serve(tx, &name);
            return Ok(Reply::Id(id).into());
        }
        let (id, old) = match args.id {
            Some(id) => (
                Id::from_slice(id.as_bytes()),
                old_record(tx, &name, id.as_bytes(), &settings)?,
            ),
            None => (free_id(tx, &name)?, None),
        };
        limits::ensure_length(tx, &name, 1, &settings)?;
        if old.as_ref().is_some_and(|old| old.ghosts != 0) {
            tx.keys.ensure_type(name.queue(), Type::Hash)?;
        }
        new.add(tx, &name, &id, args.payload, old, &settings)?;
        serve::serve(tx, &name);
        Ok(Reply::Id(id).into())
    }
}

impl When {
    /// The wall moment it stands for.
    pub(crate) fn due(&self, context: &Context) -> Wall {
        match self {
            When::Delay(delay) => context.wall.after(*delay),
            When::At(at) => Wall(*at),
        }
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
