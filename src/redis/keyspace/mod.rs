//! The port to the data, on the server's keys. Each verb writes with the low-level functions, tells
//! keyspace notifications what the plain command would, and adds its effect to the record of the queue,
//! all in one place so that none can be forgotten.

mod hashes;
mod lists;
mod sorted_sets;
mod streams;
mod strings;

use std::ffi::{CStr, c_int};

use redis_module::raw;
use smallvec::SmallVec;

use super::api::{CallReply, Level, OK, call, log};
use super::handles::{Handles, Open};
use super::record::Record;
use crate::error::Result;
use crate::keyspace::{EntryId, Fields, Keyspace, Scored, Start, Type};
use crate::names::{Id, Key, Name};

/// The server's keys, for one transaction.
#[derive(Debug)]
pub(super) struct ServerKeys<'s> {
    /// The open keys.
    pub handles: Handles<'s>,
    records: SmallVec<[(Name, Record); 1]>,
    /// Effects that came from elsewhere are not collected: they are passed on as they came.
    collects: bool,
}

impl<'s> ServerKeys<'s> {
    /// For a transaction of our own when it `collects`, or to carry out a record.
    pub(super) fn new(handles: Handles<'s>, collects: bool) -> ServerKeys<'s> {
        ServerKeys {
            handles,
            records: SmallVec::new(),
            collects,
        }
    }

    /// Whether the transaction has written nothing.
    pub(super) fn is_untouched(&self) -> bool {
        self.records.iter().all(|(_, record)| record.is_empty())
    }

    /// Ends the transaction: closes all keys and sends what was done to replicas and the append-only file.
    pub(super) fn finish(mut self) {
        self.handles.close_all();
        for (name, record) in std::mem::take(&mut self.records) {
            if record.is_empty() {
                continue;
            }
            self.handles.select(name.db);
            // SAFETY: `b` takes a pointer and a length as size_t, twice.
            let sent = unsafe {
                call!(RedisModule_Replicate(
                    self.handles.ctx,
                    c"steward.apply".as_ptr(),
                    c"bb".as_ptr(),
                    name.text().as_ptr(),
                    name.text().len(),
                    record.bytes().as_ptr(),
                    record.bytes().len()
                ))
            };
            if sent != OK {
                log(
                    Level::Warning,
                    "steward.apply is unknown to the server: effects were not replicated",
                );
            }
            self.handles.keep_buffer(record.into_buffer());
        }
    }

    /// Adds an effect to the record of its queue.
    fn record(&mut self, key: Key<'_>, write: impl FnOnce(&mut Record)) {
        if !self.collects {
            return;
        }
        if let Some((_, record)) = self.records.iter_mut().find(|(name, _)| name == key.name) {
            write(record);
        } else {
            let mut record = Record::in_buffer(self.handles.take_buffer());
            write(&mut record);
            self.records.push((key.name.clone(), record));
        }
    }

    /// The key open, and whether it has a value, which is of this type.
    fn typed(&mut self, key: Key<'_>, of: Type) -> Result<(&mut Open, bool)> {
        let open = self.handles.open(key);
        let there = open.expect(of)?;
        Ok((open, there))
    }

    /// Tells what was done to a key and, when that took its last element away, that it is gone.
    fn notify(&mut self, key: Key<'_>, class: c_int, event: &CStr) {
        self.handles.notify(key, class, event);
        if self.handles.observed() && matches!(self.handles.open(key).kind(), Ok(None)) {
            self.handles.notify(key, raw::REDISMODULE_NOTIFY_GENERIC, c"del");
        }
    }

    /// Runs a command that reads or writes one key; all keys are closed first.
    fn command(&mut self, command: &CStr, key: Key<'_>, arguments: &[&[u8]]) -> CallReply {
        self.handles.close_all();
        self.handles.select(key.name.db);
        let text = self.handles.text(key);
        let mut all = vec![text.text().bytes()];
        all.extend_from_slice(arguments);
        let reply = CallReply::of(self.handles.ctx, command, "E", &all);
        if reply.is_error() {
            let text = format!("{} failed: {}", command.to_string_lossy(), reply.error());
            log(Level::Warning, &text);
        }
        reply
    }
}

impl Keyspace for ServerKeys<'_> {
    fn ensure_type(&mut self, key: Key<'_>, of: Type) -> Result<()> {
        self.typed(key, of).map(|_| ())
    }

    fn exists(&mut self, key: Key<'_>) -> bool {
        !matches!(self.handles.open(key).kind(), Ok(None))
    }

    fn del(&mut self, key: Key<'_>) -> bool {
        if !self.exists(key) {
            return false;
        }
        let open = self.handles.open(key);
        // SAFETY: open for writing. Unlinked, not deleted: a large value is freed in the background.
        unsafe { call!(RedisModule_UnlinkKey(open.raw)) };
        self.handles.notify(key, raw::REDISMODULE_NOTIFY_GENERIC, c"del");
        self.record(key, |record| {
            record.op(b'X', key);
        });
        true
    }

    fn rename(&mut self, from: Key<'_>, to: Key<'_>) {
        if !self.exists(from) {
            return;
        }
        let target = self.handles.text(to);
        if !self.command(c"RENAME", from, &[target.text().bytes()]).is_error() {
            self.record(from, |record| {
                record.op(b'M', from).key(to);
            });
        }
    }

    fn get(&mut self, key: Key<'_>) -> Result<Option<Vec<u8>>> {
        strings::get(self, key, usize::MAX, <[u8]>::to_vec)
    }
    fn get_start(&mut self, key: Key<'_>, length: usize) -> Result<Option<Start>> {
        strings::get(self, key, length, Start::from_slice)
    }
    fn peek(&mut self, key: Key<'_>, length: usize) -> Result<Option<Start>> {
        strings::peek(self, key, length)
    }
    fn set(&mut self, key: Key<'_>, start: &[u8], rest: &[u8]) -> Result<()> {
        strings::set(self, key, start, rest)
    }
    fn set_start(&mut self, key: Key<'_>, start: &[u8]) -> Result<()> {
        strings::set_start(self, key, start)
    }

    fn llen(&mut self, key: Key<'_>) -> Result<usize> {
        self.typed(key, Type::List).map(|(open, _)| open.length())
    }
    fn rpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<()> {
        lists::push(self, key, ids, &lists::TAIL)
    }
    fn lpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<()> {
        lists::push(self, key, ids, &lists::HEAD)
    }
    fn lpop(&mut self, key: Key<'_>) -> Result<Option<Id>> {
        lists::pop(self, key)
    }
    fn lrange(&mut self, key: Key<'_>, from: i64, count: usize) -> Result<Vec<Vec<u8>>> {
        lists::range(self, key, from, count)
    }
    fn lremove(&mut self, key: Key<'_>, positions: &[usize]) -> Result<()> {
        lists::remove(self, key, positions)
    }

    fn zcard(&mut self, key: Key<'_>) -> Result<usize> {
        self.typed(key, Type::SortedSet).map(|(open, _)| open.length())
    }
    fn zscore(&mut self, key: Key<'_>, id: &[u8]) -> Result<Option<i64>> {
        sorted_sets::score(self, key, id)
    }
    fn zrank(&mut self, key: Key<'_>, id: &[u8]) -> Result<Option<usize>> {
        sorted_sets::rank(self, key, id)
    }
    fn zadd(&mut self, key: Key<'_>, members: &[(i64, &[u8])]) -> Result<()> {
        sorted_sets::add(self, key, members)
    }
    fn zrem(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<usize> {
        sorted_sets::remove(self, key, ids)
    }
    fn zrem_lowest(&mut self, key: Key<'_>, count: usize) -> Result<()> {
        sorted_sets::remove_lowest(self, key, count)
    }
    fn zlowest(&mut self, key: Key<'_>, most: i64, count: usize) -> Result<Vec<Scored>> {
        sorted_sets::walk(self, key, None, most, false, count)
    }
    fn zwalk(&mut self, key: Key<'_>, after: Option<&Scored>, reverse: bool, count: usize) -> Result<Vec<Scored>> {
        sorted_sets::walk(self, key, after, i64::MAX, reverse, count)
    }
    fn zscan(&mut self, key: Key<'_>, cursor: u64) -> Result<(u64, Vec<Scored>)> {
        sorted_sets::scan(self, key, cursor)
    }

    fn hget(&mut self, key: Key<'_>, field: &[u8]) -> Result<Option<Vec<u8>>> {
        hashes::get(self, key, field)
    }
    fn hgetall(&mut self, key: Key<'_>) -> Result<Fields> {
        hashes::get_all(self, key)
    }
    fn hlen(&mut self, key: Key<'_>) -> Result<usize> {
        self.typed(key, Type::Hash).map(|(open, _)| open.length())
    }
    fn hscan(&mut self, key: Key<'_>, cursor: u64) -> Result<(u64, Fields)> {
        hashes::scan(self, key, cursor)
    }
    fn hset(&mut self, key: Key<'_>, fields: &[(&[u8], &[u8])]) -> Result<()> {
        hashes::set(self, key, fields)
    }
    fn hdel(&mut self, key: Key<'_>, fields: &[&[u8]]) -> Result<()> {
        hashes::remove(self, key, fields)
    }

    fn xadd(&mut self, key: Key<'_>, id: Option<EntryId>, fields: &[(&[u8], &[u8])], most: usize) -> Result<EntryId> {
        streams::add(self, key, id, fields, most)
    }
}
