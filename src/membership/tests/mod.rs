//! Unit tests of membership, through commands on a world of the fake keyspace: one file per subject, and a random walk.

mod edited;
mod lead;
mod member;
mod memory;
mod reclaim;
mod time;
mod walk;

use std::collections::BTreeMap;

use crate::keyspace::fake::Value;
use crate::names::{Name, Touched};
use crate::task::tests::world::{self, Came, World, words};

pub(super) fn service() -> Name {
    Name::of_service(0, b"s").unwrap()
}

/// The value of a field of a map that `say` shows.
pub(super) fn of<'r>(reply: &'r str, field: &str) -> &'r str {
    let begins = |word: &&'r str| word.trim_start_matches('{').starts_with(&format!("{field}="));
    let word = reply
        .split(' ')
        .find(begins)
        .unwrap_or_else(|| panic!("no {field} in {reply}"));
    word.split_once('=').unwrap().1.trim_end_matches('}')
}

/// Registers a member and returns its token.
pub(super) fn register(world: &mut World, line: &str) -> String {
    let reply = world.say(&format!("PID.REGISTER s {line}"));
    assert_ne!(of(&reply, "token"), "null", "{reply}");
    of(&reply, "token").to_string()
}

/// Registers a member that wants to lead with this priority, and returns its token.
pub(super) fn candidate(world: &mut World, member: &str, priority: u16) -> String {
    let token = register(world, &format!("{member} 1"));
    world.say(&format!("HB.CAMPAIGN s {member} {token} PRIORITY {priority}"));
    token
}

pub(super) fn leader(world: &mut World) -> String {
    match world.say("HB.LEADER s") {
        nobody if nobody == "null" => nobody,
        leader => of(&leader, "member").to_string(),
    }
}

/// The stream: type, member and reason of each entry.
pub(super) fn events(world: &World) -> Vec<String> {
    let Some(Value::Stream(entries)) = world.keys.keys.get(b"proc:{s}:events".as_slice()) else {
        return Vec::new();
    };
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    let entry = |fields: &Vec<(Vec<u8>, Vec<u8>)>| {
        let names: Vec<String> = fields.iter().map(|(name, _)| text(name)).collect();
        assert_eq!(names, ["type", "member", "pid", "host", "epoch", "reason"]);
        [0, 1, 5]
            .map(|at: usize| text(&fields[at].1))
            .join(" ")
            .trim_end()
            .to_string()
    };
    entries.values().map(entry).collect()
}

/// The events since the last call.
pub(super) fn news(world: &mut World) -> Vec<String> {
    let news = events(world);
    world.keys.keys.remove(b"proc:{s}:events".as_slice());
    news
}

/// The answers that waiting clients got since the last call, with the number of their ticket.
pub(super) fn answers(world: &mut World) -> Vec<(u64, String)> {
    let told = |reply| match reply {
        Ok(reply) => world::show(&reply),
        Err(error) => format!("-{error}"),
    };
    world
        .answered
        .drain(..)
        .map(|answer| (answer.ticket, told(answer.reply)))
        .collect()
}

pub(super) fn wait(world: &mut World, connection: u64, line: &str) -> u64 {
    match world.run(Some(connection), &words(line)).unwrap() {
        Came::Waits(ticket) => ticket,
        Came::Reply(reply) => panic!("{reply:?}"),
    }
}

pub(super) fn hash<'w>(world: &'w mut World, key: &str) -> &'w mut BTreeMap<Vec<u8>, Vec<u8>> {
    match world.keys.keys.get_mut(key.as_bytes()) {
        Some(Value::Hash(fields)) => fields,
        other => panic!("{key}: {other:?}"),
    }
}

/// Changes a record as another client would.
pub(super) fn edit(world: &mut World, member: &str, json: Option<&str>) {
    let members = hash(world, "proc:{s}:members");
    match json {
        Some(json) => members.insert(member.into(), json.into()),
        None => members.remove(member.as_bytes()),
    };
    world.state.touched(&service(), Touched::Service);
}

pub(super) fn members(world: &World) -> Vec<String> {
    match world.keys.keys.get(b"proc:{s}:members".as_slice()) {
        Some(Value::Hash(fields)) => fields
            .keys()
            .map(|name| String::from_utf8(name.clone()).unwrap())
            .collect(),
        None => Vec::new(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn closed(world: &mut World, connection: u64) {
    world.state.disconnected(connection, world.steady, world.module.ttl);
}
