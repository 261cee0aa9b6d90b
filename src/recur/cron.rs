//! A cron expression in a zone: its occurrences, forwards and backwards.
//!
//! The expression is searched on a calendar without clock changes; what its times mean on the clock of the zone is
//! decided here. There are two kinds of rule:
//!
//! * One that picks hours (`30 2 * * *`, `0 */6 * * *`) runs once for each time: a time that is skipped in spring runs
//!   at the first moment after the gap, one that comes twice in autumn runs the first time. Several times in the same
//!   gap are one occurrence.
//! * One that runs in every hour (`*/5 * * * *`, `0 * * * *`, `0 0-23 * * *`) runs whenever the clock shows such a
//!   time: not in an hour that does not exist, and throughout one that comes twice, so that five minutes stay five
//!   minutes.

use std::fmt;
use std::sync::Arc;

use jiff::ToSpan;

use super::calendar::Calendar;
use super::expression;
use super::zone::{Zone, moment, printable, show};
use crate::error::Error;

/// Most searches of the calendar for one moment: those around a clock change or two, and one of the years in between.
const MAX_SEARCHES: usize = 16;
/// Two clock changes are further apart than this, seconds.
const APART: i64 = 86_400;
/// No clock is ever changed by more than this, seconds.
const SHIFT: i64 = 2 * 86_400;
/// When the years of `expression` have ended in every zone, unix seconds: 2 January 2400. A later clock must not make
/// the search walk back over the years in between.
const END: i64 = 13_569_552_000;

/// A cron expression in a zone.
#[derive(Clone, PartialEq)]
pub(super) struct Cron {
    /// The user's text, with single spaces.
    text: String,
    zone: Zone,
    /// Shared, because it takes about 5 KiB.
    calendar: Arc<Calendar>,
    every_hour: bool,
}

impl Cron {
    /// Reads an expression for a zone of this IANA name.
    pub(super) fn parse(expression: &str, zone: &str) -> Result<Cron, Error> {
        let (text, calendar) = expression::parse(expression)?;
        let zone = Zone::find(zone).ok_or_else(|| {
            Error::BadArg(format!(
                "TZ {} is unknown: must be an IANA zone such as Europe/Paris, or UTC",
                printable(zone)
            ))
        })?;
        Ok(Cron {
            text,
            zone,
            every_hour: calendar.is_every_hour(),
            calendar: Arc::new(calendar),
        })
    }

    /// The first occurrence after this moment, unix seconds.
    pub(super) fn after(&self, at: i64) -> Option<i64> {
        if at >= END {
            return None;
        }
        if self.every_hour {
            return self.shown_from(at.checked_add(1)?);
        }
        let next = self.zone.reached(at)?.checked_add(1.second()).ok()?;
        self.zone.first(self.calendar.from(next)?)
    }

    /// The last occurrence at this moment or before, unix seconds.
    pub(super) fn until(&self, at: i64) -> Option<i64> {
        let at = at.min(END);
        if self.every_hour {
            return self.shown_until(at);
        }
        self.zone.first(self.calendar.until(self.zone.reached(at)?)?)
    }

    /// The first moment, this one included, at which the clock shows such a time: searched between two clock changes,
    /// where the clock runs evenly.
    fn shown_from(&self, mut at: i64) -> Option<i64> {
        for _ in 0..MAX_SEARCHES {
            let offset = self.zone.offset(at)?;
            let found = moment(offset, self.calendar.from(show(offset, at)?)?)?;
            if found - at < APART && self.zone.offset(found)? == offset {
                return Some(found);
            }
            at = match self.zone.change_after(at) {
                Some(change) if change > found => return Some(found),
                None => return Some(found),
                // It may bring back times that were shown already.
                Some(change) if change - at < SHIFT => change,
                // The years until shortly before have no such time, whatever the changes in between.
                Some(change) => change.max(found - SHIFT),
            }
        }
        None
    }

    /// The last such moment, this one included.
    fn shown_until(&self, mut at: i64) -> Option<i64> {
        for _ in 0..MAX_SEARCHES {
            let offset = self.zone.offset(at)?;
            let found = moment(offset, self.calendar.until(show(offset, at)?)?)?;
            if at - found < APART && self.zone.offset(found)? == offset {
                return Some(found);
            }
            at = match self.zone.change_until(at) {
                Some(change) if change <= found => return Some(found),
                None => return Some(found),
                Some(change) if at - change < SHIFT => change.checked_sub(1)?,
                Some(change) => change.checked_sub(1)?.min(found + SHIFT),
            }
        }
        None
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} TZ {}", self.text, self.zone.name())
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
