//! TASK.ACK and TASK.MACK: the work is done.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, MAX_COUNT, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Type;
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::commands::claim;
use crate::task::commands::schedule::check_payload;
use crate::task::dispatch::{self, limits};
use crate::task::header::{CANCELLED, GROUPED, Record, UNIQUE};
use crate::task::index::done;
use crate::task::lifecycle::{self, Outcome};
use crate::task::{self, ClaimedArgs, worker, worklist};
use crate::time::Ms;
use crate::tx::Tx;
use crate::waiting::{ClaimRequest, Lease};

arguments! {
    pub(crate) struct AckArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        result: Option<&'a [u8]> = Arg::option("RESULT", Arg::bytes("value")),
        next: bool = Arg::flag("NEXT"),
    }
}

/// TASK.ACK.
pub(crate) struct Ack;

impl Command for Ack {
    type Args<'a> = AckArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.ACK",
        summary: "Acknowledges a claimed task: it is done and gone, or kept for its RETAIN. RESULT is for those who wait, REPLY and RETAIN. With NEXT, claims the next one as well.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: AckArgs::ARGS,
        reply: "OK; with NEXT as TASK.CLAIM",
    };

    fn run(args: &AckArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, settings, mut record) = task::claim_of(&args.claim, caller, tx)?;
        let id = args.claim.id.as_bytes();
        tx.keys.ensure_type(name.index(Index::Claimed), Type::SortedSet)?;
        let mut done = Done::default();
        if !record.has(CANCELLED) {
            check_payload(args.result.unwrap_or_default(), &tx.context)?;
            done.result = args.result;
            done.kept = done::time(tx, &name, id, &record, &settings);
            if done.kept > 0 {
                done::ensure_types(tx, &name, id)?;
            }
        }
        if !args.next {
            finish(tx, &name, id, &mut record, &settings, done)?;
            limits::freed(tx, &name, &settings);
            return Ok(Reply::OK.into());
        }
        let mut want = same_again(tx, &name, &record)?;
        worker::check(tx, &name, &want)?;
        dispatch::check(tx, &name, &want.worker)?;
        let bound = finish(tx, &name, id, &mut record, &settings, done)?;
        want.bind = caller.connection.filter(|_| bound);
        let effort = claim::effort(caller, &tx.context);
        worklist::set_free(tx);
        // The one that freed the slot comes before those that wait for it.
        let taken = dispatch::take(tx, &name, &want, effort)?;
        limits::freed(tx, &name, &settings);
        Ok(dispatch::outcome(taken, None, &[name], want))
    }
}

arguments! {
    /// A task that is acknowledged.
    pub(crate) struct Acked<'a> {
        id: &'a str = Arg::ID,
        token: u64 = Arg::TOKEN,
    }
}

const ACKED: Typed<Acked<'static>> = Arg::shared();

arguments! {
    pub(crate) struct MAckArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        tasks: Vec<Acked<'a>> = Arg::counted("numtasks", MAX_COUNT, &ACKED),
    }
}

/// TASK.MACK.
pub(crate) struct MAck;

impl Command for MAck {
    type Args<'a> = MAckArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.MACK",
        summary: "Acknowledges several claimed tasks, each for itself.",
        complexity: "O(N log M) for N tasks given and M claimed",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: MAckArgs::ARGS,
        reply: "array of OK, STALE, NOTASK or CANCELLED",
    };

    fn run(args: &MAckArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let settings = task::settings(tx, &name)?;
        tx.keys.ensure_type(name.index(Index::Claimed), Type::SortedSet)?;
        tx.keys.ensure_type(name.index(Index::Done), Type::SortedSet)?;
        let mut replies = Vec::with_capacity(args.tasks.len());
        for Acked { id, token } in &args.tasks {
            replies.push(Reply::Status(one(tx, &name, id.as_bytes(), *token, &settings)?));
        }
        limits::freed(tx, &name, &settings);
        Ok(Reply::Array(replies).into())
    }
}

fn one(tx: &mut Tx<'_>, name: &Name, id: &[u8], token: u64, settings: &QueueSettings) -> Result<&'static str> {
    match task::find_claim(tx, name, id, token, settings) {
        Ok(mut record) => {
            let cancelled = record.has(CANCELLED);
            let done = Done {
                kept: done::time(tx, name, id, &record, settings),
                result: None,
            };
            finish(tx, name, id, &mut record, settings, done)?;
            Ok(if cancelled { "CANCELLED" } else { "OK" })
        }
        Err(Error::Stale(_)) => Ok("STALE"),
        // A foreign value in the record's place is no task of ours.
        Err(_) => Ok("NOTASK"),
    }
}

/// What an acknowledgement leaves behind.
#[derive(Clone, Copy, Debug, Default)]
struct Done<'a> {
    /// What came out of the work.
    result: Option<&'a [u8]>,
    /// How long the task is kept, ms; 0: not at all.
    kept: Ms,
}

/// The task is done, and gone unless it is kept. Whether its claim was bound.
fn finish(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    settings: &QueueSettings,
    done: Done<'_>,
) -> Result<bool> {
    let bound = lifecycle::unclaim(tx, name, id, record)?;
    if !record.has(CANCELLED) {
        tx.state.totals.acked += 1;
        tx.state.queue(name).totals.acked += 1;
        lifecycle::conclude(tx, name, id, record, Outcome::Done(done.result), settings)?;
        if done.kept > 0 {
            done::keep(tx, name, id, record, done.result, done.kept)?;
            return Ok(bound);
        }
        // Given up with its end.
        record.flags &= !(UNIQUE | GROUPED);
    }
    lifecycle::remove(tx, name, id, record)?;
    Ok(bound)
}

/// One more task for the same worker with the same lease.
fn same_again(tx: &mut Tx<'_>, name: &Name, record: &Record) -> Result<ClaimRequest> {
    let worker = task::worker_numbers(tx, name)?
        .name(record.worker)
        .unwrap_or_default()
        .to_string();
    if worker.is_empty() {
        return Err(Error::BadArg(
            "NEXT needs the name of the worker, which is no longer among the queue's workers".into(),
        ));
    }
    Ok(ClaimRequest {
        worker,
        count: 1,
        lease: Some(record.lease().map_or(Lease::Member, Lease::For)),
        bind: None,
        full: false,
        named: false,
    })
}
