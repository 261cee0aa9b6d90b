//! Lists of names, a page at a time: TASK.QUEUES and PID.SERVICES.

use crate::command::{Arg, Typed, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::glob::Pattern;
use crate::keyspace::Keyspace;
use crate::names::{MAX_NAME, Name, Position};
use crate::reply::Reply;
use crate::state::State;
use crate::state::queue::KindCounts;
use crate::state::sums::Holds;
use crate::time::Wall;
use crate::timer;
use crate::tx::Tx;

/// Names on a page when COUNT is not given.
const DEFAULT_COUNT: usize = 100;
/// Names that one page scans, whether they match or not.
const SCANNED: usize = 1_000;
/// Maps on a page with STATS: one for each name, and one for each kind.
const MAPS: usize = 2_000;
/// Longest pattern, bytes: the time to match grows with it. No name is longer.
const MAX_PATTERN: usize = MAX_NAME;

/// Where a page begins: what the previous page replied.
pub(crate) const CURSOR: Typed<Option<&[u8]>> =
    Arg::option("CURSOR", Arg::bytes("cursor")).means("what the last call replied; 0, or nothing, is the start");

/// How long a page is: see [`count`].
pub(crate) const COUNT: Typed<Option<usize>> = Arg::COUNT.means("how many on a page; by default 100");

/// A pattern of what is shown.
pub(crate) const MATCH: Typed<Option<&[u8]>> =
    Arg::option("MATCH", Arg::bytes("glob")).means("only names that match this pattern");

arguments! {
    /// The arguments of a list of names.
    pub(crate) struct PageArgs<'a> {
        pattern: Option<&'a [u8]> = MATCH,
        cursor: Option<&'a [u8]> = CURSOR,
        count: Option<usize> = COUNT,
        stats: bool = Arg::flag("STATS").means("each with its numbers; a page then also ends after 2,000 queues and kinds"),
    }
}

/// How many entries a page has.
pub(crate) fn count(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_COUNT)
}

/// The text in a cursor that an earlier page replied; `None` at the start.
pub(crate) fn after(cursor: Option<&[u8]>) -> Result<Option<&str>> {
    let text = |cursor| std::str::from_utf8(cursor).ok()?.strip_prefix('>');
    match cursor {
        None | Some(b"" | b"0") => Ok(None),
        Some(cursor) => text(cursor).map(Some).ok_or_else(bad_cursor),
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

/// What is listed: one of the things that a name may be of.
pub(crate) struct Listed {
    /// Whether a name that holds this is one.
    pub is_one: fn(&Holds) -> bool,
    /// Whether it has keys.
    pub exists: fn(&mut dyn Keyspace, &Name) -> bool,
    /// It in numbers.
    pub stats: fn(&State, &Name, &Holds, Wall) -> Reply,
}

/// A page of those that match, that the caller may see, and that exist: the next cursor and an array.
pub(crate) fn page(args: &PageArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>, listed: &Listed) -> Result<Reply> {
    ensure_short(args.pattern)?;
    let from = position(args.cursor)?;
    let state = &tx.state;
    let may_be = |name: &Name| !state.is_measured(name) || state.names.holds(name).is_some_and(listed.is_one);
    let kinds = |name: &Name| state.past(name).kinds.map_or(0, KindCounts::len);
    let maps = |name: &Name| may_be(name).then(|| if args.stats { 1 + kinds(name) } else { 0 });
    let (names, next) = names(args, caller, state.names_from(caller.db, from), maps);
    let mut shown = Vec::with_capacity(names.len());
    for name in &names {
        if args.stats {
            let holds = timer::holds(tx, name);
            if (listed.is_one)(&holds) {
                shown.push((listed.stats)(tx.state, name, &holds, tx.context.wall));
            }
        } else if tx.state.is_measured(name) || (listed.exists)(tx.keys, name) {
            shown.push(Reply::text(name.text()));
        }
    }
    Ok(Reply::Array(vec![next, Reply::Array(shown)]))
}

/// The names of a page, and the next cursor. `maps` tells of how many maps a name is to be shown, if it is.
fn names<'n>(
    args: &PageArgs<'_>,
    caller: &Caller<'_>,
    names: impl Iterator<Item = &'n Name>,
    maps: impl Fn(&Name) -> Option<usize>,
) -> (Vec<Name>, Reply) {
    let count = count(args.count);
    let pattern = args.pattern.map(Pattern::new);
    let mut found = Vec::new();
    let mut names = names.peekable();
    let (mut scanned, mut shown) = (0, 0);
    while let Some(name) = names.next() {
        let matches = |pattern: &Pattern| pattern.matches(name.text().as_bytes());
        // Rights first: hidden names cost no matching.
        if (caller.may_see)(name.text())
            && pattern.as_ref().is_none_or(matches)
            && let Some(maps) = maps(name)
        {
            found.push(name.clone());
            shown += maps;
        }
        scanned += 1;
        let Some(next) = names.peek() else {
            break;
        };
        // Names of one position are on one page.
        let position = Position::behind(name);
        let is_full = found.len() >= count || scanned >= SCANNED || shown >= MAPS;
        if is_full && position != Position::behind(next) {
            return (found, Reply::text(position.number().to_string()));
        }
    }
    (found, cursor(None))
}

#[cfg(test)]
mod tests {
    use super::*;
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
            stats: false,
        };
        let page = super::names(&args, &caller, names.iter(), |_| Some(0));
        assert_eq!(page, (Vec::new(), cursor(None)));
        assert_eq!(*asked.borrow(), ["a", "b", "c"]);
    }
}
