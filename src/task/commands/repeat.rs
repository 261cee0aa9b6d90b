//! TASK.REPEAT: a task that comes again and again.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::names::{Name, Part};
use crate::recur::{DEFAULT_ZONE, Definition, Misfire, Overlap, Rule};
use crate::reply::Reply;
use crate::task;
use crate::task::commands::schedule::{
    ATTEMPTS, BACKOFF, EXPIRE, GROUP, LEASE, PRIORITY, RETAIN, TASK_OPTIONS, TO, check_payload,
};
use crate::task::recurring::{self, Recurring};
use crate::task::reply_to::{self, REPLY};
use crate::time::{MAX_DELAY, MAX_UNIX_MS, MIN_UNIX_MS, Wall};
use crate::tx::{Command, Response, Tx};

/// Largest LIMIT: every millisecond for eleven days, or every minute for two thousand years.
const MAX_LIMIT: i64 = 1_000_000_000;

/// TASK.REPEAT.
pub(crate) struct Repeat;

impl Command for Repeat {
    const SPEC: Spec = Spec {
        name: "TASK.REPEAT",
        summary: "Makes a recurring task, or replaces the one of that name: `EVERY` so many ms or by `CRON`; each occurrence is a task `<name>:<due>`. The same call again changes nothing.",
        complexity: "O(log N) for N recurring tasks",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("name", Kind::Text),
            Arg::value("payload", Kind::Bytes),
            Arg::value(
                "rule",
                Kind::Either(&[
                    Arg::duration("EVERY", 1, MAX_DELAY),
                    Arg::option(
                        "CRON",
                        "cron",
                        Kind::Group(&[
                            Arg::value("expression", Kind::Bytes),
                            Arg::option("TZ", "zone", Kind::Bytes),
                        ]),
                    ),
                ]),
            ),
            Arg::option("START", "unix-ms", Kind::Int(MIN_UNIX_MS, MAX_UNIX_MS, UNIX_MS)),
            Arg::option("END", "unix-ms", Kind::Int(MIN_UNIX_MS, MAX_UNIX_MS, UNIX_MS)),
            Arg::option("LIMIT", "n", Kind::Int(1, MAX_LIMIT, "")),
            Arg::option("MISFIRE", "misfire", Kind::Words(Misfire::WORDS)),
            Arg::option("OVERLAP", "overlap", Kind::Words(Overlap::WORDS)),
            PRIORITY,
            ATTEMPTS,
            BACKOFF,
            LEASE,
            EXPIRE,
            RETAIN,
            GROUP,
            TO,
            REPLY,
        ],
        reply: "when it is next due, unix ms",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let repeat = recurring::check_name(args.text("name").as_bytes())?.as_bytes();
        let mut new = Recurring {
            definition: definition(args, &queue.context)?,
            options: args.words(TASK_OPTIONS)?,
            fired: 0,
            seen: 0,
            last: None,
        };
        reply_to::check(args, &name, caller)?;
        let payload = args.bytes("payload");
        check_payload(payload, &queue.context)?;
        recurring::ensure_types(queue)?;
        task::settings(queue)?;

        let old = recurring::find(queue, repeat)?;
        if let Some(old) = &old
            && is_same(old, &new)
            && recurring::payload(queue, repeat)?.as_deref() == Some(payload)
            && let Some(next) = old.next()
        {
            return Ok(Reply::Int(as_it_was(queue, repeat, next)?.0).into());
        }
        let next = new.next().ok_or_else(|| {
            Error::BadArg("END must leave an occurrence: none comes from now, or from START, until then".into())
        })?;
        // A task that is still at work goes on for OVERLAP, whatever made it.
        new.last = old.and_then(|old| old.last);
        queue.keys
            .hset(queue.name.of_queue(Part::RepeatPayloads), &[(repeat, payload)])?;
        recurring::put(queue, repeat, &new, next)?;
        Ok(Reply::Int(next.0).into())
    }
}

/// Unit of a moment that must not be given in seconds.
const UNIX_MS: &str = "unix ms, not seconds";

fn definition(args: &Args<'_>, context: &Context) -> Result<Definition, Error> {
    let rule = match args.int("EVERY") {
        Some(ms) => Rule::every(ms)?,
        None => {
            let zone = if args.has("TZ") {
                text(args, "TZ")?
            } else {
                DEFAULT_ZONE
            };
            Rule::cron(text(args, "expression")?, zone)?
        }
    };
    let mut definition = Definition::new(rule, context.wall);
    definition.start = args.int("START");
    definition.end = args.int("END");
    definition.limit = args.int("LIMIT").and_then(|limit| u64::try_from(limit).ok());
    definition.misfire = args.word("MISFIRE").and_then(Misfire::from_word).unwrap_or_default();
    definition.overlap = args.word("OVERLAP").and_then(Overlap::from_word).unwrap_or_default();
    Ok(definition)
}

fn text<'a>(args: &Args<'a>, name: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(args.bytes(name)).map_err(|_| Error::BadArg(format!("{name} must be valid UTF-8")))
}

/// Whether both were asked for in the same words: then every worker may ask at its start, and neither the phase of
/// EVERY nor the count for LIMIT begins anew.
fn is_same(old: &Recurring, new: &Recurring) -> bool {
    let asked = Definition {
        made: old.definition.made,
        ..new.definition.clone()
    };
    old.definition == asked && old.options == new.options
}

/// When a recurring task that stays as it is comes next. A moment that somebody removed is planned anew.
fn as_it_was(queue: &mut Queue<'_>, repeat: &[u8], next: Wall) -> Result<Wall, Error> {
    match queue.keys.zscore(queue.name.of_queue(Part::RepeatDue), repeat)? {
        Some(due) => Ok(Wall(due)),
        None => {
            recurring::plan(queue, repeat, next)?;
            Ok(next)
        }
    }
}
