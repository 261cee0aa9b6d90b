//! TASK.ACK and TASK.MACK: the work is done.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::task::ending::{self, Fate};
use crate::task::record::{CANCELLED, GROUPED, Record, UNIQUE};
use crate::task::schedule::check_payload;
use crate::task::{claim, limits, member, retain, settle, take};
use crate::time::Ms;
use crate::unit::{Command, Outcome, Unit};
use crate::waiting::{Lease, Want};

const RESULT: Arg = Arg::option("RESULT", "value", Kind::Bytes);

/// TASK.ACK.
pub struct Ack;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let (name, settings, mut record) = super::claim_of(args, caller, unit)?;
        let id = args.text("id").as_bytes();
        unit.keys.expect(name.index(Index::Claimed), Type::SortedSet)?;
        let mut done = Done::default();
        if !record.has(CANCELLED) {
            check_payload(args.bytes("RESULT"), &unit.env)?;
            done.result = args.has("RESULT").then(|| args.bytes("RESULT"));
            done.kept = retain::time(unit, &name, id, &record, &settings);
            if done.kept > 0 {
                retain::expect(unit, &name, id)?;
            }
        }
        if !args.has("NEXT") {
            finish(unit, &name, id, &mut record, &settings, done)?;
            limits::freed(unit, &name, &settings);
            return Ok(Reply::OK.into());
        }
        let mut want = same_again(unit, &name, &record)?;
        member::check(unit, &name, &want)?;
        take::check(unit, &name, &want.worker)?;
        let bound = finish(unit, &name, id, &mut record, &settings, done)?;
        want.bind = caller.connection.filter(|_| bound);
        let effort = claim::effort(caller, &unit.env);
        settle::set_free(unit);
        // The one that freed the slot comes before those that wait for it.
        let taken = take::take(unit, &name, &want, effort)?;
        limits::freed(unit, &name, &settings);
        Ok(take::outcome(taken, None, &[name], want))
    }
}

/// TASK.MACK.
pub struct MAck;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let settings = super::settings(unit, &name)?;
        unit.keys.expect(name.index(Index::Claimed), Type::SortedSet)?;
        unit.keys.expect(name.index(Index::Done), Type::SortedSet)?;
        let mut replies = Vec::with_capacity(args.items().len() / 2);
        for pair in args.items().chunks(2) {
            let (id, token) = match pair {
                [id, token] => (id.as_bytes(), token.as_int()),
                _ => continue,
            };
            replies.push(Reply::Status(one(unit, &name, id, token, &settings)?));
        }
        limits::freed(unit, &name, &settings);
        Ok(Reply::Array(replies).into())
    }
}

fn one(unit: &mut Unit<'_>, name: &Name, id: &[u8], token: i64, settings: &Settings) -> Answer<&'static str> {
    match super::find_claim(unit, name, id, token, settings) {
        Ok(mut record) => {
            let cancelled = record.has(CANCELLED);
            let done = Done {
                kept: retain::time(unit, name, id, &record, settings),
                result: None,
            };
            finish(unit, name, id, &mut record, settings, done)?;
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
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    settings: &Settings,
    done: Done<'_>,
) -> Answer<bool> {
    let bound = ending::unclaim(unit, name, id, record)?;
    if !record.has(CANCELLED) {
        unit.memory.totals.acked += 1;
        unit.memory.queue(name).totals.acked += 1;
        ending::conclude(unit, name, id, record, Fate::Done(done.result), settings)?;
        if done.kept > 0 {
            retain::keep(unit, name, id, record, done.result, done.kept)?;
            return Ok(bound);
        }
        // Given up with its end.
        record.flags &= !(UNIQUE | GROUPED);
    }
    ending::remove(unit, name, id, record)?;
    Ok(bound)
}

/// One more task for the same worker with the same lease.
fn same_again(unit: &mut Unit<'_>, name: &Name, record: &Record) -> Answer<Want> {
    let worker = super::worker_numbers(unit, name)?
        .name(record.worker)
        .unwrap_or_default()
        .to_string();
    if worker.is_empty() {
        return Err(Error::BadArg(
            "NEXT needs the name of the worker, which is no longer among the queue's workers".into(),
        ));
    }
    Ok(Want {
        worker,
        count: 1,
        lease: Some(record.lease().map_or(Lease::Member, Lease::For)),
        bind: None,
        full: false,
        named: false,
    })
}
