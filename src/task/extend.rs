//! TASK.EXTEND: the work takes longer.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::Index;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Kind, Spec};
use crate::task::extra;
use crate::task::record::CANCELLED;
use crate::task::schedule::{LEASE, check_payload};
use crate::unit::{Command, Outcome, Unit};

/// TASK.EXTEND.
pub struct Extend;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let (name, _, mut record) = super::claim_of(args, caller, unit)?;
        let id = args.text("id").as_bytes();
        if record.has(CANCELLED) {
            return Err(Error::Cancelled);
        }
        check_payload(args.bytes("PROGRESS"), &unit.env)?;
        unit.keys.expect(name.index(Index::Claimed), Type::SortedSet)?;
        unit.keys.expect(name.extra(id), Type::Hash)?;

        let before = record.clone();
        record.lease = args.int("LEASE").unwrap_or(record.lease);
        if args.has("PROGRESS") {
            extra::put(unit, &name, id, &mut record, extra::PROGRESS, args.bytes("PROGRESS"))?;
        }
        if record != before {
            unit.keys.set_start(name.task(id), &record.write())?;
        }
        let Some(lease) = record.lease() else {
            return Ok(Reply::Null.into());
        };
        let deadline = unit.env.steady.after(lease);
        unit.keys.zadd(name.index(Index::Claimed), &[(deadline.0, id)])?;
        unit.memory.agenda.at_steady(&name, deadline);
        Ok(Reply::Int(lease).into())
    }
}
