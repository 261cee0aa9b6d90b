//! All names that have keys here, or had some a moment ago: when each next needs the timer, and what is known of those
//! whose queue or service is not in memory. Two maps in order, so that a million names cost no pause when they grow.
//!
//! The moments are hints derived from the keys, which the timer reads again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::context::Context;
use crate::names::{self, Name, Position};
use crate::state::histories::Histories;
use crate::state::queue::QueueState;
use crate::state::rest::Rest;
use crate::state::sums::{Holds, Sums};
use crate::time::{Ms, Steady, Wall};

/// Names that join the round robin at once.
const TOGETHER: usize = 128;
/// No moment is planned.
const NEVER: i64 = i64::MAX;

/// All names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    entries: BTreeMap<Name, Box<Entry>>,
    wall: BTreeSet<(Wall, Name)>,
    steady: BTreeSet<(Steady, Name)>,
    /// Names whose moment has come, round robin: each gets one slice, then goes to the back.
    turn: VecDeque<Name>,
    /// The histories, also of queues that have gone.
    pub histories: Histories,
    /// What all names of each database hold.
    sums: BTreeMap<i32, Sums>,
    /// The sums of emptied databases, and the ids of those whose names are still to be forgotten.
    emptied: Vec<(i32, Sums)>,
    /// Whether a moment was planned since the timer was last set.
    planned: bool,
    /// The name that was planned last, and the moment of the steady clock at which the timer comes to it.
    recent: Option<(Name, Steady)>,
}

/// One name.
#[derive(Debug)]
struct Entry {
    wall: Wall,
    steady: Steady,
    holds: Holds,
    queue: Rest,
    /// Whether its keys may hold something else than was measured.
    changed: bool,
    /// Whether it is in the line of those to be measured, to be put to rest, to be forgotten.
    listed: bool,
    resting: bool,
    leaving: bool,
}

impl Default for Entry {
    fn default() -> Entry {
        Entry {
            wall: Wall(NEVER),
            steady: Steady(NEVER),
            holds: Holds::default(),
            queue: Rest::default(),
            changed: true,
            listed: false,
            resting: false,
            leaving: false,
        }
    }
}

impl Entry {
    fn list(&mut self) -> bool {
        self.changed = true;
        !std::mem::replace(&mut self.listed, true)
    }
}

impl Names {
    fn entry(&mut self, name: &Name) -> &mut Entry {
        self.entries.entry(name.clone()).or_default()
    }

    /// The timer comes to `name` when the wall clock shows `moment`, or earlier.
    pub(crate) fn wake_at_wall(&mut self, name: &Name, moment: Wall) {
        let entry = self.entry(name);
        if entry.wall <= moment {
            return;
        }
        let later = std::mem::replace(&mut entry.wall, moment);
        if later.0 != NEVER {
            self.wall.remove(&(later, name.clone()));
        }
        self.wall.insert((moment, name.clone()));
        self.planned = true;
    }

    /// The timer comes to `name` when the steady clock shows `moment`, or earlier.
    pub(crate) fn wake_at_steady(&mut self, name: &Name, moment: Steady) {
        // Most claims and heartbeats: their queue or service is due earlier, for another.
        let is_recent = |(recent, planned): &(Name, Steady)| *planned <= moment && recent == name;
        if self.recent.as_ref().is_some_and(is_recent) {
            return;
        }
        let entry = self.entry(name);
        let before = entry.steady;
        let planned = before.min(moment);
        entry.steady = planned;
        self.recent = Some((name.clone(), planned));
        if planned < before {
            if before.0 != NEVER {
                self.steady.remove(&(before, name.clone()));
            }
            self.steady.insert((planned, name.clone()));
            self.planned = true;
        }
    }

    /// The timer comes to `name` as soon as possible.
    pub(crate) fn wake_now(&mut self, name: &Name) {
        self.wake_at_steady(name, Steady(0));
    }

    /// Forgets what was planned for `name`.
    fn unplan(&mut self, name: &Name) {
        self.recent = None;
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        let wall = std::mem::replace(&mut entry.wall, Wall(NEVER));
        if wall.0 != NEVER {
            self.wall.remove(&(wall, name.clone()));
        }
        let steady = std::mem::replace(&mut entry.steady, Steady(NEVER));
        if steady.0 != NEVER {
            self.steady.remove(&(steady, name.clone()));
        }
    }

    /// The next name whose moment has come, taken off the plan, round robin.
    pub(crate) fn take_due(&mut self, context: &Context) -> Option<Name> {
        for _ in 0..TOGETHER {
            let wall = self.wall.first().filter(|(moment, _)| *moment <= context.wall);
            let steady = self.steady.first().filter(|(moment, _)| *moment <= context.steady);
            let name = wall.map(|(_, name)| name).or(steady.map(|(_, name)| name)).cloned();
            let Some(name) = name.or_else(|| self.histories.take_check(context.wall)) else {
                break;
            };
            self.unplan(&name);
            self.turn.push_back(name);
        }
        let name = self.turn.pop_front();
        if self.turn.len() < self.turn.capacity() / 4 {
            self.turn.shrink_to(self.turn.capacity() / 2);
        }
        name
    }

    /// How long until the next moment: 0 when one has come, `None` when nothing is planned.
    pub(crate) fn next(&self, context: &Context) -> Option<Ms> {
        if !self.turn.is_empty() {
            return Some(0);
        }
        let wall = [
            self.wall.first().map(|(moment, _)| *moment),
            self.histories.next_check(),
        ];
        let wall = wall.into_iter().flatten().map(|moment| moment.since(context.wall));
        let steady = self.steady.first().map(|(moment, _)| moment.since(context.steady));
        wall.chain(steady).min().map(|wait| wait.max(0))
    }

    /// The name that is next due on the steady clock, for a lease or a TTL.
    pub(crate) fn next_on_steady(&self) -> Option<&Name> {
        self.steady.first().map(|(_, name)| name)
    }

    /// Whether a moment was planned since the last call.
    pub(super) fn take_planned(&mut self) -> bool {
        std::mem::take(&mut self.planned)
    }

    /// How many names have work to do now.
    pub(crate) fn backlog(&self) -> usize {
        self.turn.len()
    }

    /// Adds a name whose queue or service is in memory.
    pub(crate) fn add(&mut self, name: &Name) {
        self.entry(name);
    }

    /// Adds a name whose keys somebody else changed: what is known of a queue that is not in memory is not true any
    /// more. Whether it is to be put in the line of those to be measured.
    pub(crate) fn touch_queue(&mut self, name: &Name) -> bool {
        let entry = self.entry(name);
        entry.queue.doubt();
        entry.list()
    }

    /// Puts a known name in the line of those to be measured; whether it was not in it.
    pub(crate) fn list(&mut self, name: &Name) -> bool {
        self.entries.get_mut(name).is_some_and(|entry| entry.list())
    }

    /// Whether it is in that line.
    pub(crate) fn is_listed(&self, name: &Name) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.listed)
    }

    /// Whether there may be a queue of this name, also when it is not in memory.
    pub(crate) fn has_queue(&self, name: &Name) -> bool {
        self.entries.get(name).is_some_and(|entry| !entry.queue.is_none())
    }

    /// What is kept of a queue that is not in memory.
    pub(crate) fn rest(&self, name: &Name) -> Option<&Rest> {
        self.entries.get(name).map(|entry| &entry.queue)
    }

    /// Whether tasks of a queue that is not in memory may be blocked.
    pub(crate) fn may_block(&self, name: &Name) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.queue.may_block())
    }

    /// The memory of a queue that rested or is new. In doubt about its keys, the timer comes at once.
    pub(crate) fn take_queue(&mut self, name: &Name, era: u32) -> QueueState {
        let (queue, is_certain) = std::mem::take(&mut self.entry(name).queue).end(era);
        if !is_certain {
            self.wake_now(name);
        }
        queue
    }

    /// Keeps what there is to know of a queue that leaves memory.
    pub(crate) fn put_queue(&mut self, name: &Name, rest: Rest) {
        self.entry(name).queue = rest;
    }

    /// Whether there is such a name, in a database that was not emptied since.
    pub(crate) fn has(&self, name: &Name) -> bool {
        let is_emptied = self.emptied.iter().any(|(db, _)| *db == name.db);
        !is_emptied && self.entries.contains_key(name)
    }

    /// Takes a name out of the line of those to be measured.
    pub(crate) fn unlist(&mut self, name: &Name) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.listed = false;
        }
    }

    /// Records whether a name is in the line of those that may be put to rest. Whether that changed.
    pub(crate) fn set_resting(&mut self, name: &Name, resting: bool) -> bool {
        let entry = self.entries.get_mut(name);
        entry.is_some_and(|entry| std::mem::replace(&mut entry.resting, resting) != resting)
    }

    /// The same for the line of those that may be forgotten.
    pub(crate) fn set_leaving(&mut self, name: &Name, leaving: bool) -> bool {
        let entry = self.entries.get_mut(name);
        entry.is_some_and(|entry| std::mem::replace(&mut entry.leaving, leaving) != leaving)
    }

    /// What the keys of a name were measured to hold.
    pub(crate) fn holds(&self, name: &Name) -> Option<&Holds> {
        self.entries.get(name).map(|entry| &entry.holds)
    }

    /// Whether that may not be true any more.
    pub(crate) fn is_changed(&self, name: &Name) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.changed)
    }

    /// What changes from now on, has changed since it was measured.
    pub(crate) fn begin_to_measure(&mut self, name: &Name) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.changed = false;
        }
    }

    /// Records what the keys of a name hold now.
    pub(crate) fn measured(&mut self, name: &Name, holds: Holds) {
        if let Some(entry) = self.entries.get_mut(name) {
            let sums = self.sums.entry(name.db).or_default();
            sums.subtract(&entry.holds);
            sums.add(&holds);
            entry.holds = holds;
        }
    }

    /// What all names hold.
    pub(crate) fn sums(&self) -> impl Iterator<Item = &Sums> {
        self.sums.values()
    }

    /// The databases with names.
    pub(crate) fn databases(&self) -> Vec<i32> {
        names::databases(&self.entries)
    }

    /// The names of a database from this position on. Some may have no keys any more.
    pub(crate) fn from(&self, db: i32, from: Position) -> impl Iterator<Item = &Name> {
        names::from(&self.entries, db, from).map(|(name, _)| name)
    }

    /// Up to `count` names of all databases beyond this one.
    pub(crate) fn after(&self, after: Option<&Name>, count: usize) -> Vec<Name> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        let names = self.entries.range::<Name, _>((start, Unbounded));
        names.take(count).map(|(name, _)| name.clone()).collect()
    }

    /// Forgets a name.
    pub(crate) fn remove(&mut self, name: &Name) {
        self.unplan(name);
        let Some(entry) = self.entries.remove(name) else {
            return;
        };
        if let Some(sums) = self.sums.get_mut(&name.db) {
            sums.subtract(&entry.holds);
        }
    }

    /// The database of this id was emptied: its names count no more, and are forgotten one after the other.
    pub(crate) fn empty(&mut self, db: i32) {
        self.histories.empty(db);
        let sums = self.sums.remove(&db).unwrap_or_default();
        self.emptied.push((db, sums));
    }

    /// Whether names of emptied databases are left.
    pub(crate) fn has_emptied(&self) -> bool {
        !self.emptied.is_empty()
    }

    /// Up to `count` names of an emptied database.
    pub(crate) fn of_emptied(&mut self, count: usize) -> Vec<Name> {
        while let Some((db, sums)) = self.emptied.last_mut() {
            let names = names::from(&self.entries, *db, Position::default());
            let names: Vec<Name> = names.take(count).map(|(name, _)| name.clone()).collect();
            if !names.is_empty() || sums.shrink(count) {
                return names;
            }
            self.emptied.pop();
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(wall: Ms, steady: Ms) -> Context {
        Context {
            wall: Wall(wall),
            steady: Steady(steady),
            ..Context::default()
        }
    }
    fn name(text: &str) -> Name {
        Name::new(0, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_earliest_moment_on_either_clock_counts() {
        let mut names = Names::default();
        assert_eq!(names.next(&context(0, 0)), None);
        names.wake_at_wall(&name("a"), Wall(50));
        names.wake_at_steady(&name("b"), Steady(70));
        names.wake_at_wall(&name("a"), Wall(90));
        assert_eq!(names.next(&context(10, 10)), Some(40));
        assert_eq!(names.next(&context(10, 65)), Some(5));
        assert_eq!(names.take_due(&context(49, 69)), None);
        assert_eq!(names.take_due(&context(1_000, 69)), Some(name("a")));
        assert_eq!(names.take_due(&context(1_000, 69)), None);
        assert_eq!(names.take_due(&context(0, 70)), Some(name("b")));
        assert_eq!(names.next(&context(0, 0)), None);
    }

    #[test]
    fn names_with_a_backlog_take_turns() {
        let mut names = Names::default();
        names.wake_now(&name("a"));
        names.wake_now(&name("b"));
        let now = context(5, 5);
        let mut order = Vec::new();
        for _ in 0..4 {
            let next = names.take_due(&now).unwrap();
            order.push(next.text().to_string());
            names.wake_now(&next);
        }
        assert_eq!(order[..2], order[2..]);
        assert_ne!(order[0], order[1]);
    }

    #[test]
    fn a_name_keeps_its_size_class() {
        assert!(size_of::<Entry>() <= 160);
    }

    #[test]
    fn a_moment_a_million_names_share_is_met_in_small_steps() {
        let mut names = Names::default();
        for number in 0..1_000 {
            names.wake_now(&name(&number.to_string()));
        }
        let now = context(5, 5);
        let mut met = BTreeSet::new();
        while let Some(next) = names.take_due(&now) {
            assert!(names.backlog() + names.steady.len() + met.len() + 1 == 1_000);
            met.insert(next);
        }
        assert_eq!(met.len(), 1_000);
    }
}
