//! The rule of a recurring task: EVERY so many milliseconds, or CRON in a zone.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cron::Cron;
use crate::error::Error;
use crate::time::{MAX_DELAY, Ms, SECOND, Wall};

/// The default zone of a CRON rule.
pub(crate) const DEFAULT_ZONE: &str = "UTC";

/// When a task recurs. Stored in its text form: `EVERY 5000`, `CRON 0 9 * * MON TZ Europe/Paris`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Every(Ms),
    Cron(Cron),
}

impl Rule {
    /// An interval in ms; `BADARG` outside 1 to 100 years.
    pub(crate) fn every(ms: Ms) -> Result<Rule, Error> {
        if !(1..=MAX_DELAY).contains(&ms) {
            return Err(Error::BadArg(format!("EVERY must be 1 to {MAX_DELAY} ms")));
        }
        Ok(Rule(Kind::Every(ms)))
    }

    /// A cron expression on the clock of a zone. Five fields (minute hour day month weekday), six with the second
    /// first, or @hourly and the like; names, ranges, lists, steps, `?`, `L` (last day, `5L` last Friday), `15W`
    /// (nearest working day), `5#2` (second Friday); weekday 0 and 7 are Sunday. A day or weekday that begins with `*`
    /// restricts the other; when neither does, either is enough, as in every crontab; `+` before the weekday requires
    /// both. It ends with the year 2399. `BADARG` says what is wrong with the expression (also that it never occurs) or
    /// the zone.
    pub(crate) fn cron(expression: &str, zone: &str) -> Result<Rule, Error> {
        Cron::parse(expression, zone).map(|cron| Rule(Kind::Cron(cron)))
    }

    /// Parses what `Display` wrote; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Rule> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "EVERY" => Rule::every(rest.parse().ok()?).ok(),
            "CRON" => {
                let (expression, zone) = rest.rsplit_once(" TZ ")?;
                Rule::cron(expression, zone).ok()
            }
            _ => None,
        }
    }

    /// The first occurrence after this moment; EVERY counts from `base`.
    pub(super) fn after(&self, at: Wall, base: Wall) -> Option<Wall> {
        match &self.0 {
            Kind::Every(ms) => {
                let passed = at.0.checked_sub(base.0)?.div_euclid(*ms);
                step(base, passed.checked_add(1)?, *ms)
            }
            Kind::Cron(cron) => wall(cron.after(at.0.div_euclid(SECOND))?),
        }
    }

    /// The last occurrence at this moment or before; EVERY counts from `base`.
    pub(super) fn until(&self, at: Wall, base: Wall) -> Option<Wall> {
        match &self.0 {
            Kind::Every(ms) => step(base, at.0.checked_sub(base.0)?.div_euclid(*ms), *ms),
            Kind::Cron(cron) => wall(cron.until(at.0.div_euclid(SECOND))?),
        }
    }
}

fn step(base: Wall, count: i64, ms: Ms) -> Option<Wall> {
    Some(Wall(base.0.checked_add(count.checked_mul(ms)?)?))
}

fn wall(seconds: i64) -> Option<Wall> {
    Some(Wall(seconds.checked_mul(SECOND)?))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Every(ms) => write!(f, "EVERY {ms}"),
            Kind::Cron(cron) => write!(f, "CRON {cron}"),
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rule, D::Error> {
        let text = String::deserialize(deserializer)?;
        Rule::parse(&text).ok_or_else(|| serde::de::Error::custom("no rule of ours"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_rule_are_the_same_thing() {
        for text in [
            "EVERY 1",
            "EVERY 3153600000000",
            "CRON */5 * * * * TZ UTC",
            "CRON 0 0 9 ? * MON-FRI TZ Europe/Paris",
            "CRON @daily TZ America/Argentina/Buenos_Aires",
        ] {
            let rule = Rule::parse(text).unwrap();
            assert_eq!(rule.to_string(), text);
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
        }
        assert_eq!(
            Rule::cron(" 0 9  * * * ", "europe/paris").unwrap().to_string(),
            "CRON 0 9 * * * TZ Europe/Paris"
        );
        for bad in [
            "",
            "EVERY",
            "EVERY ",
            "EVERY 0",
            "EVERY -5",
            "EVERY 5 5",
            "every 5",
            "CRON",
            "CRON * * * * *",
            "CRON * * * * * TZ",
            "CRON * * * * * TZ ",
            "CRON * * * * * TZ Nowhere",
            "CRON  TZ UTC",
            "AT 5",
        ] {
            assert_eq!(Rule::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_error_names_the_argument_and_what_is_allowed() {
        for ms in [0, -1, i64::MIN, MAX_DELAY + 1, i64::MAX] {
            let error = Rule::every(ms).unwrap_err().to_string();
            assert_eq!(error, "BADARG EVERY must be 1 to 3153600000000 ms");
        }
        let zone = |name: &str| Rule::cron("* * * * *", name).unwrap_err().to_string();
        let rest = "is unknown: must be an IANA zone such as Europe/Paris, or UTC";
        assert_eq!(zone("Europe/Pariss"), format!("BADARG TZ Europe/Pariss {rest}"));
        assert_eq!(zone("é\r\n"), format!("BADARG TZ \\u{{e9}}\\r\\n {rest}"));
        assert!(zone(&"x".repeat(10_000)).len() < 200);
    }
}
