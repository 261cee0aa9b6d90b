//! Members that go many at a time, in slices, and services that go with the last of them.

use crate::error::Result;
use crate::membership::leaving::Leaving;
use crate::membership::service::Service;
use crate::membership::service_state::{Loading, NO_SIGNAL};
use crate::time::{Ms, Wall};

/// Members that go in one slice.
const SLICE: usize = 128;

impl Service<'_> {
    /// Lets the members go that registered until now. Returns how many there are.
    pub(crate) fn drop_members(&mut self) -> Result<usize> {
        let count = self.keys.hlen(self.name.members())?;
        let below = self.next_fence()?;
        self.memory().leaving = Leaving {
            dropped_below: Some(below),
            ..Leaving::default()
        };
        if count <= SLICE {
            self.load_all()?;
        }
        self.remove_leaving(None)?;
        Ok(count)
    }

    /// Removes the next members that go, and the leader if it goes so that the next one leads at once, but not `stays`.
    /// Whether any was removed. The timer does the rest; with the last member of a dropped service its keys go.
    pub(crate) fn remove_leaving(&mut self, stays: Option<&str>) -> Result<bool> {
        let Leaving {
            boots, dropped_below, ..
        } = &self.memory().leaving;
        let is_dropped = dropped_below.is_some();
        if boots.is_empty() && !is_dropped {
            return Ok(false);
        }
        let leader = self.leadership()?.leader;
        let mut next = self.memory().next_leaving(SLICE);
        let is_over = next.len() < SLICE && self.memory().loading == Loading::Done;
        next.extend(leader);
        next.retain(|member| stays != Some(member.as_ref()));
        let mut any = false;
        for member in next {
            if let Some(reason) = self.memory().is_leaving(&member) {
                self.remove(&member, &reason)?;
                any = true;
            }
        }
        if !is_over {
            self.wake_now();
            return Ok(any);
        }
        self.memory().leaving = Leaving::default();
        if is_dropped && self.keys.hlen(self.name.members())? == 0 {
            self.remove_keys();
        }
        Ok(any)
    }

    /// Removes all keys of a service without members. Its next epoch is larger all the same.
    pub(crate) fn remove_keys(&mut self) {
        if let Ok(leadership) = self.leadership() {
            self.tx().saw_fence(leadership.epoch);
        }
        let keys = [
            self.name.service(),
            self.name.members(),
            self.name.candidates(),
            self.name.events(),
        ];
        for key in keys {
            self.keys.del(key);
        }
        self.memory().leadership = None;
    }

    /// Removes a service that is over: without members, a standing signal and clients that wait, and with its last event
    /// longer ago than `events-retain`. Otherwise plans when that is checked again.
    pub(crate) fn remove_if_over(&mut self) -> Result<()> {
        let stands = self.leadership()?.signal.is_some_and(|(word, _)| word != NO_SIGNAL);
        let is_used = stands || self.state.waiting.any(&self.name);
        if is_used || self.keys.hlen(self.name.members())? > 0 {
            return Ok(());
        }
        let last = self.keys.last_entry(self.name.events())?;
        let retain = self.context.config.events_retain;
        let over = Wall(last.map_or(0, |(ms, _)| Ms::try_from(ms).unwrap_or(Ms::MAX))).after(retain);
        if over <= self.context.wall {
            self.remove_keys();
        } else {
            self.state.names.wake_at_wall(&self.name, over);
        }
        Ok(())
    }
}
