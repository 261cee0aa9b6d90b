//! Recurring tasks: the occurrences of a definition, and which of them fire when the timer is late.
//!
//! Occurrences are counted from the schedule, never from the last run, so they do not drift; all functions here take
//! the moment and depend on the definition alone. Whatever the rule and however long the gap, a call does a bounded
//! amount of work: EVERY is arithmetic, CRON steps from occurrence to occurrence, at most `MAX_FIRED` times.
//!
//! On the days the clocks change: a rule that picks hours keeps to its local times, each once (a time that does not
//! exist runs at the first instant after the gap, one that comes twice the first time); a rule that runs in every
//! hour continues evenly through both days; EVERY ignores the clock.

mod calendar;
mod cron;
mod expression;
mod rule;
mod zone;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use rule::{DEFAULT_ZONE, Rule};
pub(crate) use zone::database_version;

use crate::time::{MAX_DELAY, MAX_UNIX_MS, Ms, SECOND, Wall};

/// Most occurrences that fire at once, however many were missed: the cap of MISFIRE ALL.
pub(crate) const MAX_FIRED: usize = 1_000;
/// An occurrence that is late by no more than this, ms, is on time, not a misfire: MISFIRE SKIP must not skip what a
/// busy or stalled second delayed.
pub(crate) const ON_TIME: Ms = SECOND;
/// Longest name of a recurring task, bytes: `<name>:<due>` is an id of at most 256, due at most 15 digits.
pub(crate) const MAX_NAME: usize = 240;

/// The schedule of a recurring task: stored as JSON, in which unknown fields are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// The rule of its occurrences.
    pub rule: Rule,
    /// When it was made, unix ms: occurrences come after it, and EVERY without START counts from it. It outlives all
    /// replacements that keep the phase.
    pub made_at: Ms,
    /// No occurrence before this, unix ms; EVERY counts from it and has its first occurrence then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Ms>,
    /// No occurrence after this, unix ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_at: Option<Ms>,
    /// How many occurrences fire in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What happens to occurrences that were missed, for example while the server was down.
    #[serde(default)]
    pub misfire: Misfire,
    /// An occurrence that is later than this, ms, does not fire, whatever MISFIRE says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<Ms>,
    /// Whether an occurrence fires while the task of the previous one is unfinished.
    #[serde(default)]
    pub overlap: Overlap,
}

/// What happens to occurrences that were missed, for example while the server was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Misfire {
    /// They are skipped, unless WITHIN says that they are not too late.
    Skip,
    /// The last one fires, unless a later one is on time.
    #[default]
    Once,
    /// All fire, at most the latest `MAX_FIRED`.
    All,
}

/// What happens to an occurrence while the task of the previous one is unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Overlap {
    /// It fires anyway.
    #[default]
    Allow,
    /// It is skipped.
    Skip,
}

/// What to do for a definition now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// The occurrences that fire, ascending; at most `MAX_FIRED`.
    pub fire: Vec<Wall>,
    /// When the next one is due; `None` when there are no more.
    pub next: Option<Wall>,
}

impl Misfire {
    /// The words of MISFIRE.
    pub(crate) const WORDS: &[&str] = &["SKIP", "ONCE", "ALL"];

    /// The variant of a word of `WORDS`.
    pub(crate) fn from_word(word: &str) -> Option<Misfire> {
        match word {
            "SKIP" => Some(Misfire::Skip),
            "ONCE" => Some(Misfire::Once),
            "ALL" => Some(Misfire::All),
            _ => None,
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Misfire::Skip => "SKIP",
            Misfire::Once => "ONCE",
            Misfire::All => "ALL",
        }
    }
}

impl Overlap {
    /// The words of OVERLAP.
    pub(crate) const WORDS: &[&str] = &["ALLOW", "SKIP"];

    /// The variant of a word of `WORDS`.
    pub(crate) fn from_word(word: &str) -> Option<Overlap> {
        match word {
            "ALLOW" => Some(Overlap::Allow),
            "SKIP" => Some(Overlap::Skip),
            _ => None,
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Overlap::Allow => "ALLOW",
            Overlap::Skip => "SKIP",
        }
    }
}

/// The task id of one occurrence.
pub(crate) fn occurrence_id(name: &str, due: Wall) -> String {
    format!("{name}:{}", due.0)
}

impl Definition {
    /// A definition with this rule, made at this moment, with defaults for the rest.
    pub(crate) fn new(rule: Rule, made: Wall) -> Definition {
        Definition {
            rule,
            made_at: made.0,
            start_at: None,
            end_at: None,
            limit: None,
            misfire: Misfire::default(),
            within_ms: None,
            overlap: Overlap::default(),
        }
    }

    /// Whether its moments are within the allowed range.
    pub(crate) fn is_sound(&self) -> bool {
        let moments = [Some(self.made_at), self.start_at, self.end_at];
        moments.iter().flatten().all(|at| (0..=MAX_UNIX_MS).contains(at))
            && self
                .within_ms
                .is_none_or(|within| (ON_TIME..=MAX_DELAY).contains(&within))
    }

    /// Whether both have the same rule and START, so that their occurrences are the same moments, whenever they were
    /// made.
    pub(crate) fn has_phase_of(&self, other: &Definition) -> bool {
        self.rule == other.rule && self.start_at == other.start_at
    }

    /// The first occurrence strictly after this moment, within START and END; the caller applies LIMIT.
    pub(crate) fn next_after(&self, after: Wall) -> Option<Wall> {
        let next = self.rule.after(after.max(self.floor()), self.base())?;
        (next <= self.ceiling()).then_some(next)
    }

    /// The last occurrence at this moment or before.
    pub(crate) fn last_until(&self, until: Wall) -> Option<Wall> {
        let last = self.rule.until(until.min(self.ceiling()), self.base())?;
        (last > self.floor()).then_some(last)
    }

    /// Which of the occurrences after `after` (exclusive: the last moment already handled) up to `now` (inclusive)
    /// fire, and when the next is due. `fired` is how many fired before, for LIMIT: skipped ones do not count, and the
    /// earliest of those that fire use up the limit first.
    pub(crate) fn occurrences(&self, after: Wall, now: Wall, fired: u64) -> Due {
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(fired));
        let most = usize::try_from(left).unwrap_or(MAX_FIRED).min(MAX_FIRED);
        let late_by = |ms| Wall(now.0.saturating_sub(ms).saturating_sub(1)).max(after);
        let late = late_by(ON_TIME);
        let too_late = self.within_ms.map(late_by);
        let oldest = too_late.unwrap_or(after);
        let mut fire = match self.misfire {
            Misfire::All if most < MAX_FIRED => self.first(oldest, now, most),
            Misfire::All => self.latest(oldest, now, MAX_FIRED),
            Misfire::Skip => self.latest(too_late.unwrap_or(late), now, MAX_FIRED),
            Misfire::Once => self.latest(late, now, MAX_FIRED),
        };
        if fire.is_empty() && self.misfire == Misfire::Once {
            fire = self.latest(oldest, now, 1);
        }
        fire.truncate(most);
        let more = u64::try_from(fire.len()).is_ok_and(|count| count < left);
        // The clock may have been set back: what was handled does not come again.
        let next = more.then(|| self.next_after(now.max(after))).flatten();
        Due { fire, next }
    }

    /// How many occurrences come after one moment up to another; counts no further than just above `MAX_FIRED`.
    pub(crate) fn count(&self, after: Wall, until: Wall) -> usize {
        self.first(after, until, MAX_FIRED + 1).len()
    }

    /// The first occurrences after one moment up to another, ascending, at most `count`.
    fn first(&self, after: Wall, until: Wall, most: usize) -> Vec<Wall> {
        let each = std::iter::successors(self.next_after(after), |last| self.next_after(*last));
        each.take_while(|due| *due <= until).take(most).collect()
    }

    /// The latest occurrences after one moment up to another, ascending, at most `count`.
    fn latest(&self, after: Wall, until: Wall, most: usize) -> Vec<Wall> {
        let before = |due: &Wall| self.last_until(Wall(due.0.saturating_sub(1)));
        let each = std::iter::successors(self.last_until(until), before);
        let mut latest: Vec<Wall> = each.take_while(|due| *due > after).take(most).collect();
        latest.reverse();
        latest
    }

    /// The moment EVERY counts from.
    fn base(&self) -> Wall {
        Wall(self.start_at.unwrap_or(self.made_at))
    }

    /// All occurrences come after this.
    fn floor(&self) -> Wall {
        match self.start_at {
            // If START is the moment it was made, that is its first occurrence.
            Some(start) if start >= self.made_at => Wall(start.saturating_sub(1)),
            _ => Wall(self.made_at),
        }
    }

    /// No occurrence comes after this.
    fn ceiling(&self) -> Wall {
        Wall(self.end_at.unwrap_or(MAX_UNIX_MS).min(MAX_UNIX_MS))
    }
}
