//! The history of a queue as it is stored: a hash of buckets, and one with what happened to each kind of task in them.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::history::{Bucket, ByKind, Counts, Packed};
use crate::keyspace::Keyspace;
use crate::names::{Name, Part};
use crate::task::handle::Queue;
use crate::time::Wall;

/// The keys of a history.
pub(crate) const PARTS: [Part; 2] = [Part::History, Part::KindHistory];
/// With more fields than this they are not all ours.
const MOST_FIELDS: usize = 1_000;

/// Whether any of it is stored.
pub(crate) fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    PARTS.iter().any(|part| keys.exists(name.of_queue(*part)))
}

/// What is stored in a bucket of each kind; nothing if that is not ours.
pub(crate) fn kinds(queue: &mut Queue<'_>, bucket: Bucket) -> Result<ByKind> {
    let key = queue.name.of_queue(Part::KindHistory);
    let packed = queue.keys.hget(key, bucket.field().as_bytes())?;
    Ok(packed.and_then(|packed| ByKind::unpack(&packed)).unwrap_or_default())
}

/// What is stored in all, in order; fields that are not ours are passed over.
pub(crate) fn stored(queue: &mut Queue<'_>) -> Result<BTreeMap<Bucket, Counts>> {
    stored_in(queue, Part::History)
}

/// When the latest stored bucket begins. The two keys of a history may come one after the other, from another node.
pub(crate) fn latest(queue: &mut Queue<'_>) -> Result<Option<Wall>> {
    let latest = stored(queue)?.into_keys().map(Bucket::start).max();
    if latest.is_some() {
        return Ok(latest);
    }
    let kinds: BTreeMap<Bucket, ByKind> = stored_in(queue, Part::KindHistory)?;
    Ok(kinds.into_keys().map(Bucket::start).max())
}

fn stored_in<T: Packed>(queue: &mut Queue<'_>, part: Part) -> Result<BTreeMap<Bucket, T>> {
    let key = queue.name.of_queue(part);
    let counts = |packed: Vec<u8>| T::unpack(&packed);
    if queue.keys.hlen(key)? <= MOST_FIELDS {
        let fields = queue.keys.hgetall(key)?.into_iter();
        let buckets = fields.filter_map(|(field, packed)| Bucket::of_field(&field).zip(counts(packed)));
        return Ok(buckets.collect());
    }
    let mut buckets = BTreeMap::new();
    for bucket in Bucket::kept(queue.context.wall) {
        let packed = queue.keys.hget(key, bucket.field().as_bytes())?;
        buckets.extend(packed.and_then(counts).map(|counts| (bucket, counts)));
    }
    Ok(buckets)
}
