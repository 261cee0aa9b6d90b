//! The keyspace of the unit tests: the same verbs on maps in memory.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::{EntryId, Fields, Keyspace, Scored, Start, Type};
use crate::error::{Error, Result};
use crate::names::{Id, Key, Name};

/// A value of one of the types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string.
    String(Vec<u8>),
    /// A list.
    List(Vec<Vec<u8>>),
    /// A sorted set: member → score.
    SortedSet(BTreeMap<Vec<u8>, i64>),
    /// A hash.
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    /// A stream: id → fields.
    Stream(BTreeMap<EntryId, Fields>),
}

/// All keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fake {
    /// Key bytes → value; never an empty container.
    pub keys: BTreeMap<Vec<u8>, Value>,
    /// The time of the ids that streams give, ms.
    pub now: u64,
    /// How many verbs wrote something.
    pub writes: usize,
    /// How many fields of hashes were read.
    pub field_reads: usize,
    /// Why clients' writes are refused, if they are.
    pub refusal: Option<String>,
}

macro_rules! of_type {
    ($fake:expr, $key:expr, $variant:ident) => {
        match $fake.keys.get_mut(&$key.to_vec()) {
            None => Ok(None),
            Some(Value::$variant(value)) => Ok(Some(value)),
            Some(_) => Err(Error::WrongType),
        }
    };
}

impl Fake {
    fn make<'a>(&'a mut self, key: &Key<'_>, empty: Value) -> &'a mut Value {
        self.writes += 1;
        self.keys.entry(key.to_vec()).or_insert(empty)
    }

    fn drop_if_empty(&mut self, key: &Key<'_>) {
        self.writes += 1;
        let bytes = key.to_vec();
        let empty = match self.keys.get(&bytes) {
            Some(Value::List(list)) => list.is_empty(),
            Some(Value::SortedSet(set)) => set.is_empty(),
            Some(Value::Hash(hash)) => hash.is_empty(),
            _ => false,
        };
        if empty {
            self.keys.remove(&bytes);
        }
    }

    fn sorted(&mut self, key: &Key<'_>) -> Result<Vec<Scored>> {
        let mut members: Vec<Scored> = of_type!(self, key, SortedSet)?
            .map(|set| set.iter().map(|(id, score)| (*score, id.clone())).collect())
            .unwrap_or_default();
        members.sort();
        Ok(members)
    }
}

/// The next ten (more of a very large key), in hash order: an element that is there throughout is visited, whatever
/// is added or removed meanwhile.
fn scan<T>(all: Vec<T>, cursor: u64, name: fn(&T) -> &Vec<u8>) -> (u64, Vec<T>) {
    let most = 10.max(all.len() / 10);
    let place = |item: &T| BuildHasherDefault::<DefaultHasher>::default().hash_one(name(item)) >> 1;
    let mut rest: Vec<T> = all.into_iter().filter(|item| place(item) >= cursor).collect();
    rest.sort_by_key(place);
    let more = rest.len() > most;
    rest.truncate(most);
    let next = rest.last().filter(|_| more).map_or(0, |last| place(last) + 1);
    (next, rest)
}

impl Keyspace for Fake {
    fn write_refusal(&mut self, _: &Name) -> Option<String> {
        self.refusal.clone()
    }
    fn ensure_type(&mut self, key: Key<'_>) -> Result<()> {
        let found = match self.keys.get(&key.to_vec()) {
            None => return Ok(()),
            Some(Value::String(_)) => Type::String,
            Some(Value::List(_)) => Type::List,
            Some(Value::SortedSet(_)) => Type::SortedSet,
            Some(Value::Hash(_)) => Type::Hash,
            Some(Value::Stream(_)) => Type::Stream,
        };
        if found == key.place.kind().of {
            Ok(())
        } else {
            Err(Error::WrongType)
        }
    }
    fn exists(&mut self, key: Key<'_>) -> bool {
        self.keys.contains_key(&key.to_vec())
    }
    fn del(&mut self, key: Key<'_>) -> bool {
        self.writes += 1;
        self.keys.remove(&key.to_vec()).is_some()
    }
    fn rename(&mut self, from: Key<'_>, to: Key<'_>) {
        self.writes += 1;
        if let Some(value) = self.keys.remove(&from.to_vec()) {
            self.keys.insert(to.to_vec(), value);
        }
    }

    fn touch(&mut self, _: &Name) {
        self.writes += 1;
    }

    fn get(&mut self, key: Key<'_>) -> Result<Option<Vec<u8>>> {
        Ok(of_type!(self, key, String)?.cloned())
    }
    fn get_start(&mut self, key: Key<'_>, length: usize) -> Result<Option<Start>> {
        Ok(of_type!(self, key, String)?.map(|value| value.iter().take(length).copied().collect()))
    }
    fn peek(&mut self, key: Key<'_>, length: usize) -> Result<Option<Start>> {
        self.get_start(key, length)
    }
    fn set(&mut self, key: Key<'_>, start: &[u8], rest: &[u8]) -> Result<()> {
        of_type!(self, key, String)?;
        self.writes += 1;
        self.keys.insert(key.to_vec(), Value::String([start, rest].concat()));
        Ok(())
    }
    fn set_start(&mut self, key: Key<'_>, start: &[u8]) -> Result<()> {
        self.writes += 1;
        if let Some(value) = of_type!(self, key, String)? {
            let rest = value.split_off(start.len().min(value.len()));
            *value = [start, &rest].concat();
        }
        Ok(())
    }

    fn llen(&mut self, key: Key<'_>) -> Result<usize> {
        Ok(of_type!(self, key, List)?.map_or(0, |list| list.len()))
    }
    fn rpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<()> {
        of_type!(self, key, List)?;
        if let Value::List(list) = self.make(&key, Value::List(Vec::new())) {
            list.extend(ids.iter().map(|id| id.to_vec()));
        }
        Ok(())
    }
    fn lpush(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<()> {
        of_type!(self, key, List)?;
        if let Value::List(list) = self.make(&key, Value::List(Vec::new())) {
            for id in ids {
                list.insert(0, id.to_vec());
            }
        }
        Ok(())
    }
    fn lpop(&mut self, key: Key<'_>) -> Result<Option<Id>> {
        let head = of_type!(self, key, List)?.map(|list| list.remove(0));
        if head.is_some() {
            self.drop_if_empty(&key);
        }
        Ok(head.map(Id::from_vec))
    }
    fn lrange(&mut self, key: Key<'_>, from: i64, count: usize) -> Result<Vec<Vec<u8>>> {
        let Some(list) = of_type!(self, key, List)? else {
            return Ok(Vec::new());
        };
        let from = if from < 0 {
            (from + list.len() as i64).max(0)
        } else {
            from
        };
        Ok(list.iter().skip(from as usize).take(count).cloned().collect())
    }
    fn lremove(&mut self, key: Key<'_>, elements: &[(usize, &[u8])]) -> Result<()> {
        if let Some(list) = of_type!(self, key, List)? {
            for (position, _) in elements.iter().rev() {
                if *position < list.len() {
                    list.remove(*position);
                }
            }
            self.drop_if_empty(&key);
        }
        Ok(())
    }

    fn zcard(&mut self, key: Key<'_>) -> Result<usize> {
        Ok(of_type!(self, key, SortedSet)?.map_or(0, |set| set.len()))
    }
    fn zscore(&mut self, key: Key<'_>, id: &[u8]) -> Result<Option<i64>> {
        Ok(of_type!(self, key, SortedSet)?.and_then(|set| set.get(id).copied()))
    }
    fn zrank(&mut self, key: Key<'_>, id: &[u8]) -> Result<Option<usize>> {
        Ok(self.sorted(&key)?.iter().position(|(_, member)| member == id))
    }
    fn zadd(&mut self, key: Key<'_>, members: &[(i64, &[u8])]) -> Result<()> {
        of_type!(self, key, SortedSet)?;
        if let Value::SortedSet(set) = self.make(&key, Value::SortedSet(BTreeMap::new())) {
            for (score, id) in members {
                set.insert(id.to_vec(), *score);
            }
        }
        Ok(())
    }
    fn zrem(&mut self, key: Key<'_>, ids: &[&[u8]]) -> Result<usize> {
        let Some(set) = of_type!(self, key, SortedSet)? else {
            return Ok(0);
        };
        let removed = ids.iter().filter(|id| set.remove(**id).is_some()).count();
        self.drop_if_empty(&key);
        Ok(removed)
    }
    fn zrem_lowest(&mut self, key: Key<'_>, lowest: &[Scored]) -> Result<()> {
        let ids: Vec<&[u8]> = lowest.iter().map(|(_, id)| id.as_slice()).collect();
        self.zrem(key, &ids).map(|_| ())
    }
    fn zlowest(&mut self, key: Key<'_>, most: i64, count: usize) -> Result<Vec<Scored>> {
        let members = self.sorted(&key)?;
        Ok(members
            .into_iter()
            .take_while(|(score, _)| *score <= most)
            .take(count)
            .collect())
    }
    fn zwalk(&mut self, key: Key<'_>, after: Option<&Scored>, reverse: bool, count: usize) -> Result<Vec<Scored>> {
        let mut members = self.sorted(&key)?;
        if reverse {
            members.reverse();
        }
        Ok(members
            .into_iter()
            .filter(|member| match after {
                None => true,
                Some(after) if reverse => member < after,
                Some(after) => member > after,
            })
            .take(count)
            .collect())
    }
    fn zscan(&mut self, key: Key<'_>, cursor: u64) -> Result<(u64, Vec<Scored>)> {
        Ok(scan(self.sorted(&key)?, cursor, |(_, id)| id))
    }

    fn hget(&mut self, key: Key<'_>, field: &[u8]) -> Result<Option<Vec<u8>>> {
        self.field_reads += 1;
        Ok(of_type!(self, key, Hash)?.and_then(|hash| hash.get(field).cloned()))
    }
    fn hgetall(&mut self, key: Key<'_>) -> Result<Fields> {
        let fields: Fields = of_type!(self, key, Hash)?
            .map(|hash| {
                hash.iter()
                    .map(|(field, value)| (field.clone(), value.clone()))
                    .collect()
            })
            .unwrap_or_default();
        self.field_reads += fields.len();
        Ok(fields)
    }
    fn hlen(&mut self, key: Key<'_>) -> Result<usize> {
        Ok(of_type!(self, key, Hash)?.map_or(0, |hash| hash.len()))
    }
    fn hscan(&mut self, key: Key<'_>, cursor: u64) -> Result<(u64, Fields)> {
        Ok(scan(self.hgetall(key)?, cursor, |(field, _)| field))
    }
    fn hset(&mut self, key: Key<'_>, fields: &[(&[u8], &[u8])]) -> Result<()> {
        of_type!(self, key, Hash)?;
        if let Value::Hash(hash) = self.make(&key, Value::Hash(BTreeMap::new())) {
            for (field, value) in fields {
                hash.insert(field.to_vec(), value.to_vec());
            }
        }
        Ok(())
    }
    fn hdel(&mut self, key: Key<'_>, fields: &[&[u8]]) -> Result<()> {
        if let Some(hash) = of_type!(self, key, Hash)? {
            for field in fields {
                hash.remove(*field);
            }
            self.drop_if_empty(&key);
        }
        Ok(())
    }

    fn xadd(&mut self, key: Key<'_>, id: Option<EntryId>, fields: &[(&[u8], &[u8])], most: usize) -> Result<EntryId> {
        of_type!(self, key, Stream)?;
        let now = self.now;
        let Value::Stream(entries) = self.make(&key, Value::Stream(BTreeMap::new())) else {
            return Err(Error::WrongType);
        };
        let last = entries.keys().next_back().copied().unwrap_or_default();
        let id = id.unwrap_or((now, 0).max((last.0, last.1 + 1)));
        if id <= last {
            return Err(Error::Internal);
        }
        let fields = fields.iter().map(|(field, value)| (field.to_vec(), value.to_vec()));
        entries.insert(id, fields.collect());
        if entries.len() > most + most / 10 {
            while entries.len() > most {
                entries.pop_first();
            }
        }
        Ok(id)
    }

    fn last_entry(&mut self, key: Key<'_>) -> Result<Option<EntryId>> {
        let entries = of_type!(self, key, Stream)?;
        Ok(entries.and_then(|entries| entries.keys().next_back().copied()))
    }
}
