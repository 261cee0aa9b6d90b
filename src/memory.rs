//! What the module holds in memory. Everything here is derived from the keys or ephemeral by nature:
//! losing it loses no task.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::agenda::Agenda;
use crate::env::Env;
use crate::holds::Holds;
use crate::names::{ByName, Id, Name, Touched};
use crate::queue::{Ended, Queue};
use crate::stats::{Lateness, Totals};
use crate::time::{Ms, SECOND, Wall};
use crate::waiting::{Handed, Waiting};

/// Memory of a queue without keys and without use is dropped after this long, ms.
const IDLE: i64 = 3_600 * SECOND;

/// The memory of the module.
#[derive(Debug, Default)]
pub struct Memory {
    queues: ByName<Queue>,
    known: BTreeSet<Name>,
    /// When each queue next needs the timer.
    pub agenda: Agenda,
    /// Clients that wait for a task.
    pub waiting: Waiting,
    /// What holds expiry back.
    pub holds: Holds,
    /// Claims bound to a connection, by their token.
    pub bound: HashMap<u64, BTreeMap<u64, (Name, Id)>>,
    /// The last id or fence given out.
    pub fence: u64,
    /// Counts over all queues.
    pub totals: Totals,
    /// Lateness over all queues.
    pub lateness: Lateness,
    /// Entries under our keys that were not ours and were passed over.
    pub skipped_foreign: u64,
    /// What was passed over and not yet told to the log.
    pub complaints: Vec<String>,
    /// When counting began.
    pub since: Wall,
}

impl Memory {
    /// The memory of a queue, made when there is none yet. A new one is looked at by the next tick.
    pub fn queue(&mut self, name: &Name) -> &mut Queue {
        match self.queues.entry(name.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                self.known.insert(name.clone());
                self.agenda.now(name);
                new.insert(Queue::default())
            }
        }
    }

    /// The memory of a queue, if there is any.
    pub fn known_queue(&self, name: &Name) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// The memory of a queue to change, if there is any.
    pub fn known_queue_mut(&mut self, name: &Name) -> Option<&mut Queue> {
        self.queues.get_mut(name)
    }

    /// The names seen so far in database `db`, in order, beyond `after`. Some may have no keys any more.
    pub fn names_after<'a>(&'a self, db: i32, after: Option<&'a Name>) -> impl Iterator<Item = &'a Name> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        self.known
            .range::<Name, _>((start, Unbounded))
            .filter(move |name| name.db == db)
    }

    /// Somebody else changed a key of the queue.
    pub fn touched(&mut self, name: &Name, what: Touched) {
        if what == Touched::Queue {
            self.queue(name).forget();
            self.agenda.now(name);
        }
    }

    /// The queue was dropped: nobody holds anything of it any more.
    pub fn emptied(&mut self, name: &Name) {
        let queue = self.queue(name);
        queue.start_over();
        self.agenda.now(name);
    }

    /// A load or a promotion: what was derived is derived anew, and no lease ends before it got its full
    /// length again. Connections of before are no more.
    pub fn start_over(&mut self) {
        self.bound.clear();
        for (name, queue) in &mut self.queues {
            queue.start_over();
            self.agenda.now(name);
        }
    }

    /// The databases `db` (or all, when it is `None`) were emptied.
    pub fn flushed(&mut self, db: Option<i32>) {
        let gone = |name: &Name| db.is_none_or(|db| db == name.db);
        for (name, queue) in self.queues.iter_mut().filter(|(name, _)| gone(name)) {
            queue.start_over();
            self.agenda.now(name);
        }
        for claims in self.bound.values_mut() {
            claims.retain(|_, (name, _)| !gone(name));
        }
    }

    /// The databases `a` and `b` changed places. Both are looked at anew under every name of either.
    pub fn swapped(&mut self, a: i32, b: i32) {
        let names: Vec<Name> = self
            .known
            .iter()
            .filter(|name| name.db == a || name.db == b)
            .cloned()
            .collect();
        for name in names {
            let mut other = name.clone();
            other.db = if name.db == a { b } else { a };
            self.touched(&other, Touched::Queue);
        }
        self.flushed(Some(a));
        self.flushed(Some(b));
    }

    /// Notes that `count` tasks of a queue became claimable `late` ms after their due time.
    pub fn late(&mut self, name: &Name, late: Ms, count: u64) {
        self.lateness.record(late, count);
        let queue = self.queue(name);
        queue.lateness.get_or_insert_default().record(late, count);
    }

    /// Ties a claim to a connection.
    pub fn bind(&mut self, connection: u64, token: u64, name: &Name, id: &[u8]) {
        self.bound
            .entry(connection)
            .or_default()
            .insert(token, (name.clone(), Id::from_slice(id)));
    }

    /// A claim that was tied to a connection has ended.
    pub fn unbind(&mut self, connection: u64, token: u64) {
        if let Some(claims) = self.bound.get_mut(&connection) {
            claims.remove(&token);
            if claims.is_empty() {
                self.bound.remove(&connection);
            }
        }
    }

    /// A connection closed: the claims bound to it end with the next tick. Whether there were any.
    pub fn disconnected(&mut self, connection: u64) -> bool {
        let Some(claims) = self.bound.remove(&connection) else {
            return false;
        };
        for (token, (name, id)) in claims {
            self.end(&name, Ended { id, token, lost: true });
        }
        true
    }

    /// A claim was handed to a client that is gone: it ends with the next tick, as if released.
    pub fn returned(&mut self, handed: Handed) {
        let Handed { name, id, token } = handed;
        self.end(&name, Ended { id, token, lost: false });
    }

    fn end(&mut self, name: &Name, ended: Ended) {
        self.queue(name).ended.push(ended);
        self.agenda.now(name);
    }

    /// Passes over something under our keys that is not ours: counted, and told to the log once a queue.
    pub fn skip_foreign(&mut self, name: &Name, what: &str) {
        self.skipped_foreign += 1;
        let text = format!("queue {}: passed over {what}", name.text().escape_default());
        let queue = self.queue(name);
        if !queue.complained {
            queue.complained = true;
            self.complaints.push(text);
        }
    }

    /// Forgets a queue that has no keys here. Should some come, they tell.
    pub fn forget(&mut self, name: &Name) {
        self.queues.remove(name);
        self.known.remove(name);
        self.agenda.clear(name);
    }

    /// The queues that nobody used for an hour, waits for or holds anything of.
    pub fn idle(&self, env: &Env) -> Vec<Name> {
        let is_idle = |name: &Name, queue: &Queue| {
            env.steady.since(queue.used) > IDLE && queue.claims.is_empty() && !self.waiting.any(name)
        };
        self.queues
            .iter()
            .filter(|(name, queue)| is_idle(name, queue))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// All queues in memory.
    pub fn queues(&self) -> impl Iterator<Item = (&Name, &Queue)> {
        self.queues.iter()
    }
}
