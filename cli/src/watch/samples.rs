//! Counters of the last minute, from which small lines are drawn.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{LONGEST, Sample};

/// So many are kept.
const MOST: usize = 60;

/// Counters that were read again and again, and when: the points of a line.
#[derive(Default)]
pub(super) struct Samples(VecDeque<(Instant, Sample)>);

impl Samples {
    /// Adds what was read now. Two that look at once make no more samples than one. After a gap, or a restart of the
    /// counters, all begins anew.
    pub(super) fn add(&mut self, now: (Instant, Sample), pace: Pace) {
        let is_over = |(at, last): &(Instant, Sample)| now.0 - *at > pace.gap || last.is_restarted(&now.1);
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
    pub(super) fn is_looked_at(&self, now: Instant, gap: Duration) -> bool {
        self.0.back().is_some_and(|(at, _)| now - *at <= gap)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &(Instant, Sample)> {
        self.0.iter()
    }

    /// Each with the one after it.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&(Instant, Sample), &(Instant, Sample))> {
        self.0.iter().zip(self.0.iter().skip(1))
    }
}

/// How far samples are apart at least, and the time without any after which they are no line.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    apart: Duration,
    pub(super) gap: Duration,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_and_a_time_in_which_nobody_looked_begin_a_new_line() {
        let (begin, pace) = (Instant::now(), Pace::resting(Duration::from_secs(1), LONGEST));
        let mut samples = Samples::default();
        let mut look = |seconds, scheduled| {
            let sample = Sample {
                scheduled,
                acked: 0,
                failed: 0,
                ready: 0,
            };
            samples.add((begin + Duration::from_secs(seconds), sample), pace);
            samples.steps().count()
        };
        assert_eq!(
            [look(0, 5), look(0, 6), look(1, 7), look(2, 7)],
            [0, 0, 1, 2],
            "another one looks as well"
        );
        assert_eq!([look(3, 1), look(4, 2)], [0, 1], "the server has started again");
        assert_eq!(look(90, 2), 0, "nobody looked");
    }
}
