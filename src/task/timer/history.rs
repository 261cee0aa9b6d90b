//! The history of a queue: written once a minute while something happens and once an hour while tasks are ready, removed
//! when the queue is over.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::history::{Bucket, Happened, Packed, Span, surplus};
use crate::names::{Name, Part, Touched};
use crate::state::histories::PERIOD;
use crate::task::handle::Queue;
use crate::task::history::{self, stored};
use crate::task::index::targeted;
use crate::task::overview;
use crate::tx::Tx;

/// Does what is due, and plans the next moment. What cannot be written, to a key of another type, is lost.
pub(crate) fn run(tx: &mut Tx<'_>, name: &Name) {
    let done = Queue::open(tx, name.clone()).and_then(|mut queue| keep(&mut queue));
    if let Err(error) = done {
        tx.state.names.histories.remove(name);
        tx.state.log_skip(name, &format!("its history: {error}"));
    }
    if !tx.state.has_queue(name) {
        // The name may have come back for this only.
        tx.state.touched(name, Touched::Events);
    }
}

fn keep(queue: &mut Queue<'_>) -> Result<()> {
    let (name, context) = (queue.name.clone(), queue.context);
    let wish = queue.settings.numbers.history();
    queue.state.names.histories.limit(&context.config);
    if !queue.state.names.histories.has(&name) && !begin(queue, wish)? {
        return Ok(());
    }
    if !queue.state.names.histories.keeps(&name, wish) {
        return remove(queue);
    }
    if queue.state.names.histories.is_due(&name, &context) {
        if context.memory_full {
            queue.wake_at_steady(context.steady.after(PERIOD));
        } else {
            write(queue)?;
        }
    } else if let Some((wall, steady)) = queue.state.names.histories.moments(&name) {
        queue.wake_at(wall);
        queue.wake_at_steady(steady);
    }
    if queue.state.names.histories.is_unchecked(&name) {
        remove_if_over(queue)?;
    }
    Ok(())
}

/// Begins the history of a queue in which nothing has happened since it was found, but tasks are ready: it may be full,
/// without any worker. Whether there is one now.
fn begin(queue: &mut Queue<'_>, wish: Option<bool>) -> Result<bool> {
    // Where something has happened it begins with that, in the order in which queues are used.
    let begins = queue.state.names.histories.takes(&queue.name, wish)
        && queue.memory().new_counts().is_zero()
        && targeted::count_ready(queue)? > 0;
    if begins {
        queue.state.names.histories.begin(&queue.name, wish);
    }
    Ok(begins)
}

/// Adds what is not written yet to its buckets. A new one takes the place of an old one.
fn write(queue: &mut Queue<'_>) -> Result<()> {
    let (name, now) = (queue.name.clone(), queue.context.wall);
    let mut buckets: BTreeMap<Bucket, Happened> = BTreeMap::new();
    for (hour, happened) in queue.state.names.histories.take_unwritten(&name, now) {
        for span in Span::ALL {
            let bucket = Bucket::at(span, hour.start());
            buckets.entry(bucket).or_default().count(&happened);
        }
    }
    let all = buckets.iter().map(|(bucket, happened)| (*bucket, &happened.all));
    let is_new = store(queue, Part::History, all)?;
    let kinds = buckets.iter().map(|(bucket, happened)| (*bucket, &happened.kinds));
    store(queue, Part::KindHistory, kinds)?;
    if is_new { remove_old(queue) } else { Ok(()) }
}

/// Adds to the buckets that are stored in a key; whether there is a new one.
fn store<'h, T: Packed + 'h>(
    queue: &mut Queue<'_>,
    part: Part,
    buckets: impl Iterator<Item = (Bucket, &'h T)>,
) -> Result<bool> {
    let name = queue.name.clone();
    let key = name.of_queue(part);
    let (mut is_new, mut fields) = (false, Vec::new());
    for (bucket, happened) in buckets.filter(|(_, happened)| !happened.is_zero()) {
        let stored = queue.keys.hget(key, bucket.field().as_bytes())?;
        is_new |= stored.is_none();
        let before = stored.map(|packed| T::unpack(&packed));
        if before == Some(None) {
            queue.log_skip("a bucket of its history");
        }
        let mut sum = before.flatten().unwrap_or_default();
        sum.add(happened);
        fields.push((bucket.field(), sum.pack()));
    }
    if !fields.is_empty() {
        let fields = fields.iter().map(|(field, packed)| (field.as_bytes(), &packed[..]));
        queue.keys.hset(key, &fields.collect::<Vec<(&[u8], &[u8])>>())?;
    }
    Ok(is_new)
}

fn remove_old(queue: &mut Queue<'_>) -> Result<()> {
    let stored = stored(queue)?;
    let old = surplus(stored.keys().copied(), queue.context.wall);
    let old: Vec<String> = old.into_iter().map(Bucket::field).collect();
    let old: Vec<&[u8]> = old.iter().map(|field| field.as_bytes()).collect();
    for part in history::PARTS {
        queue.keys.hdel(queue.name.of_queue(part), &old)?;
    }
    Ok(())
}

/// Removes the history of a queue that is over: there is nothing else of it, and the last hour of the history is longer
/// ago than `events-retain`. Otherwise plans when that is checked again.
fn remove_if_over(queue: &mut Queue<'_>) -> Result<()> {
    let (name, now) = (queue.name.clone(), queue.context.wall);
    let retain = queue.context.config.events_retain;
    let is_used = queue.state.waiting.any(&name)
        || queue.state.names.histories.lacks(&name)
        || overview::exists(queue.keys, &name);
    let mut over = now.after(retain);
    if !is_used {
        queue.keys.ensure_type(name.of_queue(Part::History))?;
        let last = history::latest(queue)?;
        over = Bucket::at(Span::Hour, last.unwrap_or_default()).end().after(retain);
    }
    if over <= now {
        return remove(queue);
    }
    queue.state.names.histories.check_at(&name, over);
    Ok(())
}

fn remove(queue: &mut Queue<'_>) -> Result<()> {
    let name = queue.name.clone();
    for part in history::PARTS {
        queue.keys.ensure_type(name.of_queue(part))?;
    }
    for part in history::PARTS {
        queue.keys.del(name.of_queue(part));
    }
    queue.state.names.histories.remove(&name);
    Ok(())
}
