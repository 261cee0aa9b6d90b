//! Programs that hide their children, and what is done to those who are to end them.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Running, send, wait_until};

/// Leaves descendants of every kind: a child, one in its own session, one whose parent has ended, and all of them
/// ignore TERM. Writes a line when it has them.
pub(crate) const HIDING: &str = "trap '' TERM
sleep 600 &
setsid sleep 600 &
(setsid sh -c 'sleep 600 & sleep 600' &)
(sleep 600 &)
echo x >>ready
sleep 600";

/// What is done to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blow {
    KillSteward,
    KillGuardian,
    StopSteward,
    StopGuardian,
}

impl Blow {
    pub(crate) const ALL: [Blow; 4] = [
        Blow::KillSteward,
        Blow::KillGuardian,
        Blow::StopSteward,
        Blow::StopGuardian,
    ];

    /// A TTL that is over soon when this is done to `steward`, and otherwise not only because the machine is busy.
    pub(crate) fn ttl(self) -> &'static str {
        match self {
            Blow::KillSteward | Blow::StopSteward => "1s",
            Blow::KillGuardian | Blow::StopGuardian => "30s",
        }
    }

    /// Waits until the program has all its children, and deals the blow; nothing but `end` ends a program whose guardian
    /// is stopped. Returns how long it took until at most `steward` itself was left.
    #[track_caller]
    pub(crate) fn deal(self, running: &Running, end: impl FnOnce()) -> Duration {
        wait_until("it has all its children", || running.left().len() >= 8);
        let guardian = running.guardian();
        let start = Instant::now();
        match self {
            Blow::KillSteward => running.signal(Signal::KILL),
            Blow::KillGuardian => send(guardian, Signal::KILL),
            Blow::StopSteward => running.signal(Signal::STOP),
            Blow::StopGuardian => {
                send(guardian, Signal::STOP);
                end();
            }
        }
        wait_until("nothing is left", || {
            running.left().iter().all(|&pid| pid == running.pid())
        });
        start.elapsed()
    }

    /// Prints how long it took.
    pub(crate) fn report(self, what: &str, mut times: Vec<Duration>) {
        times.sort();
        let count = times.len();
        println!(
            "{what}: {self:?} {count} times, nothing left after {:?} at most, median {:?}",
            times[count - 1],
            times[count / 2]
        );
    }
}
