//! The port to the data, on the server's keys. Each verb writes with the low-level functions, tells
//! keyspace notifications what the plain command would, and adds its effect to the record of the queue,
//! all in one place so that none can be forgotten.

use std::ffi::{CStr, c_int, c_long};
use std::ptr;

use redis_module::raw;

use super::api::{CallReply, Level, OK, Text, call, log, slice_of};
use super::handles::{Handles, Open};
use super::record::Record;
use super::walk;
use crate::error::Error;
use crate::keyspace::{Answer, Keyspace, Scored, Type};
use crate::names::{Key, Name};

/// Removing up to this many of the lowest members one by one is cheaper than a call of the command.
const FEW: usize = 8;

/// The server's keys, for one unit.
#[derive(Debug)]
pub struct ServerKeys<'s> {
    /// The open keys.
    pub handles: Handles<'s>,
    records: Vec<(Name, Record)>,
    /// Effects that came from elsewhere are not collected: they are passed on as they came.
    collects: bool,
}

impl<'s> ServerKeys<'s> {
    /// For a unit of our own when it `collects`, or to carry out a record.
    pub fn new(handles: Handles<'s>, collects: bool) -> ServerKeys<'s> {
        ServerKeys {
            handles,
            records: Vec::new(),
            collects,
        }
    }

    /// Whether the unit has written nothing.
    pub fn is_untouched(&self) -> bool {
        self.records.iter().all(|(_, record)| record.is_empty())
    }

    /// Ends the unit: closes all keys and sends what was done to replicas and the append-only file.
    pub fn finish(mut self) {
        self.handles.close_all();
        for (name, record) in std::mem::take(&mut self.records) {
            if record.is_empty() {
                continue;
            }
            let record = record.finish();
            self.handles.select(name.db);
            // SAFETY: `b` takes a pointer and a length as size_t, twice.
            let sent = unsafe {
                call!(RedisModule_Replicate(
                    self.handles.ctx,
                    c"steward.apply".as_ptr(),
                    c"bb".as_ptr(),
                    name.text().as_ptr(),
                    name.text().len(),
                    record.as_ptr(),
                    record.len()
                ))
            };
            if sent != OK {
                log(
                    Level::Warning,
                    "steward.apply is unknown to the server: effects were not replicated",
                );
            }
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
            let mut record = Record::default();
            write(&mut record);
            self.records.push((key.name.clone(), record));
        }
    }

    /// The key open, and whether it has a value, which is of this type.
    fn typed(&mut self, key: Key<'_>, of: Type) -> Answer<(&mut Open, bool)> {
        let open = self.handles.open(key);
        let there = open.expect(of)?;
        Ok((open, there))
    }

    /// The string's bytes, at most `length`.
    fn read(&mut self, key: Key<'_>, length: usize) -> Answer<Option<Vec<u8>>> {
        let (open, there) = self.typed(key, Type::String)?;
        if !there {
            return Ok(None);
        }
        let mut size = 0;
        // SAFETY: an open string; the bytes are copied before anything else happens to it.
        let bytes = unsafe {
            let start = call!(RedisModule_StringDMA(
                open.raw,
                &raw mut size,
                raw::REDISMODULE_READ.cast_signed()
            ));
            slice_of(start, size)
        };
        Ok(bytes.get(..length.min(size)).map(<[u8]>::to_vec))
    }

    /// Tells what was done to a key and, when that took its last element away, that it is gone.
    fn notify(&mut self, key: Key<'_>, class: c_int, event: &CStr) {
        self.handles.notify(key, class, event);
        if matches!(self.handles.open(key).kind(), Ok(None)) {
            self.handles.notify(key, raw::REDISMODULE_NOTIFY_GENERIC, c"del");
        }
    }

    fn push(&mut self, key: Key<'_>, ids: &[&[u8]], end: isize, event: &CStr, opcode: u8) -> Answer<()> {
        let (open, _) = self.typed(key, Type::List)?;
        if ids.is_empty() {
            return Ok(());
        }
        for id in ids {
            let id = Text::new(id);
            // SAFETY: a list, or a missing key, open for writing; the server copies the element.
            unsafe { call!(RedisModule_ListPush(open.raw, end as c_int, id.raw())) };
        }
        self.notify(key, raw::REDISMODULE_NOTIFY_LIST, event);
        self.record(key, |record| {
            record.op(opcode, key).list(ids);
        });
        Ok(())
    }

    /// Runs a command that reads or writes one key; all keys are closed first.
    fn command(&mut self, command: &CStr, key: Key<'_>, arguments: &[&[u8]]) -> CallReply {
        self.handles.close_all();
        self.handles.select(key.name.db);
        let text = self.handles.text(key);
        let mut all = vec![text.bytes()];
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
    fn expect(&mut self, key: Key<'_>, of: Type) -> Answer<()> {
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
        if !self.command(c"RENAME", from, &[target.bytes()]).is_error() {
            self.record(from, |record| {
                record.op(b'M', from).key(to);
            });
        }
    }

    fn get(&mut self, key: Key<'_>) -> Answer<Option<Vec<u8>>> {
        self.read(key, usize::MAX)
    }

    fn get_start(&mut self, key: Key<'_>, length: usize) -> Answer<Option<Vec<u8>>> {
        self.read(key, length)
    }

    fn set(&mut self, key: Key<'_>, start: &[u8], rest: &[u8]) -> Answer<()> {
        let (open, _) = self.typed(key, Type::String)?;
        let value = if rest.is_empty() {
            Text::new(start)
        } else {
            Text::new(&[start, rest].concat())
        };
        // SAFETY: a string, or a missing key, open for writing; the server shares the value.
        unsafe { call!(RedisModule_StringSet(open.raw, value.raw())) };
        drop(value);
        self.handles.notify(key, raw::REDISMODULE_NOTIFY_STRING, c"set");
        self.record(key, |record| {
            record.op(b'S', key).pieces(start, rest);
        });
        Ok(())
    }

    fn set_start(&mut self, key: Key<'_>, start: &[u8]) -> Answer<()> {
        let (open, there) = self.typed(key, Type::String)?;
        if !there {
            return Ok(());
        }
        let mut size = 0;
        // SAFETY: a string open for writing. The server gives us its own copy of it to write to, which is
        // made long enough first; nothing else happens to the key meanwhile.
        unsafe {
            if open.length() < start.len() {
                call!(RedisModule_StringTruncate(open.raw, start.len()));
            }
            let to = call!(RedisModule_StringDMA(
                open.raw,
                &raw mut size,
                raw::REDISMODULE_WRITE.cast_signed()
            ));
            if to.is_null() || size < start.len() {
                return Err(Error::Internal);
            }
            ptr::copy_nonoverlapping(start.as_ptr(), to.cast::<u8>(), start.len());
        }
        self.handles.notify(key, raw::REDISMODULE_NOTIFY_STRING, c"setrange");
        self.record(key, |record| {
            record.op(b'H', key).text(start);
        });
        Ok(())
    }

    fn llen(&mut self, key: Key<'_>) -> Answer<usize> {
        self.typed(key, Type::List).map(|(open, _)| open.length())
    }

    fn rpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Answer<()> {
        self.push(key, ids, raw::REDISMODULE_LIST_TAIL, c"rpush", b'R')
    }

    fn lpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Answer<()> {
        self.push(key, ids, raw::REDISMODULE_LIST_HEAD, c"lpush", b'L')
    }

    fn lpop(&mut self, key: Key<'_>) -> Answer<Option<Vec<u8>>> {
        let (open, there) = self.typed(key, Type::List)?;
        if !there {
            return Ok(None);
        }
        // SAFETY: a list open for writing; the element is ours to free.
        let popped = unsafe {
            Text::take(call!(RedisModule_ListPop(
                open.raw,
                raw::REDISMODULE_LIST_HEAD as c_int
            )))
        };
        let Some(popped) = popped else {
            return Ok(None);
        };
        self.notify(key, raw::REDISMODULE_NOTIFY_LIST, c"lpop");
        self.record(key, |record| record.pop(key));
        Ok(Some(popped.bytes().to_vec()))
    }

    fn lrange(&mut self, key: Key<'_>, from: i64, count: usize) -> Answer<Vec<Vec<u8>>> {
        let (open, _) = self.typed(key, Type::List)?;
        let found = walk::list(open, from, count);
        self.handles.close(key);
        Ok(found)
    }

    fn lremove(&mut self, key: Key<'_>, positions: &[usize]) -> Answer<()> {
        let (open, _) = self.typed(key, Type::List)?;
        let length = open.length();
        let mut removed = 0;
        for &position in positions.iter().filter(|&&position| position < length) {
            // Those before it are gone by now.
            let at = c_long::try_from(position - removed).unwrap_or(c_long::MAX);
            // SAFETY: a list open for writing; a position beyond its end is refused.
            if unsafe { call!(RedisModule_ListDelete(open.raw, at)) } == OK {
                removed += 1;
            }
        }
        if removed > 0 {
            self.notify(key, raw::REDISMODULE_NOTIFY_LIST, c"lrem");
            self.record(key, |record| {
                record.op(b'E', key).count(positions.len());
                for &position in positions {
                    record.count(position);
                }
            });
        }
        self.handles.close(key);
        Ok(())
    }

    fn zcard(&mut self, key: Key<'_>) -> Answer<usize> {
        self.typed(key, Type::SortedSet).map(|(open, _)| open.length())
    }

    fn zscore(&mut self, key: Key<'_>, id: &[u8]) -> Answer<Option<i64>> {
        let (open, there) = self.typed(key, Type::SortedSet)?;
        if !there {
            return Ok(None);
        }
        let id = Text::new(id);
        let mut score = 0.0;
        // SAFETY: an open sorted set.
        let found = unsafe { call!(RedisModule_ZsetScore(open.raw, id.raw(), &raw mut score)) };
        Ok((found == OK).then(|| walk::whole(score)))
    }

    fn zadd(&mut self, key: Key<'_>, members: &[(i64, &[u8])]) -> Answer<()> {
        let (open, _) = self.typed(key, Type::SortedSet)?;
        if members.is_empty() {
            return Ok(());
        }
        for (score, id) in members {
            let id = Text::new(id);
            // SAFETY: a sorted set, or a missing key, open for writing; the server copies the member.
            unsafe { call!(RedisModule_ZsetAdd(open.raw, *score as f64, id.raw(), ptr::null_mut())) };
        }
        self.handles.notify(key, raw::REDISMODULE_NOTIFY_ZSET, c"zadd");
        self.record(key, |record| {
            record.op(b'Z', key).count(members.len());
            for (score, id) in members {
                record.score(*score).text(id);
            }
        });
        Ok(())
    }

    fn zrem(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Answer<usize> {
        let (open, there) = self.typed(key, Type::SortedSet)?;
        if !there {
            return Ok(0);
        }
        let gone = walk::remove(open, ids.iter().copied());
        if gone > 0 {
            self.notify(key, raw::REDISMODULE_NOTIFY_ZSET, c"zrem");
            self.record(key, |record| {
                record.op(b'Y', key).list(ids);
            });
        }
        Ok(gone)
    }

    fn zrem_lowest(&mut self, key: Key<'_>, count: usize) -> Answer<()> {
        let (open, there) = self.typed(key, Type::SortedSet)?;
        if !there || count == 0 {
            return Ok(());
        }
        if count <= FEW {
            let lowest = walk::members(open, None, i64::MAX, false, count);
            walk::remove(open, lowest.iter().map(|(_, id)| id.as_slice()));
            self.notify(key, raw::REDISMODULE_NOTIFY_ZSET, c"zremrangebyrank");
        } else {
            let last = (count - 1).to_string();
            if self
                .command(c"ZREMRANGEBYRANK", key, &[b"0", last.as_bytes()])
                .is_error()
            {
                return Err(Error::Internal);
            }
        }
        self.record(key, |record| {
            record.op(b'V', key).count(count);
        });
        Ok(())
    }

    fn zlowest(&mut self, key: Key<'_>, most: i64, count: usize) -> Answer<Vec<Scored>> {
        let (open, there) = self.typed(key, Type::SortedSet)?;
        Ok(if there {
            walk::members(open, None, most, false, count)
        } else {
            Vec::new()
        })
    }

    fn zwalk(&mut self, key: Key<'_>, after: Option<&Scored>, reverse: bool, count: usize) -> Answer<Vec<Scored>> {
        let (open, there) = self.typed(key, Type::SortedSet)?;
        Ok(if there {
            walk::members(open, after, i64::MAX, reverse, count)
        } else {
            Vec::new()
        })
    }

    fn zscan(&mut self, key: Key<'_>, cursor: u64) -> Answer<(u64, Vec<Scored>)> {
        if !self.typed(key, Type::SortedSet)?.1 {
            return Ok((0, Vec::new()));
        }
        let cursor = cursor.to_string();
        let mut found = self.command(c"ZSCAN", key, &[cursor.as_bytes()]).strings().into_iter();
        let next = found.next().and_then(|next| String::from_utf8(next).ok()?.parse().ok());
        let mut members = Vec::new();
        while let (Some(id), Some(score)) = (found.next(), found.next()) {
            let score = std::str::from_utf8(&score).ok().and_then(|text| text.parse().ok());
            members.push((walk::whole(score.unwrap_or(0.0)), id));
        }
        Ok((next.unwrap_or(0), members))
    }

    fn hget(&mut self, key: Key<'_>, field: &[u8]) -> Answer<Option<Vec<u8>>> {
        let (open, there) = self.typed(key, Type::Hash)?;
        if !there {
            return Ok(None);
        }
        let field = Text::new(field);
        let mut value: *mut raw::RedisModuleString = ptr::null_mut();
        // SAFETY: pairs of a field and where to put its value, ended by a null pointer; the value is ours.
        let value = unsafe {
            call!(RedisModule_HashGet(
                open.raw,
                raw::REDISMODULE_HASH_NONE.cast_signed(),
                field.raw(),
                &raw mut value,
                ptr::null_mut::<raw::RedisModuleString>()
            ));
            Text::take(value)
        };
        Ok(value.map(|value| value.bytes().to_vec()))
    }

    fn hgetall(&mut self, key: Key<'_>) -> Answer<Vec<(Vec<u8>, Vec<u8>)>> {
        if !self.typed(key, Type::Hash)?.1 {
            return Ok(Vec::new());
        }
        let mut found = self.command(c"HGETALL", key, &[]).strings().into_iter();
        let mut fields = Vec::new();
        while let (Some(field), Some(value)) = (found.next(), found.next()) {
            fields.push((field, value));
        }
        Ok(fields)
    }

    fn hset(&mut self, key: Key<'_>, fields: &[(&[u8], &[u8])]) -> Answer<()> {
        let (open, _) = self.typed(key, Type::Hash)?;
        if fields.is_empty() {
            return Ok(());
        }
        for (field, value) in fields {
            let value = Text::new(value);
            walk::set_field(open, field, value.raw());
        }
        self.handles.notify(key, raw::REDISMODULE_NOTIFY_HASH, c"hset");
        self.record(key, |record| {
            record.op(b'A', key).count(fields.len());
            for (field, value) in fields {
                record.text(field).text(value);
            }
        });
        Ok(())
    }

    fn hdel(&mut self, key: Key<'_>, fields: &[&[u8]]) -> Answer<()> {
        let (open, there) = self.typed(key, Type::Hash)?;
        if !there {
            return Ok(());
        }
        let mut gone = false;
        for field in fields {
            // Deleting from a missing key would make it.
            if open.kind()?.is_some() {
                gone |= walk::set_field(open, field, raw::REDISMODULE_HASH_DELETE.cast_mut()) > 0;
            }
        }
        if gone {
            self.notify(key, raw::REDISMODULE_NOTIFY_HASH, c"hdel");
            self.record(key, |record| {
                record.op(b'B', key).list(fields);
            });
        }
        Ok(())
    }
}
