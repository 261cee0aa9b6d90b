//! Loads all members of a service into memory: after a load, a promotion, or a change by another client.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::membership::liveness::Reason;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;

/// Members that get the same deadline after a load, so that no later slice has more than its share.
const TOGETHER: i64 = 100;

impl Service<'_> {
    /// Reads all members at once, for a caller whose answer depends on them.
    pub(crate) fn load_all(&mut self) -> Result<()> {
        while self.memory().loading != Loading::Done {
            self.load_some()?;
        }
        Ok(())
    }

    /// The primary has changed these members and perhaps the leader: what memory knows is read again, so that a list does
    /// not read all members for every page.
    pub(crate) fn refresh(&mut self, members: &BTreeSet<Vec<u8>>) -> Result<()> {
        let memory = self.memory();
        memory.leadership = None;
        memory.loading = Loading::default();
        let is_complete = memory.is_complete;
        self.wake_now();
        for member in members {
            let member = std::str::from_utf8(member).unwrap_or_default();
            let is_known = self.memory().outdate(member);
            if (is_known || is_complete) && self.find(member)?.is_none() {
                self.memory().take(member);
            }
        }
        Ok(())
    }

    /// Reads all members without the timer, which does not run on a replica.
    pub(crate) fn complete(&mut self) -> Result<()> {
        let known = self.known();
        if known.is_some_and(|known| known.loading == Loading::Done || known.is_complete) {
            return Ok(());
        }
        let alive = self.context.steady;
        for (member, stored) in self.keys.hgetall(self.name.members())? {
            let member = std::str::from_utf8(&member).unwrap_or_default();
            self.load(member, Some(&stored), alive);
        }
        // Reading a service must not create a state for it.
        if let Some(known) = self.state.services.known_mut(&self.name) {
            known.is_complete = true;
        }
        Ok(())
    }

    /// Reads the next members: those that are new in memory get their full TTL from now on.
    pub(crate) fn load_some(&mut self) -> Result<()> {
        let Loading::At(cursor, mut loaded) = self.memory().loading else {
            return Ok(());
        };
        let (next, some) = self.keys.hscan(self.name.members(), cursor)?;
        for (member, stored) in some {
            let member = std::str::from_utf8(&member).unwrap_or_default();
            let alive = self.context.steady.after(loaded / TOGETHER);
            let version = self.memory().version;
            if self.member(member).is_none_or(|known| known.version != version) {
                loaded += i64::from(self.load(member, Some(&stored), alive));
            }
        }
        if next != 0 {
            self.memory().loading = Loading::At(next, loaded);
            self.wake_now();
            return Ok(());
        }
        self.memory().loading = Loading::Done;
        self.state.readmit_quiet(&self.name);
        for member in self.memory().not_loaded() {
            self.mark_dead(&member, Reason::Deleted);
        }
        let rebooted = self.memory().rebooted_hosts();
        if !rebooted.is_empty() {
            self.memory().leaving.boots.extend(rebooted);
            self.wake_now();
        }
        self.notify_all_watchers()
    }
}
