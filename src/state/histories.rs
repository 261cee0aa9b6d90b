//! Which queues have a history, and what is not written to it yet. A name stays here until its history is removed, also
//! when the queue has gone and is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use crate::config::ModuleConfig;
use crate::context::Context;
use crate::history::{Bucket, Counts, Happened, Span};
use crate::names::Name;
use crate::time::{Ms, SECOND, Steady, Wall};

/// How often a history is written, ms.
pub(crate) const PERIOD: Ms = 60 * SECOND;
/// Hours that are kept apart while nothing may be written.
const MOST_HOURS: usize = 48;

/// All histories.
#[derive(Debug)]
pub(crate) struct Histories {
    all: BTreeMap<Name, History>,
    /// When the timer looks whether the queue is over.
    checks: BTreeSet<(Wall, Name)>,
    /// How many there are of each kind.
    found: usize,
    wished: usize,
    automatic: usize,
    /// So many may be automatic.
    most: usize,
}

impl Default for Histories {
    fn default() -> Histories {
        Histories {
            all: BTreeMap::new(),
            checks: BTreeSet::new(),
            found: 0,
            wished: 0,
            automatic: 0,
            most: most(&ModuleConfig::default()),
        }
    }
}

fn most(config: &ModuleConfig) -> usize {
    usize::try_from(config.history_queues).unwrap_or(0)
}

/// The history of one queue.
#[derive(Debug, Default)]
struct History {
    /// What is not written yet, by the hour.
    unwritten: SmallVec<[(Bucket, Happened); 1]>,
    /// What has happened since the last moment that is known.
    undated: Happened,
    /// Since when there is anything.
    since: Option<(Wall, Steady)>,
    /// The last hour in which it was seen how many tasks are ready, and how many.
    seen: Option<(Bucket, u32)>,
    /// When the timer looks whether the queue is over, and what has stood in it all the time.
    check: Option<Wall>,
    kind: Kind,
}

/// Why a queue has a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// It has one, and the timer has not looked yet whether it is to have one. On a replica it never looks.
    #[default]
    Found,
    /// It asked for one.
    Wished,
    /// It did not, and there are few enough.
    Automatic,
}

impl History {
    fn is_written(&self) -> bool {
        self.unwritten.is_empty() && self.undated.is_zero()
    }

    fn put(&mut self, hour: Bucket, happened: Happened) {
        if happened.is_zero() {
            return;
        }
        match self.unwritten.iter_mut().find(|(known, _)| *known == hour) {
            Some((_, known)) => known.count(&happened),
            None => self.unwritten.push((hour, happened)),
        }
        if self.unwritten.len() > MOST_HOURS {
            let (_, oldest) = self.unwritten.remove(0);
            if let Some((_, next)) = self.unwritten.first_mut() {
                next.count(&oldest);
            }
        }
    }

    /// So many tasks are ready now; until now there were as many as when this was last seen, in every hour since.
    fn see(&mut self, ready: u32, now: Wall) {
        let hour = Bucket::at(Span::Hour, now);
        let before = self.seen.replace((hour, ready));
        if let Some((last, stood)) = before {
            last.until(now)
                .for_each(|hour| self.put(hour, Counts::of_ready(stood).into()));
        }
        if before != self.seen {
            self.put(hour, Counts::of_ready(ready).into());
        }
    }
}

impl Histories {
    /// Whether the queue has one.
    pub(crate) fn has(&self, name: &Name) -> bool {
        self.all.contains_key(name)
    }

    /// Whether what happens in a queue is counted: `wish` is its setting, `None` for as long as there are few enough.
    pub(crate) fn takes(&self, name: &Name, wish: Option<bool>) -> bool {
        wish != Some(false) && (self.has(name) || wish == Some(true) || self.automatic + self.found < self.most)
    }

    /// Takes up how many there may be that the queues did not ask for.
    pub(crate) fn limit(&mut self, config: &ModuleConfig) {
        self.most = most(config);
    }

    /// Adds what happened in a queue, if it is counted.
    pub(crate) fn add(&mut self, name: &Name, happened: &Happened, wish: Option<bool>) {
        if happened.is_zero() || !self.takes(name, wish) {
            return;
        }
        if !self.has(name) {
            self.begin(name, wish);
        }
        if let Some(history) = self.all.get_mut(name) {
            history.undated.count(happened);
        }
    }

    /// From now on the queue has one.
    pub(crate) fn begin(&mut self, name: &Name, wish: Option<bool>) {
        self.find(name);
        self.keeps(name, wish);
    }

    fn find(&mut self, name: &Name) {
        if !self.has(name) {
            self.all.insert(name.clone(), History::default());
            self.found += 1;
        }
    }

    fn number(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Found => &mut self.found,
            Kind::Wished => &mut self.wished,
            Kind::Automatic => &mut self.automatic,
        }
    }

    /// What was added up to now happened in this hour, and so many tasks are ready. Returns the moments at which it is
    /// to be written, of which the first counts, unless they are known.
    pub(crate) fn date(&mut self, name: &Name, ready: u32, context: &Context) -> Option<(Wall, Steady)> {
        let history = self.all.get_mut(name)?;
        let hour = Bucket::at(Span::Hour, context.wall);
        let happened = std::mem::take(&mut history.undated);
        history.put(hour, happened);
        // A replica would keep what it sees, and never write it.
        let is_seen = history.kind != Kind::Found;
        if is_seen {
            history.see(ready, context.wall);
        }
        let is_planned = history.since.is_some() || history.unwritten.is_empty();
        if !is_planned {
            history.since = Some((context.wall, context.steady));
        }
        if is_seen && ready > 0 && history.check.is_none_or(|check| check > hour.end()) {
            self.check_at(name, hour.end());
        }
        self.moments(name).filter(|_| !is_planned)
    }

    /// The moments at which a history is to be written, of which the first counts: the steady clock stands still while
    /// the machine is suspended, and the wall clock may be set back.
    pub(crate) fn moments(&self, name: &Name) -> Option<(Wall, Steady)> {
        let (wall, steady) = self.all.get(name)?.since?;
        Some((wall.after(PERIOD), steady.after(PERIOD)))
    }

    /// Whether one of them has come.
    pub(crate) fn is_due(&self, name: &Name, context: &Context) -> bool {
        let moments = self.moments(name);
        moments.is_some_and(|(wall, steady)| wall <= context.wall || steady <= context.steady)
    }

    /// Whether anything of a queue is not written yet.
    pub(crate) fn lacks(&self, name: &Name) -> bool {
        self.all.get(name).is_some_and(|history| !history.is_written())
    }

    /// What is not written yet, by the hour; of unknown time is what happened last.
    pub(crate) fn unwritten(&self, name: &Name, now: Wall) -> impl Iterator<Item = (Bucket, &Happened)> {
        let history = self.all.get(name);
        let dated = history.into_iter().flat_map(|history| &history.unwritten);
        let undated = history.map(|history| (Bucket::at(Span::Hour, now), &history.undated));
        let all = dated.map(|(hour, happened)| (*hour, happened)).chain(undated);
        all.filter(|(_, happened)| !happened.is_zero())
    }

    /// The same, to be written now.
    pub(crate) fn take_unwritten(&mut self, name: &Name, now: Wall) -> SmallVec<[(Bucket, Happened); 1]> {
        let Some(history) = self.all.get_mut(name) else {
            return SmallVec::new();
        };
        history.since = None;
        let mut unwritten = std::mem::take(&mut history.unwritten);
        unwritten.push((Bucket::at(Span::Hour, now), std::mem::take(&mut history.undated)));
        unwritten.retain(|(_, happened)| !happened.is_zero());
        unwritten
    }

    /// There may be one, or none any more: the timer looks at once.
    pub(crate) fn touched(&mut self, name: &Name) {
        self.find(name);
        self.check_at(name, Wall(i64::MIN));
    }

    /// The timer looks at all of them at once.
    pub(crate) fn touch_all(&mut self) {
        for name in self.all.keys().cloned().collect::<Vec<_>>() {
            self.touched(&name);
        }
    }

    /// The timer looks then whether the queue is over.
    pub(crate) fn check_at(&mut self, name: &Name, moment: Wall) {
        if let Some(history) = self.all.get_mut(name) {
            if let Some(before) = history.check.replace(moment) {
                self.checks.remove(&(before, name.clone()));
            }
            self.checks.insert((moment, name.clone()));
        }
    }

    /// Whether that is not planned: it looks now.
    pub(crate) fn is_unchecked(&self, name: &Name) -> bool {
        self.all.get(name).is_some_and(|history| history.check.is_none())
    }

    /// When it looks next.
    pub(crate) fn next_check(&self) -> Option<Wall> {
        self.checks.first().map(|(moment, _)| *moment)
    }

    /// The next one that it looks at now.
    pub(crate) fn take_check(&mut self, now: Wall) -> Option<Name> {
        self.next_check().filter(|moment| *moment <= now)?;
        let (_, name) = self.checks.pop_first()?;
        if let Some(history) = self.all.get_mut(&name) {
            history.check = None;
        }
        Some(name)
    }

    /// Whether a queue of this setting keeps its history: its setting and that of the module may have changed.
    pub(crate) fn keeps(&mut self, name: &Name, wish: Option<bool>) -> bool {
        let Some(history) = self.all.get_mut(name) else {
            return false;
        };
        let kind = wish.map_or(Kind::Automatic, |_| Kind::Wished);
        let before = std::mem::replace(&mut history.kind, kind);
        *self.number(kind) += 1;
        *self.number(before) -= 1;
        wish.unwrap_or(self.automatic <= self.most)
    }

    /// The history of a queue is gone.
    pub(crate) fn remove(&mut self, name: &Name) {
        if let Some(history) = self.all.remove(name) {
            *self.number(history.kind) -= 1;
            if let Some(check) = history.check {
                self.checks.remove(&(check, name.clone()));
            }
        }
    }

    /// The database of this id was emptied.
    pub(crate) fn empty(&mut self, db: i32) {
        let gone: Vec<Name> = self.all.keys().filter(|name| name.db == db).cloned().collect();
        gone.iter().for_each(|name| self.remove(name));
    }

    /// The data may be others: what is not written is not theirs.
    pub(crate) fn start_over(&mut self) {
        for history in self.all.values_mut() {
            *history = History {
                check: history.check,
                ..History::default()
            };
        }
        (self.found, self.wished, self.automatic) = (self.all.len(), 0, 0);
        self.touch_all();
    }
}
