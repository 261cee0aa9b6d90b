//! The port to the data, on the server's keys. Each verb writes with the low-level functions, sends the keyspace
//! notification of the plain command, and adds its effect to those of the queue, all in one place so that none can be
//! forgotten.

mod hashes;
mod lists;
mod server_keys;
mod sorted_sets;
mod streams;
mod strings;

use redis_module::raw;

pub(super) use server_keys::{Effects, ServerKeys, count_change, send};

use self::sorted_sets::{UPWARDS, Walk};
use super::api::call;
use super::probe;
use crate::error::Result;
use crate::keyspace::{EntryId, Fields, Keyspace, Scored, Start, Type};
use crate::names::{Id, Key, Name, Part, Place};

impl Keyspace for ServerKeys<'_> {
    fn write_refusal(&mut self, name: &Name) -> Option<String> {
        self.handles.close_all();
        self.handles.select(name.db);
        probe::write_refusal(self.handles.ctx, name)
    }
    fn ensure_type(&mut self, key: Key<'_>) -> Result<()> {
        self.typed(key, key.place.kind().of).map(|_| ())
    }

    fn exists(&mut self, key: Key<'_>) -> bool {
        !matches!(self.handles.open(key).kind(), Ok(None))
    }

    fn del(&mut self, key: Key<'_>) -> bool {
        let open = self.handles.open(key);
        if matches!(open.kind(), Ok(None)) {
            return false;
        }
        // SAFETY: open for writing. Unlinked, not deleted: a large value is freed in the background.
        unsafe { call!(RedisModule_UnlinkKey(open.raw)) };
        self.handles.notify(key, raw::REDISMODULE_NOTIFY_GENERIC, c"del");
        self.effect(key, |effects| effects.del(key));
        true
    }

    fn rename(&mut self, from: Key<'_>, to: Key<'_>) {
        if !self.exists(from) {
            return;
        }
        let target = self.handles.text(to);
        if !self.command(c"RENAME", from, &[target.text().bytes()]).is_error() {
            self.effect(from, |effects| {
                effects.op(b'M', from).key(to);
            });
        }
    }

    fn touch(&mut self, name: &Name) {
        let place = Place::Once(Part::Queue);
        self.effect(Key { name, place }, |_| {});
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
    fn lremove(&mut self, key: Key<'_>, elements: &[(usize, &[u8])]) -> Result<()> {
        lists::remove(self, key, elements)
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
    fn zrem_lowest(&mut self, key: Key<'_>, lowest: &[Scored]) -> Result<()> {
        sorted_sets::remove_lowest(self, key, lowest)
    }
    fn zlowest(&mut self, key: Key<'_>, most: i64, count: usize) -> Result<Vec<Scored>> {
        sorted_sets::walk(self, key, Walk { most, ..UPWARDS }, count)
    }
    fn zwalk(&mut self, key: Key<'_>, after: Option<&Scored>, reverse: bool, count: usize) -> Result<Vec<Scored>> {
        sorted_sets::walk(
            self,
            key,
            Walk {
                after,
                reverse,
                ..UPWARDS
            },
            count,
        )
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
    fn last_entry(&mut self, key: Key<'_>) -> Result<Option<EntryId>> {
        streams::last(self, key)
    }
}
