//! Lists of names, a page at a time: TASK.QUEUES and PID.SERVICES.

use crate::command::{Arg, Typed, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::glob;
use crate::keyspace::Keyspace;
use crate::names::{MAX_NAME, Name, Position};
use crate::reply::Reply;

/// Names on a page when COUNT is not given.
const DEFAULT_COUNT: usize = 100;
/// Names that one page scans, whether they match or not.
const SCANNED: usize = 1_000;
/// Longest pattern, bytes: the time to match a name grows with it. No name is longer.
const MAX_PATTERN: usize = MAX_NAME;

/// Where a page begins: what the previous page replied.
pub(crate) const CURSOR: Typed<Option<&[u8]>> =
    Arg::option("CURSOR", Arg::bytes("cursor")).means("what the last call replied; 0, or nothing, is the start");

/// A pattern of what is shown.
pub(crate) const MATCH: Typed<Option<&[u8]>> =
    Arg::option("MATCH", Arg::bytes("glob")).means("only names that match this pattern");

arguments! {
    /// The arguments of a list of names.
    pub(crate) struct PageArgs<'a> {
        pattern: Option<&'a [u8]> = MATCH,
        cursor: Option<&'a [u8]> = CURSOR,
        count: Option<usize> = Arg::COUNT.means("how many on a page; by default 100"),
    }
}

/// How many entries a page has.
pub(crate) fn count(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_COUNT)
}

/// The text in a cursor that an earlier page replied; `None` at the start.
pub(crate) fn after(cursor: Option<&[u8]>) -> Result<Option<&[u8]>> {
    match cursor {
        None | Some(b"" | b"0") => Ok(None),
        Some(cursor) => cursor.strip_prefix(b">").map(Some).ok_or_else(bad_cursor),
    }
}

/// The error for a cursor that no page replied.
pub(crate) fn bad_cursor() -> Error {
    Error::BadArg("CURSOR must be 0 or what the last page replied".into())
}

/// Errors with `BadArg` if the pattern is too long.
pub(crate) fn ensure_short(pattern: Option<&[u8]>) -> Result<()> {
    if pattern.is_some_and(|pattern| pattern.len() > MAX_PATTERN) {
        return Err(Error::BadArg(format!("MATCH must be at most {MAX_PATTERN} bytes long")));
    }
    Ok(())
}

/// The cursor that goes on after this text, or `0` at the end.
pub(crate) fn cursor(behind: Option<&str>) -> Reply {
    Reply::text(behind.map_or_else(|| "0".to_string(), |text| format!(">{text}")))
}

/// Where a page of names begins.
pub(crate) fn position(cursor: Option<&[u8]>) -> Result<Position> {
    let Some(cursor) = cursor.filter(|cursor| !matches!(*cursor, b"" | b"0")) else {
        return Ok(Position::default());
    };
    let number = std::str::from_utf8(cursor).ok().and_then(|text| text.parse().ok());
    number.and_then(Position::of_number).ok_or_else(|| {
        Error::BadArg("CURSOR must be 0 or what the last page replied, of this server since its start".into())
    })
}

/// A page of those among `names` that match, that the caller may see, and that exist: the next cursor and the names.
pub(crate) fn page<'n>(
    args: &PageArgs<'_>,
    caller: &Caller<'_>,
    keys: &mut dyn Keyspace,
    names: impl Iterator<Item = &'n Name>,
    exists: fn(&mut dyn Keyspace, &Name) -> bool,
) -> Result<Reply> {
    ensure_short(args.pattern)?;
    let count = count(args.count);
    let mut shown = Vec::new();
    let mut names = names.peekable();
    let mut scanned = 0;
    while let Some(name) = names.next() {
        let matches = || (args.pattern).is_none_or(|pattern| glob::matches(pattern, name.text().as_bytes()));
        // Rights first: hidden names cost no matching.
        if (caller.may_see)(name.text()) && matches() && exists(keys, name) {
            shown.push(Reply::text(name.text()));
        }
        scanned += 1;
        let Some(next) = names.peek() else {
            break;
        };
        // Names of one position are on one page.
        let position = Position::behind(name);
        if (shown.len() >= count || scanned >= SCANNED) && position != Position::behind(next) {
            let cursor = Reply::text(position.number().to_string());
            return Ok(Reply::Array(vec![cursor, Reply::Array(shown)]));
        }
    }
    Ok(Reply::Array(vec![cursor(None), Reply::Array(shown)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::fake::Fake;
    use std::cell::RefCell;

    #[test]
    fn rights_are_looked_at_before_the_pattern() {
        let names = ["a", "b", "c"].map(|name| Name::new(0, name.as_bytes()).unwrap());
        let asked = RefCell::new(Vec::new());
        let may_see = |name: &str| {
            asked.borrow_mut().push(name.to_string());
            false
        };
        let caller = Caller {
            db: 0,
            connection: None,
            may_wait: false,
            may_see: &may_see,
            may_write: &may_see,
        };
        let args = PageArgs {
            pattern: Some(b"b"),
            cursor: None,
            count: None,
        };
        let page = page(&args, &caller, &mut Fake::default(), names.iter(), |_, _| true);
        assert_eq!(page, Ok(Reply::Array(vec![cursor(None), Reply::Array(Vec::new())])));
        assert_eq!(*asked.borrow(), ["a", "b", "c"]);
    }
}
