//! TASK.EXTEND: the work takes longer.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::names::Index;
use crate::reply::Reply;
use crate::task::commands::schedule::{LEASE, check_payload};
use crate::task::header::CANCELLED;
use crate::task::{self, options};
use crate::tx::{Command, Response, Tx};

/// TASK.EXTEND.
pub(crate) struct Extend;

impl Command for Extend {
    const SPEC: Spec = Spec {
        name: "TASK.EXTEND",
        summary: "Starts a claim's lease anew, with LEASE a new one; PROGRESS is shown by GET and RESULT.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::ID,
            Arg::TOKEN,
            LEASE,
            Arg::option("PROGRESS", "value", Kind::Bytes),
        ],
        reply: "ms left; null for a claim that lasts as long as its member",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, _, mut record) = task::claim_of(args, caller, tx)?;
        let id = args.text("id").as_bytes();
        if record.has(CANCELLED) {
            return Err(Error::Cancelled);
        }
        check_payload(args.bytes("PROGRESS"), &tx.context)?;
        tx.keys.ensure_type(name.index(Index::Claimed))?;
        tx.keys.ensure_type(name.options(id))?;

        let before = record.clone();
        record.lease = args.int("LEASE").unwrap_or(record.lease);
        if args.has("PROGRESS") {
            options::put(tx, &name, id, &mut record, options::PROGRESS, args.bytes("PROGRESS"))?;
        }
        if record != before {
            tx.keys.set_start(name.task(id), &record.write())?;
        }
        let Some(lease) = record.lease() else {
            return Ok(Reply::Null.into());
        };
        let deadline = tx.context.steady.after(lease);
        tx.keys.zadd(name.index(Index::Claimed), &[(deadline.0, id)])?;
        tx.state.wakeups.at_steady(&name, deadline);
        Ok(Reply::Int(lease).into())
    }
}
