//! The invariants of a queue and its service as far as they can be read: every index has the tasks whose own record says
//! so. The timer must be off, and no other client may call.

use std::collections::BTreeMap;

use super::client::Client;
use super::places;
use super::value::{Value, readable};

/// A task as TASK.LIST shows it, by its id.
type Tasks = BTreeMap<String, (&'static str, Value)>;

/// Fails the test unless all of them hold. Not for a queue with an unfinished DROP. Returns the ids of all tasks
/// with their place.
#[track_caller]
pub(crate) fn check(client: &mut Client, queue: &str) -> BTreeMap<String, &'static str> {
    let places = places::check(client, queue);
    let tasks = tasks(client, queue);
    let listed: BTreeMap<&String, &str> = tasks.iter().map(|(id, (state, _))| (id, *state)).collect();
    let there: BTreeMap<&String, &str> = places.iter().map(|(id, place)| (id, *place)).collect();
    assert_eq!(listed, there, "{queue}: TASK.LIST shows what is there");
    let base = places::base(queue);
    groups(client, queue, &tasks);
    workers(client, &base, &tasks);
    flags(client, &base, &tasks);
    for (child, _) in below(client, &base, "after").into_values().flatten() {
        match child.split_once("\\t") {
            None => assert_eq!(state(&tasks, &child), "blocked", "{base}: {child} waits for another"),
            Some((queue, id)) => assert_eq!(client.get(queue, id, "state"), "state 'blocked'", "{base}: {child}"),
        }
    }
    members(client, &base.replacen("task:", "proc:", 1));
    stats(client, queue, &places);
    places
}

/// TASK.QUEUES STATS counts what is there.
#[track_caller]
fn stats(client: &mut Client, queue: &str, places: &BTreeMap<String, &'static str>) {
    let page = client.must(&format!("TASK.QUEUES MATCH {queue} STATS"));
    let [stats] = page.item(1).items() else {
        assert!(places.is_empty(), "{queue} in {page}");
        return;
    };
    for state in ["scheduled", "ready", "blocked", "claimed", "dead", "done"] {
        let count = places.values().filter(|place| **place == state).count();
        let shown = stats.field(&format!("{state}_tasks")).int();
        assert_eq!(shown, count as i64, "{queue}: {state} in {stats}");
    }
}

/// All tasks of the queue.
#[track_caller]
fn tasks(client: &mut Client, queue: &str) -> Tasks {
    let mut tasks = Tasks::new();
    for state in ["scheduled", "ready", "blocked", "claimed", "dead", "done"] {
        let mut cursor = "0".to_string();
        loop {
            let page = client.must(&format!("TASK.LIST {queue} {state} COUNT 1000 CURSOR {cursor}"));
            for task in page.item(1).items() {
                let id = readable(task.field("id").bytes());
                assert!(
                    tasks.insert(id, (state, task.clone())).is_none(),
                    "{queue}: {task} is listed twice"
                );
            }
            cursor = page.item(0).text();
            if cursor == "0" {
                break;
            }
        }
    }
    tasks
}

fn state(tasks: &Tasks, id: &str) -> &'static str {
    tasks.get(id).map_or("gone", |(state, _)| *state)
}

fn field(tasks: &Tasks, id: &str, name: &str) -> Option<String> {
    match tasks.get(id)?.1.field(name) {
        Value::Bulk(bytes) => Some(readable(bytes)),
        _ => None,
    }
}

/// The sorted sets of a part, by what follows in their names, with ids and scores.
#[track_caller]
fn below(client: &mut Client, base: &str, part: &str) -> BTreeMap<String, Vec<(String, f64)>> {
    let prefix = format!("{base}:{part}:");
    let keys = client.must(&format!("KEYS {prefix}*"));
    let mut sets = BTreeMap::new();
    for key in keys.items() {
        let range: [&[u8]; 5] = [b"ZRANGE", key.bytes(), b"0", b"-1", b"WITHSCORES"];
        let pairs = client.call_args(&range);
        let pair = |pair: &Value| (readable(pair.item(0).bytes()), pair.item(1).text().parse().unwrap());
        let name = readable(&key.bytes()[prefix.len()..]);
        sets.insert(name, pairs.items().iter().map(pair).collect());
    }
    sets
}

/// Of each group as many as the limit allows have their turn, all others are blocked.
#[track_caller]
fn groups(client: &mut Client, queue: &str, tasks: &Tasks) {
    let base = &places::base(queue);
    let shown = client.must(&format!("TASK.CONFIG GET {queue} group-limit"));
    let limit: usize = shown
        .field("group-limit")
        .to_string()
        .trim_matches('\'')
        .parse()
        .unwrap();
    for (group, line) in below(client, base, "group") {
        let turns = line.iter().filter(|(_, place)| *place == 0.0).count();
        assert!(
            turns == limit || turns == line.iter().filter(|(_, place)| *place >= 0.0).count().min(limit),
            "{base}: {turns} of {group} have their turn"
        );
        for (id, place) in line {
            assert_eq!(field(tasks, &id, "group").as_ref(), Some(&group), "{base}: {id}");
            let state = state(tasks, &id);
            assert_eq!(place > 0.0, state == "blocked", "{base}: {id} of {group} is {state}");
            assert!(
                place >= 0.0 || state == "scheduled",
                "{base}: {id} of {group} is {state}"
            );
            assert!(!["dead", "done"].contains(&state), "{base}: {id} of {group} is {state}");
        }
    }
}

/// A targeted task is in the set of its worker until it is done.
#[track_caller]
fn workers(client: &mut Client, base: &str, tasks: &Tasks) {
    let sets = below(client, base, "to");
    for (worker, ids) in &sets {
        for (id, _) in ids {
            assert_eq!(field(tasks, id, "to").as_ref(), Some(worker), "{base}: {id}");
        }
    }
    for (id, (state, _)) in tasks.iter().filter(|(_, (state, _))| *state != "done") {
        let Some(worker) = field(tasks, id, "to") else { continue };
        let is_there = sets
            .get(&worker)
            .is_some_and(|ids| ids.iter().any(|(other, _)| other == id));
        assert!(is_there, "{base}: {id}, {state}, is not among those of {worker}");
    }
}

/// Unique keys and the ends of tasks that expire are those of tasks that are there.
#[track_caller]
fn flags(client: &mut Client, base: &str, tasks: &Tasks) {
    let unique = client.must(&format!("HGETALL {base}:unique"));
    let Value::Map(pairs) = unique else { panic!("{unique}") };
    for (key, id) in pairs {
        let (key, id) = (readable(key.bytes()), readable(id.bytes()));
        // One with a time may have outlived its task.
        if !id.contains("\\t") {
            assert_eq!(
                field(tasks, &id, "unique"),
                Some(key),
                "{base}: {id}, {}",
                state(tasks, &id)
            );
        }
    }
    let expiring = client.must(&format!("ZRANGE {base}:expiring 0 -1"));
    for id in expiring.items().iter().map(|id| readable(id.bytes())) {
        let state = state(tasks, &id);
        assert!(
            ["ready", "scheduled"].contains(&state),
            "{base}: {id}, which expires, is {state}"
        );
    }
}

/// A candidate is a member, and so is the leader.
#[track_caller]
fn members(client: &mut Client, base: &str) {
    let members = client.must(&format!("HKEYS {base}:members"));
    let candidates = client.must(&format!("ZRANGE {base}:candidates 0 -1"));
    let leader = client.must(&format!("HGET {base} leader"));
    let leader = Some(&leader).filter(|leader| **leader != Value::Null);
    for member in candidates.items().iter().chain(leader) {
        assert!(members.items().contains(member), "{base}: {member} is no member");
    }
}
