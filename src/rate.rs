//! The rate limit of a queue: a sliding window over its claims.

use std::collections::VecDeque;
use std::fmt;

use crate::command::int;
use crate::error::Error;
use crate::time::{DAY, Ms, Steady};

/// At most so many claims in any window of so many ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Most claims, at least one.
    pub claims: usize,
    /// The length of the window, ms, at least one.
    pub ms: Ms,
}

/// Most claims of a rate. Recent claims are remembered by the millisecond, so this many take 16 MB at worst.
const MAX_CLAIMS: i64 = 1_000_000;
/// The longest window: recent claims are only in memory, and a restart forgets them.
const MAX_MS: Ms = DAY;
/// The text of no rate.
const NONE: &str = "0";

impl Rate {
    /// The text that `parse` reads.
    pub(crate) fn text(rate: Option<Rate>) -> String {
        rate.map_or(NONE.to_string(), |rate| rate.to_string())
    }

    /// Reads `claims/ms`, or `0` for none.
    pub(crate) fn parse(text: &[u8]) -> Result<Option<Rate>, Error> {
        if text == NONE.as_bytes() {
            return Ok(None);
        }
        let mut halves = text.splitn(2, |byte| *byte == b'/');
        let claims = int("", halves.next().unwrap_or_default(), 1, MAX_CLAIMS, "");
        let ms = int("", halves.next().unwrap_or_default(), 1, MAX_MS, "");
        match (claims.map(usize::try_from), ms) {
            (Ok(Ok(claims)), Ok(ms)) => Ok(Some(Rate { claims, ms })),
            _ => Err(Error::BadArg(format!(
                "rate must be claims/ms, such as 10/1000: 1 to {MAX_CLAIMS} claims in 1 to {MAX_MS} ms, or 0 for none"
            ))),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.claims, self.ms)
    }
}

/// The recent claims. A claim counts for the length of the window from its millisecond on, so no window of that length
/// has more claims than the rate allows, wherever it begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    /// When, and how many; the oldest first.
    claims: VecDeque<(Steady, usize)>,
    /// How many in all.
    count: usize,
}

impl Recent {
    /// How many more claims the rate allows now.
    pub(crate) fn room(&mut self, rate: Rate, now: Steady) -> usize {
        while let Some((moment, count)) = self.claims.front()
            && moment.after(rate.ms) <= now
        {
            self.count -= count;
            self.claims.pop_front();
        }
        rate.claims.saturating_sub(self.count)
    }

    /// Records claims.
    pub(crate) fn record(&mut self, now: Steady, count: usize) {
        self.count += count;
        match self.claims.back_mut() {
            Some((moment, there)) if *moment == now => *there += count,
            _ => self.claims.push_back((now, count)),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// When the rate allows the next claim, if it allows none now.
    pub(crate) fn next(&self, rate: Rate) -> Option<Steady> {
        let mut count = self.count;
        for (moment, claims) in &self.claims {
            count -= claims;
            if count < rate.claims {
                return Some(moment.after(rate.ms));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn text_and_rate_are_the_same_thing() {
        assert_eq!(rate("10/1000"), Rate { claims: 10, ms: 1_000 });
        assert_eq!(rate("1000000/86400000").to_string(), "1000000/86400000");
        assert_eq!(Rate::parse(b"0"), Ok(None));
        for bad in [
            "",
            "10",
            "/",
            "10/",
            "/10",
            "0/10",
            "10/0",
            "-1/10",
            "+1/10",
            "1/10/10",
            "1000001/1",
            "1/86400001",
            "ten/1000",
            "1/ 10",
        ] {
            assert_eq!(
                Rate::parse(bad.as_bytes()).unwrap_err().to_string(),
                "BADARG rate must be claims/ms, such as 10/1000: 1 to 1000000 claims in 1 to 86400000 ms, or 0 for none",
                "{bad}"
            );
        }
    }

    #[test]
    fn a_claim_counts_for_as_long_as_the_rate_says() {
        let (rate, mut recent) = (rate("3/100"), Recent::default());
        assert_eq!((recent.room(rate, Steady(0)), recent.next(rate)), (3, None));
        recent.record(Steady(0), 1);
        recent.record(Steady(50), 1);
        recent.record(Steady(50), 1);
        assert_eq!(
            (recent.room(rate, Steady(99)), recent.next(rate)),
            (0, Some(Steady(100)))
        );
        assert_eq!(recent.room(rate, Steady(100)), 1);
        recent.record(Steady(100), 1);
        assert_eq!(
            (recent.room(rate, Steady(149)), recent.next(rate)),
            (0, Some(Steady(150)))
        );
        assert_eq!(recent.room(rate, Steady(150)), 2);
    }

    #[test]
    fn under_a_lower_rate_the_claims_of_before_count_too() {
        let mut recent = Recent::default();
        for moment in 0..10 {
            recent.record(Steady(moment), 1);
        }
        let rate = rate("2/100");
        assert_eq!(
            (recent.room(rate, Steady(10)), recent.next(rate)),
            (0, Some(Steady(108)))
        );
        assert_eq!(recent.room(rate, Steady(108)), 1);
    }
}
