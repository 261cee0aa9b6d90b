//! TASK.RETRY and TASK.RETRYALL: another chance for dead tasks.

use std::rc::Rc;

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Scored;
use crate::names::{Index, Name, Part};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::dispatch::serve;
use crate::task::header::TaskState;
use crate::task::index::ready::{self, End};
use crate::task::index::unique;
use crate::task::{self, lifecycle};
use crate::tx::{Command, Response, Tx};

/// Dead tasks one call looks at, those that stay dead included.
const LOOKED_AT: usize = 10_000;

/// TASK.RETRY.
pub(crate) struct Retry;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = ensure_types(tx, &name)?;
        let mut count = 0;
        for id in args.items() {
            count += usize::from(revive(tx, &name, id.as_bytes(), &settings)?);
        }
        serve::serve(tx, &name);
        Ok(Reply::count(count).into())
    }
}

/// TASK.RETRYALL.
pub(crate) struct RetryAll;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let count = usize::try_from(args.int("COUNT").unwrap_or(MAX_COUNT)).unwrap_or(0);
        let settings = ensure_types(tx, &name)?;
        let (mut revived, mut looked_at) = (0, 0);
        let mut after: Option<Scored> = None;
        // Those that stay dead, as another task holds their key, do not stand in the way of the others.
        while revived < count && looked_at < LOOKED_AT {
            let most = count - revived;
            let dead = tx.keys.zwalk(name.index(Index::Dead), after.as_ref(), false, most)?;
            for (_, id) in &dead {
                revived += usize::from(revive(tx, &name, id, &settings)?);
            }
            looked_at += dead.len();
            if dead.len() < most {
                break;
            }
            after = dead.last().cloned();
        }
        serve::serve(tx, &name);
        Ok(Reply::count(revived).into())
    }
}

/// The settings, when everything that a task's way back writes has its type.
fn ensure_types(tx: &mut Tx<'_>, name: &Name) -> Result<Rc<QueueSettings>> {
    tx.keys.ensure_type(name.index(Index::Dead))?;
    tx.keys.ensure_type(name.of_queue(Part::Expiring))?;
    tx.keys.ensure_type(name.of_queue(Part::Unique))?;
    ready::ensure_types_all(tx, name)?;
    task::settings(tx, name)
}

fn revive(tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> Result<bool> {
    let Ok(Some(mut record)) = task::find(tx, name, id, settings) else {
        return Ok(false);
    };
    // Where a key it needs is of another type, it stays dead, and the others go on.
    let can_arrive = record.state == TaskState::Dead && lifecycle::ensure_enqueue_types(tx, name, id, &record).is_ok();
    if !can_arrive || !unique::regain(tx, name, id, &record, settings)? {
        return Ok(false);
    }
    tx.keys.zrem(name.index(Index::Dead), &[id])?;
    record.attempts = 0;
    record.lost = 0;
    record.due = tx.context.wall;
    lifecycle::wait(tx, name, id, &mut record, None, End::Tail, settings)?;
    Ok(true)
}
