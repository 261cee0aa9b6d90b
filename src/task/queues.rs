//! TASK.QUEUES: which queues there are.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Kind, Spec};
use crate::task::glob;
use crate::task::list::bad_cursor;
use crate::unit::{Command, Outcome, Unit};

/// Names a page holds when COUNT is not given.
const DEFAULT_COUNT: usize = 100;
/// Names one page looks at, whether they match or not.
const LOOKED_AT: usize = 1_000;

/// TASK.QUEUES.
pub struct Queues;

impl Command for Queues {
    const SPEC: Spec = Spec {
        name: "TASK.QUEUES",
        summary: "Lists the queues of this database on this node that the caller may access, in order.",
        complexity: "O(N) for N queues looked at",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: &[
            Arg::option("MATCH", "glob", Kind::Bytes),
            Arg::option("CURSOR", "cursor", Kind::Bytes),
            Arg::COUNT,
        ],
        reply: "the next cursor (`0` at the end) and an array of names",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let count = args
            .int("COUNT")
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(DEFAULT_COUNT);
        let after = match args.bytes("CURSOR") {
            b"" | b"0" => None,
            cursor => Some(
                cursor
                    .strip_prefix(b">")
                    .and_then(|name| Name::new(caller.db, name).ok())
                    .ok_or_else(bad_cursor)?,
            ),
        };
        let names: Vec<Name> = unit
            .memory
            .names_after(caller.db, after.as_ref())
            .take(LOOKED_AT)
            .cloned()
            .collect();
        let mut shown = Vec::new();
        let mut cursor = None;
        for (looked_at, name) in names.iter().enumerate() {
            let wanted = !args.has("MATCH") || glob::matches(args.bytes("MATCH"), name.text().as_bytes());
            if wanted && (caller.may_see)(name.text()) && exists(unit.keys, name) {
                shown.push(Reply::text(name.text()));
            }
            if shown.len() >= count || looked_at + 1 == LOOKED_AT {
                cursor = Some(format!(">{}", name.text()));
                break;
            }
        }
        let cursor = cursor.unwrap_or_else(|| "0".into());
        Ok(Reply::Array(vec![Reply::text(cursor), Reply::Array(shown)]).into())
    }
}

/// Whether any key of the queue exists that is not the record of a single task.
pub fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    keys.exists(name.queue())
        || keys.exists(name.workers())
        || Index::ALL.iter().any(|index| keys.exists(name.index(*index)))
}
