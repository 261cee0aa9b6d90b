//! Lists of names, a page at a time: TASK.QUEUES and PID.SERVICES.

use crate::command::{Arg, Typed, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::glob;
use crate::keyspace::Keyspace;
use crate::names::Name;
use crate::reply::Reply;

/// Names on a page when COUNT is not given.
const DEFAULT_COUNT: usize = 100;
/// Names that one page scans, whether they match or not.
const SCANNED: usize = 1_000;

/// Where a page begins: what the previous page replied.
pub(crate) const CURSOR: Typed<Option<&[u8]>> = Arg::option("CURSOR", Arg::bytes("cursor"));

arguments! {
    /// The arguments of a list of names.
    pub(crate) struct PageArgs<'a> {
        pattern: Option<&'a [u8]> = Arg::option("MATCH", Arg::bytes("glob")),
        cursor: Option<&'a [u8]> = CURSOR,
        count: Option<usize> = Arg::COUNT,
    }
}

/// How many entries a page has.
pub(crate) fn count(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_COUNT)
}

/// The text in a cursor that an earlier page replied; `None` at the start.
pub(crate) fn after(cursor: Option<&[u8]>) -> Result<Option<&[u8]>, Error> {
    match cursor {
        None | Some(b"" | b"0") => Ok(None),
        Some(cursor) => cursor.strip_prefix(b">").map(Some).ok_or_else(bad_cursor),
    }
}

/// The error for a cursor that no page replied.
pub(crate) fn bad_cursor() -> Error {
    Error::BadArg("CURSOR must be 0 or what the last page replied".into())
}

/// The cursor that goes on after this text, or `0` at the end.
pub(crate) fn cursor(behind: Option<&str>) -> Reply {
    Reply::text(behind.map_or_else(|| "0".to_string(), |text| format!(">{text}")))
}

/// The name after which the page begins.
pub(crate) fn after_name(cursor: Option<&[u8]>, caller: &Caller<'_>) -> Result<Option<Name>, Error> {
    let after = after(cursor)?.map(|name| Name::new(caller.db, name));
    after.transpose().map_err(|_| bad_cursor())
}

/// A page of those among `names` that match, that the caller may see, and that exist: the next cursor and the names.
pub(crate) fn page<'n>(
    args: &PageArgs<'_>,
    caller: &Caller<'_>,
    keys: &mut dyn Keyspace,
    names: impl Iterator<Item = &'n Name>,
    exists: fn(&mut dyn Keyspace, &Name) -> bool,
) -> Reply {
    let count = count(args.count);
    let mut shown = Vec::new();
    let mut last = None;
    for (scanned, name) in names.take(SCANNED).enumerate() {
        let matches = (args.pattern).is_none_or(|pattern| glob::matches(pattern, name.text().as_bytes()));
        if matches && (caller.may_see)(name.text()) && exists(keys, name) {
            shown.push(Reply::text(name.text()));
        }
        if shown.len() >= count || scanned + 1 == SCANNED {
            last = Some(name.text());
            break;
        }
    }
    Reply::Array(vec![cursor(last), Reply::Array(shown)])
}
