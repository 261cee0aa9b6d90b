//! The reclaim window: a grant of just before a load or a promotion may be lost, and its holder may still believe
//! that it leads. Until it cannot any more, nobody is appointed.

use crate::error::Result;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::time::Ms;

/// A service of no more members is read at once when the length of its reclaim window is asked for.
const FEW: usize = 1_000;

impl Service<'_> {
    /// How long nobody is appointed yet, ms.
    pub(crate) fn reclaim_left(&mut self) -> Result<Ms> {
        let window = self.context.config.reclaim_window;
        let Some(since) = self.state.services.reclaims_since.filter(|_| window > 0) else {
            return Ok(0);
        };
        let now = self.context.steady;
        let left = |length: Ms| since.after(length.min(window)).since(now).max(0);
        if left(window) == 0 {
            self.state.services.reclaims_since = None;
            return Ok(0);
        }
        if self.known().is_some_and(|known| known.settled) {
            return Ok(0);
        }
        if (1..=FEW).contains(&self.keys.hlen(self.name.members())?) {
            self.load_all()?;
        }
        let known = self.known().filter(|known| known.loading == Loading::Done);
        let longest = match known.map(|known| known.longest_ttl) {
            Some(longest) => longest,
            // Members that were not read yet may have any TTL.
            None if self.keys.hlen(self.name.members())? > 0 => Some(window),
            None => None,
        };
        Ok(left(longest.unwrap_or(self.context.config.ttl)))
    }

    /// A member that may have led before a load or a promotion gives up what it may have had: no lost grant can be
    /// in force after that. Whether it may have led.
    pub(crate) fn give_up_lost_lead(&mut self, member: &str) -> Result<bool> {
        let is_open = self.leader()?.is_none() && self.reclaim_left()? > 0;
        let given_up = is_open && self.member(member).is_some_and(|member| member.was_loaded);
        self.memory().settled |= given_up;
        Ok(given_up)
    }
}
