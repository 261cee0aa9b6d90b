//! The history of a queue as it is stored: a hash of buckets.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::history::{Bucket, Counts};
use crate::names::Part;
use crate::task::handle::Queue;

/// With more fields than this they are not all ours.
const MOST_FIELDS: usize = 1_000;

/// What is stored, in order; fields that are not ours are passed over.
pub(crate) fn stored(queue: &mut Queue<'_>) -> Result<BTreeMap<Bucket, Counts>> {
    let key = queue.name.of_queue(Part::History);
    let counts = |packed: Vec<u8>| Counts::unpack(&packed);
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
