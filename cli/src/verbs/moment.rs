//! Moments as people type them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A moment in the zone of this machine, or in the one that is given with it. A time of day is the next such time.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text, &Zoned::now())
}

fn parse_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let said =
        || "write a time as in 09:00, '2026-12-01 09:00', 2026-12-01T09:00+01:00 or 2026-12-01T09:00[Europe/Paris]";
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let zone: TimeZone = now.time_zone().clone();
    let at = text.parse::<DateTime>().or_else(|_| {
        let time: Time = text.parse()?;
        let date = if now.time() < time {
            Ok(now.date())
        } else {
            now.date().tomorrow()
        };
        date.map(|date| date.to_datetime(time))
    });
    let zoned = at.and_then(|at| at.to_zoned(zone)).map_err(|_| said().to_string())?;
    Ok(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_and_a_zone_may_be_given() {
        let now: Zoned = "2026-11-28T08:30[Europe/Paris]".parse().unwrap();
        for (text, moment) in [
            ("09:00", "2026-11-28T08:00Z"),
            ("08:00", "2026-11-29T07:00Z"),
            ("08:30:00", "2026-11-29T07:30Z"),
            ("2026-12-01 09:00", "2026-12-01T08:00Z"),
            ("2026-07-01", "2026-06-30T22:00Z"),
            ("2026-12-01T09:00-05:00", "2026-12-01T14:00Z"),
            ("2026-12-01T09:00Z", "2026-12-01T09:00Z"),
            ("2026-12-01T09:00[Asia/Tokyo]", "2026-12-01T00:00Z"),
        ] {
            assert_eq!(parse_at(text, &now), Ok(moment.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "25:00", "1795258995431", "2026-13-01"] {
            assert!(parse_at(text, &now).is_err(), "{text}: {:?}", parse_at(text, &now));
        }
    }
}
