//! The port to the data: plain Redis commands as verbs on typed keys.
//!
//! There are two implementations: the server's keyspace (`redis::keyspace`), which also sends keyspace notifications
//! and records every effect for replication, and the fake of the unit tests. Both pass the suite in `contract`.
//!
//! A verb on a key of another type returns `WrongType` and changes nothing. A command first reads (or calls
//! `ensure_type` for) every key that it is going to write, so that no verb fails half-way.

#[cfg(any(test, debug_assertions))]
pub(crate) mod contract;
#[cfg(test)]
pub(crate) mod fake;

use smallvec::SmallVec;

pub(crate) use crate::names::Type;

use crate::error::Result;
use crate::names::{Id, Key, Name};

/// A member of a sorted set with its score. Scores are whole milliseconds.
pub(crate) type Scored = (i64, Vec<u8>);

/// The first bytes of a string; a header fits without an allocation.
pub(crate) type Start = SmallVec<[u8; 56]>;

/// Fields of a hash with their values.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The id of an entry of a stream: ms, and a number within the ms.
pub(crate) type EntryId = (u64, u64);

/// The verbs.
pub(crate) trait Keyspace {
    /// Why a client's write to a key of this name would be refused or delayed now, if it would.
    fn write_refusal(&mut self, name: &Name) -> Option<String>;
    /// Errors with `WrongType` unless the key is missing or has the type of its kind.
    fn ensure_type(&mut self, key: Key<'_>) -> Result<()>;
    /// Whether the key exists, of any type.
    fn exists(&mut self, key: Key<'_>) -> bool;
    /// Removes the key, of any type; whether it was there.
    fn del(&mut self, key: Key<'_>) -> bool;
    /// Moves the value of `from`, of any type, to `to`, replacing what was there. Does nothing when `from` is missing.
    fn rename(&mut self, from: Key<'_>, to: Key<'_>);
    /// Counts as a write to this queue or service though nothing changes: a client may wait until replicas have what was
    /// written before.
    fn touch(&mut self, name: &Name);

    /// The whole string.
    fn get(&mut self, key: Key<'_>) -> Result<Option<Vec<u8>>>;
    /// At most the first `length` bytes of the string.
    fn get_start(&mut self, key: Key<'_>, length: usize) -> Result<Option<Start>>;
    /// The same, for a key that this transaction will not touch again.
    fn peek(&mut self, key: Key<'_>, length: usize) -> Result<Option<Start>>;
    /// Sets the string to `start` followed by `rest`.
    fn set(&mut self, key: Key<'_>, start: &[u8], rest: &[u8]) -> Result<()>;
    /// Replaces the first bytes of an existing string by `start`; the rest stays.
    fn set_start(&mut self, key: Key<'_>, start: &[u8]) -> Result<()>;

    /// Length of the list.
    fn llen(&mut self, key: Key<'_>) -> Result<usize>;
    /// Appends to the tail, in order.
    fn rpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<()>;
    /// Prepends one after the other: the last one given ends up first.
    fn lpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<()>;
    /// Removes the head and returns it.
    fn lpop(&mut self, key: Key<'_>) -> Result<Option<Id>>;
    /// Up to `count` elements from position `from`; negative positions count from the tail, -1 the last.
    fn lrange(&mut self, key: Key<'_>, from: i64, count: usize) -> Result<Vec<Vec<u8>>>;
    /// Removes these elements, with the ascending positions at which they are.
    fn lremove(&mut self, key: Key<'_>, elements: &[(usize, &[u8])]) -> Result<()>;

    /// Number of members.
    fn zcard(&mut self, key: Key<'_>) -> Result<usize>;
    /// Score of the member.
    fn zscore(&mut self, key: Key<'_>, id: &[u8]) -> Result<Option<i64>>;
    /// How many members come before this one in (score, id) order.
    fn zrank(&mut self, key: Key<'_>, id: &[u8]) -> Result<Option<usize>>;
    /// Adds the members or changes their scores.
    fn zadd(&mut self, key: Key<'_>, members: &[(i64, &[u8])]) -> Result<()>;
    /// Removes the members; how many were there.
    fn zrem(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<usize>;
    /// Removes these members, which are the lowest.
    fn zrem_lowest(&mut self, key: Key<'_>, lowest: &[Scored]) -> Result<()>;
    /// Up to `count` members of the lowest scores, none above `most`; ties by bytes.
    fn zlowest(&mut self, key: Key<'_>, most: i64, count: usize) -> Result<Vec<Scored>>;
    /// Up to `count` members beyond `after` in (score, id) order, or from the start; `reverse` walks down.
    fn zwalk(&mut self, key: Key<'_>, after: Option<&Scored>, reverse: bool, count: usize) -> Result<Vec<Scored>>;
    /// Some members and the next cursor (0 at the end); every member that is there throughout is returned at least
    /// once.
    fn zscan(&mut self, key: Key<'_>, cursor: u64) -> Result<(u64, Vec<Scored>)>;

    /// Value of a field.
    fn hget(&mut self, key: Key<'_>, field: &[u8]) -> Result<Option<Vec<u8>>>;
    /// All fields with their values, in no order. For hashes of bounded size only.
    fn hgetall(&mut self, key: Key<'_>) -> Result<Fields>;
    /// Number of fields.
    fn hlen(&mut self, key: Key<'_>) -> Result<usize>;
    /// Some fields and the next cursor (0 at the end); every field that is there throughout is returned at least once.
    fn hscan(&mut self, key: Key<'_>, cursor: u64) -> Result<(u64, Fields)>;
    /// Sets the fields.
    fn hset(&mut self, key: Key<'_>, fields: &[(&[u8], &[u8])]) -> Result<()>;
    /// Removes the fields.
    fn hdel(&mut self, key: Key<'_>, fields: &[&[u8]]) -> Result<()>;

    /// Appends an entry of these fields, with this id or the next one by the server's clock; returns the id. A stream
    /// that has become a tenth longer than `most` loses its oldest entries. Errors with `Internal` when the id is not
    /// larger than all before.
    fn xadd(&mut self, key: Key<'_>, id: Option<EntryId>, fields: &[(&[u8], &[u8])], most: usize) -> Result<EntryId>;
    /// The id of the last entry of the stream.
    fn last_entry(&mut self, key: Key<'_>) -> Result<Option<EntryId>>;
}
