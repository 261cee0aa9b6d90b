//! TASK.REPEATS: what recurs, page by page.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Id, Name, Part};
use crate::pages;
use crate::reply::Reply;
use crate::task;
use crate::task::commands::list;
use crate::task::dispatch::MAX_PAYLOAD;
use crate::task::recurring::{self, Recurring};
use crate::tx::{Command, Response, Tx};

/// TASK.REPEATS.
pub(crate) struct Repeats;

impl Command for Repeats {
    const SPEC: Spec = Spec {
        name: "TASK.REPEATS",
        summary: "Lists the recurring tasks, the next due first. One that comes due meanwhile may be listed twice.",
        complexity: "O(log M+N) for N listed of M",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, pages::CURSOR, Arg::COUNT],
        reply: "the next cursor (`0` at the end) and an array of maps `name`, `rule`, `next`, `last` (occurrence that became a task, or null), `fired` (how many did), `limit`, `start`, `end`, `misfire`, `overlap`, `payload`, `options` (array of words)",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let count = pages::count(args);
        let after = match args.bytes("CURSOR") {
            b"" | b"0" => None,
            cursor => Some(list::numbered(cursor).ok_or_else(pages::bad_cursor)?),
        };
        let due = tx
            .keys
            .zwalk(queue.name.of_queue(Part::RepeatDue), after.as_ref(), false, count)?;
        let (mut maps, mut bytes) = (Vec::new(), 0);
        let mut last = None;
        for (moment, repeat) in &due {
            bytes += show(queue, repeat, *moment, &mut maps)?;
            last = Some(list::cursor_of(*moment, repeat));
            if bytes >= MAX_PAYLOAD {
                break;
            }
        }
        let more = due.len() == count || bytes >= MAX_PAYLOAD;
        let cursor = last.filter(|_| more).unwrap_or_else(|| b"0".to_vec());
        Ok(Reply::Array(vec![Reply::Bytes(cursor), Reply::Array(maps)]).into())
    }
}

/// Shows a recurring task, if it makes sense; replies the length of its payload.
fn show(queue: &mut Queue<'_>, repeat: &[u8], due: i64, maps: &mut Vec<Reply>) -> Result<usize> {
    let Some(Recurring {
        definition,
        options,
        fired,
        last,
        ..
    }) = recurring::find(queue, repeat)?
    else {
        return Ok(0);
    };
    let payload = recurring::payload(queue, repeat)?;
    let length = payload.as_ref().map_or(0, Vec::len);
    maps.push(Reply::Map(vec![
        ("name", Reply::Id(Id::from_slice(repeat))),
        ("rule", Reply::text(definition.rule.to_string())),
        ("next", Reply::Int(due)),
        ("last", Reply::int_or_null(last)),
        ("fired", Reply::number(fired)),
        ("limit", definition.limit.map_or(Reply::Null, Reply::number)),
        ("start", Reply::int_or_null(definition.start)),
        ("end", Reply::int_or_null(definition.end)),
        ("misfire", Reply::Word(definition.misfire.word())),
        ("overlap", Reply::Word(definition.overlap.word())),
        ("payload", Reply::bytes_or_null(payload)),
        ("options", Reply::Array(options.into_iter().map(Reply::text).collect())),
    ]));
    Ok(length)
}
