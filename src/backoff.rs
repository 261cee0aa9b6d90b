//! How long a failed task waits before its next attempt.

use std::fmt;

use crate::command::{Arg, Arguments, arguments};
use crate::context::Context;
use crate::time::{MAX_DELAY, Ms};

/// The rule for the delay before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// Whether the wait doubles with every attempt.
    pub exponential: bool,
    /// The wait after the first attempt, ms.
    pub base: Ms,
    /// The longest wait, ms.
    pub max: Ms,
    /// Up to this many percent are taken away at random.
    pub jitter: i64,
}

/// What applies when neither task nor queue says otherwise.
pub(crate) const DEFAULT: Backoff = Backoff {
    exponential: true,
    base: 1_000,
    max: 3_600_000,
    jitter: 20,
};

/// The longest wait when MAX is not given, ms: one hour.
const DEFAULT_MAX: Ms = 3_600_000;

arguments! {
    /// As an option of a task and as a queue's setting.
    pub(crate) struct BackoffArgs<'a> {
        kind: &'a str = Arg::words("kind", &["FIXED", "EXPONENTIAL"]),
        base: Ms = Arg::int("base-ms", 0, MAX_DELAY, "ms"),
        max: Option<Ms> = Arg::duration("MAX", 0, MAX_DELAY)
            .means("the longest wait of EXPONENTIAL; by default an hour"),
        jitter: Option<i64> = Arg::option("JITTER", Arg::int("percent", 0, 100, "percent"))
            .means("up to this share of the wait is taken away at random; by default 0"),
    }
}

impl Backoff {
    /// The rule that was asked for.
    pub(crate) fn from_args(args: &BackoffArgs<'_>) -> Backoff {
        let exponential = args.kind == "EXPONENTIAL";
        let base = args.base;
        // A fixed wait may be any length; only doubling needs a limit.
        let roof = if exponential { DEFAULT_MAX.max(base) } else { base };
        Backoff {
            exponential,
            base,
            max: args.max.unwrap_or(roof),
            jitter: args.jitter.unwrap_or(0),
        }
    }

    /// Reads what `Display` wrote; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Backoff> {
        let words: Vec<&[u8]> = text.split_ascii_whitespace().map(str::as_bytes).collect();
        BackoffArgs::parse(&words).ok().map(|args| Backoff::from_args(&args))
    }

    /// The wait after attempt number `attempt` (1 is the first run) failed. EXPONENTIAL is
    /// base x 2^(attempt - 1), at most `max`; jitter is drawn from the transaction's seed and `salt`.
    pub(crate) fn wait(&self, attempt: u64, context: &Context, salt: u64) -> Ms {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = if self.exponential {
            self.base
                .saturating_mul(2_i64.checked_pow(doublings).unwrap_or(i64::MAX))
        } else {
            self.base
        };
        let wait = wait.min(self.max);
        let most = i64::try_from(i128::from(wait) * i128::from(self.jitter) / 100).unwrap_or(0);
        wait - context.draw(salt, most)
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.exponential { "EXPONENTIAL" } else { "FIXED" };
        write!(f, "{kind} {} MAX {} JITTER {}", self.base, self.max, self.jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(chance: u64) -> Context {
        Context {
            chance,
            ..Context::default()
        }
    }

    #[test]
    fn exponential_doubles_up_to_its_maximum() {
        let rule = Backoff::parse("exponential 100 max 1000").unwrap();
        let waits: Vec<Ms> = (1..=6).map(|attempt| rule.wait(attempt, &context(0), 0)).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(rule.wait(u64::MAX, &context(0), 0), 1000);
    }

    #[test]
    fn jitter_only_takes_away_and_stays_in_its_share() {
        let rule = Backoff::parse("FIXED 1000 JITTER 20").unwrap();
        let waits: Vec<Ms> = (0..500).map(|salt| rule.wait(1, &context(7), salt)).collect();
        assert!(waits.iter().all(|wait| (800..=1000).contains(wait)));
        assert!(waits.iter().min() < Some(&830) && waits.iter().max() > Some(&970));
    }

    #[test]
    fn text_and_rule_are_the_same_thing() {
        for text in ["EXPONENTIAL 1000 MAX 3600000 JITTER 20", "FIXED 5 MAX 5 JITTER 0"] {
            assert_eq!(Backoff::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Backoff::parse("EXPONENTIAL 1000 JITTER 20"), Some(DEFAULT));
        for bad in [
            "",
            "FIXED",
            "FIXED -1",
            "FIXED 1 MAX",
            "LINEAR 1",
            "FIXED 1 JITTER 101",
            "FIXED 1 2",
        ] {
            assert_eq!(Backoff::parse(bad), None, "{bad}");
        }
    }
}
