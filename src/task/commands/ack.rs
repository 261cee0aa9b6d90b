//! TASK.ACK and TASK.MACK: the work is done.

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
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
        queue.keys.ensure_type(queue.name.index(Index::Claimed), Type::SortedSet)?;
        let mut done = Done::default();
        if !record.has(CANCELLED) {
            check_payload(args.bytes("RESULT"), &queue.context)?;
            done.result = args.has("RESULT").then(|| args.bytes("RESULT"));
            done.kept = done::time(queue, id, &record);
            if done.kept > 0 {
                done::ensure_types(queue, id)?;
            }
        }
        if !args.has("NEXT") {
            finish(queue, id, &mut record, &settings, done)?;
            limits::freed(queue);
            return Ok(Reply::OK.into());
        }
        let mut want = same_again(queue, &record)?;
        worker::check(queue, &want)?;
        dispatch::check(queue, &want.worker)?;
        let bound = finish(queue, id, &mut record, &settings, done)?;
        want.bind = caller.connection.filter(|_| bound);
        let effort = claim::effort(caller, &queue.context);
        worklist::set_free(tx);
        // The one that freed the slot comes before those that wait for it.
        let taken = dispatch::take(queue, &want, effort)?;
        limits::freed(queue);
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
        let settings = task::settings(queue)?;
        queue.keys.ensure_type(queue.name.index(Index::Claimed), Type::SortedSet)?;
        queue.keys.ensure_type(queue.name.index(Index::Done), Type::SortedSet)?;
        let mut replies = Vec::with_capacity(args.items().len() / 2);
        for pair in args.items().chunks(2) {
            let (id, token) = match pair {
                [id, token] => (id.as_bytes(), token.as_int()),
                _ => continue,
            };
            replies.push(Reply::Status(one(queue, id, token)?));
        }
        limits::freed(queue);
        Ok(Reply::Array(replies).into())
    }
}

fn one(queue: &mut Queue<'_>, id: &[u8], token: i64) -> Result<&'static str> {
    match task::find_claim(queue, id, token) {
        Ok(mut record) => {
            let cancelled = record.has(CANCELLED);
            let done = Done {
                kept: done::time(queue, id, &record),
                result: None,
            };
            finish(queue, id, &mut record, settings, done)?;
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
    queue: &mut Queue<'_>,
    id: &[u8],
    record: &mut Record,
    done: Done<'_>,
) -> Result<bool> {
    let bound = lifecycle::unclaim(queue, id, record)?;
    if !record.has(CANCELLED) {
        queue.state.totals.acked += 1;
        queue.memory().totals.acked += 1;
        lifecycle::conclude(queue, id, record, Outcome::Done(done.result))?;
        if done.kept > 0 {
            done::keep(queue, id, record, done.result, done.kept)?;
            return Ok(bound);
        }
        // Given up with its end.
        record.flags &= !(UNIQUE | GROUPED);
    }
    lifecycle::remove(queue, id, record)?;
    Ok(bound)
}

/// One more task for the same worker with the same lease.
fn same_again(queue: &mut Queue<'_>, record: &Record) -> Result<ClaimRequest> {
    let worker = task::worker_numbers(queue)?
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
