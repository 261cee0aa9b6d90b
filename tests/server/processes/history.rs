//! A long random history of a service: at every moment its events, read from the first, agree with its keys and its
//! commands.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Client, Random, Server, Value, wait_until};

const MEMBERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

struct History {
    random: Random,
    /// Tokens that were given out, also to members that have left.
    tokens: Vec<(String, i64)>,
    connections: Vec<Client>,
}

impl History {
    fn member(&mut self) -> &'static str {
        MEMBERS[self.random.below(MEMBERS.len())]
    }

    /// A member and a token that is or was its own.
    fn holder(&mut self) -> (String, i64) {
        let recent = self.tokens.len().saturating_sub(12);
        let recent = &self.tokens[recent..];
        if recent.is_empty() {
            return ("a".into(), 5);
        }
        self.random.pick(recent).clone()
    }

    fn some(&mut self, options: &[&str]) -> String {
        let mut words = String::new();
        for option in options {
            if self.random.once_in(3) {
                words.push(' ');
                words.push_str(option);
            }
        }
        words
    }

    fn command(&mut self) -> String {
        let ttl = *self.random.pick(&["TTL 100", "TTL 150", "TTL 60000"]);
        let boot = *self
            .random
            .pick(&["HOST h BOOT b1", "HOST h BOOT b2", "HOST i BOOT b1"]);
        let bind = *self.random.pick(&["BIND", "BIND GRACE 30"]);
        let (holder, token) = self.holder();
        let (member, pid) = (self.member(), 1 + self.random.below(9));
        match self.random.below(24) {
            0..=5 => {
                let options = self.some(&[ttl, boot, bind, "EXCLUSIVE"]);
                format!("PID.REGISTER s {member} {pid}{options}")
            }
            6 => {
                let options = self.some(&[ttl, boot, bind, "EXCLUSIVE"]);
                format!("PID.REGISTER s {holder} {pid} TOKEN {token}{options}")
            }
            7 => format!("PID.REGISTER s {member} {pid} TTL 60000 EXCLUSIVE BLOCK {}", 1 + pid),
            8..=9 => {
                let options = self.some(&[ttl, bind, "CAMPAIGN"]);
                format!("HB.BEAT s {member}{options}")
            }
            10..=12 => {
                let options = self.some(&[ttl, bind, "CAMPAIGN PRIORITY 3"]);
                format!("HB.BEAT s {holder} TOKEN {token}{options}")
            }
            13..=15 => {
                let options = self.some(&["PRIORITY 2", "BLOCK 2"]);
                format!("HB.CAMPAIGN s {holder} {token}{options}")
            }
            16 => format!("HB.WITHDRAW s {holder} {token}"),
            17..=18 => {
                let to = format!("TO {member}");
                let options = self.some(&[&to]);
                format!("HB.RESIGN s {holder} {token}{options}")
            }
            19 => format!("PID.DEREGISTER s {holder} TOKEN {token}"),
            20 => format!("PID.DEREGISTER s {member} PID {pid}"),
            21 => format!("PID.EVICT s {member}"),
            22 => format!(
                "HB.SIGNAL s {} {}",
                self.random.pick(&["a", "*"]),
                self.random.pick(&["go", "none"])
            ),
            _ => format!("PID.AWAIT s {member} DOWN BLOCK 3"),
        }
    }

    fn step(&mut self, server: &Server) {
        let words = self.command();
        let at = self.random.below(self.connections.len());
        if self.random.once_in(8) {
            self.connections[at] = server.client();
        }
        let reply = self.connections[at].call(&words);
        match &reply {
            Value::Error(text) => {
                let expected = ["NOMEMBER", "FENCED", "BADARG"].contains(&reply.code());
                assert!(expected, "{words}: {text}");
            }
            Value::Map(_) if !words.starts_with("HB.CAMPAIGN") => {
                if let Value::Int(token) = reply.field("token") {
                    let member = words.split(' ').nth(2).unwrap();
                    self.tokens.push((member.into(), *token));
                }
            }
            _ => {}
        }
    }
}

/// The state according to the events, read from the first.
#[derive(Default)]
struct Replayed {
    members: BTreeSet<String>,
    leader: Option<String>,
    epoch: i64,
}

impl Replayed {
    fn read(entries: &Value) -> Replayed {
        let mut replayed = Replayed::default();
        for entry in entries.items() {
            let fields = entry.item(1);
            let text = |name: &str| fields.field(name).text();
            let (member, shown) = (text("member"), entry.to_string());
            match text("type").as_str() {
                "up" => assert!(replayed.members.insert(member), "{shown}"),
                "down" => {
                    assert!(replayed.members.remove(&member), "{shown}");
                    if replayed.leader.as_ref() == Some(&member) {
                        replayed.leader = None;
                    }
                }
                "leader" => {
                    let epoch: i64 = text("epoch").parse().unwrap();
                    // One that leads may get a new epoch.
                    let is_free = replayed.leader.as_ref().is_none_or(|leader| *leader == member);
                    assert!(is_free && epoch > replayed.epoch, "{shown}");
                    assert!(replayed.members.contains(&member), "{shown}");
                    (replayed.leader, replayed.epoch) = (Some(member), epoch);
                }
                "resigned" => assert_eq!(replayed.leader.take(), Some(member), "{shown}"),
                "signal" => assert!(member == "*" || replayed.members.contains(&member), "{shown}"),
                other => panic!("{other}"),
            }
        }
        replayed
    }
}

/// Reads everything in one step and compares. Whether the line of candidates has a leader.
#[track_caller]
fn check(client: &mut Client) -> bool {
    client.must("MULTI");
    for words in [
        "XRANGE proc:{s}:events - +",
        "HGETALL proc:{s}:members",
        "HGETALL proc:{s}",
        "ZRANGE proc:{s}:candidates 0 -1",
        "HB.LEADER s",
        "PID.LIST s",
    ] {
        client.must(words);
    }
    let replies = client.call("EXEC");
    let replayed = Replayed::read(replies.item(0));
    let map = |at: usize| match replies.item(at) {
        Value::Map(pairs) => pairs.iter().map(|(key, value)| (key.text(), value.text())).collect(),
        other => panic!("{other}"),
    };
    let (members, head): (BTreeMap<String, String>, BTreeMap<String, String>) = (map(1), map(2));
    assert_eq!(members.keys().cloned().collect::<BTreeSet<_>>(), replayed.members);
    let listed = replies.item(5).item(1).items().iter();
    let roles: BTreeMap<String, String> = listed
        .map(|member| (member.field("member").text(), member.field("role").text()))
        .collect();
    assert_eq!(roles.keys().cloned().collect::<BTreeSet<_>>(), replayed.members);
    assert_eq!(head.get("leader"), replayed.leader.as_ref());
    assert_eq!(
        head.get("epoch").map_or(0, |epoch| epoch.parse().unwrap()),
        replayed.epoch
    );
    match (replies.item(4), &replayed.leader) {
        (Value::Null, None) => {}
        (leader, Some(name)) => {
            assert_eq!(
                (leader.field("member").text(), leader.field("epoch").int()),
                (name.clone(), replayed.epoch)
            );
        }
        (leader, None) => panic!("{leader} leads, and nobody as the events tell"),
    }
    let candidates: BTreeSet<String> = replies.item(3).items().iter().map(Value::text).collect();
    for (member, role) in &roles {
        let expected = match () {
            () if replayed.leader.as_ref() == Some(member) => "leader",
            () if candidates.contains(member) => "candidate",
            () => "member",
        };
        assert_eq!(role, expected, "{member}");
        assert!(
            role == "member" || members[member].contains("\"token\":"),
            "{member}: {}",
            members[member]
        );
    }
    assert!(candidates.is_subset(&replayed.members));
    assert!(
        replayed
            .leader
            .as_ref()
            .is_none_or(|leader| !candidates.contains(leader))
    );
    replayed.leader.is_some() || candidates.is_empty()
}

#[test]
fn the_events_of_a_random_life_tell_what_the_keys_say() {
    let mut server = Server::builder()
        .append_always()
        .set("appendfsync", "no")
        .set("steward.events", "1000000")
        .start();
    let mut client = server.client();
    let mut history = History {
        random: Random::new(20_261_121),
        tokens: Vec::new(),
        connections: (0..4).map(|_| server.client()).collect(),
    };
    for _ in 0..200 {
        for _ in 0..20 {
            history.step(&server);
        }
        wait_until("who stands in the line is led", || check(&mut client));
    }
    let events: Vec<String> = client.events("s");
    for reason in ["ttl", "disconnect", "evicted", "left", "reboot", "replaced"] {
        let end = format!("reason={reason}");
        assert!(
            events
                .iter()
                .any(|line| line.starts_with("down") && line.ends_with(&end)),
            "{reason}"
        );
    }
    let leads = events.iter().filter(|line| line.starts_with("leader")).count();
    assert!(leads > 40, "{leads}");
    client.must("CONFIG SET steward.timer no");
    let digest = client.digest();
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    assert_eq!(server.client().digest(), digest);
}
