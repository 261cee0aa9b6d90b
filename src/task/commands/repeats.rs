//! TASK.REPEATS: what recurs, page by page.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::names::{Id, Part};
use crate::pages;
use crate::recur::MAX_FIRED;
use crate::reply::Reply;
use crate::task::dispatch::MAX_PAYLOAD;
use crate::task::handle::Queue;
use crate::task::recurring::{self, OWNER, Recurring};
use crate::task::walk;
use crate::time::Wall;

arguments! {
    pub(crate) struct RepeatsArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        owner: Option<&'a str> = OWNER.means("only definitions of this owner"),
        cursor: Option<&'a [u8]> = pages::CURSOR,
        count: Option<usize> = Arg::COUNT.means("how many are looked at, 256 at most; by default 100"),
        next: Option<usize> = Arg::option("NEXT", Arg::int("n", 1, MAX_FIRED as i64, ""))
            .means("also the times of the next n occurrences of each, at most 1,000 in all"),
    }
}

/// What each definition adds to a page besides its payload, bytes: an expression is read for it.
const READ: usize = 4_096;

/// TASK.REPEATS.
pub(crate) struct Repeats;

impl Command for Repeats {
    type Args<'a> = RepeatsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.REPEATS",
        summary: "Lists the recurring tasks, next due first. One that becomes due during the listing may be listed twice.",
        complexity: "O(log M+N) for N looked at of M",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: RepeatsArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of maps `name`, `rule`, `next_at`, `last_at` (occurrence that became a task, or null), `fired_total` (how many did), `limit`, `start_at`, `end_at`, `misfire`, `within_ms`, `overlap`, `owner`, `payload`, `options` (array of words), with NEXT `upcoming_at` (array of moments)",
        errors: &[],
    };

    fn run(args: &RepeatsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let next = args.next.unwrap_or(0);
        let count = pages::count(args.count).min(MAX_FIRED / next.max(1));
        let after = match args.cursor {
            None | Some(b"" | b"0") => None,
            Some(cursor) => Some(walk::numbered(cursor).ok_or_else(pages::bad_cursor)?),
        };
        let due = queue
            .keys
            .zwalk(queue.name.of_queue(Part::RepeatDue), after.as_ref(), false, count)?;
        let (mut maps, mut bytes) = (Vec::new(), 0);
        let mut last = None;
        for (moment, repeat) in &due {
            let due = Wall(*moment);
            bytes += READ + show(queue, repeat, due, args, &mut maps)?;
            last = Some(walk::cursor_of(*moment, repeat));
            if bytes >= MAX_PAYLOAD {
                break;
            }
        }
        let more = due.len() == count || bytes >= MAX_PAYLOAD;
        let cursor = last.filter(|_| more).unwrap_or_else(|| b"0".to_vec());
        Ok(Reply::Array(vec![Reply::Bytes(cursor), Reply::Array(maps)]).into())
    }
}

/// Shows a recurring task, if it can be read and is of that owner. Returns the length of its payload.
fn show(
    queue: &mut Queue<'_>,
    repeat: &[u8],
    due: Wall,
    args: &RepeatsArgs<'_>,
    maps: &mut Vec<Reply>,
) -> Result<usize> {
    let found = recurring::find(queue, repeat)?;
    let Some(found) = found.filter(|found| args.owner.is_none() || found.owner.as_deref() == args.owner) else {
        return Ok(0);
    };
    let upcoming = args.next.map(|next| found.upcoming(due, next));
    let Recurring {
        definition,
        options,
        owner,
        fired_total,
        last_at,
        ..
    } = found;
    let payload = recurring::payload(queue, repeat)?;
    let length = payload.as_ref().map_or(0, Vec::len);
    let mut map = vec![
        ("name", Reply::Id(Id::from_slice(repeat))),
        ("rule", Reply::text(definition.rule.to_string())),
        ("next_at", Reply::Int(due.0)),
        ("last_at", Reply::int_or_null(last_at)),
        ("fired_total", Reply::number(fired_total)),
        ("limit", definition.limit.map_or(Reply::Null, Reply::number)),
        ("start_at", Reply::int_or_null(definition.start_at)),
        ("end_at", Reply::int_or_null(definition.end_at)),
        ("misfire", Reply::Word(definition.misfire.word())),
        ("within_ms", Reply::int_or_null(definition.within_ms)),
        ("overlap", Reply::Word(definition.overlap.word())),
        ("owner", owner.map_or(Reply::Null, Reply::text)),
        ("payload", Reply::bytes_or_null(payload)),
        ("options", Reply::Array(options.into_iter().map(Reply::text).collect())),
    ];
    if let Some(upcoming) = upcoming {
        let moments = upcoming.into_iter().map(|due| Reply::Int(due.0));
        map.push(("upcoming_at", Reply::Array(moments.collect())));
    }
    maps.push(Reply::Map(map));
    Ok(length)
}
