//! Counters of the last minute, from which small lines are drawn.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{LONGEST, SHORTEST};

/// So many are kept.
const MOST: usize = 60;

/// Counters that were read again and again, and when: the points of a line.
pub(crate) struct Samples<S>(VecDeque<(Instant, S)>);

impl<S> Default for Samples<S> {
    fn default() -> Samples<S> {
        Samples(VecDeque::new())
    }
}

impl<S> Samples<S> {
    /// Adds what was read now. Two that look at once make no more samples than one. After a gap, or a restart of the
    /// counters, all begins anew.
    pub(crate) fn add(&mut self, now: (Instant, S), pace: Pace, is_restarted: impl Fn(&S, &S) -> bool) {
        let is_over = |(at, last): &(Instant, S)| now.0 - *at > pace.gap || is_restarted(last, &now.1);
        if self.0.back().is_some_and(is_over) {
            self.0.clear();
        }
        if self.0.back().is_none_or(|(at, _)| now.0 - *at >= pace.apart) {
            self.0.push_back(now);
        }
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    /// Whether somebody has looked since the last gap.
    pub(crate) fn is_looked_at(&self, now: Instant, gap: Duration) -> bool {
        self.0.back().is_some_and(|(at, _)| now - *at <= gap)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &(Instant, S)> {
        self.0.iter()
    }

    /// Each with the one after it.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&(Instant, S), &(Instant, S))> {
        self.0.iter().zip(self.0.iter().skip(1))
    }
}

/// How far samples are apart at least, and the time without any after which they are no line.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    apart: Duration,
    pub gap: Duration,
}

impl Pace {
    /// Of those that leave the server alone for times within these bounds.
    pub(super) fn resting(shortest: Duration, longest: Duration) -> Pace {
        Pace {
            apart: shortest.mul_f32(0.8),
            gap: longest.max(LONGEST) * 2,
        }
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::resting(SHORTEST, LONGEST)
    }
}
