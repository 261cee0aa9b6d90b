//! The reclaim window: a grant made just before a load or a promotion may be lost while its holder still believes that
//! it leads. No leader is appointed until its TTL must have run out.

use crate::error::Result;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::time::Ms;

/// Up to this many members are read at once when the length of the reclaim window is needed.
const FEW: usize = 1_000;

impl Service<'_> {
    /// How long until a leader may be appointed, ms.
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
            // Unread members may have any TTL.
            None if self.keys.hlen(self.name.members())? > 0 => Some(window),
            None => None,
        };
        Ok(left(longest.unwrap_or(self.context.config.ttl)))
    }

    /// Whether the reclaim window is open, as far as memory knows.
    pub(crate) fn is_reclaiming(&self) -> bool {
        let window = self.context.config.reclaim_window;
        let known = self.known();
        let longest = known.filter(|known| known.loading == Loading::Done);
        let longest = longest.map_or(window, |known| known.longest_ttl.unwrap_or(self.context.config.ttl));
        let end = self
            .state
            .services
            .reclaims_since
            .map(|since| since.after(longest.min(window)));
        !known.is_some_and(|known| known.settled) && end.is_some_and(|end| end > self.context.steady)
    }

    /// Ends the reclaim window when a member that may have led before a load or a promotion gives that up: after that,
    /// no lost grant can be in force. Whether it may have led.
    pub(crate) fn give_up_lost_lead(&mut self, member: &str) -> Result<bool> {
        let is_open = self.leader()?.is_none() && self.reclaim_left()? > 0;
        let given_up = is_open && self.member(member).is_some_and(|member| member.was_loaded);
        self.memory().settled |= given_up;
        Ok(given_up)
    }
}
