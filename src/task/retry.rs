//! TASK.RETRY and TASK.RETRYALL: another chance for dead tasks.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::task::ready::End;
use crate::task::record::State;
use crate::task::{ending, ready, serve};
use crate::unit::{Command, Outcome, Unit};

/// TASK.RETRY.
pub struct Retry;

impl Command for Retry {
    const SPEC: Spec = Spec {
        name: "TASK.RETRY",
        summary: "Makes dead tasks ready again, with fresh attempts.",
        complexity: "O(N log M) for N ids and M dead tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::value("ids", Kind::Many(&[Arg::ID]))],
        reply: "how many",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let ids: Vec<Vec<u8>> = args.items().iter().map(|id| id.as_bytes().to_vec()).collect();
        retry(unit, &name, ids)
    }
}

/// TASK.RETRYALL.
pub struct RetryAll;

impl Command for RetryAll {
    const SPEC: Spec = Spec {
        name: "TASK.RETRYALL",
        summary: "Makes the dead tasks ready again, those first that died first; 1,000 a call at most.",
        complexity: "O(N log M) for N tasks and M dead ones",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::COUNT],
        reply: "how many",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let count = usize::try_from(args.int("COUNT").unwrap_or(MAX_COUNT)).unwrap_or(0);
        let dead = unit.keys.zlowest(name.index(Index::Dead), i64::MAX, count)?;
        retry(unit, &name, dead.into_iter().map(|(_, id)| id).collect())
    }
}

fn retry(unit: &mut Unit<'_>, name: &Name, ids: Vec<Vec<u8>>) -> Result<Outcome, Error> {
    let settings = super::settings(unit, name)?;
    unit.keys.expect(name.index(Index::Dead), Type::SortedSet)?;
    ready::expect_all(unit, name)?;
    let mut count = 0;
    for id in ids {
        count += usize::from(revive(unit, name, &id, &settings)?);
    }
    serve::serve(unit, name);
    Ok(Reply::count(count).into())
}

fn revive(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Answer<bool> {
    let Ok(Some(mut record)) = super::find(unit, name, id, settings) else {
        return Ok(false);
    };
    if record.state != State::Dead {
        return Ok(false);
    }
    unit.keys.zrem(name.index(Index::Dead), &[id])?;
    record.attempts = 0;
    record.lost = 0;
    record.due = unit.env.wall;
    ending::wait(unit, name, id, &mut record, None, End::Tail)?;
    Ok(true)
}
