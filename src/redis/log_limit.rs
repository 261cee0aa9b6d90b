//! Limits how often a warning that every command may cause is logged.

use crate::time::{Ms, SECOND, Steady};

/// Minimum time between two lines, ms.
const EVERY: Ms = 10 * SECOND;

/// When the line was last logged, and how often it has been left out since.
#[derive(Debug, Default)]
pub(super) struct LogLimit {
    last: Option<Steady>,
    left_out: u64,
}

impl LogLimit {
    /// How many lines have been left out since the last one; `None` when this one must be left out too.
    pub(super) fn admit(&mut self, now: Steady) -> Option<u64> {
        if self.last.is_some_and(|last| now.since(last) < EVERY) {
            self.left_out += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_in_the_next_line() {
        let mut limit = LogLimit::default();
        let admitted = [0, 1, EVERY - 1, EVERY, EVERY + 1, 3 * EVERY].map(|ms| limit.admit(Steady(ms)));
        assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
