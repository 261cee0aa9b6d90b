//! The contract of the port: one suite that both the fake of the unit tests and the server's keys must pass, so that
//! what is tested on one is true of the other.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::{Keyspace, Scored, Start};
use crate::error::{Error, Result};
use crate::names::{Id, Index, Key, Name};

/// Runs the suite on the keys of `name`, none of which may exist; it leaves none behind. The error names the first
/// promise that was broken.
pub(crate) fn run(keys: &mut dyn Keyspace, name: &Name) -> Result<(), String> {
    type Checks = [(&'static str, fn(&mut Check<'_>) -> Result<(), String>); 12];
    let checks: Checks = [
        ("strings", strings),
        ("short strings", short_strings),
        ("lists", lists),
        ("long lists", long_lists),
        ("sorted sets", sorted_sets),
        ("ties", ties),
        ("large sorted sets", large_sorted_sets),
        ("hashes", hashes),
        ("large hashes", large_hashes),
        ("streams", streams),
        ("whole keys", whole_keys),
        ("other types", other_types),
    ];
    for (what, check) in checks {
        let mut suite = Check { keys: &mut *keys, name };
        let result = check(&mut suite);
        suite.clean();
        result.map_err(|why| format!("{what}: {why}"))?;
    }
    Ok(())
}

struct Check<'k> {
    keys: &'k mut dyn Keyspace,
    name: &'k Name,
}

/// Ids with bytes that break text protocols.
const ODD: [&[u8]; 6] = [b"\0", b"a\r\nb", b"\xff\xfe", b"%s%n", b"12345", b""];

impl<'k> Check<'k> {
    fn clean(&mut self) {
        for key in [
            self.name.task(b"1"),
            self.name.options(b"1"),
            self.name.ready(5),
            self.name.index(Index::Scheduled),
            self.name.index(Index::Dead),
            self.name.queue(),
            self.name.workers(),
            self.name.members(),
            self.name.events(),
        ] {
            self.keys.del(key);
        }
        for index in Index::ALL {
            self.keys.del(self.dropped(index));
        }
    }

    fn dropped(&self, index: Index) -> Key<'k> {
        self.name.dropped(7, index)
    }

    fn rpush(&mut self, ids: &[&str]) -> Result<(), String> {
        let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes()).collect();
        answer(self.keys.rpush(self.name.ready(5), &ids))
    }

    fn list(&mut self) -> Result<Vec<Vec<u8>>, String> {
        answer(self.keys.lrange(self.name.ready(5), 0, usize::MAX))
    }
}

fn answer<T>(answer: Result<T>) -> Result<T, String> {
    answer.map_err(|error| format!("refused: {error}"))
}

fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {wanted:?}"))
    }
}

fn bytes(items: &[&str]) -> Vec<Vec<u8>> {
    items.iter().map(|item| item.as_bytes().to_vec()).collect()
}

fn scored(members: &[(i64, &str)]) -> Vec<Scored> {
    members
        .iter()
        .map(|(score, id)| (*score, id.as_bytes().to_vec()))
        .collect()
}

fn strings(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, name) = (&mut *check.keys, check.name);
    let key = name.task(b"1");
    let (head, body) = ([b'h'; 54], b"\0\r\n\xff%s".repeat(100));
    same("a missing string", answer(keys.get(key))?, None)?;
    same("its start", answer(keys.get_start(key, 9))?, None)?;
    same("peek", answer(keys.peek(key, 9))?, None)?;
    answer(keys.set_start(key, b"x"))?;
    same("a missing string has no start to replace", keys.exists(key), false)?;
    answer(keys.set(key, &head, &body))?;
    same("set", answer(keys.get(key))?, Some([&head[..], &body].concat()))?;
    same(
        "get_start",
        answer(keys.get_start(key, 54))?,
        Some(Start::from_slice(&head[..])),
    )?;
    same("peek", answer(keys.peek(key, 54))?, Some(Start::from_slice(&head[..])))?;
    answer(keys.set_start(key, &[b'n'; 54]))?;
    same(
        "set_start",
        answer(keys.get(key))?,
        Some([&[b'n'; 54][..], &body].concat()),
    )?;
    answer(keys.set(key, &head, &[]))?;
    same("set again", answer(keys.get(key))?, Some(head.to_vec()))
}

/// Strings that the server encodes differently: as numbers, embedded, shared.
fn short_strings(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, name) = (&mut *check.keys, check.name);
    let key = name.task(b"1");
    for text in ["", "1", "12345", "1234567890123456789", "short"] {
        answer(keys.set(key, text.as_bytes(), &[]))?;
        same("get", answer(keys.get(key))?, Some(text.as_bytes().to_vec()))?;
        let start: Vec<u8> = text.bytes().take(3).collect();
        same(
            "get_start",
            answer(keys.get_start(key, 3))?,
            Some(Start::from_vec(start)),
        )?;
        answer(keys.set_start(key, b"abc"))?;
        let rest: Vec<u8> = text.bytes().skip(3).collect();
        same("set_start", answer(keys.get(key))?, Some([b"abc", &rest[..]].concat()))?;
    }
    Ok(())
}

fn lists(check: &mut Check<'_>) -> Result<(), String> {
    same(
        "llen of a missing list",
        answer(check.keys.llen(check.name.ready(5)))?,
        0,
    )?;
    same(
        "lpop of a missing list",
        answer(check.keys.lpop(check.name.ready(5)))?,
        None,
    )?;
    same("lrange of a missing list", check.list()?, Vec::new())?;
    answer(check.keys.lremove(check.name.ready(5), &[(0, b"x")]))?;
    check.rpush(&["c", "d"])?;
    answer(check.keys.lpush(check.name.ready(5), &[b"b", b"a"]))?;
    same("pushed", check.list()?, bytes(&["a", "b", "c", "d"]))?;
    let mut range = |from, count| answer(check.keys.lrange(check.name.ready(5), from, count));
    same("from the head", range(1, 2)?, bytes(&["b", "c"]))?;
    same("from the tail", range(-2, 5)?, bytes(&["c", "d"]))?;
    same("the last", range(-1, 1)?, bytes(&["d"]))?;
    same("from before the head", range(-9, 2)?, bytes(&["a", "b"]))?;
    same("beyond the end", range(4, 2)?, Vec::new())?;
    same("none", range(0, 0)?, Vec::new())?;
    answer(
        check
            .keys
            .lremove(check.name.ready(5), &[(1, b"b"), (3, b"d"), (9, b"x")]),
    )?;
    same("removed", check.list()?, bytes(&["a", "c"]))?;
    same(
        "lpop",
        answer(check.keys.lpop(check.name.ready(5)))?,
        Some(Id::from_slice(b"a")),
    )?;
    same(
        "lpop",
        answer(check.keys.lpop(check.name.ready(5)))?,
        Some(Id::from_slice(b"c")),
    )?;
    same("an empty list is gone", check.keys.exists(check.name.ready(5)), false)?;
    check.rpush(&["x"])?;
    same("a list that was gone", check.list()?, bytes(&["x"]))?;
    answer(check.keys.lremove(check.name.ready(5), &[(0, b"x")]))?;
    same("the last one removed", check.keys.exists(check.name.ready(5)), false)?;
    answer(check.keys.rpush(check.name.ready(5), &ODD))?;
    let odd: Vec<Vec<u8>> = ODD.iter().map(|id| id.to_vec()).collect();
    same("odd ids", check.list()?, odd)
}

/// Longer than the server's compact encoding.
fn long_lists(check: &mut Check<'_>) -> Result<(), String> {
    const MANY: usize = 3_000;
    let key = check.name.ready(5);
    let mut wanted: Vec<Vec<u8>> = (0..MANY).map(|at| format!("id-{at:08}").into_bytes()).collect();
    let ids: Vec<&[u8]> = wanted.iter().map(Vec::as_slice).collect();
    answer(check.keys.rpush(key, &ids))?;
    same("llen", answer(check.keys.llen(key))?, MANY)?;
    let page = answer(check.keys.lrange(key, -1_500, 700))?;
    same("a page", page.iter().eq(wanted.iter().skip(1_500).take(700)), true)?;
    let positions: Vec<usize> = (0..MANY).filter(|at| at % 3 != 1 || *at > 2_900).collect();
    let at = |at: &usize| Some((*at, *ids.get(*at)?));
    let elements: Vec<(usize, &[u8])> = positions.iter().filter_map(at).collect();
    answer(check.keys.lremove(key, &elements))?;
    let mut at = 0;
    wanted.retain(|_| {
        at += 1;
        positions.binary_search(&(at - 1)).is_err()
    });
    same("after many were removed", check.list()? == wanted, true)?;
    let all: Vec<(usize, &[u8])> = wanted.iter().map(Vec::as_slice).enumerate().collect();
    answer(check.keys.lremove(key, &all))?;
    same("after all were removed", check.keys.exists(key), false)
}

fn sorted_sets(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, name) = (&mut *check.keys, check.name);
    let key = name.index(Index::Scheduled);
    same("zcard of a missing set", answer(keys.zcard(key))?, 0)?;
    same("zscore of a missing set", answer(keys.zscore(key, b"a"))?, None)?;
    same("zrem of a missing set", answer(keys.zrem(key, &[b"a"]))?, 0)?;
    same("zlowest of a missing set", answer(keys.zlowest(key, 9, 9))?, Vec::new())?;
    same(
        "zwalk of a missing set",
        answer(keys.zwalk(key, None, false, 9))?,
        Vec::new(),
    )?;
    same("zscan of a missing set", answer(keys.zscan(key, 0))?, (0, Vec::new()))?;
    remove_lowest(keys, key, 2)?;
    answer(keys.zadd(key, &[(30, b"c"), (-10, b"a"), (20, b"b")]))?;
    answer(keys.zadd(key, &[(40, b"c"), (1 << 53, b"d")]))?;
    let all = scored(&[(-10, "a"), (20, "b"), (40, "c"), (1 << 53, "d")]);
    same("zcard", answer(keys.zcard(key))?, 4)?;
    same("zscore", answer(keys.zscore(key, b"c"))?, Some(40))?;
    same("zscore of a stranger", answer(keys.zscore(key, b"z"))?, None)?;
    same("zrank", answer(keys.zrank(key, b"c"))?, Some(2))?;
    same("zrank of a stranger", answer(keys.zrank(key, b"z"))?, None)?;
    same("zwalk", answer(keys.zwalk(key, None, false, 9))?, all.clone())?;
    same(
        "zlowest",
        answer(keys.zlowest(key, 20, 9))?,
        scored(&[(-10, "a"), (20, "b")]),
    )?;
    same("few", answer(keys.zlowest(key, i64::MAX, 1))?, scored(&[(-10, "a")]))?;
    let down: Vec<Scored> = all.into_iter().rev().collect();
    same("down", answer(keys.zwalk(key, None, true, 9))?, down)?;
    same("zrem", answer(keys.zrem(key, &[b"a", b"z", b"b"]))?, 2)?;
    remove_lowest(keys, key, 1)?;
    same(
        "zrem_lowest",
        answer(keys.zwalk(key, None, false, 9))?,
        scored(&[(1 << 53, "d")]),
    )?;
    remove_lowest(keys, key, 5)?;
    same("an empty set is gone", keys.exists(key), false)?;
    let odd: Vec<(i64, &[u8])> = ODD.iter().map(|id| (7, *id)).collect();
    answer(keys.zadd(key, &odd))?;
    for id in ODD {
        same("zscore of an odd id", answer(keys.zscore(key, id))?, Some(7))?;
    }
    same("zrem of odd ids", answer(keys.zrem(key, &ODD))?, ODD.len())?;
    same("and it is gone", keys.exists(key), false)
}

fn remove_lowest(keys: &mut dyn Keyspace, key: Key<'_>, count: usize) -> Result<(), String> {
    let lowest = answer(keys.zlowest(key, i64::MAX, count))?;
    answer(keys.zrem_lowest(key, &lowest))
}

fn ties(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, name) = (&mut *check.keys, check.name);
    let key = name.index(Index::Dead);
    let ids: [&[u8]; 7] = [b"a", b"b", b"b\0", b"c", b"x", b"\x80", b"\xff"];
    let members: Vec<(i64, &[u8])> = ids
        .iter()
        .map(|id| (5, *id))
        .chain([(4, b"z" as &[u8]), (6, b"0")])
        .collect();
    answer(keys.zadd(key, &members))?;
    let mut wanted: Vec<Scored> = members.iter().map(|(score, id)| (*score, id.to_vec())).collect();
    for reverse in [false, true] {
        wanted.sort();
        if reverse {
            wanted.reverse();
        }
        for page in 1..4 {
            let mut met = Vec::new();
            while let Some(last) = {
                let more = answer(keys.zwalk(key, met.last(), reverse, page))?;
                met.extend(more.clone());
                more.last().cloned()
            } {
                if met.len() > wanted.len() {
                    return Err(format!("a walk does not end: at {last:?}"));
                }
            }
            same("pages of a walk", met, wanted.clone())?;
        }
    }
    let after = (5, b"bb".to_vec());
    let beyond = answer(keys.zwalk(key, Some(&after), false, 1))?;
    same("beyond one that is gone", beyond, scored(&[(5, "c")]))?;
    let before = answer(keys.zwalk(key, Some(&after), true, 1))?;
    same("before one that is gone", before, vec![(5, b"b\0".to_vec())])
}

/// Larger than the server's compact encoding.
fn large_sorted_sets(check: &mut Check<'_>) -> Result<(), String> {
    const MANY: i64 = 1_000;
    let (keys, name) = (&mut *check.keys, check.name);
    let key = name.index(Index::Scheduled);
    let wanted: Vec<Scored> = (0..MANY)
        .map(|at| (1_800_000_000_000 + at / 4, format!("{at:06}").into_bytes()))
        .collect();
    let members: Vec<(i64, &[u8])> = wanted.iter().map(|(score, id)| (*score, id.as_slice())).collect();
    answer(keys.zadd(key, &members))?;
    let mut met = BTreeMap::new();
    let mut cursor = 0;
    for _ in 0..MANY {
        let (next, some) = answer(keys.zscan(key, cursor))?;
        met.extend(some.into_iter().map(|(score, id)| (id, score)));
        cursor = next;
        if next == 0 {
            break;
        }
    }
    same("zscan meets all", met.len(), wanted.len())?;
    same(
        "with their scores",
        wanted.iter().all(|(score, id)| met.get(id) == Some(score)),
        true,
    )?;
    same(
        "zwalk",
        answer(keys.zwalk(key, None, false, usize::MAX))? == wanted,
        true,
    )?;
    let middle = wanted.get(500);
    let down = answer(keys.zwalk(key, middle, true, usize::MAX))?;
    same(
        "zwalk down from the middle",
        down.iter().rev().eq(wanted.iter().take(500)),
        true,
    )?;
    remove_lowest(keys, key, 300)?;
    remove_lowest(keys, key, 3)?;
    let rest = answer(keys.zlowest(key, i64::MAX, 2))?;
    same("zrem_lowest", rest.iter().eq(wanted.iter().skip(303).take(2)), true)?;
    remove_lowest(keys, key, 1_000)?;
    same("all of them", keys.exists(key), false)
}

fn hashes(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, name) = (&mut *check.keys, check.name);
    let key = name.queue();
    let sorted = |mut fields: Vec<(Vec<u8>, Vec<u8>)>| {
        fields.sort();
        fields
    };
    same("hget of a missing hash", answer(keys.hget(key, b"f"))?, None)?;
    same("hgetall of a missing hash", answer(keys.hgetall(key))?, Vec::new())?;
    answer(keys.hdel(key, &[b"f"]))?;
    same("hdel makes none", keys.exists(key), false)?;
    answer(keys.hset(key, &[(b"f", b"1"), (b"g", b"2")]))?;
    answer(keys.hset(key, &[(b"f", b"3")]))?;
    same("hget", answer(keys.hget(key, b"f"))?, Some(b"3".to_vec()))?;
    same("hget of a missing field", answer(keys.hget(key, b"h"))?, None)?;
    let all = vec![(b"f".to_vec(), b"3".to_vec()), (b"g".to_vec(), b"2".to_vec())];
    same("hgetall", sorted(answer(keys.hgetall(key))?), all)?;
    answer(keys.hdel(key, &[b"f", b"h", b"g", b"f"]))?;
    same("an empty hash is gone", keys.exists(key), false)?;
    let value = b"\0\xff\r\n".repeat(100);
    let fields: Vec<(&[u8], &[u8])> = ODD.iter().map(|id| (*id, value.as_slice())).collect();
    answer(keys.hset(key, &fields))?;
    for id in ODD {
        same("an odd field", answer(keys.hget(key, id))?, Some(value.clone()))?;
    }
    same("all odd fields", answer(keys.hgetall(key))?.len(), ODD.len())
}

/// Larger than the server's compact encoding.
fn large_hashes(check: &mut Check<'_>) -> Result<(), String> {
    const MANY: usize = 1_000;
    let (keys, key) = (&mut *check.keys, check.name.members());
    same("hlen of a missing hash", answer(keys.hlen(key))?, 0)?;
    same("hscan of a missing hash", answer(keys.hscan(key, 0))?, (0, Vec::new()))?;
    for at in 0..MANY {
        let field = format!("{at:06}");
        answer(keys.hset(key, &[(field.as_bytes(), &[b'v'; 100])]))?;
    }
    same("hlen", answer(keys.hlen(key))?, MANY)?;
    let mut met = BTreeMap::new();
    let mut cursor = 0;
    for _ in 0..MANY {
        let (next, some) = answer(keys.hscan(key, cursor))?;
        met.extend(some);
        cursor = next;
        if next == 0 {
            break;
        }
    }
    same("hscan meets all", met.len(), MANY)?;
    same(
        "with their values",
        met.values().all(|value| value == &[b'v'; 100]),
        true,
    )
}

fn streams(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, key) = (&mut *check.keys, check.name.events());
    let first = answer(keys.xadd(key, Some((5, 1)), &[(b"f", b"1")], 10))?;
    same("a given id", first, (5, 1))?;
    same(
        "an id that is not larger",
        keys.xadd(key, Some((5, 1)), &[(b"f", b"2")], 10).err(),
        Some(Error::Internal),
    )?;
    let mut last = first;
    for _ in 0..40 {
        let id = answer(keys.xadd(key, None, &[(b"f", b"\0\xff"), (b"", b"")], 10))?;
        same("ids grow", id > last, true)?;
        last = id;
    }
    answer(keys.ensure_type(key))?;
    same("del", keys.del(key), true)
}

fn whole_keys(check: &mut Check<'_>) -> Result<(), String> {
    let name = check.name;
    let (from, to) = (name.ready(5), check.dropped(Index::Ready(5)));
    same("del of nothing", check.keys.del(from), false)?;
    check.keys.rename(from, to);
    same("rename of nothing", check.keys.exists(to), false)?;
    answer(check.keys.set(to, b"old", &[]))?;
    check.rpush(&["a", "b"])?;
    answer(check.keys.ensure_type(from))?;
    check.keys.rename(from, to);
    same("the old key", check.keys.exists(from), false)?;
    same("the new key", answer(check.keys.lrange(to, 0, 9))?, bytes(&["a", "b"]))?;
    same("del after a walk", check.keys.del(to), true)?;
    same("is gone", check.keys.exists(to), false)?;
    answer(check.keys.ensure_type(to))
}

fn other_types(check: &mut Check<'_>) -> Result<(), String> {
    let (keys, name) = (&mut *check.keys, check.name);
    let (string, list, hash) = (name.task(b"1"), name.ready(5), name.queue());
    answer(keys.set(string, b"v", &[]))?;
    answer(keys.rpush(list, &[b"v"]))?;
    answer(keys.hset(hash, &[(b"f", b"v")]))?;
    let refused = |what: &str, found: Option<Error>| same(what, found, Some(Error::WrongType));
    answer(keys.set(name.workers(), b"v", &[]))?;
    refused("ensure_type", keys.ensure_type(name.workers()).err())?;
    refused("get", keys.get(list).err())?;
    refused("get_start", keys.get_start(list, 1).err())?;
    refused("set", keys.set(list, b"x", &[]).err())?;
    refused("set_start", keys.set_start(list, b"x").err())?;
    refused("llen", keys.llen(string).err())?;
    refused("rpush", keys.rpush(string, &[b"x"]).err())?;
    refused("lpush", keys.lpush(string, &[b"x"]).err())?;
    refused("lpop", keys.lpop(string).err())?;
    refused("lrange", keys.lrange(string, 0, 1).err())?;
    refused("lremove", keys.lremove(string, &[(0, b"a")]).err())?;
    refused("zcard", keys.zcard(hash).err())?;
    refused("zscore", keys.zscore(hash, b"x").err())?;
    refused("zadd", keys.zadd(hash, &[(1, b"x")]).err())?;
    refused("zrem", keys.zrem(hash, &[b"x"]).err())?;
    refused("zrem_lowest", keys.zrem_lowest(hash, &[(1, b"a".to_vec())]).err())?;
    refused("zlowest", keys.zlowest(hash, 1, 1).err())?;
    refused("zwalk", keys.zwalk(hash, None, false, 1).err())?;
    refused("zscan", keys.zscan(hash, 0).err())?;
    refused("hget", keys.hget(list, b"f").err())?;
    refused("hgetall", keys.hgetall(list).err())?;
    refused("hset", keys.hset(list, &[(b"f", b"x")]).err())?;
    refused("hdel", keys.hdel(list, &[b"f"]).err())?;
    refused("hlen", keys.hlen(list).err())?;
    refused("hscan", keys.hscan(list, 0).err())?;
    refused("zrank", keys.zrank(list, b"f").err())?;
    refused("xadd", keys.xadd(list, None, &[(b"f", b"x")], 9).err())?;
    same(
        "the string is as it was",
        answer(keys.get(string))?,
        Some(b"v".to_vec()),
    )?;
    same("the list too", answer(keys.lrange(list, 0, 9))?, bytes(&["v"]))?;
    same("and the hash", answer(keys.hget(hash, b"f"))?, Some(b"v".to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::fake::Fake;

    #[test]
    fn the_fake_keeps_the_contract() {
        let mut fake = Fake::default();
        run(&mut fake, &Name::new(0, b"q").unwrap()).unwrap();
        assert!(fake.keys.is_empty());
    }
}
