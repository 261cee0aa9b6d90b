//! The invariant of the stored data: every task is in exactly one place, and the counts are right.

use std::collections::BTreeMap;

use super::client::Client;
use super::record::Header;
use super::value::{Value, readable};

/// Everything stored of a queue, read in one step.
const SNAPSHOT: &str = "
    local base = ARGV[2]
    local records = {}
    for _, key in ipairs(redis.call('KEYS', base .. ':t:*')) do
        records[#records + 1] = {string.sub(key, #base + 4), redis.call('GETRANGE', key, 0, 55)}
    end
    local places = {}
    for priority = 0, 9 do
        places[#places + 1] = redis.call('LRANGE', base .. ':ready:' .. priority, 0, -1)
    end
    for _, set in ipairs({'scheduled', 'blocked', 'claimed', 'dead', 'done', 'targeted'}) do
        places[#places + 1] = redis.call('ZRANGE', base .. ':' .. set, 0, -1)
    end
    return {records, places, redis.call('TASK.STATS', ARGV[1])}";

/// What the keys of a queue begin with.
pub(crate) fn base(queue: &str) -> String {
    if queue.starts_with('{') {
        format!("task:{queue}")
    } else {
        format!("task:{{{queue}}}")
    }
}

/// The contents of the sets; a ready targeted task is in one too.
const SETS: [&str; 6] = ["scheduled", "blocked", "claimed", "dead", "done", "ready"];

/// Fails the test unless every task of the queue is in the place that its record says, and STATS is right. Not for a
/// queue with an unfinished DROP. Returns the ids of all tasks with their place.
#[track_caller]
pub(crate) fn check(client: &mut Client, queue: &str) -> BTreeMap<String, &'static str> {
    let snapshot = client.call_args(&["EVAL", SNAPSHOT, "0", queue, &base(queue)]);
    let records: BTreeMap<String, Header> = snapshot
        .item(0)
        .items()
        .iter()
        .map(|pair| (readable(pair.item(0).bytes()), Header::read(pair.item(1).bytes())))
        .collect();
    let mut places: BTreeMap<String, &'static str> = BTreeMap::new();
    let mut put = |id: String, place: &'static str| {
        let before = places.insert(id.clone(), place);
        assert_eq!(before, None, "{queue}: {id} is also in {place}");
    };
    for (at, ids) in snapshot.item(1).items().iter().enumerate() {
        let mut seen = Vec::new();
        for id in ids.items().iter().map(|id| readable(id.bytes())) {
            let header = records
                .get(&id)
                .unwrap_or_else(|| panic!("{queue}: {id} has no record"));
            if at >= 10 {
                put(id, SETS[at - 10]);
                continue;
            }
            assert!(
                !seen.contains(&id) || ids.items().len() > 10_000,
                "{queue}: {id} is twice in ready:{at}"
            );
            let stale = header.number("ghosts") >> at & 1 == 1;
            if ids.items().len() <= 10_000 {
                seen.push(id.clone());
            }
            if !stale {
                assert_eq!(
                    header.number("p"),
                    at as u64,
                    "{queue}: {id} is in the list of another priority"
                );
                put(id, "ready");
            }
        }
    }
    for (id, header) in &records {
        let place = places.get(id).copied().unwrap_or("no place");
        let right = match header.state {
            "waiting" => place == "ready" || place == "scheduled",
            "removed" => place == "no place" && header.number("ghosts") != 0,
            "cancelled" | "expired" => place == "done",
            state => place == state,
        };
        assert!(right, "{queue}: {id} is {} and in {place}", header.state);
    }
    let stats = snapshot.item(2);
    for state in ["scheduled", "ready", "blocked", "claimed", "done", "dead"] {
        let there = places.values().filter(|place| **place == state).count();
        assert_eq!(
            stats.field(&format!("{state}_tasks")),
            &Value::Int(there as i64),
            "{queue}: {state}"
        );
    }
    places
}
