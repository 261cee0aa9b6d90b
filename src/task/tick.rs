//! What time moves in one queue, a slice at a time.

use crate::keyspace::Answer;
use crate::names::{Index, Name, PRIORITIES};
use crate::queue::{Ended, Held, Rebase};
use crate::settings::Settings;
use crate::stats::Lateness;
use crate::task::record::{Record, State};
use crate::task::{drop, ending, pause, ready, take};
use crate::time::{Ms, SECOND, Steady, Wall};
use crate::unit::Unit;

/// Tasks that become ready in one slice: larger batches save nothing more.
const PROMOTED: usize = 128;
/// Claims that end in one slice.
const ENDED: usize = 32;
/// Entries of a ready list that are looked at in one slice.
const LOOKED_AT: usize = 128;
/// Keys of a dropped queue that go in one slice.
const SWEPT: usize = 64;
/// Claims that get the same deadline anew after a load, so that no later tick has more than its share.
const TOGETHER: i64 = 100;
/// Numbers of workers that claimed nothing for this long are freed, ms.
pub const WORKERS_CHECK: Ms = 60 * SECOND;

/// One slice of everything that is due in the queue. Whether there is more to do at once.
///
/// A key of another type stops only what needs that key: it is passed over until somebody changes it.
pub fn run(unit: &mut Unit<'_>, name: &Name) {
    let steps: [(&str, Step); 8] = [
        ("its settings", unpause),
        ("claims that ended", end_claims),
        ("a dropped queue", sweep),
        ("the claimed set", rebase),
        ("the scheduled set", promote),
        ("a lease that ran out", expire),
        ("a ready list", compact),
        ("the dead set", trim),
    ];
    let mut more = false;
    for (what, step) in steps {
        match super::settings(unit, name).and_then(|settings| step(unit, name, &settings)) {
            Ok(again) => more |= again,
            Err(error) => unit.memory.skip_foreign(name, &format!("{what}: {error}")),
        }
    }
    if let Err(error) = clean_workers(unit, name) {
        unit.memory.skip_foreign(name, &format!("the workers: {error}"));
    }
    take::serve(unit, name);
    if more {
        unit.memory.agenda.now(name);
    }
    if let Err(error) = plan(unit, name) {
        unit.memory.skip_foreign(name, &format!("a moment to plan: {error}"));
    }
}

type Step = fn(&mut Unit<'_>, &Name, &Settings) -> Answer<bool>;

/// Ends a pause whose time is over.
fn unpause(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    if settings.paused.is_some_and(|until| until <= unit.env.wall.0) {
        pause::end(unit, name)?;
    }
    Ok(false)
}

/// Puts back the tasks of claims whose connection closed or whose client was gone.
fn end_claims(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let queue = unit.memory.queue(name);
    let many = queue.ended.len().min(ENDED);
    let ended: Vec<Ended> = queue.ended.drain(..many).collect();
    let more = !queue.ended.is_empty();
    // From the last to the first: each goes before the head, so that they stand in claim order again.
    for Ended { id, token, lost } in ended.into_iter().rev() {
        let Ok(Some(mut record)) = super::find(unit, name, &id, settings) else {
            continue;
        };
        if record.state != State::Claimed || record.fence != token {
            continue;
        }
        ending::check(unit, name, &id, &record)?;
        if lost {
            unit.keys.zrem(name.index(Index::Claimed), &[&id])?;
            ending::lose(unit, name, &id, &mut record, settings)?;
        } else {
            ending::give_back(unit, name, &id, &mut record, None)?;
        }
    }
    Ok(more)
}

/// Removes the records of a dropped queue.
fn sweep(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let Some(number) = drop::unswept(settings) else {
        return Ok(false);
    };
    for index in Index::ALL {
        let key = name.dropped(number, index);
        let mut ids = Vec::new();
        if matches!(index, Index::Ready(_)) {
            while ids.len() < SWEPT {
                match unit.keys.lpop(key) {
                    Ok(Some(id)) => ids.push(id),
                    Ok(None) => break,
                    Err(_) => {
                        unit.keys.del(key);
                    }
                }
            }
        } else if let Ok(members) = unit.keys.zlowest(key, i64::MAX, SWEPT) {
            if !members.is_empty() {
                unit.keys.zrem_lowest(key, members.len())?;
            }
            ids.extend(members.into_iter().map(|(_, id)| id));
        } else {
            unit.keys.del(key);
        }
        for id in &ids {
            let dropped = ready::look(unit, name, id).is_some_and(|record| record.fence < number);
            if dropped {
                unit.keys.del(name.task(id));
                if unit.keys.exists(name.extra(id)) {
                    unit.keys.del(name.extra(id));
                }
            }
        }
        if !ids.is_empty() {
            return Ok(true);
        }
    }
    let rest: Vec<u64> = settings.drops.iter().copied().filter(|drop| *drop != number).collect();
    let more = !rest.is_empty();
    drop::write(unit, name, rest)?;
    Ok(more)
}

/// Gives every claim its lease anew after a load or a promotion: the scores are another process's.
fn rebase(unit: &mut Unit<'_>, name: &Name, _: &Settings) -> Answer<bool> {
    let Rebase::Walking(cursor, mut met) = unit.memory.queue(name).rebase else {
        return Ok(false);
    };
    let claimed = name.index(Index::Claimed);
    let (next, members) = unit.keys.zscan(claimed, cursor)?;
    let mut moved: Vec<(Ms, Vec<u8>)> = Vec::with_capacity(members.len());
    for (_, id) in members {
        let Some(record) = ready::look(unit, name, &id).filter(|record| record.state == State::Claimed) else {
            unit.memory
                .skip_foreign(name, "an id in the claimed set that nobody holds");
            moved.push((unit.env.steady.0, id));
            continue;
        };
        let deadline = unit.env.steady.after(record.lease + met / TOGETHER);
        met += 1;
        let held = Held {
            id: id.clone(),
            connection: None,
        };
        unit.memory.queue(name).claims.insert(record.worker, record.fence, held);
        moved.push((deadline.0, id));
    }
    if !moved.is_empty() {
        let members: Vec<(Ms, &[u8])> = moved.iter().map(|(score, id)| (*score, id.as_slice())).collect();
        unit.keys.zadd(claimed, &members)?;
    }
    let queue = unit.memory.queue(name);
    queue.rebase = if next == 0 {
        Rebase::Done
    } else {
        Rebase::Walking(next, met)
    };
    Ok(next != 0)
}

/// Makes due tasks ready, in the order of their due times.
fn promote(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let scheduled = name.index(Index::Scheduled);
    let now = unit.env.wall;
    let due = unit.keys.zlowest(scheduled, now.0, PROMOTED)?;
    if due.is_empty() {
        return Ok(false);
    }
    let mut tasks: Vec<(Vec<u8>, Record)> = Vec::with_capacity(due.len());
    let mut lists = 0_u16;
    for (_, id) in &due {
        match ready::look(unit, name, id) {
            Some(record) if record.state == State::Waiting && super::exists(&record, settings) => {
                lists |= 1 << record.priority;
                tasks.push((id.clone(), record));
            }
            _ => unit
                .memory
                .skip_foreign(name, "an id in the scheduled set that is no waiting task"),
        }
    }
    for priority in (0..PRIORITIES).filter(|priority| lists & (1 << priority) != 0) {
        ready::expect(unit, name, priority)?;
    }

    unit.keys.zrem_lowest(scheduled, due.len())?;
    for priority in (0..PRIORITIES).filter(|priority| lists & (1 << priority) != 0) {
        let mut pushed: Vec<&[u8]> = Vec::new();
        for (id, record) in tasks.iter_mut().filter(|(_, record)| record.priority == priority) {
            if record.is_stale(priority) {
                if !ready::reuses_place(unit, name, record)? {
                    pushed.push(id);
                }
                unit.keys.set_start(name.task(id), &record.write())?;
            } else {
                pushed.push(id);
            }
        }
        if !pushed.is_empty() {
            unit.keys.rpush(name.ready(priority), &pushed)?;
        }
        unit.memory.queue(name).maybe_ready |= 1 << priority;
    }
    for (due, _) in &due {
        let late = now.since(Wall(*due));
        unit.memory.lateness.record(late, 1);
        let queue = unit.memory.queue(name);
        queue
            .lateness
            .get_or_insert_with(|| Box::new(Lateness::default()))
            .record(late, 1);
    }
    unit.memory.queue(name).used = unit.env.steady;
    Ok(due.len() == PROMOTED)
}

/// Takes back the claims whose lease ran out, unless a stall or a freeze holds them.
fn expire(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    if unit.memory.queue(name).rebase != Rebase::Done {
        return Ok(true);
    }
    let claimed = name.index(Index::Claimed);
    let over = unit.keys.zlowest(claimed, unit.env.steady.0, ENDED)?;
    let mut lost: Vec<(Vec<u8>, Record)> = Vec::new();
    let mut gone: Vec<Vec<u8>> = Vec::new();
    for (deadline, id) in &over {
        match super::find(unit, name, id, settings) {
            Ok(Some(record)) if record.state == State::Claimed => {
                let held = !unit
                    .memory
                    .holds
                    .may_expire(unit.env.steady, Steady(*deadline), record.lease);
                if !held {
                    ending::check(unit, name, id, &record)?;
                    lost.push((id.clone(), record));
                }
            }
            _ => {
                unit.memory
                    .skip_foreign(name, "an id in the claimed set that nobody holds");
                gone.push(id.clone());
            }
        }
    }
    let ended: Vec<&[u8]> = lost
        .iter()
        .map(|(id, _)| id.as_slice())
        .chain(gone.iter().map(Vec::as_slice))
        .collect();
    if ended.is_empty() {
        return Ok(false);
    }
    unit.keys.zrem(claimed, &ended)?;
    // From the last to the first: each goes before the head.
    lost.sort_by_key(|(_, record)| std::cmp::Reverse(record.fence));
    for (id, record) in &mut lost {
        ending::lose(unit, name, id, record, settings)?;
    }
    Ok(over.len() == ENDED)
}

/// Takes ids that do not count out of the ready lists: from a list that is more than half of them, and from
/// the heads when a claim met too many.
fn compact(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let mut more = false;
    let trim = std::mem::take(&mut unit.memory.queue(name).trim);
    for priority in 0..PRIORITIES {
        let stale = settings.stale(priority) as usize;
        if stale == 0 {
            continue;
        }
        let length = unit.keys.llen(name.ready(priority))?;
        if length == 0 {
            ready::change_stale(unit, name, priority, -(stale as i64))?;
        } else if trim {
            let trimmed = discard_range(unit, name, priority, 0, settings)?;
            unit.memory.queue(name).trim |= trimmed;
            more |= trimmed;
        } else if stale * 2 > length {
            let from = unit
                .memory
                .queue(name)
                .compacted
                .get(usize::from(priority))
                .copied()
                .unwrap_or(0);
            let from = if from >= length { 0 } else { from };
            discard_range(unit, name, priority, from, settings)?;
            more = true;
        }
    }
    Ok(more)
}

/// Removes the ids that do not count among the next ones from a position on. Whether any of them did not.
fn discard_range(unit: &mut Unit<'_>, name: &Name, priority: u8, from: usize, settings: &Settings) -> Answer<bool> {
    let list = name.ready(priority);
    let ids = unit.keys.lrange(list, i64::try_from(from).unwrap_or(0), LOOKED_AT)?;
    let mut positions = Vec::new();
    let mut stale = 0;
    for (offset, id) in ids.iter().enumerate() {
        let record = ready::look(unit, name, id);
        if record
            .as_ref()
            .is_some_and(|record| ready::counts(record, priority, settings))
        {
            continue;
        }
        positions.push(from + offset);
        stale += i64::from(ready::discard(unit, name, id, priority, record)?);
    }
    let kept = ids.len() - positions.len();
    unit.keys.lremove(list, &positions)?;
    ready::change_stale(unit, name, priority, -stale)?;
    if let Some(compacted) = unit.memory.queue(name).compacted.get_mut(usize::from(priority)) {
        *compacted = from + kept;
    }
    Ok(!positions.is_empty())
}

/// Keeps the dead tasks within their limits.
fn trim(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    ending::trim_dead(unit, name, settings)
}

/// Frees the numbers of workers that hold nothing and claimed nothing since the last time.
fn clean_workers(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let now = unit.env.steady;
    if unit.memory.queue(name).rebase != Rebase::Done {
        return Ok(());
    }
    if super::worker_numbers(unit, name)?.all().next().is_none() {
        return Ok(());
    }
    let queue = unit.memory.queue(name);
    if now.since(queue.cleaned) < WORKERS_CHECK {
        let next = queue.cleaned.after(WORKERS_CHECK);
        unit.memory.agenda.at_steady(name, next);
        return Ok(());
    }
    let active = std::mem::take(&mut queue.active);
    queue.cleaned = now;
    let unused: Vec<u32> = queue
        .workers
        .iter()
        .flat_map(|numbers| numbers.all())
        .map(|(number, _)| number)
        .filter(|number| !active.contains(number) && queue.claims.count(*number) == 0)
        .collect();
    if !unused.is_empty() {
        let fields: Vec<String> = unused.iter().map(u32::to_string).collect();
        let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
        unit.keys.hdel(name.workers(), &fields)?;
        let numbers = super::worker_numbers(unit, name)?;
        for number in unused {
            numbers.remove(number);
        }
    }
    unit.memory.agenda.at_steady(name, now.after(WORKERS_CHECK));
    Ok(())
}

/// Puts the queue's next moments on the agenda.
fn plan(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let settings = super::settings(unit, name)?;
    if let Some((due, _)) = unit.keys.zlowest(name.index(Index::Scheduled), i64::MAX, 1)?.first() {
        unit.memory.agenda.at_wall(name, Wall(*due));
    }
    if let Some((deadline, _)) = unit.keys.zlowest(name.index(Index::Claimed), i64::MAX, 1)?.first() {
        let mut moment = Steady(*deadline);
        if moment <= unit.env.steady {
            // Due but held: look again when the hold ends, or after the next turn of the loop.
            let soon = unit.env.steady.after(1);
            let held = unit.memory.holds.until(unit.env.steady).unwrap_or(soon);
            moment = held.min(unit.env.steady.after(SECOND)).max(soon);
        }
        unit.memory.agenda.at_steady(name, moment);
    }
    if let Some((died, _)) = unit.keys.zlowest(name.index(Index::Dead), i64::MAX, 1)?.first() {
        let until = died.saturating_add(settings.dead_retain(&unit.env.settings));
        unit.memory.agenda.at_wall(name, Wall(until));
    }
    if let Some(until) = settings.paused.filter(|until| *until != i64::MAX) {
        unit.memory.agenda.at_wall(name, Wall(until));
    }
    Ok(())
}
