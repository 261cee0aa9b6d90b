//! The timer's work on one service, one slice at a time.

use crate::error::Result;
use crate::membership::liveness::Reason;
use crate::membership::member::Member;
use crate::membership::service::Service;
use crate::time::{Ms, SECOND};

/// Members that are removed in one slice.
const GONE: usize = 32;
/// Members that are checked in one slice; most had a heartbeat since the check was planned.
const CHECKED: usize = 512;
/// Work that failed is retried after this long, ms.
const RETRY: Ms = SECOND;
/// A member whose end waits for another turn of the event loop is checked again after this long, ms.
const TURN: Ms = 10;

impl Service<'_> {
    /// One slice of everything that is due.
    pub(crate) fn run_due(&mut self) {
        let done = self
            .ensure_types()
            .and_then(|()| self.load_some())
            .and_then(|()| self.remove_dead())
            .and_then(|()| self.remove_overdue())
            .and_then(|()| self.remove_leaving(None))
            .and_then(|_| self.elect())
            .and_then(|_| self.remove_if_over());
        match done {
            Ok(()) => self.plan(),
            Err(error) => {
                // A key of a foreign type: retried until it is repaired.
                self.log_skip(&error.to_string());
                let retry = self.context.steady.after(RETRY);
                self.wake_at(retry);
            }
        }
    }

    /// Removes members whose end is already known.
    fn remove_dead(&mut self) -> Result<()> {
        for _ in 0..GONE {
            let Some((member, reason)) = self.memory().dead.pop_first() else {
                return Ok(());
            };
            // It may have registered again meanwhile.
            let is_gone = match reason {
                Reason::Disconnect => self.member(&member).is_some_and(Member::is_away),
                Reason::Deleted => self.find(&member)?.is_none(),
                _ => true,
            };
            if is_gone {
                self.remove(&member, &reason)?;
            }
        }
        if !self.memory().dead.is_empty() {
            self.wake_now();
        }
        Ok(())
    }

    /// Removes members whose TTL has run out, unless a stall or a freeze postpones that.
    fn remove_overdue(&mut self) -> Result<()> {
        let now = self.context.steady;
        let mut gone = 0;
        for _ in 0..CHECKED {
            if gone == GONE {
                break;
            }
            let Some(member) = self.memory().take_due(now) else {
                return Ok(());
            };
            gone += usize::from(self.end_if_overdue(&member)?);
        }
        self.wake_now();
        Ok(())
    }

    /// Checks a member whose moment has come: removes it or plans the next check. Whether it was removed.
    fn end_if_overdue(&mut self, name: &str) -> Result<bool> {
        let now = self.context.steady;
        let default_ttl = self.context.config.ttl;
        // Another client may have changed its record.
        let Some((deadline, _)) = self.find(name)?.and_then(|member| member.deadline(default_ttl)) else {
            return Ok(false);
        };
        let Some(member) = self.member(name) else {
            return Ok(false);
        };
        if deadline > now {
            self.memory().plan_at(name, deadline);
        } else if self.is_overdue(member) {
            let reason = member.reason(now);
            self.remove(name, &reason)?;
            return Ok(true);
        } else {
            // Kept until the stall is over, or for another turn of the event loop.
            let turn = now.after(TURN);
            let moment = self.state.stalls.until(now).unwrap_or(turn);
            self.memory().plan_at(name, moment.clamp(turn, now.after(RETRY)));
        }
        Ok(false)
    }
}
