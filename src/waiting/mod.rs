//! Blocked clients: they wait for a task, for the end of one, for the leadership of a service, or for a member to come
//! or go. First come, first served, however many clients, queues or services there are.

mod listeners;
pub(crate) mod result_wait;
mod ticket;
mod workers;

use std::collections::{BTreeSet, HashMap};

pub(crate) use listeners::Listeners;
pub(crate) use ticket::Ticket;
use workers::Workers;

use crate::context::Caller;
use crate::error::Error;
use crate::membership::record::MemberName;
use crate::membership::registration::Registration;
use crate::names::{ByName, Id, Name, Touched};
use crate::reply::Reply;
use crate::time::Ms;
use crate::waiting::result_wait::{ResultWait, TaskEnd};

/// How long a claim lasts, if the client says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// That long, in ms.
    For(Ms),
    /// As long as the worker is a member of the service that the queue follows.
    Member,
}

/// What a client that claims asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimRequest {
    /// The worker that claims.
    pub worker: String,
    /// Most tasks.
    pub count: usize,
    /// The lease; it takes precedence over the task's and the queue's.
    pub lease: Option<Lease>,
    /// The connection the claims are bound to.
    pub bind: Option<u64>,
    /// Whether each task is shown in full.
    pub full: bool,
    /// Whether each task's map starts with its queue.
    pub named: bool,
}

/// A client that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// Its connection.
    pub connection: u64,
    /// What it waits for.
    pub wait_for: WaitFor,
    /// How long it waits.
    pub timeout: Timeout,
}

/// What a client waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// Tasks of the first of these queues, in the order they were given, that has some.
    Tasks(Vec<Name>, ClaimRequest),
    /// This candidate becomes the leader of the service.
    Lead(Name, MemberName),
    /// The client becomes the exclusive holder of the service; the number is its place in the line of candidates.
    Hold(Name, Box<Registration>, i64),
    /// This member of the service is there (`true`), or gone.
    Member(Name, MemberName, bool),
    /// The ends of tasks of the queue.
    Results(Name, Box<ResultWait>),
}

impl WaitFor {
    /// The queues or the service it is about.
    pub(crate) fn names(&self) -> &[Name] {
        match self {
            WaitFor::Tasks(names, _) => names,
            WaitFor::Lead(name, _)
            | WaitFor::Hold(name, ..)
            | WaitFor::Member(name, ..)
            | WaitFor::Results(name, _) => std::slice::from_ref(name),
        }
    }
}

impl WaitFor {
    fn names_mut(&mut self) -> &mut [Name] {
        match self {
            WaitFor::Tasks(names, _) => names,
            WaitFor::Lead(name, _)
            | WaitFor::Hold(name, ..)
            | WaitFor::Member(name, ..)
            | WaitFor::Results(name, _) => std::slice::from_mut(name),
        }
    }

    /// Whether it is about a queue or about a service.
    fn touched(&self) -> Touched {
        match self {
            WaitFor::Tasks(..) | WaitFor::Results(..) => Touched::Queue,
            WaitFor::Lead(..) | WaitFor::Hold(..) | WaitFor::Member(..) => Touched::Service,
        }
    }
}

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// That long, in ms.
    For(Ms),
    /// Until it gets something.
    Forever,
    /// Only until the timer has removed the ghosts and it is clear whether anything is ready behind them.
    Sweep,
}

impl Timeout {
    /// What BLOCK says; `None` without it, and in MULTI or a script, where clients cannot wait.
    pub(crate) fn asked(block: Option<Ms>, caller: &Caller<'_>) -> Option<Timeout> {
        Some(match block.filter(|_| caller.may_wait)? {
            0 => Timeout::Forever,
            block => Timeout::For(block),
        })
    }
}

/// Whose turn it is in a line of clients that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The one that has waited longest, of those that came after this one.
    After(Ticket),
    /// The one that was heard from last, of those that came before this one.
    Before(Ticket),
}

impl Turn {
    fn of(self, line: &BTreeSet<Ticket>) -> Option<Ticket> {
        let next = match self {
            Turn::After(passed) => line.range(passed + 1..).next(),
            Turn::Before(passed) => line.range(..passed).next_back(),
        };
        next.copied()
    }

    /// The turn after that of this client.
    pub(crate) fn past(self, ticket: Ticket) -> Turn {
        match self {
            Turn::After(_) => Turn::After(ticket),
            Turn::Before(_) => Turn::Before(ticket),
        }
    }
}

/// What a waiting client was granted. It is taken back if the client turns out to be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// A claim.
    Claim {
        /// The queue of the task.
        name: Name,
        /// The task.
        id: Id,
        /// The fencing token of the claim.
        token: u64,
    },
    /// A registration; only this client knows its token.
    Member {
        /// The service.
        service: Name,
        /// The member.
        member: MemberName,
        /// Its token.
        token: u64,
    },
}

#[cfg(test)]
impl Granted {
    /// The task of a claim.
    pub(crate) fn task(&self) -> &[u8] {
        match self {
            Granted::Claim { id, .. } => id,
            Granted::Member { .. } => panic!("a member: {self:?}"),
        }
    }
}

/// The end of a wait: the reply to the client, and what was granted with it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Whose wait it was.
    pub ticket: Ticket,
    /// The reply.
    pub reply: Result<Reply, Error>,
    /// What the client was granted.
    pub granted: Vec<Granted>,
}

/// All waiting clients.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    last: Ticket,
    waiters: HashMap<Ticket, Waiter>,
    /// Those that wait for tasks of a queue.
    claimers: ByName<BTreeSet<Ticket>>,
    /// Those of them whose workers are quiet: out of the line, so that nobody has to walk past them.
    quiet: ByName<BTreeSet<Ticket>>,
    /// The same by worker, where targeted tasks may be ready.
    workers: Workers,
    /// Those that request to be the exclusive holder of a service.
    holders: ByName<BTreeSet<Ticket>>,
    /// Those that wait for something about a member.
    watchers: ByName<HashMap<MemberName, BTreeSet<Ticket>>>,
    /// Those that wait for the end of a task.
    listeners: Listeners,
    /// Those that wait only for the timer to remove ghosts; few, and never for long.
    until_sweep: BTreeSet<Ticket>,
    answered: Vec<Answer>,
}

impl Waiting {
    /// Puts a client at the end of the line of whatever it waits for.
    pub(crate) fn join(&mut self, waiter: Waiter) -> Ticket {
        self.last += 1;
        self.put(self.last, waiter);
        self.last
    }

    fn put(&mut self, ticket: Ticket, waiter: Waiter) {
        match &waiter.wait_for {
            WaitFor::Tasks(names, request) => {
                for name in names {
                    self.claimers.entry(name.clone()).or_default().insert(ticket);
                    self.workers.join(name, &request.worker, ticket);
                }
            }
            WaitFor::Hold(name, ..) => {
                self.holders.entry(name.clone()).or_default().insert(ticket);
            }
            WaitFor::Lead(name, member) | WaitFor::Member(name, member, _) => {
                let watchers = self.watchers.entry(name.clone()).or_default();
                watchers.entry(member.clone()).or_default().insert(ticket);
            }
            WaitFor::Results(name, ends) => self.listeners.add(name, ends.ids(), ticket),
        }
        if waiter.timeout == Timeout::Sweep {
            self.until_sweep.insert(ticket);
        }
        self.waiters.insert(ticket, waiter);
    }

    /// Clients that wait for something in a database wait in this one from now on, each in its old place. Returns what
    /// they wait for now.
    pub(crate) fn change_databases(&mut self, to: impl Fn(i32) -> i32) -> Vec<(Name, Touched)> {
        let moves = |waiter: &Waiter| waiter.wait_for.names().iter().any(|name| to(name.db) != name.db);
        let all = self.waiters.iter();
        let tickets: Vec<Ticket> = all
            .filter(|(_, waiter)| moves(waiter))
            .map(|(ticket, _)| *ticket)
            .collect();
        let mut moved = Vec::new();
        for ticket in tickets {
            let Some(mut waiter) = self.leave(ticket) else {
                continue;
            };
            let touched = waiter.wait_for.touched();
            for name in waiter.wait_for.names_mut() {
                name.db = to(name.db);
                moved.push((name.clone(), touched));
            }
            self.put(ticket, waiter);
        }
        moved
    }

    /// Takes a client out of every line: it was served, gave up or went away.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.until_sweep.remove(&ticket);
        match &waiter.wait_for {
            WaitFor::Tasks(names, request) => {
                for name in names {
                    step_out(&mut self.claimers, name, ticket);
                    step_out(&mut self.quiet, name, ticket);
                    self.workers.leave(name, &request.worker, ticket);
                }
            }
            WaitFor::Hold(name, ..) => step_out(&mut self.holders, name, ticket),
            WaitFor::Lead(name, member) | WaitFor::Member(name, member, _) => {
                if let Some(watchers) = self.watchers.get_mut(name) {
                    if let Some(line) = watchers.get_mut(member) {
                        line.remove(&ticket);
                        if line.is_empty() {
                            watchers.remove(member);
                        }
                    }
                    if watchers.is_empty() {
                        self.watchers.remove(name);
                    }
                }
            }
            WaitFor::Results(name, ends) => self.listeners.remove(name, ends.ids(), ticket),
        }
        Some(waiter)
    }

    /// Takes a client whose worker is quiet out of the line for tasks of the queue.
    pub(crate) fn set_aside(&mut self, queue: &Name, ticket: Ticket) {
        step_out(&mut self.claimers, queue, ticket);
        self.quiet.entry(queue.clone()).or_default().insert(ticket);
    }

    /// Puts all clients whose workers were quiet back in their places in the line.
    pub(crate) fn readmit(&mut self, queue: &Name) {
        if let Some(mut quiet) = self.quiet.remove(queue) {
            self.claimers.entry(queue.clone()).or_default().append(&mut quiet);
        }
    }

    /// What a client waits for.
    pub(crate) fn wait_for(&self, ticket: Ticket) -> Option<&WaitFor> {
        self.waiters.get(&ticket).map(|waiter| &waiter.wait_for)
    }

    /// The client whose turn it is among those that wait for tasks of the queue.
    pub(crate) fn next(&self, queue: &Name, turn: Turn) -> Option<(Ticket, &ClaimRequest)> {
        self.claimer(turn.of(self.claimers.get(queue)?)?)
    }

    /// The clients that wait for tasks of the queue, those of quiet workers last.
    pub(crate) fn claimers_of(&self, queue: &Name) -> impl Iterator<Item = (Ticket, &ClaimRequest)> {
        let line = self.claimers_in(queue).flatten();
        line.filter_map(|ticket| self.claimer(*ticket))
    }

    /// The same as `next`, among those of this worker.
    pub(crate) fn next_of(&mut self, queue: &Name, worker: &str, turn: Turn) -> Option<(Ticket, &ClaimRequest)> {
        if !self.claimers.contains_key(queue) {
            return None;
        }
        if !self.workers.knows(queue) {
            let all: Vec<(Ticket, String)> = self
                .claimers_of(queue)
                .map(|(ticket, request)| (ticket, request.worker.clone()))
                .collect();
            self.workers.learn(queue, all.into_iter());
        }
        let ticket = turn.of(self.workers.of(queue, worker)?)?;
        self.claimer(ticket)
    }

    /// The line for tasks of the queue, and those out of it.
    fn claimers_in(&self, queue: &Name) -> impl Iterator<Item = &BTreeSet<Ticket>> {
        [self.claimers.get(queue), self.quiet.get(queue)].into_iter().flatten()
    }

    fn claimer(&self, ticket: Ticket) -> Option<(Ticket, &ClaimRequest)> {
        match self.wait_for(ticket) {
            Some(WaitFor::Tasks(_, request)) => Some((ticket, request)),
            _ => None,
        }
    }

    /// The client that has waited longest to be the exclusive holder, with its place in the line of candidates.
    pub(crate) fn first_holder(&self, service: &Name) -> Option<(Ticket, &Registration, i64)> {
        let ticket = self.holders.get(service)?.first()?;
        match self.wait_for(*ticket) {
            Some(WaitFor::Hold(_, registration, place)) => Some((*ticket, registration, *place)),
            _ => None,
        }
    }

    /// The clients that wait to become the exclusive holder and are already registered as this member.
    pub(crate) fn holders_as(&self, service: &Name, member: &str) -> Vec<(Ticket, Registration)> {
        let line = self.holders.get(service).into_iter().flatten();
        line.filter_map(|ticket| match self.wait_for(*ticket) {
            Some(WaitFor::Hold(_, registration, _))
                if registration.token.is_some() && registration.member.as_ref() == member =>
            {
                Some((*ticket, registration.as_ref().clone()))
            }
            _ => None,
        })
        .collect()
    }

    /// The clients that wait for something about a member.
    pub(crate) fn watchers_of(&self, service: &Name, member: &str) -> Vec<Ticket> {
        self.watchers
            .get(service)
            .and_then(|watchers| watchers.get(member))
            .map(|line| line.iter().copied().collect())
            .unwrap_or_default()
    }

    /// The members of a service about which somebody waits for something.
    pub(crate) fn watched(&self, service: &Name) -> Vec<MemberName> {
        let watchers = self.watchers.get(service);
        watchers
            .map(|watchers| watchers.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The clients that wait for the ends of tasks.
    pub(crate) fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// Records the end of a task, or that there is no such task, for all clients that wait for it. Returns those that
    /// can be answered now, in the order they came, with their replies.
    pub(crate) fn ended(
        &mut self,
        queue: &Name,
        id: &[u8],
        end: Option<&TaskEnd>,
    ) -> Vec<(Ticket, Result<Reply, Error>)> {
        let mut heard = Vec::new();
        for ticket in self.listeners.take(queue, id) {
            let waiter = self.waiters.get_mut(&ticket);
            if let Some(WaitFor::Results(_, ends)) = waiter.map(|waiter| &mut waiter.wait_for) {
                ends.record(id, end);
                if ends.has_quorum() {
                    heard.push((ticket, ends.reply()));
                }
            }
        }
        heard
    }

    /// Whether anybody waits for something of this name.
    pub(crate) fn any(&self, name: &Name) -> bool {
        self.count(name) > 0
            || self.holders.contains_key(name)
            || self.watchers.contains_key(name)
            || self.listeners.any(name)
    }

    /// Whether anybody waits for tasks of the queue, or for the end of one.
    pub(crate) fn any_for_tasks(&self, queue: &Name) -> bool {
        !self.waiters.is_empty() && (self.count(queue) > 0 || self.listeners.any(queue))
    }

    /// How many wait for tasks of the queue.
    pub(crate) fn count(&self, queue: &Name) -> usize {
        self.claimers_in(queue).map(BTreeSet::len).sum()
    }

    /// How many wait in all.
    #[cfg(test)]
    pub(crate) fn total(&self) -> usize {
        self.waiters.len()
    }

    /// The clients that wait for tasks of the queue only until the timer has removed the ghosts.
    pub(crate) fn waiting_for_sweep(&self, queue: &Name) -> Vec<Ticket> {
        let waits = |ticket: &Ticket| {
            self.wait_for(*ticket)
                .is_some_and(|wait_for| wait_for.names().contains(queue))
        };
        self.until_sweep.iter().copied().filter(waits).collect()
    }

    /// The queues or the service a client waits for.
    pub(crate) fn names_of(&self, ticket: Ticket) -> Vec<Name> {
        self.wait_for(ticket)
            .map(|wait_for| wait_for.names().to_vec())
            .unwrap_or_default()
    }

    /// Everybody who waits for something of this name.
    pub(crate) fn all(&self, name: &Name) -> Vec<Ticket> {
        let watchers = self.watchers.get(name).into_iter().flat_map(HashMap::values);
        let lines = self.claimers_in(name).chain(self.holders.get(name)).chain(watchers);
        let lines = lines.flatten().copied();
        // A client that waits for several tasks is in several lines.
        let all: BTreeSet<Ticket> = lines.chain(self.listeners.all(name)).collect();
        all.into_iter().collect()
    }

    /// Ends a client's wait; the edge delivers the answer when the transaction is over.
    pub(crate) fn answer(&mut self, ticket: Ticket, reply: Result<Reply, Error>, granted: Vec<Granted>) {
        if self.leave(ticket).is_some() {
            self.notify(ticket, reply, granted);
        }
    }

    /// The same for a client that was taken out of its line before.
    pub(crate) fn notify(&mut self, ticket: Ticket, reply: Result<Reply, Error>, granted: Vec<Granted>) {
        self.answered.push(Answer { ticket, reply, granted });
    }

    /// The answers of this transaction, to be delivered.
    pub(crate) fn take_answered(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answered)
    }

    /// The names that somebody waits for.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        let services = self.holders.keys().chain(self.watchers.keys());
        let claimers = self.claimers.keys().chain(self.quiet.keys());
        claimers.chain(services).chain(self.listeners.queues())
    }
}

fn step_out(lines: &mut ByName<BTreeSet<Ticket>>, name: &Name, ticket: Ticket) {
    if let Some(line) = lines.get_mut(name) {
        line.remove(&ticket);
        if line.is_empty() {
            lines.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(names: &[&str]) -> Waiter {
        let names = names.iter().map(|name| Name::new(0, name.as_bytes()).unwrap());
        let request = ClaimRequest {
            worker: "w".into(),
            count: 1,
            lease: None,
            bind: None,
            full: false,
            named: false,
        };
        Waiter {
            connection: 1,
            wait_for: WaitFor::Tasks(names.collect(), request),
            timeout: Timeout::Forever,
        }
    }

    #[test]
    fn one_client_stands_in_many_lines_and_leaves_them_all() {
        let mut waiting = Waiting::default();
        let (a, b) = (Name::new(0, b"a").unwrap(), Name::new(0, b"b").unwrap());
        let first = waiting.join(waiter(&["a", "b"]));
        let second = waiting.join(waiter(&["b"]));
        assert_eq!(waiting.next(&b, Turn::After(0)).map(|(ticket, _)| ticket), Some(first));
        waiting.answer(first, Ok(Reply::Null), Vec::new());
        assert!(!waiting.any(&a));
        assert_eq!(waiting.next(&b, Turn::After(0)).map(|(ticket, _)| ticket), Some(second));
        assert_eq!(waiting.take_answered().len(), 1);
        assert_eq!(waiting.total(), 1);
    }

    #[test]
    fn a_client_is_found_by_its_worker_from_the_first_time_that_is_asked() {
        let mut waiting = Waiting::default();
        let (a, b) = (Name::new(0, b"a").unwrap(), Name::new(0, b"b").unwrap());
        let first = waiting.join(waiter(&["a", "b"]));
        let found = |waiting: &mut Waiting, queue: &Name, worker: &str, passed| {
            let next = waiting.next_of(queue, worker, Turn::After(passed));
            next.map(|(ticket, _)| ticket)
        };
        assert_eq!(found(&mut waiting, &a, "v", 0), None);
        let second = waiting.join(waiter(&["a"]));
        assert_eq!(found(&mut waiting, &a, "w", 0), Some(first));
        assert_eq!(found(&mut waiting, &a, "w", first), Some(second));
        let latest = waiting.next_of(&a, "w", Turn::Before(Ticket::MAX));
        assert_eq!(latest.map(|(ticket, _)| ticket), Some(second));
        assert_eq!(found(&mut waiting, &b, "w", first), None);
        waiting.leave(first);
        assert_eq!(found(&mut waiting, &a, "w", 0), Some(second));
        waiting.leave(second);
        assert!(!waiting.workers.knows(&a) && !waiting.workers.knows(&b));
        assert_eq!(found(&mut waiting, &a, "w", 0), None);
    }
}
