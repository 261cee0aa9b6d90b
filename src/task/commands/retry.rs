//! TASK.RETRY and TASK.RETRYALL: another chance for dead tasks.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, Part};
use crate::reply::Reply;
use crate::task::commands::IdsArgs;
use crate::task::handle::Queue;
use crate::task::index::{dead, targeted};
use crate::task::lifecycle;

/// Dead tasks that one call scans, including those that stay dead.
const SCANNED: usize = 10_000;

/// TASK.RETRY.
pub(crate) struct Retry;

impl Command for Retry {
    type Args<'a> = IdsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RETRY",
        summary: "Makes dead tasks ready again, at most 1,000 a call, with all their attempts; one whose unique key is taken stays dead.",
        complexity: "O(N log M) for N ids and M dead tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: IdsArgs::ARGS,
        reply: "number of tasks retried",
    };

    fn run(args: &IdsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        args.ensure_few()?;
        ensure_types(queue)?;
        let mut count = 0;
        for id in &args.ids {
            count += usize::from(revive(queue, id.as_bytes())?);
        }
        queue.serve_waiters();
        Ok(Reply::count(count).into())
    }
}

arguments! {
    pub(crate) struct RetryAllArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        count: Option<usize> = Arg::COUNT,
    }
}

/// TASK.RETRYALL.
pub(crate) struct RetryAll;

impl Command for RetryAll {
    type Args<'a> = RetryAllArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RETRYALL",
        summary: "Makes dead tasks ready again, in the order they died, at most 1,000 a call.",
        complexity: "O(N log M) for N tasks and M dead ones",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: RetryAllArgs::ARGS,
        reply: "number of tasks retried",
    };

    fn run(args: &RetryAllArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let count = args.count.unwrap_or(MAX_COUNT);
        ensure_types(queue)?;
        let (mut revived, mut scanned) = (0, 0);
        let mut after: Option<Scored> = None;
        // Those that stay dead, as another task has their key, must not stop the others.
        while revived < count && scanned < SCANNED {
            let most = count - revived;
            let dead = queue
                .keys
                .zwalk(queue.name.index(Index::Dead), after.as_ref(), false, most)?;
            for (_, id) in &dead {
                revived += usize::from(revive(queue, id)?);
            }
            scanned += dead.len();
            if dead.len() < most {
                break;
            }
            after = dead.last().cloned();
        }
        queue.serve_waiters();
        Ok(Reply::count(revived).into())
    }
}

/// Errors with `WrongType` unless every key that a retry may write has the right type.
fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    dead::ensure_types(queue)?;
    queue.keys.ensure_type(queue.name.of_queue(Part::Expiring))?;
    queue.keys.ensure_type(queue.name.of_queue(Part::Unique))?;
    targeted::ensure_all_ready_types(queue)
}

fn revive(queue: &mut Queue<'_>, id: &[u8]) -> Result<bool> {
    match queue.find(id) {
        Ok(Some(mut task)) => lifecycle::revive(queue, &mut task),
        _ => Ok(false),
    }
}
