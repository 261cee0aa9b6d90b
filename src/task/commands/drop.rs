//! TASK.DROP: everything of a queue goes, at once for every command.
//!
//! The indexes are set aside under the drop's number, and no record whose fence is below that number exists
//! for any command from then on. The tick removes the records in slices.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
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
        let settings = task::settings(tx, &name)?;
        let claimed = tx.keys.zcard(name.index(Index::Claimed))?;
        if claimed > 0 && !args.has("FORCE") {
            return Err(Error::BusyQueue(claimed));
        }
        let mut tasks = ready::count(tx, &name, &settings)? + claimed;
        for index in [Index::Scheduled, Index::Dead, Index::Done, Index::Blocked] {
            tasks += tx.keys.zcard(name.index(index))?;
        }
        tx.keys.ensure_type(name.workers())?;

        let number = tx.next_fence(0);
        let mut aside = false;
        for index in Index::ALL {
            if tx.keys.exists(name.index(index)) {
                tx.keys.rename(name.index(index), name.dropped(number, index));
                aside = true;
            }
        }
        let mut drops = settings.drops.clone();
        if aside {
            drops.push(number);
        }
        for part in Part::once_per_queue() {
            tx.keys.del(name.of_queue(part));
        }
        write(tx, &name, drops)?;
        tx.state.emptied(&name);
        outcome::all_gone(tx, &name);
        Ok(Reply::count(tasks).into())
    }
}

/// Stores which drops are not swept yet; forgets the settings in memory.
pub(crate) fn write(tx: &mut Tx<'_>, name: &Name, drops: Vec<u64>) -> Result<(), Error> {
    if drops.is_empty() {
        if tx.keys.hget(name.queue(), DROPS.as_bytes())?.is_some() {
            tx.keys.hdel(name.queue(), &[DROPS.as_bytes()])?;
        }
    } else {
        let text: Vec<String> = drops.iter().map(u64::to_string).collect();
        tx.keys
            .hset(name.queue(), &[(DROPS.as_bytes(), text.join(" ").as_bytes())])?;
    }
    if let Some(queue) = tx.state.known_queue_mut(name) {
        queue.settings = None;
    }
    Ok(())
}

/// Whether a settings value means that something is left to sweep.
pub(crate) fn unswept(settings: &QueueSettings) -> Option<u64> {
    settings.drops.first().copied()
}
