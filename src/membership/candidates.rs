//! The line of candidates for the lead: members, which are stored in a sorted set, and clients that are blocked until
//! they can register as the exclusive holder, which are not members yet and are only in memory, like their
//! connections.

use crate::error::{Error, Result};
use crate::membership::record::MemberName;
use crate::membership::service::Service;
use crate::time::Ms;

/// Largest priority of a candidate.
pub(crate) const MAX_PRIORITY: i64 = 1_000;
/// A place in the line: (1000 - priority) times this, plus the moment of arrival in ms. Exact as a score.
const ARRIVALS: i64 = 1 << 43;
/// Candidates of one page of the line.
const PAGE: usize = 16;
/// Most pages of one election. The timer elects again when the overdue candidates have been removed.
const PAGES: usize = 32;

impl Service<'_> {
    /// The next place in the line for this priority, behind all others of the same priority.
    pub(crate) fn next_place(&mut self, priority: i64) -> i64 {
        let now = self.context.wall.0;
        let memory = self.memory();
        memory.arrival = now.max(memory.arrival + 1);
        (MAX_PRIORITY - priority) * ARRIVALS + memory.arrival % ARRIVALS
    }

    /// Puts a member in the line, or moves it to the place of its new priority. The leader, and a candidate without a
    /// new priority, stay where they are.
    pub(crate) fn campaign(&mut self, member: &str, priority: Option<i64>) -> Result<()> {
        if self.is_led_by(member)? {
            return Ok(());
        }
        let before = self.keys.zscore(self.name.candidates(), member.as_bytes())?;
        let place = match (before, priority) {
            (Some(_), None) => return Ok(()),
            (Some(before), Some(priority)) => (MAX_PRIORITY - priority) * ARRIVALS + before.rem_euclid(ARRIVALS),
            (None, priority) => self.next_place(priority.unwrap_or(0)),
        };
        if before != Some(place) {
            let place = [(place, member.as_bytes())];
            self.keys.zadd(self.name.candidates(), &place)?;
        }
        if let Some(known) = self.memory().member_mut(member) {
            known.is_candidate = true;
        }
        Ok(())
    }

    /// Removes a member from the line; whether it was in it.
    pub(crate) fn withdraw(&mut self, member: &str) -> Result<bool> {
        let removed = self.keys.zrem(self.name.candidates(), &[member.as_bytes()])?;
        if let Some(known) = self.memory().member_mut(member) {
            known.is_candidate = false;
        }
        Ok(removed > 0)
    }

    /// The first living candidate, with its place. Removes entries that are not members with a token.
    pub(crate) fn first_candidate(&mut self) -> Result<Option<(i64, MemberName)>> {
        let mut after = None;
        for _ in 0..PAGES {
            let page = self.keys.zwalk(self.name.candidates(), after.as_ref(), false, PAGE)?;
            for (place, candidate) in &page {
                let member = std::str::from_utf8(candidate).unwrap_or_default();
                let found = match member {
                    "" => None,
                    member => self.find(member)?,
                };
                if found.is_none_or(|found| found.record.token.is_none()) {
                    self.log_skip("a candidate that is no member with a token");
                    self.keys.zrem(self.name.candidates(), &[candidate])?;
                    self.wake_now();
                    continue;
                }
                // The timer removes those that are overdue or go.
                let goes = self.memory().is_leaving(member).is_some();
                let living = self.member(member).filter(|member| !goes && !self.is_overdue(member));
                if let Some(living) = living {
                    return Ok(Some((*place, living.name.clone())));
                }
            }
            if page.len() < PAGE {
                break;
            }
            after = page.into_iter().next_back();
        }
        Ok(None)
    }

    /// Errors with `BadArg` when a leader with this TTL could still believe that it leads after the reclaim window.
    pub(crate) fn ensure_may_lead(&self, ttl: Ms) -> Result<()> {
        let window = self.context.config.reclaim_window;
        if window > 0 && ttl > window {
            return Err(Error::BadArg(format!(
                "TTL of one that may lead must not exceed steward.reclaim-window, {window} ms"
            )));
        }
        Ok(())
    }

    /// The same for a member that leads, is a candidate or `wants` to be one. Without a new TTL it keeps its own; a
    /// new member gets the default.
    pub(crate) fn ensure_may_go_on(&mut self, member: &str, ttl: Option<Ms>, wants: bool) -> Result<()> {
        let leads = self.is_led_by(member)?;
        let known = self.member(member);
        if !(wants || leads || known.is_some_and(|known| known.is_candidate)) {
            return Ok(());
        }
        let own = known.map_or(self.context.config.ttl, |known| known.record.ttl);
        self.ensure_may_lead(ttl.unwrap_or(own))
    }
}
