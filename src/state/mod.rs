//! What the module holds in memory. Everything here is derived from the keys or ephemeral by nature:
//! losing it loses no task.

mod dependents;
pub(crate) mod histories;
mod keeping;
mod names;
pub(crate) mod queue;
pub(crate) mod rest;
mod rounds;
pub(crate) mod sums;
pub(crate) mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use crate::membership::liveness::Reason;
use crate::membership::record::MemberName;
use crate::membership::service_state::ServiceState;
use crate::membership::services::Services;
use crate::names::{Id, MAX_TOKEN, Memories, Name, Position, Touched};
use crate::stalls::Stalls;
use crate::state::dependents::Dependents;
use crate::state::names::Names;
use crate::state::queue::claims::BoundClaim;
use crate::state::queue::{Ended, Loss, QueueState};
use crate::state::rest::{Past, Rest};
use crate::state::rounds::Rounds;
use crate::state::work::Work;
use crate::stats::{Durations, Totals};
use crate::time::{Ms, Steady, Wall};
use crate::waiting::{Granted, Ticket, Timeout, Waiter, Waiting};

/// Most cancelled tasks that the reply to one beat lists.
const MOST_CANCELLED: usize = 1_000;

/// Stored fences from here on, the year 2112 in µs, are not ours: after one of them too few would be left that a client
/// can represent exactly.
const LATEST_FENCE: u64 = MAX_TOKEN.unsigned_abs() / 2;

/// The memory of the module.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The queues in memory.
    queues: Memories<QueueState>,
    /// The members of the services.
    pub services: Services,
    /// All names, and when each next needs the timer.
    pub names: Names,
    rounds: Rounds,
    /// Clients that wait.
    pub waiting: Waiting,
    /// Which queues have tasks that wait for those of others.
    pub dependents: Dependents,
    /// What is left to be done at the end of this transaction.
    pub work: Work,
    /// What delays expiry.
    pub stalls: Stalls,
    /// The queues in which claimed tasks were cancelled: a heartbeat looks into no others.
    pub cancelling: BTreeSet<Name>,
    /// Claims bound to a connection, by their token.
    pub bound: HashMap<u64, BTreeMap<u64, BoundClaim>, RandomState>,
    /// The last id or fence given out.
    pub fence: u64,
    /// Counts over all queues.
    pub totals: Totals,
    /// Lateness over all queues.
    pub lateness: Durations,
    /// Entries under our keys that were not ours and were passed over.
    pub skipped_foreign: u64,
    /// What was passed over, to be logged at the end of the transaction.
    pub log_lines: Vec<String>,
    /// When counting began.
    pub since: Wall,
}

impl State {
    /// The next id or fence: larger than any before, in memory or `stored`, and near the time in µs.
    pub(crate) fn next_fence(&mut self, stored: u64, wall_us: u64) -> u64 {
        self.saw_fence(stored);
        self.fence = wall_us.max(self.fence + 1);
        self.fence
    }

    /// A fence that was given out earlier, perhaps by a server whose clock was ahead: the next ones are larger. One
    /// that is too large to be ours does not count.
    pub(crate) fn saw_fence(&mut self, stored: u64) {
        if stored < LATEST_FENCE {
            self.fence = self.fence.max(stored);
        }
    }

    /// The memory of a queue, created if there is none. It is measured soon: whoever asks for it may change its keys.
    pub(crate) fn queue(&mut self, name: &Name) -> &mut QueueState {
        let place = self.queues.place(name);
        match place.filter(|place| self.queues.at(*place).listed) {
            Some(place) => self.queues.at(place),
            None => self.list_queue(name),
        }
    }

    /// Counts something, in the totals of a queue and of all queues. Returns the memory of the queue.
    pub(crate) fn count(&mut self, name: &Name, add: impl Fn(&mut Totals)) -> &mut QueueState {
        add(&mut self.totals);
        let queue = self.queue(name);
        add(&mut queue.totals);
        queue
    }

    /// Brings a queue into memory, and in the line of those to be measured.
    #[cold]
    fn list_queue(&mut self, name: &Name) -> &mut QueueState {
        if self.queues.get(name).is_none() {
            self.make_room();
        }
        let State {
            queues, names, rounds, ..
        } = self;
        let place = queues.get_or_make(name, || names.take_queue(name, rounds.era));
        let queue = queues.at(place);
        if names.list(name) {
            rounds.touch(name);
        }
        queue.listed = true;
        queue
    }

    /// The memory of a service, created if there is none. It is measured soon.
    pub(crate) fn service(&mut self, name: &Name) -> &mut ServiceState {
        let State {
            services,
            names,
            rounds,
            ..
        } = self;
        let service = services.service(name);
        if !service.listed {
            service.listed = true;
            names.add(name);
            if names.list(name) {
                rounds.touch(name);
            }
        }
        service
    }

    /// Whether there may be a queue of this name.
    pub(crate) fn has_queue(&self, name: &Name) -> bool {
        self.queues.get(name).is_some() || self.names.has_queue(name)
    }

    /// The memory of a queue, if there is any.
    pub(crate) fn known_queue(&self, name: &Name) -> Option<&QueueState> {
        self.queues.get(name)
    }

    /// What happened in a queue since counting began.
    pub(crate) fn past(&self, name: &Name) -> Past<'_> {
        match self.queues.get(name) {
            Some(queue) => Past::of(queue),
            None => self.names.rest(name).map(Rest::past).unwrap_or_default(),
        }
    }

    /// The memory of a queue to change, if there is any.
    pub(crate) fn known_queue_mut(&mut self, name: &Name) -> Option<&mut QueueState> {
        self.queues.get_mut(name)
    }

    /// The names of database `db` from this position on. Some may have no keys any more.
    pub(crate) fn names_from(&self, db: i32, from: Position) -> impl Iterator<Item = &Name> {
        self.names.from(db, from)
    }

    /// Somebody else changed a key of the queue.
    pub(crate) fn touched(&mut self, name: &Name, what: Touched) {
        if matches!(what, Touched::Queue | Touched::Task) {
            for dependent in self.dependents.take(name) {
                self.touched_alone(&dependent, Touched::Task);
            }
        }
        self.touched_alone(name, what);
    }

    /// The same, without those whose tasks wait for some of its tasks.
    fn touched_alone(&mut self, name: &Name, what: Touched) {
        match what {
            Touched::Queue if self.queues.get(name).is_some() => self.queue(name).forget(),
            Touched::Queue => {
                if self.names.touch_queue(name) {
                    self.rounds.touch(name);
                }
            }
            Touched::Service => self.service(name).forget(),
            Touched::Task => {
                let may_block = match self.queues.get(name) {
                    Some(queue) => queue.maybe_blocked,
                    None => self.names.may_block(name),
                };
                let awaited = || self.waiting.listeners().any(name) && self.has_queue(name);
                if !(may_block || awaited()) {
                    return;
                }
                self.queue(name).forget_task();
            }
            Touched::History => return self.names.histories.touched(name),
            // Nothing is derived from them, but they may have been the last key.
            Touched::Events => {
                if self.names.list(name) {
                    self.rounds.touch(name);
                }
                return;
            }
        }
        self.names.wake_now(name);
    }

    /// Members of a service may be quiet no more: the timer serves those that wait for tasks.
    pub(crate) fn readmit_quiet(&mut self, service: &Name) {
        for queue in self.followers_with_clients(service) {
            self.waiting.readmit(&queue);
            self.names.wake_now(&queue);
            self.queue(&queue).rescan_targeted();
        }
    }

    /// The queues that follow a service and in which clients wait for tasks.
    pub(crate) fn followers_with_clients(&self, service: &Name) -> Vec<Name> {
        let followers = self.services.followers(service);
        followers
            .filter(|queue| self.waiting.count(queue) > 0)
            .cloned()
            .collect()
    }

    /// Whether a queue may have tasks that are not claimed and have not ended, as far as its keys were measured.
    pub(crate) fn may_have_tasks(&self, name: &Name) -> bool {
        let holds = self.names.holds(name).filter(|_| self.is_measured(name));
        holds.is_none_or(|holds| holds.scheduled + holds.ready + holds.blocked > 0)
    }

    /// The queue was dropped: it has no claims any more.
    pub(crate) fn emptied(&mut self, name: &Name) {
        let queue = self.queue(name);
        queue.start_over();
        queue.dropped = true;
        self.cancelling.remove(name);
        self.names.histories.remove(name);
        self.names.wake_now(name);
    }

    /// After a load or a promotion everything derived is derived again, and every lease and every TTL starts over at
    /// its full length. Connections from before are gone. With data, the latest grants of leadership may be lost, so
    /// new leaders wait, and those that lead get a new epoch.
    pub(crate) fn start_over(&mut self, now: Steady, with_data: bool) {
        self.services.reclaims_since = with_data.then_some(now);
        self.services.unbind_all(|_| true);
        for (name, service) in self.services.iter_mut() {
            service.start_over();
            service.renew_lead = true;
            self.names.wake_now(name);
        }
        self.bound.clear();
        self.cancelling.clear();
        self.names.histories.start_over();
        for (name, queue) in self.queues.iter_mut() {
            queue.start_over();
            self.names.wake_now(name);
        }
        self.rounds.start_over();
    }

    /// The database of the id `before` was emptied, and has a new id `now`: what is known of the old one counts no
    /// more. Clients that wait stay.
    pub(crate) fn flushed(&mut self, before: i32, now: i32) {
        let gone = |name: &Name| name.db == before;
        for claims in self.bound.values_mut() {
            claims.retain(|_, bound| !gone(&bound.queue));
        }
        self.services.unbind_all(gone);
        self.names.empty(before);
        self.move_waiting(|db| if db == before { now } else { db });
    }

    /// The databases of these ids were swapped: clients that wait stay where they are.
    pub(crate) fn swapped(&mut self, one: i32, other: i32) {
        self.move_waiting(|db| match db {
            db if db == one => other,
            db if db == other => one,
            db => db,
        });
    }

    /// Clients that wait for something in a database wait in this one from now on.
    fn move_waiting(&mut self, to: impl Fn(i32) -> i32) {
        for (name, what) in self.waiting.change_databases(to) {
            self.touched(&name, what);
        }
    }

    /// The databases with names, or with clients that wait for some.
    pub(crate) fn databases(&self) -> Vec<i32> {
        let mut databases = self.names.databases();
        databases.extend(self.waiting.names().map(|name| name.db));
        databases.sort_unstable();
        databases.dedup();
        databases
    }

    /// Records that `count` tasks of a queue became claimable `late` ms after their due time.
    pub(crate) fn record_lateness(&mut self, name: &Name, late: Ms, count: u64) {
        self.lateness.record(late, count);
        let queue = self.queue(name);
        queue.lateness.get_or_insert_default().record(late, count);
    }

    /// The timer comes to every name, in slices: moments were planned by a setting that has changed.
    pub(crate) fn wake_all(&mut self) {
        self.names.histories.touch_all();
        self.rounds.revisit();
    }

    /// Binds a claim to a connection.
    pub(crate) fn bind(&mut self, connection: u64, token: u64, claim: BoundClaim) {
        self.bound.entry(connection).or_default().insert(token, claim);
    }

    /// A member came back on this connection: its claims that were bound to an earlier one are bound to it now.
    pub(crate) fn rebind(&mut self, connection: u64, service: &Name, member: &MemberName) {
        self.services.bind(connection, service, member);
        let member = self.service(service).member_mut(member);
        let parked = member.map(|member| std::mem::take(&mut member.liveness.parked));
        for (token, claim) in parked.unwrap_or_default() {
            let queue = self.queues.get_mut(&claim.queue);
            if queue.is_some_and(|queue| queue.claims.tie(claim.worker, token, Some(connection))) {
                self.bind(connection, token, claim);
            }
        }
    }

    /// A claim that is bound to a connection is bound to this one now.
    pub(crate) fn move_claim(&mut self, name: &Name, (id, token): (Id, u64), worker: u32, connection: Option<u64>) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let before = queue.claims.get(worker, token).and_then(|held| held.connection);
        if let (Some(before), Some(connection)) = (before, connection) {
            queue.claims.tie(worker, token, Some(connection));
            self.unbind(before, token);
            let queue = name.clone();
            self.bind(connection, token, BoundClaim { queue, id, worker });
        }
    }

    /// A claim that was bound to a connection has ended.
    pub(crate) fn unbind(&mut self, connection: u64, token: u64) {
        if let Some(claims) = self.bound.get_mut(&connection) {
            claims.remove(&token);
            if claims.is_empty() {
                self.bound.remove(&connection);
            }
        }
    }

    /// A connection closed: members for which it was the last one die once their grace is over. Claims bound to it end
    /// now, those of such a member together with the member. Returns whether there was anything to do.
    pub(crate) fn disconnected(&mut self, connection: u64, now: Steady, default_ttl: Ms) -> bool {
        let away = self.services.disconnected(connection, now, default_ttl);
        for (name, member) in &away {
            let service = self.service(name);
            if service.member(member).is_some_and(|member| member.record.grace == 0) {
                service.dead.insert(member.clone(), Reason::Disconnect);
                self.names.wake_now(name);
            } else if let Some(next) = service.next() {
                self.names.wake_at_steady(name, next);
            }
        }
        let claims = self.bound.remove(&connection).unwrap_or_default();
        let any = !(away.is_empty() && claims.is_empty());
        for (token, claim) in claims {
            match self.member_of(&claim, &away) {
                Some((service, member)) => self.park(token, claim, &service, &member),
                None => {
                    let BoundClaim { queue, id, .. } = claim;
                    self.end(
                        &queue,
                        token,
                        Ended {
                            id,
                            lost: Some(Loss::Disconnect),
                        },
                    );
                }
            }
        }
        any
    }

    /// Which of these members is the worker of the claim.
    fn member_of(&self, claim: &BoundClaim, members: &[(Name, MemberName)]) -> Option<(Name, MemberName)> {
        let worker = self.queues.get(&claim.queue)?.workers.as_ref()?.name(claim.worker)?;
        let service = self.services.followed_by(&claim.queue);
        let is_worker = |(of, member): &&(Name, MemberName)| member.as_ref() == worker && of == service;
        members.iter().find(is_worker).cloned()
    }

    /// A bound claim outlives its connection while its member may still come back.
    fn park(&mut self, token: u64, claim: BoundClaim, service: &Name, member: &MemberName) {
        if let Some(queue) = self.queues.get_mut(&claim.queue) {
            queue.claims.tie(claim.worker, token, None);
        }
        if let Some(member) = self.service(service).member_mut(member) {
            member.liveness.parked.push((token, claim));
        }
    }

    /// A client begins to wait, which is a sign of life of the members bound to its connection. Returns its ticket, and
    /// when its wait ends: before their TTL does, so that those that are alive show it again.
    pub(crate) fn wait(&mut self, waiter: Waiter, now: Steady) -> (Ticket, Option<Steady>) {
        self.services.seen(waiter.connection, None, now);
        let shortest = self.services.shortest_ttl(waiter.connection).map(|ttl| ttl * 3 / 4);
        let asked = match waiter.timeout {
            Timeout::For(wait) => Some(wait),
            Timeout::Forever | Timeout::Sweep => None,
        };
        let longest = asked.into_iter().chain(shortest).min();
        (self.waiting.join(waiter), longest.map(|wait| now.after(wait)))
    }

    /// Takes back what was granted to a client that is gone: the timer ends a claim as if it were released, and a
    /// member as if it had deregistered.
    pub(crate) fn returned(&mut self, granted: Granted) {
        match granted {
            Granted::Claim { name, id, token } => self.end(&name, token, Ended { id, lost: None }),
            Granted::Member { service, member, token } => {
                let known = self.services.known_mut(&service);
                let is_it = |known: &&mut ServiceState| known.member(&member).is_some_and(|it| it.token == Some(token));
                if let Some(known) = known.filter(is_it) {
                    known.dead.insert(member, Reason::Left);
                    self.names.wake_now(&service);
                }
            }
        }
    }

    fn end(&mut self, name: &Name, token: u64, ended: Ended) {
        // A claim ends once: the first reason stays.
        self.queue(name).ended.entry(token).or_insert(ended);
        self.names.wake_now(name);
    }

    /// The cancelled tasks that a member of a service still has claimed as a worker, those of one queue in claim order;
    /// a thousand at most.
    pub(crate) fn cancelled_of(&self, service: &Name, member: &str) -> Vec<Id> {
        let queues = self.cancelling.iter();
        let queues = queues.filter(|queue| self.services.followed_by(queue) == service);
        let queues = queues.filter_map(|queue| self.queues.get(queue));
        let ids = queues.flat_map(|queue| queue.cancelled.of(member));
        ids.take(MOST_CANCELLED).cloned().collect()
    }

    /// Counts something under our keys that is not ours and was passed over; logged once per queue.
    pub(crate) fn log_skip(&mut self, name: &Name, what: &str) {
        self.skipped_foreign += 1;
        let text = format!("queue {}: passed over {what}", name.text().escape_default());
        let queue = self.queue(name);
        if !queue.logged {
            queue.logged = true;
            self.log_lines.push(text);
        }
    }

    /// The same for a service.
    pub(crate) fn log_skipped_member(&mut self, name: &Name, what: &str) {
        self.skipped_foreign += 1;
        let text = format!("service {}: passed over {what}", name.text().escape_default());
        let service = self.service(name);
        if !service.logged {
            service.logged = true;
            self.log_lines.push(text);
        }
    }

    /// Forgets a queue and a service of this name that have no keys, but perhaps a history. If keys appear, their keyspace
    /// events bring them back.
    pub(crate) fn forget(&mut self, name: &Name) {
        self.services.follow(name, None);
        self.services.forget(name);
        self.dependents.take(name);
        self.queues.remove(name);
        self.cancelling.remove(name);
        self.names.remove(name);
    }
}
