//! Unit test of histories nobody would think of: whatever members, clients and time do, the invariants hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::keyspace::EntryId;
use crate::keyspace::fake::Value;
use crate::membership::record::MemberRecord;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::names::Name;
use crate::task::tests::walk::Dice;
use crate::task::tests::world::{Came, World, queue, show, words};
use crate::time::{Ms, Steady};
use crate::tx::Tx;
use crate::waiting::Ticket;

/// After a hold a member is looked at again within this time, ms.
const LATE: Ms = 1_010;

/// What an observer from outside knows.
#[derive(Default)]
struct Seen {
    /// The last token each member got.
    tokens: BTreeMap<String, u64>,
    /// Its last sign of life that was certainly one.
    certain: BTreeMap<String, Steady>,
    /// Its last sign of life that was perhaps one.
    perhaps: BTreeMap<String, Steady>,
    /// The connections it is certainly bound to, and those it was perhaps once bound to.
    bound: BTreeMap<String, BTreeSet<u64>>,
    once_bound: BTreeMap<String, BTreeSet<u64>>,
    /// The clients that wait, and for which member.
    waits: BTreeMap<Ticket, (u64, String)>,
    /// The records of before the tick.
    before: BTreeMap<String, MemberRecord>,
    /// When the event loop last turned after a standstill.
    turned: Steady,
    event: EntryId,
    epoch: u64,
    leader: Option<String>,
    /// The largest token of before this transaction, those that were given out in it, and all tokens and epochs.
    token: u64,
    fresh: Vec<u64>,
    numbers: BTreeSet<u64>,
}

fn service() -> Name {
    queue("q")
}

fn number(reply: &str, field: &str) -> Option<u64> {
    let begins = |word: &&str| word.trim_start_matches('{').starts_with(&format!("{field}="));
    let word = reply.split(' ').find(begins)?;
    word.split_once('=')?.1.trim_end_matches('}').parse().ok()
}

fn members(world: &World) -> BTreeMap<String, MemberRecord> {
    match world.keys.keys.get(b"proc:{q}:members".as_slice()) {
        None => BTreeMap::new(),
        Some(Value::Hash(fields)) => {
            let record = |json: &Vec<u8>| MemberRecord::read(json).expect("a record");
            let text = |name: &Vec<u8>| String::from_utf8(name.clone()).unwrap();
            fields.iter().map(|(name, json)| (text(name), record(json))).collect()
        }
        other => panic!("{other:?}"),
    }
}

impl Seen {
    /// A reply to, or about, this member.
    fn reply(&mut self, world: &World, member: &str, line: &str, reply: &str) {
        let fails = reply.starts_with('-') || reply == "(waits)" || reply.contains("status=held");
        if let Some(token) = number(reply, "token").filter(|_| !reply.contains("status=resumed")) {
            assert!(token > self.token, "{line}: {reply}");
            assert!(self.numbers.insert(token));
            self.fresh.push(token);
            self.tokens.insert(member.into(), token);
        }
        let itself = ["HB.BEAT", "PID.REGISTER", "HB.CAMPAIGN", "HB.WITHDRAW", "HB.RESIGN"];
        if !fails && itself.iter().any(|command| line.starts_with(command)) {
            self.certain.insert(member.into(), world.steady);
        }
    }

    /// The clients that were told something in this transaction, which is over.
    fn answers(&mut self, world: &mut World) {
        for answered in std::mem::take(&mut world.answered) {
            if let Some((_, member)) = self.waits.remove(&answered.ticket) {
                let reply = answered
                    .reply
                    .map_or_else(|error| format!("-{error}"), |reply| show(&reply));
                self.reply(world, &member, "", &reply);
            }
        }
        self.token = self.fresh.drain(..).fold(self.token, u64::max);
    }

    /// The events since the last step.
    fn news(&mut self, world: &World) {
        let Some(Value::Stream(entries)) = world.keys.keys.get(b"proc:{q}:events".as_slice()) else {
            return;
        };
        let first = (self.event.0, self.event.1 + 1);
        for (id, fields) in entries.range(first..) {
            self.event = *id;
            let field = |at: usize| String::from_utf8(fields[at].1.clone()).unwrap();
            let (kind, member, reason) = (field(0), field(1), field(5));
            match kind.as_str() {
                "leader" => {
                    let epoch = field(4).parse().unwrap();
                    assert!(epoch > self.epoch && self.leader.is_none(), "{member} {epoch}");
                    assert!(self.numbers.insert(epoch));
                    (self.epoch, self.leader) = (epoch, Some(member));
                }
                "resigned" => assert_eq!(self.leader.take(), Some(member)),
                "down" => self.down(world, &member, &reason),
                "up" => {
                    self.certain.insert(member.clone(), world.steady);
                    self.perhaps.insert(member, world.steady);
                }
                _ => {}
            }
        }
    }

    fn down(&mut self, world: &World, member: &str, reason: &str) {
        if self.leader.as_deref() == Some(member) {
            self.leader = None;
        }
        let bound = self.bound.remove(member).unwrap_or_default();
        match reason {
            "ttl" => {
                let ttl = self.before[member].ttl;
                let silent = world.steady.since(self.certain[member]);
                assert!(ttl > 0 && silent >= ttl, "{member} was silent for {silent} of {ttl} ms");
                let waits = self.waits.values().any(|(connection, _)| bound.contains(connection));
                assert!(!waits, "a client of {member} waits");
            }
            "disconnect" => assert!(bound.is_empty(), "{member} is bound to {bound:?}"),
            _ => {}
        }
    }

    /// All that must hold at any moment after a tick.
    fn check(&mut self, world: &mut World) {
        let members = members(world);
        let head = match world.keys.keys.get(b"proc:{q}".as_slice()) {
            None => BTreeMap::new(),
            Some(Value::Hash(fields)) => fields.clone(),
            other => panic!("{other:?}"),
        };
        let text = |field: &str| {
            head.get(field.as_bytes())
                .map(|value| String::from_utf8(value.clone()).unwrap())
        };
        let leader = text("leader");
        assert_eq!(leader, self.leader);
        assert_eq!(text("epoch").map_or(0, |epoch| epoch.parse().unwrap()), self.epoch);
        assert!(leader.as_ref().is_none_or(|leader| members.contains_key(leader)));
        assert_eq!(leader.is_some(), head.contains_key(b"since_at".as_slice()));

        let line = match world.keys.keys.get(b"proc:{q}:candidates".as_slice()) {
            None => BTreeMap::new(),
            Some(Value::SortedSet(line)) => line.clone(),
            other => panic!("{other:?}"),
        };
        for candidate in line.keys() {
            let candidate = String::from_utf8(candidate.clone()).unwrap();
            assert!(members[&candidate].token.is_some(), "{candidate}");
            assert_ne!(leader.as_ref(), Some(&candidate));
        }
        let parts = ["", ":members", ":candidates", ":events"].map(|part| format!("proc:{{q}}{part}").into_bytes());
        let ours = |key: &&Vec<u8>| key.starts_with(b"proc:");
        assert!(world.keys.keys.keys().filter(ours).all(|key| parts.contains(key)));
        self.check_memory(world, &members, &line, leader.is_some());
        self.check_silent(world, &members);
        world.places();
    }

    fn check_memory(
        &self,
        world: &mut World,
        members: &BTreeMap<String, MemberRecord>,
        line: &BTreeMap<Vec<u8>, i64>,
        led: bool,
    ) {
        let context = world.context();
        let mut tx = Tx {
            keys: &mut world.keys,
            state: &mut world.state,
            context,
        };
        let left = Service::of(&mut tx, &service()).reclaim_left();
        // The window may have become shorter since its end was planned; whoever beats then sees that.
        let reclaims = left.unwrap() > 0 || world.state.services.reclaims_since.is_some();
        assert!(led || line.is_empty() || reclaims, "{line:?} without a leader");
        let Some(known) = world.state.services.known(&service()) else {
            assert!(members.is_empty());
            return;
        };
        assert!(known.loading == Loading::Done || members.is_empty());
        assert!(known.dead.is_empty());
        let remembered: BTreeMap<String, MemberRecord> = known
            .members_after(None)
            .map(|member| (member.name.to_string(), member.record.clone()))
            .collect();
        assert_eq!(&remembered, members);
        for member in known.members_after(None) {
            assert_eq!(member.is_candidate, line.contains_key(member.name.as_bytes()));
        }
        known.assert_planned(world.module.ttl, &world.state.stalls, world.steady);
        if let Some(next) = known.next() {
            let wait = world.state.wakeups.next(&context).expect("something to wake up for");
            // One that is held may be planned for a moment that has passed.
            assert!(wait <= next.since(world.steady).max(LATE));
        }
    }

    /// Nobody who was silent for too long is still there.
    fn check_silent(&self, world: &World, members: &BTreeMap<String, MemberRecord>) {
        let now = world.steady.after(-LATE);
        for (name, record) in members.iter().filter(|(_, record)| record.ttl > 0) {
            let connections = &self.once_bound.get(name).cloned().unwrap_or_default();
            if self
                .waits
                .values()
                .any(|(connection, _)| connections.contains(connection))
            {
                continue;
            }
            let deadline = self.perhaps[name].after(record.ttl);
            let over = deadline <= now && self.turned <= now;
            assert!(
                !(over && world.state.stalls.may_expire(now, deadline, record.ttl)),
                "{name} is silent since {:?}, now {now:?}",
                self.perhaps[name]
            );
        }
    }
}

/// A command somebody gives on one of these names, and the member it is about.
fn command(dice: &mut Dice, seen: &Seen) -> (String, String) {
    let member = format!("m{}", dice.roll(5));
    let other = format!("m{}", dice.roll(5));
    let token = match (seen.tokens.get(&member), dice.roll(12)) {
        (Some(token), 1..) => token.to_string(),
        (Some(token), 0) => (token - 1).to_string(),
        (None, _) => "7".into(),
    };
    let mut pick = |words: &[&str]| words[dice.roll(words.len())].to_string();
    let bind = pick(&["", "", " BIND", " BIND GRACE 400"]);
    let block = pick(&["", " BLOCK 0"]);
    let with = if pick(&["yes", "yes", "yes", "no"]) == "yes" {
        format!(" TOKEN {token}")
    } else {
        String::new()
    };
    let line = match pick(&[
        "beat", "beat", "beat", "register", "register", "lead", "go", "else", "task",
    ])
    .as_str()
    {
        "beat" => {
            let ttl = pick(&["", "", "", " TTL 300", " TTL 4000"]);
            let campaign = pick(&["", "", " CAMPAIGN", " CAMPAIGN PRIORITY 2"]);
            format!("HB.BEAT q {member}{with}{ttl}{bind}{campaign}")
        }
        "register" => {
            let ttl = pick(&["", " TTL 0", " TTL 500", " TTL 9000"]);
            let host = pick(&["", "", " HOST h BOOT 1", " HOST h BOOT 2"]);
            let exclusive = pick(&["", "", " EXCLUSIVE", " EXCLUSIVE BLOCK 0"]);
            format!("PID.REGISTER q {member} 5{ttl}{host}{bind}{exclusive}{with}")
        }
        "lead" => match pick(&["campaign", "campaign", "withdraw", "resign", "to"]).as_str() {
            "campaign" => format!("HB.CAMPAIGN q {member} {token} PRIORITY 1{block}"),
            "withdraw" => format!("HB.WITHDRAW q {member} {token}"),
            "resign" => format!("HB.RESIGN q {member} {token}"),
            _ => format!("HB.RESIGN q {member} {token} TO {other}"),
        },
        "go" => match pick(&["evict", "token", "pid"]).as_str() {
            "evict" => format!("PID.EVICT q {member}"),
            "token" => format!("PID.DEREGISTER q {member} TOKEN {token}"),
            _ => format!("PID.DEREGISTER q {member} PID 5"),
        },
        "else" => match pick(&["signal", "all", "up", "down", "get", "list", "leader"]).as_str() {
            "signal" => format!("HB.SIGNAL q {member} {}", pick(&["quiet", "none"])),
            "all" => format!("HB.SIGNAL q * {}", pick(&["stop", "none", "none"])),
            "up" => format!("PID.AWAIT q {member} UP{block}"),
            "down" => format!("PID.AWAIT q {member} DOWN{block}"),
            "get" => format!("PID.GET q {member}"),
            "list" => "PID.LIST q".into(),
            _ => "HB.LEADER q".into(),
        },
        _ => match pick(&["schedule", "schedule", "claim", "member", "bind"]).as_str() {
            "schedule" => "TASK.SCHEDULE q p".into(),
            "claim" => format!("TASK.CLAIM q {member} LEASE 700{block}"),
            "member" => format!("TASK.CLAIM q {member} LEASE MEMBER"),
            _ => format!("TASK.CLAIM q {member} BIND{block}"),
        },
    };
    (line, member)
}

fn say(world: &mut World, seen: &mut Seen, connection: u64, line: &str, member: &str) {
    if line.contains(" BIND") && !line.starts_with("TASK.") {
        seen.once_bound.entry(member.into()).or_default().insert(connection);
    }
    let reply = match world.run(Some(connection), &words(line)) {
        Ok(Came::Reply(reply)) => show(&reply),
        Ok(Came::Waits(ticket)) => {
            seen.waits.insert(ticket, (connection, member.into()));
            "(waits)".into()
        }
        Err(error) => format!("-{error}"),
    };
    seen.news(world);
    seen.reply(world, member, line, &reply);
    seen.answers(world);
    let binds = reply.contains("status=re") || reply.contains("role=");
    if binds && line.contains(" BIND") && !line.starts_with("TASK.") {
        seen.bound.entry(member.into()).or_default().insert(connection);
    }
    seen.perhaps.insert(member.into(), world.steady);
}

fn later(world: &mut World, ms: Ms) {
    world.wall = world.wall.after(ms);
    world.steady = world.steady.after(ms);
}

/// A standstill, its end, or more time.
fn time(dice: &mut Dice, world: &mut World, seen: &mut Seen) {
    let ms = [5, 5, 100, 100, 400, 400, 400, 3_000, 3_000, 15_000, 10_000_000][dice.roll(11)];
    let ms = dice.roll(ms) as Ms;
    match dice.roll(6) {
        0 => {
            later(world, ms);
            world.state.stalls.stalled(world.steady, ms);
        }
        1 => {
            world.state.stalls.freeze(world.steady);
            later(world, ms);
            world.state.stalls.thaw(world.steady);
        }
        2 => {
            world.state.stalls.turned(world.steady);
            world.state.stalls.turned(world.steady);
            seen.turned = world.steady;
        }
        _ => later(world, ms),
    }
}

/// The server starts anew: nobody waits or is bound any more, and everybody has its full time.
fn restart(world: &mut World, seen: &mut Seen) {
    later(world, 10);
    world.restart();
    world.state.fence = 0;
    world.tick();
    seen.waits.clear();
    seen.bound.clear();
    seen.once_bound.clear();
    for moment in seen.perhaps.values_mut().chain(seen.certain.values_mut()) {
        *moment = world.steady;
    }
}

#[test]
fn no_random_history_has_two_leaders_or_kills_who_lives_or_keeps_who_is_dead() {
    for seed in 0..50_u64 {
        eprintln!("seed {seed}");
        let mut dice = Dice(seed);
        let mut world = World::new();
        let mut seen = Seen::default();
        world.say("TASK.SCHEDULE q p");
        for _ in 0..250 {
            let waiting: Vec<(Ticket, u64)> = seen.waits.iter().map(|(ticket, (c, _))| (*ticket, *c)).collect();
            let connection = 1 + dice.roll(5) as u64;
            match dice.roll(16) {
                0..=3 => time(&mut dice, &mut world, &mut seen),
                4 => {
                    seen.waits.retain(|ticket, (waits, _)| {
                        let closes = *waits == connection;
                        if closes {
                            world.state.leave(*ticket, world.steady);
                        }
                        !closes
                    });
                    world.state.disconnected(connection, world.steady, world.module.ttl);
                    seen.bound.values_mut().for_each(|bound| {
                        bound.remove(&connection);
                    });
                }
                5 if !waiting.is_empty() => {
                    let (ticket, _) = waiting[dice.roll(waiting.len())];
                    world.state.leave(ticket, world.steady);
                    seen.waits.remove(&ticket);
                }
                6 if dice.roll(8) == 0 => restart(&mut world, &mut seen),
                _ if waiting.iter().any(|(_, waits)| *waits == connection) => {}
                _ => {
                    let (line, member) = command(&mut dice, &seen);
                    say(&mut world, &mut seen, connection, &line, &member);
                    alive(&mut seen, &[(0, connection)], world.steady);
                    alive(&mut seen, &waiting, world.steady);
                }
            }
            if dice.roll(3) == 0 {
                // More than one thing between two ticks.
                continue;
            }
            seen.before = members(&world);
            world.tick();
            seen.news(&world);
            seen.answers(&mut world);
            alive(&mut seen, &waiting, world.steady);
            seen.check(&mut world);
        }
    }
}

/// These connections gave a sign of life, perhaps.
fn alive(seen: &mut Seen, connections: &[(Ticket, u64)], now: Steady) {
    for (member, bound) in &seen.once_bound {
        if connections.iter().any(|(_, connection)| bound.contains(connection)) {
            seen.perhaps.insert(member.clone(), now);
        }
    }
}
