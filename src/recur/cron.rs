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

use jiff::civil::DateTime;

use super::expression;
use super::zone::{Zone, moment, show};
use crate::error::Error;

/// Most clock changes to search across: there are at most four a year, and the rarest day (29 February on one
/// weekday) comes after 40 years at most.
const MAX_CHANGES: u32 = 400;
/// Two clock changes are further apart than this, seconds.
const APART: i64 = 86_400;
/// When the years of `expression` have ended in every zone, unix seconds: 2 January 2400. A later clock must not make
/// the search walk back over the years in between.
const END: i64 = 13_569_552_000;
/// Longest name of a zone shown in an error, bytes.
const SHOWN: usize = 64;

/// A cron expression in a zone.
#[derive(Clone, PartialEq)]
pub(super) struct Cron {
    /// The user's text, with single spaces.
    text: String,
    zone: Zone,
    /// Shared, because it takes about 5 KiB.
    times: Arc<croner::Cron>,
    every_hour: bool,
}

impl Cron {
    /// Reads an expression for a zone of this IANA name.
    pub(super) fn parse(expression: &str, zone: &str) -> Result<Cron, Error> {
        let (text, times) = expression::parse(expression)?;
        let zone = Zone::find(zone).ok_or_else(|| {
            let shown: String = zone.chars().take(SHOWN).flat_map(char::escape_default).collect();
            Error::BadArg(format!(
                "TZ {shown} is unknown: must be an IANA zone such as Europe/Paris, or UTC"
            ))
        })?;
        let every_hour = times.pattern.hours.values().len() == 24;
        Ok(Cron {
            text,
            zone,
            times: Arc::new(times),
            every_hour,
        })
    }

    /// The first occurrence after this moment, unix seconds.
    pub(super) fn after(&self, at: i64) -> Option<i64> {
        if at >= END {
            return None;
        }
        if self.every_hour {
            return self.shown_after(at);
        }
        self.zone.first(self.next(self.zone.reached(at)?, false)?)
    }

    /// The last occurrence at this moment or before, unix seconds.
    pub(super) fn until(&self, at: i64) -> Option<i64> {
        let at = at.min(END);
        if self.every_hour {
            return self.shown_until(at);
        }
        self.zone.first(self.previous(self.zone.reached(at)?)?)
    }

    /// The first moment after this one at which the clock shows such a time: searched between two clock changes, where
    /// the clock runs evenly.
    fn shown_after(&self, at: i64) -> Option<i64> {
        let (mut from, mut inclusive) = (at, false);
        for _ in 0..MAX_CHANGES {
            let offset = self.zone.offset(from)?;
            let found = moment(offset, self.next(show(offset, from)?, inclusive)?)?;
            if found - from < APART && self.zone.offset(found)? == offset {
                return Some(found);
            }
            match self.zone.change_after(from) {
                Some(change) if change <= found => (from, inclusive) = (change, true),
                _ => return Some(found),
            }
        }
        None
    }

    /// The same backwards, this moment included.
    fn shown_until(&self, at: i64) -> Option<i64> {
        let mut from = at;
        for _ in 0..MAX_CHANGES {
            let offset = self.zone.offset(from)?;
            let found = moment(offset, self.previous(show(offset, from)?)?)?;
            if from - found < APART && self.zone.offset(found)? == offset {
                return Some(found);
            }
            match self.zone.change_until(from) {
                Some(change) if found < change => from = change.checked_sub(1)?,
                _ => return Some(found),
            }
        }
        None
    }

    fn next(&self, time: DateTime, inclusive: bool) -> Option<DateTime> {
        self.times.find_next_occurrence(&time, inclusive).ok()
    }

    fn previous(&self, time: DateTime) -> Option<DateTime> {
        self.times.find_previous_occurrence(&time, true).ok()
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
