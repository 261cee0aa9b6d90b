//! When each queue next needs the timer. These moments are hints derived from the keys, which the timer reads again.

use std::collections::{BTreeSet, VecDeque};

use crate::context::Context;
use crate::names::{ByName, Name};
use crate::time::{Ms, Steady, Wall};

/// The next moment of every name on each clock, and the names whose moment has come.
#[derive(Debug, Default)]
pub(crate) struct Wakeups {
    moments: ByName<Moments>,
    wall: BTreeSet<(Wall, Name)>,
    steady: BTreeSet<(Steady, Name)>,
    /// Names whose moment has come, round robin: each gets one slice, then goes to the back.
    turn: VecDeque<Name>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    wall: Option<Wall>,
    steady: Option<Steady>,
}

impl Wakeups {
    /// The timer comes to `name` when the wall clock shows `moment`, or earlier.
    pub(crate) fn at_wall(&mut self, name: &Name, moment: Wall) {
        let known = self.moments.get(name).and_then(|moments| moments.wall);
        if known.is_some_and(|known| known <= moment) {
            return;
        }
        let moments = self.moments.entry(name.clone()).or_default();
        if let Some(later) = moments.wall.replace(moment) {
            self.wall.remove(&(later, name.clone()));
        }
        self.wall.insert((moment, name.clone()));
    }

    /// The timer comes to `name` when the steady clock shows `moment`, or earlier.
    pub(crate) fn at_steady(&mut self, name: &Name, moment: Steady) {
        let known = self.moments.get(name).and_then(|moments| moments.steady);
        if known.is_some_and(|known| known <= moment) {
            return;
        }
        let moments = self.moments.entry(name.clone()).or_default();
        if let Some(later) = moments.steady.replace(moment) {
            self.steady.remove(&(later, name.clone()));
        }
        self.steady.insert((moment, name.clone()));
    }

    /// The timer comes to `name` as soon as possible.
    pub(crate) fn now(&mut self, name: &Name) {
        self.at_steady(name, Steady(0));
    }

    /// Forgets what was planned for `name`.
    pub(crate) fn clear(&mut self, name: &Name) {
        if let Some(moments) = self.moments.remove(name) {
            if let Some(moment) = moments.wall {
                self.wall.remove(&(moment, name.clone()));
            }
            if let Some(moment) = moments.steady {
                self.steady.remove(&(moment, name.clone()));
            }
        }
    }

    /// The next name whose moment has come, taken off the wakeups, round robin.
    pub(crate) fn take_due(&mut self, context: &Context) -> Option<Name> {
        loop {
            let wall = self.wall.first().filter(|(moment, _)| *moment <= context.wall);
            let steady = self.steady.first().filter(|(moment, _)| *moment <= context.steady);
            let Some(name) = wall.map(|(_, name)| name).or(steady.map(|(_, name)| name)).cloned() else {
                break;
            };
            self.clear(&name);
            self.turn.push_back(name);
        }
        self.turn.pop_front()
    }

    /// How long until the next moment: 0 when one has come, `None` when nothing is planned.
    pub(crate) fn next(&self, context: &Context) -> Option<Ms> {
        if !self.turn.is_empty() {
            return Some(0);
        }
        let wall = self.wall.first().map(|(moment, _)| moment.since(context.wall));
        let steady = self.steady.first().map(|(moment, _)| moment.since(context.steady));
        wall.into_iter().chain(steady).min().map(|wait| wait.max(0))
    }

    /// The name that is next due on the steady clock, for a lease or a TTL.
    pub(crate) fn next_on_steady(&self) -> Option<&Name> {
        self.steady.first().map(|(_, name)| name)
    }

    /// How many names have work to do now.
    pub(crate) fn backlog(&self) -> usize {
        self.turn.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModuleConfig;

    fn context(wall: Ms, steady: Ms) -> Context {
        Context {
            wall: Wall(wall),
            wall_us: 0,
            steady: Steady(steady),
            config: ModuleConfig::default(),
            chance: 0,
            memory_full: false,
        }
    }
    fn name(text: &str) -> Name {
        Name::new(0, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_earliest_moment_on_either_clock_counts() {
        let mut wakeups = Wakeups::default();
        assert_eq!(wakeups.next(&context(0, 0)), None);
        wakeups.at_wall(&name("a"), Wall(50));
        wakeups.at_steady(&name("b"), Steady(70));
        wakeups.at_wall(&name("a"), Wall(90));
        assert_eq!(wakeups.next(&context(10, 10)), Some(40));
        assert_eq!(wakeups.next(&context(10, 65)), Some(5));
        assert_eq!(wakeups.take_due(&context(49, 69)), None);
        assert_eq!(wakeups.take_due(&context(1_000, 69)), Some(name("a")));
        assert_eq!(wakeups.take_due(&context(1_000, 69)), None);
        assert_eq!(wakeups.take_due(&context(0, 70)), Some(name("b")));
        assert_eq!(wakeups.next(&context(0, 0)), None);
    }

    #[test]
    fn names_with_a_backlog_take_turns() {
        let mut wakeups = Wakeups::default();
        wakeups.now(&name("a"));
        wakeups.now(&name("b"));
        let now = context(5, 5);
        let mut order = Vec::new();
        for _ in 0..4 {
            let next = wakeups.take_due(&now).unwrap();
            order.push(next.text().to_string());
            wakeups.now(&next);
        }
        assert_eq!(order, ["a", "b", "a", "b"]);
    }
}
