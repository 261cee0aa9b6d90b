//! TASK.EXTEND: the work takes longer.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::Index;
use crate::reply::Reply;
use crate::task::commands::schedule::{LEASE, check_payload};
use crate::task::header::CANCELLED;
use crate::task::{self, ClaimedArgs, options};
use crate::time::Ms;
use crate::tx::Tx;

arguments! {
    pub(crate) struct ExtendArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        lease: Option<Ms> = LEASE,
        progress: Option<&'a [u8]> = Arg::option("PROGRESS", Arg::bytes("value")),
    }
}

/// TASK.EXTEND.
pub(crate) struct Extend;

impl Command for Extend {
    type Args<'a> = ExtendArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.EXTEND",
        summary: "Starts a claim's lease anew, with LEASE a new one; PROGRESS is shown by GET and RESULT.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ExtendArgs::ARGS,
        reply: "ms left; null for a claim that lasts as long as its member",
    };

    fn run(args: &ExtendArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, _, mut record) = task::claim_of(&args.claim, caller, tx)?;
        let id = args.claim.id.as_bytes();
        if record.has(CANCELLED) {
            return Err(Error::Cancelled);
        }
        check_payload(args.progress.unwrap_or_default(), &tx.context)?;
        tx.keys.ensure_type(name.index(Index::Claimed), Type::SortedSet)?;
        tx.keys.ensure_type(name.extra(id), Type::Hash)?;

        let before = record.clone();
        record.lease = args.lease.unwrap_or(record.lease);
        if let Some(progress) = args.progress {
            options::put(tx, &name, id, &mut record, options::PROGRESS, progress)?;
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
