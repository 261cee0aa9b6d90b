//! What an outside observer knows of a service, and the invariants that must hold at any moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::keyspace::EntryId;
use crate::keyspace::fake::Value;
use crate::membership::record::MemberRecord;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::names::Name;
use crate::task::tests::world::{World, queue, show};
use crate::time::{Ms, Steady};
use crate::tx::Tx;
use crate::waiting::Ticket;

/// A postponed member is checked again within this time, ms.
const LATE: Ms = 1_010;

/// What an outside observer knows.
#[derive(Default)]
pub(super) struct Seen {
    /// The last token each member got.
    pub(super) tokens: BTreeMap<String, u64>,
    /// Its last certain heartbeat.
    pub(super) certain: BTreeMap<String, Steady>,
    /// Its last possible heartbeat.
    pub(super) perhaps: BTreeMap<String, Steady>,
    /// The connections it is certainly bound to, and those it may once have been bound to.
    pub(super) bound: BTreeMap<String, BTreeSet<u64>>,
    pub(super) once_bound: BTreeMap<String, BTreeSet<u64>>,
    /// The clients that wait, and for which member.
    pub(super) waits: BTreeMap<Ticket, (u64, String)>,
    /// The records before the timer ran.
    pub(super) before: BTreeMap<String, MemberRecord>,
    /// When the event loop last turned after a standstill.
    pub(super) turned: Steady,
    pub(super) event: EntryId,
    pub(super) epoch: u64,
    pub(super) leader: Option<String>,
    /// The largest token before this transaction, those that were given out in it, and all tokens and epochs.
    pub(super) token: u64,
    pub(super) fresh: Vec<u64>,
    pub(super) numbers: BTreeSet<u64>,
}

pub(super) fn service() -> Name {
    queue("q")
}

pub(super) fn number(reply: &str, field: &str) -> Option<u64> {
    let begins = |word: &&str| word.trim_start_matches('{').starts_with(&format!("{field}="));
    let word = reply.split(' ').find(begins)?;
    word.split_once('=')?.1.trim_end_matches('}').parse().ok()
}

pub(super) fn members(world: &World) -> BTreeMap<String, MemberRecord> {
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
    pub(super) fn reply(&mut self, world: &World, member: &str, line: &str, reply: &str) {
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

    /// The clients that were answered in this transaction, which is over.
    pub(super) fn answers(&mut self, world: &mut World) {
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
    pub(super) fn news(&mut self, world: &World) {
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
                    // One that leads may get a new epoch.
                    let is_free = self.leader.as_ref().is_none_or(|leader| *leader == member);
                    assert!(epoch > self.epoch && is_free, "{member} {epoch}");
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
            }
            "disconnect" => assert!(bound.is_empty(), "{member} is bound to {bound:?}"),
            _ => {}
        }
    }

    /// Everything that must hold whenever the timer has run.
    pub(super) fn check(&mut self, world: &mut World) {
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
        // The window may have become shorter since its end was planned; the next heartbeat notices that.
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
            let wait = world.state.names.next(&context).expect("something to wake up for");
            // A postponed one may be planned for a moment that has passed.
            assert!(wait <= next.since(world.steady).max(LATE));
        }
    }

    /// No member that was silent for too long is still there.
    fn check_silent(&self, world: &World, members: &BTreeMap<String, MemberRecord>) {
        let now = world.steady.after(-LATE);
        for (name, record) in members.iter().filter(|(_, record)| record.ttl > 0) {
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
