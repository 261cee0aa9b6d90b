//! TASK.RETRY and TASK.RETRYALL: another chance for dead tasks.

use std::rc::Rc;

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::{Answer, Scored, Type};
use crate::names::{Index, Name, Part};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::task::ready::End;
use crate::task::record::State;
use crate::task::{arrive, ending, ready, serve, unique};
use crate::unit::{Command, Outcome, Unit};

/// Dead tasks one call looks at, those that stay dead included.
const LOOKED_AT: usize = 10_000;

/// TASK.RETRY.
pub struct Retry;

impl Command for Retry {
    const SPEC: Spec = Spec {
        name: "TASK.RETRY",
        summary: "Makes dead tasks ready again, with fresh attempts; one whose unique key is taken meanwhile stays dead.",
        complexity: "O(N log M) for N ids and M dead tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::value("ids", Kind::Many(&[Arg::ID]))],
        reply: "how many",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let settings = expect(unit, &name)?;
        let mut count = 0;
        for id in args.items() {
            count += usize::from(revive(unit, &name, id.as_bytes(), &settings)?);
        }
        serve::serve(unit, &name);
        Ok(Reply::count(count).into())
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
        let settings = expect(unit, &name)?;
        let (mut revived, mut looked_at) = (0, 0);
        let mut after: Option<Scored> = None;
        // Those that stay dead, as another task holds their key, do not stand in the way of the others.
        while revived < count && looked_at < LOOKED_AT {
            let most = count - revived;
            let dead = unit.keys.zwalk(name.index(Index::Dead), after.as_ref(), false, most)?;
            for (_, id) in &dead {
                revived += usize::from(revive(unit, &name, id, &settings)?);
            }
            looked_at += dead.len();
            if dead.len() < most {
                break;
            }
            after = dead.last().cloned();
        }
        serve::serve(unit, &name);
        Ok(Reply::count(revived).into())
    }
}

/// The settings, when everything that a task's way back writes has its type.
fn expect(unit: &mut Unit<'_>, name: &Name) -> Answer<Rc<Settings>> {
    unit.keys.expect(name.index(Index::Dead), Type::SortedSet)?;
    unit.keys.expect(name.of_queue(Part::Expiring), Type::SortedSet)?;
    unit.keys.expect(name.of_queue(Part::Unique), Type::Hash)?;
    ready::expect_all(unit, name)?;
    super::settings(unit, name)
}

fn revive(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Answer<bool> {
    let Ok(Some(mut record)) = super::find(unit, name, id, settings) else {
        return Ok(false);
    };
    // Where a key it needs is of another type, it stays dead, and the others go on.
    let can_arrive = record.state == State::Dead && arrive::expect(unit, name, id, &record).is_ok();
    if !can_arrive || !unique::regain(unit, name, id, &record, settings)? {
        return Ok(false);
    }
    unit.keys.zrem(name.index(Index::Dead), &[id])?;
    record.attempts = 0;
    record.lost = 0;
    record.due = unit.env.wall;
    ending::wait(unit, name, id, &mut record, None, End::Tail, settings)?;
    Ok(true)
}
