//! Lists of names, a page at a time: TASK.QUEUES and PID.SERVICES.

use crate::command::{Arg, Args, Kind};
use crate::context::Caller;
use crate::error::Error;
use crate::glob;
use crate::keyspace::Keyspace;
use crate::names::Name;
use crate::reply::Reply;

/// Names a page holds when COUNT is not given.
const DEFAULT_COUNT: usize = 100;
/// Names one page looks at, whether they match or not.
const LOOKED_AT: usize = 1_000;

/// Where a page begins: what the page before replied.
pub(crate) const CURSOR: Arg = Arg::option("CURSOR", "cursor", Kind::Bytes);
/// The arguments of a list of names.
pub(crate) const ARGS: &[Arg] = &[Arg::option("MATCH", "glob", Kind::Bytes), CURSOR, Arg::COUNT];

/// How many entries a page holds.
pub(crate) fn count(args: &Args<'_>) -> usize {
    let count = args.int("COUNT").and_then(|count| usize::try_from(count).ok());
    count.unwrap_or(DEFAULT_COUNT)
}

/// The text behind the mark of a cursor that a page before replied; `None` at the start.
pub(crate) fn after<'a>(args: &Args<'a>) -> Result<Option<&'a [u8]>, Error> {
    match args.bytes("CURSOR") {
        b"" | b"0" => Ok(None),
        cursor => cursor.strip_prefix(b">").map(Some).ok_or_else(bad_cursor),
    }
}

/// The error for a cursor that no page replied.
pub(crate) fn bad_cursor() -> Error {
    Error::BadArg("CURSOR must be 0 or what the last page replied".into())
}

/// A cursor to go on behind this text, or `0` at the end.
pub(crate) fn cursor(behind: Option<&str>) -> Reply {
    Reply::text(behind.map_or_else(|| "0".to_string(), |text| format!(">{text}")))
}

/// The name the page begins behind.
pub(crate) fn after_name(args: &Args<'_>, caller: &Caller<'_>) -> Result<Option<Name>, Error> {
    let after = after(args)?.map(|name| Name::new(caller.db, name));
    after.transpose().map_err(|_| bad_cursor())
}

/// A page of those among `names` that match, that the caller may see, and that exist: the next cursor and the names.
pub(crate) fn page<'n>(
    args: &Args<'_>,
    caller: &Caller<'_>,
    keys: &mut dyn Keyspace,
    names: impl Iterator<Item = &'n Name>,
    exists: fn(&mut dyn Keyspace, &Name) -> bool,
) -> Reply {
    let count = count(args);
    let mut shown = Vec::new();
    let mut last = None;
    for (looked_at, name) in names.take(LOOKED_AT).enumerate() {
        let wanted = !args.has("MATCH") || glob::matches(args.bytes("MATCH"), name.text().as_bytes());
        if wanted && (caller.may_see)(name.text()) && exists(keys, name) {
            shown.push(Reply::text(name.text()));
        }
        if shown.len() >= count || looked_at + 1 == LOOKED_AT {
            last = Some(name.text());
            break;
        }
    }
    Reply::Array(vec![cursor(last), Reply::Array(shown)])
}
