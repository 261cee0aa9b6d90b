//! A cron expression on a calendar without clock changes: its times, forwards and backwards.
//!
//! The crate that parses expressions tells which days match, and finds the time of a day. Days are searched here: the
//! crate walks through all months of all years, which takes milliseconds for the rarest.

use croner::Cron;
use croner::time::Weekday;
use jiff::civil::{Date, DateTime, Time};

/// Most days and months that are looked at to find a day. The rarest, 29 February on one weekday, comes after 40 years
/// at most, in each of which eleven months are skipped and the days of February looked at.
const MAX_STEPS: usize = 2_000;

/// The times of an expression.
#[derive(Debug, PartialEq)]
pub(super) struct Calendar {
    times: Cron,
    /// The first and the last time of a day that matches.
    first: Time,
    last: Time,
}

impl Calendar {
    /// `None` if no day matches.
    pub(super) fn new(times: Cron) -> Option<Calendar> {
        let pattern = &times.pattern;
        let [hours, minutes, seconds] = [&pattern.hours, &pattern.minutes, &pattern.seconds].map(|part| part.values());
        let time = |[hour, minute, second]: [Option<&u16>; 3]| {
            let number = |part: Option<&u16>| i8::try_from(*part?).ok();
            Time::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
        };
        let first = time([hours.first(), minutes.first(), seconds.first()])?;
        let last = time([hours.last(), minutes.last(), seconds.last()])?;
        let calendar = Calendar { times, first, last };
        // The 28 years from here contain all fourteen kinds of year.
        calendar.day_from(Date::constant(2001, 1, 1))?;
        Some(calendar)
    }

    /// Whether it has times in every hour of its days.
    pub(super) fn is_every_hour(&self) -> bool {
        self.times.pattern.hours.values().len() == 24
    }

    /// The first time that is not before this one.
    pub(super) fn from(&self, time: DateTime) -> Option<DateTime> {
        let today = time.date();
        let earliest = if time.time() > self.last {
            today.tomorrow().ok()?
        } else {
            today
        };
        let day = self.day_from(earliest)?;
        let from = if day == today {
            time
        } else {
            day.to_datetime(Time::midnight())
        };
        self.times.find_next_occurrence(&from, true).ok()
    }

    /// The last time that is not after this one.
    pub(super) fn until(&self, time: DateTime) -> Option<DateTime> {
        let today = time.date();
        let latest = if time.time() < self.first {
            today.yesterday().ok()?
        } else {
            today
        };
        let day = self.day_until(latest)?;
        let until = if day == today { time } else { day.at(23, 59, 59, 0) };
        self.times.find_previous_occurrence(&until, true).ok()
    }

    fn day_from(&self, day: Date) -> Option<Date> {
        self.find_day(
            day,
            |day| day.tomorrow().ok(),
            |day| day.last_of_month().tomorrow().ok(),
        )
    }

    fn day_until(&self, day: Date) -> Option<Date> {
        self.find_day(
            day,
            |day| day.yesterday().ok(),
            |day| day.first_of_month().yesterday().ok(),
        )
    }

    /// The first day that matches, stepping by a day or, where no day can match, a month.
    fn find_day(
        &self,
        start: Date,
        by_day: impl Fn(Date) -> Option<Date>,
        by_month: impl Fn(Date) -> Option<Date>,
    ) -> Option<Date> {
        let pattern = &self.times.pattern;
        let mut date = start;
        for _ in 0..MAX_STEPS {
            let (year, month) = (i32::from(date.year()), u32::try_from(date.month()).ok()?);
            if !pattern.year_match(year).ok()? {
                return None;
            }
            if !pattern.month_match(month).ok()? {
                date = by_month(date)?;
                continue;
            }
            let weekday = Weekday::Sunday.shift(i32::from(date.weekday().to_sunday_zero_offset()));
            if pattern
                .day_match(year, month, u32::try_from(date.day()).ok()?, weekday)
                .ok()?
            {
                return Some(date);
            }
            date = by_day(date)?;
        }
        None
    }
}
