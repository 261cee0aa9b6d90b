//! TASK.REPEAT: a task that comes again and again.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Arguments, Key, Keys, Spec, Typed, arguments};
use crate::context::{Caller, Context};
use crate::error::{Error, Result};
use crate::names::Part;
use crate::recur::{DEFAULT_ZONE, Definition, Misfire, ON_TIME, Overlap, Rule};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::new_task::ensure_size;
use crate::task::options::{OccurrenceOptions, PAYLOAD};
use crate::task::recurring::{self, OWNER, Recurring};
use crate::task::reply_to;
use crate::time::{MAX_DELAY, MAX_UNIX_MS, MIN_UNIX_MS, Ms, Wall};

/// Largest LIMIT: every millisecond for eleven days, or every minute for two thousand years.
const MAX_LIMIT: i64 = 1_000_000_000;

arguments! {
    /// When the occurrences come.
    pub(crate) enum RuleArgs<'a> {
        Every(ms: Ms) = Arg::duration("EVERY", 1, MAX_DELAY)
            .means("one occurrence in each such time, counted from START or from this call"),
        Cron(cron: CronArgs<'a>) = Arg::group("CRON", "cron")
            .means("occurrences by an expression of five fields, or of six with seconds first"),
    }
}

arguments! {
    pub(crate) struct CronArgs<'a> {
        expression: &'a [u8] = Arg::bytes("expression"),
        zone: Option<&'a [u8]> = Arg::option("TZ", Arg::bytes("zone"))
            .means("its time zone, as Europe/Paris; by default UTC"),
    }
}

arguments! {
    pub(crate) struct MisfireArgs<'a> {
        misfire: &'a str = Arg::words("misfire", Misfire::WORDS),
        within: Option<Ms> = Arg::duration("WITHIN", ON_TIME, MAX_DELAY).means("what is later than this is left out"),
    }
}

/// A moment that must not be given in seconds.
const MOMENT: Typed<Ms> = Arg::int("unix-ms", MIN_UNIX_MS, MAX_UNIX_MS, "unix ms, not seconds");

arguments! {
    pub(crate) struct RepeatArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        name: &'a str = Arg::text("name").means("the name of the recurring task"),
        payload: &'a [u8] = PAYLOAD,
        rule: RuleArgs<'a> = Arg::either("rule"),
        start: Option<Ms> = Arg::option("START", MOMENT).means("no occurrence is before this moment"),
        end: Option<Ms> = Arg::option("END", MOMENT).means("no occurrence is after this moment"),
        limit: Option<u64> = Arg::option("LIMIT", Arg::int("n", 1, MAX_LIMIT, ""))
            .means("ends after n occurrences"),
        misfire: Option<MisfireArgs<'a>> = Arg::group("MISFIRE", "missed")
            .means("what happens to occurrences that are more than a second late: SKIP leaves them out, ONCE (the default) makes the last one, ALL makes the last 1,000"),
        overlap: Option<&'a str> = Arg::option("OVERLAP", Arg::words("overlap", Overlap::WORDS))
            .means("SKIP leaves an occurrence out while the task of the last one waits or is claimed; by default ALLOW"),
        owner: Option<&'a str> = OWNER,
        tasks: OccurrenceOptions<'a> = Arg::shared(),
    }
}

/// TASK.REPEAT.
pub(crate) struct Repeat;

impl Command for Repeat {
    type Args<'a> = RepeatArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.REPEAT",
        summary: "Creates or replaces a recurring task, by interval (EVERY) or CRON expression; each occurrence is a task `<name>:<due>`. Repeating the same call changes nothing; another EVERY, CRON, TZ or START begins a new phase, other options keep it. What is overdue stays due.",
        complexity: "O(log N) for N recurring tasks",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: RepeatArgs::ARGS,
        reply: "when it is next due, unix ms",
        errors: &[
            ("TOOBIG", "the payload is larger than `steward.max-payload`"),
            ("OOM", "memory is full"),
        ],
    };

    fn run(args: &RepeatArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let repeat = recurring::check_name(args.name.as_bytes())?.as_bytes();
        let mut new = Recurring {
            definition: definition(args, &queue.context)?,
            options: args.tasks.to_words()?,
            owner: args.owner.map(str::to_string),
            fired_total: 0,
            seen_until: 0,
            last_at: None,
            before: None,
            later: serde_json::Map::new(),
        };
        reply_to::ensure_allowed(args.tasks.route.reply.as_ref(), &queue.name, caller)?;
        let payload = args.payload;
        ensure_size("payload", payload, &queue.context)?;
        recurring::ensure_types(queue)?;

        // One that has reached its END or LIMIT is gone.
        let old = recurring::find(queue, repeat)?.filter(|old| old.next().is_some());
        if let Some(old) = &old {
            new.inherit(old, queue.context.wall);
        }
        let next = new.next().ok_or_else(|| {
            Error::BadArg("END must leave an occurrence: none comes from now, or from START, until then".into())
        })?;
        if old.is_some_and(|old| new.is_defined_as(&old))
            && recurring::payload(queue, repeat)?.as_deref() == Some(payload)
        {
            return Ok(Reply::Int(as_it_was(queue, repeat, next)?.0).into());
        }
        queue
            .keys
            .hset(queue.name.of_queue(Part::RepeatPayloads), &[(repeat, payload)])?;
        recurring::put(queue, repeat, &new, next)?;
        Ok(Reply::Int(next.0).into())
    }
}

fn definition(args: &RepeatArgs<'_>, context: &Context) -> Result<Definition, Error> {
    let rule = match &args.rule {
        RuleArgs::Every(ms) => Rule::every(*ms)?,
        RuleArgs::Cron(cron) => {
            let zone = cron.zone.map_or(Ok(DEFAULT_ZONE), |zone| text("TZ", zone))?;
            Rule::cron(text("expression", cron.expression)?, zone)?
        }
    };
    let mut definition = Definition::new(rule, context.wall);
    definition.start_at = args.start;
    definition.end_at = args.end;
    definition.limit = args.limit;
    if let Some(MisfireArgs { misfire, within }) = &args.misfire {
        definition.misfire = Misfire::from_word(misfire).unwrap_or_default();
        definition.within_ms = *within;
    }
    definition.overlap = args.overlap.and_then(Overlap::from_word).unwrap_or_default();
    Ok(definition)
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::BadArg(format!("{name} must be valid UTF-8")))
}

/// When an unchanged recurring task comes next. A moment that somebody deleted is stored again.
fn as_it_was(queue: &mut Queue<'_>, repeat: &[u8], next: Wall) -> Result<Wall, Error> {
    match queue.keys.zscore(queue.name.of_queue(Part::RepeatDue), repeat)? {
        Some(due) => Ok(Wall(due)),
        None => {
            recurring::plan(queue, repeat, next)?;
            Ok(next)
        }
    }
}
