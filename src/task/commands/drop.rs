//! TASK.DROP: removes everything of a queue, at once as far as commands can see.
//!
//! The indexes are renamed with the drop's number, and commands ignore every record whose fence is below that number.
//! The timer removes the records in slices.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Index, Part};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::index::{dependencies, targeted};
use crate::task::{outcome, sweep};

/// Most drops of one queue that are not swept yet.
const MAX_DROPS: usize = 32;

arguments! {
    pub(crate) struct DropArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        force: bool = Arg::flag("FORCE").means("even though tasks are claimed"),
    }
}

/// TASK.DROP.
pub(crate) struct Drop;

impl Command for Drop {
    type Args<'a> = DropArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.DROP",
        summary: "Removes a queue with all its tasks and settings; its keys are removed in slices.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: DropArgs::ARGS,
        reply: "number of tasks removed",
        errors: &[(
            "BUSYQUEUE",
            "tasks are claimed, without FORCE; or the tasks of 32 earlier drops are still being removed",
        )],
    };

    fn run(args: &DropArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let claimed = queue.keys.zcard(queue.name.index(Index::Claimed))?;
        if claimed > 0 && !args.force {
            return Err(Error::BusyQueue(claimed));
        }
        let mut tasks = targeted::count_ready(queue)? + claimed;
        for index in [Index::Scheduled, Index::Dead, Index::Done, Index::Blocked] {
            tasks += queue.keys.zcard(queue.name.index(index))?;
        }
        queue.keys.ensure_type(queue.name.workers())?;
        if queue.settings.drops.len() >= MAX_DROPS {
            return Err(Error::ManyDrops(queue.settings.drops.len()));
        }
        // Whoever drops again and again does the work as well: the timer alone might not keep up.
        sweep::sweep(queue)?;

        let number = queue.next_fence(0);
        let mut aside = false;
        for index in Index::ALL {
            if queue.keys.exists(queue.name.index(index)) {
                queue
                    .keys
                    .rename(queue.name.index(index), queue.name.dropped(number, index));
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
        // Tasks of other queues may wait for those ends.
        let settings = queue.settings.clone();
        for rest in settings.unresolved.from(None) {
            dependencies::store(queue, &rest)?;
        }
        queue.store_drops(drops)?;
        queue.state.emptied(&queue.name);
        outcome::publish_all_gone(queue);
        Ok(Reply::count(tasks).into())
    }
}
