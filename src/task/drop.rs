//! TASK.DROP: everything of a queue goes, at once for every command.
//!
//! The indexes are set aside under the drop's number, and no record whose fence is below that number exists
//! for any command from then on. The tick removes the records in slices.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Index, Name, Part};
use crate::reply::Reply;
use crate::settings::{DROPS, Settings};
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::task::{conclusion, ready};
use crate::unit::{Command, Outcome, Unit};

/// TASK.DROP.
pub struct Drop;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let settings = super::settings(unit, &name)?;
        let claimed = unit.keys.zcard(name.index(Index::Claimed))?;
        if claimed > 0 && !args.has("FORCE") {
            return Err(Error::BusyQueue(claimed));
        }
        let mut tasks = ready::count(unit, &name, &settings)? + claimed;
        for index in [Index::Scheduled, Index::Dead, Index::Done, Index::Blocked] {
            tasks += unit.keys.zcard(name.index(index))?;
        }
        unit.keys.expect(name.workers(), Type::Hash)?;

        let number = unit.next_fence(0);
        let mut aside = false;
        for index in Index::ALL {
            if unit.keys.exists(name.index(index)) {
                unit.keys.rename(name.index(index), name.dropped(number, index));
                aside = true;
            }
        }
        let mut drops = settings.drops.clone();
        if aside {
            drops.push(number);
        }
        unit.keys.del(name.queue());
        unit.keys.del(name.workers());
        for part in Part::EXTRAS {
            unit.keys.del(name.of_queue(part));
        }
        write(unit, &name, drops)?;
        unit.memory.emptied(&name);
        conclusion::all_gone(unit, &name);
        Ok(Reply::count(tasks).into())
    }
}

/// Stores which drops are not swept yet; forgets the settings in memory.
pub fn write(unit: &mut Unit<'_>, name: &Name, drops: Vec<u64>) -> Result<(), Error> {
    if drops.is_empty() {
        if unit.keys.hget(name.queue(), DROPS.as_bytes())?.is_some() {
            unit.keys.hdel(name.queue(), &[DROPS.as_bytes()])?;
        }
    } else {
        let text: Vec<String> = drops.iter().map(u64::to_string).collect();
        unit.keys
            .hset(name.queue(), &[(DROPS.as_bytes(), text.join(" ").as_bytes())])?;
    }
    if let Some(queue) = unit.memory.known_queue_mut(name) {
        queue.settings = None;
    }
    Ok(())
}

/// Whether a settings value means that something is left to sweep.
pub fn unswept(settings: &Settings) -> Option<u64> {
    settings.drops.first().copied()
}
