//! TASK.ACK and TASK.MACK: the work is done.

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::commands::claim;
use crate::task::commands::schedule::check_payload;
use crate::task::dispatch::{self, limits};
use crate::task::header::{CANCELLED, GROUPED, Record, UNIQUE};
use crate::task::index::done;
use crate::task::lifecycle::{self, Outcome};
use crate::task::{self, worker, worklist};
use crate::time::Ms;
use crate::tx::{Command, Response, Tx};
use crate::waiting::{ClaimRequest, Lease};

const RESULT: Arg = Arg::option("RESULT", "value", Kind::Bytes);

/// TASK.ACK.
pub(crate) struct Ack;

impl Command for Ack {
    const SPEC: Spec = Spec {
        name: "TASK.ACK",
        summary: "Acknowledges a claimed task: it is done and gone, or kept for its RETAIN. RESULT is for those who wait, REPLY and RETAIN. With NEXT, claims the next one as well.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID, Arg::TOKEN, RESULT, Arg::flag("NEXT")],
        reply: "OK; with NEXT as TASK.CLAIM",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, settings, mut record) = task::claim_of(args, caller, tx)?;
        let id = args.text("id").as_bytes();
        tx.keys.ensure_type(name.index(Index::Claimed))?;
        let mut done = Done::default();
        if !record.has(CANCELLED) {
            check_payload(args.bytes("RESULT"), &tx.context)?;
            done.result = args.has("RESULT").then(|| args.bytes("RESULT"));
            done.kept = done::time(tx, &name, id, &record, &settings);
            if done.kept > 0 {
                done::ensure_types(tx, &name, id)?;
            }
        }
        if !args.has("NEXT") {
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

/// TASK.MACK.
pub(crate) struct MAck;

impl Command for MAck {
    const SPEC: Spec = Spec {
        name: "TASK.MACK",
        summary: "Acknowledges several claimed tasks, each for itself.",
        complexity: "O(N log M) for N tasks given and M claimed",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("numtasks", Kind::Counted(MAX_COUNT, &[Arg::ID, Arg::TOKEN])),
        ],
        reply: "array of OK, STALE, NOTASK or CANCELLED",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = task::settings(tx, &name)?;
        tx.keys.ensure_type(name.index(Index::Claimed))?;
        tx.keys.ensure_type(name.index(Index::Done))?;
        let mut replies = Vec::with_capacity(args.items().len() / 2);
        for pair in args.items().chunks(2) {
            let (id, token) = match pair {
                [id, token] => (id.as_bytes(), token.as_int()),
                _ => continue,
            };
            replies.push(Reply::Status(one(tx, &name, id, token, &settings)?));
        }
        limits::freed(tx, &name, &settings);
        Ok(Reply::Array(replies).into())
    }
}

fn one(tx: &mut Tx<'_>, name: &Name, id: &[u8], token: i64, settings: &QueueSettings) -> Result<&'static str> {
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
