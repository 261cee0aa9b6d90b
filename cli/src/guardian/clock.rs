//! The clock of fuses. It counts the time that the machine sleeps, as the server's does.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A moment, since the boot of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    pub(crate) fn now() -> Moment {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Moment(Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0)))
    }

    pub(crate) fn after(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(duration))
    }

    /// How long until then; zero when it has passed.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_sub(Moment::now().0)
    }

    pub(super) fn nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn of_nanos(nanos: u64) -> Moment {
        Moment(Duration::from_nanos(nanos))
    }

    pub(super) fn timespec(self) -> Timespec {
        Timespec {
            tv_sec: i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: self.0.subsec_nanos().into(),
        }
    }
}
