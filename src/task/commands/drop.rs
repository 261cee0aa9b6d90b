//! TASK.DROP: everything of a queue goes, at once for every command.
//!
//! The indexes are set aside under the drop's number, and no record whose fence is below that number exists
//! for any command from then on. The tick removes the records in slices.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Index, Name, Part};
use crate::reply::Reply;
use crate::settings::{DROPS, QueueSettings};
use crate::task::index::ready;
use crate::task::{self, outcome};
use crate::tx::{Command, Response, Tx};

/// TASK.DROP.
pub(crate) struct Drop;

impl Command for Drop {
    const SPEC: Spec = Spec {
        name: "TASK.DROP",
        summary: "Removes a queue with all its tasks and settings; its keys go in slices.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::flag("FORCE")],
        reply: "how many tasks go",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = task::settings(queue)?;
        let claimed = queue.keys.zcard(queue.name.index(Index::Claimed))?;
        if claimed > 0 && !args.has("FORCE") {
            return Err(Error::BusyQueue(claimed));
        }
        let mut tasks = ready::count(queue)? + claimed;
        for index in [Index::Scheduled, Index::Dead, Index::Done, Index::Blocked] {
            tasks += queue.keys.zcard(queue.name.index(index))?;
        }
        queue.keys.ensure_type(queue.name.workers(), Type::Hash)?;

        let number = tx.next_fence(0);
        let mut aside = false;
        for index in Index::ALL {
            if queue.keys.exists(queue.name.index(index)) {
                queue.keys.rename(queue.name.index(index), queue.name.dropped(number, index));
                aside = true;
            }
        }
        let mut drops = queue.settings.drops.clone();
        if aside {
            drops.push(number);
        }
        for part in Part::once_per_queue() {
            queue.keys.del(queue.name.of_queue(part));
        }
        write(queue, drops)?;
        queue.state.emptied(&name);
        outcome::all_gone(queue);
        Ok(Reply::count(tasks).into())
    }
}

/// Stores which drops are not swept yet; forgets the settings in memory.
pub(crate) fn write(queue: &mut Queue<'_>, drops: Vec<u64>) -> Result<(), Error> {
    if drops.is_empty() {
        if queue.keys.hget(queue.name.queue(), DROPS.as_bytes())?.is_some() {
            queue.keys.hdel(queue.name.queue(), &[DROPS.as_bytes()])?;
        }
    } else {
        let text: Vec<String> = drops.iter().map(u64::to_string).collect();
        queue.keys
            .hset(queue.name.queue(), &[(DROPS.as_bytes(), text.join(" ").as_bytes())])?;
    }
    if let Some(queue) = queue.state.known_queue_mut(name) {
        queue.settings = None;
    }
    Ok(())
}

/// Whether a settings value means that something is left to sweep.
pub(crate) fn unswept(settings: &QueueSettings) -> Option<u64> {
    queue.settings.drops.first().copied()
}
