//! The time between two attempts to reach a server.

use std::time::Duration;

/// Longer and longer pauses.
pub(crate) struct Pause {
    next: Duration,
    longest: Duration,
}

impl Pause {
    pub(crate) fn new(longest: Duration) -> Pause {
        Pause {
            next: Duration::from_millis(5).min(longest),
            longest,
        }
    }

    pub(crate) fn sleep(&mut self) {
        std::thread::sleep(self.next);
        self.next = (self.next * 2).min(self.longest);
    }
}
