//! The clocks of several zones, above all on the days they change.

use super::*;

#[test]
fn cron_keeps_to_the_clock_of_its_zone() {
    let definition = cron("0 9 * * MON-FRI", "America/New_York");
    assert_eq!(
        after(&definition, "2026-01-02T12:00-05", 3),
        moments(&["2026-01-02T09:00-05", "2026-01-05T09:00-05", "2026-01-06T09:00-05"])[1..]
            .iter()
            .copied()
            .chain([at("2026-01-07T09:00-05")])
            .collect::<Vec<_>>()
    );
    let definition = cron("15,45 30 9 L * *", "Asia/Kolkata");
    assert_eq!(
        after(&definition, "2028-02-01T00:00+05:30", 3),
        moments(&[
            "2028-02-29T09:30:15+05:30",
            "2028-02-29T09:30:45+05:30",
            "2028-03-31T09:30:15+05:30"
        ])
    );
}

#[test]
fn day_and_weekday_both_restricted_mean_either_and_plus_means_both() {
    let either = cron("0 0 13 * FRI", "UTC");
    assert_eq!(
        after(&either, "2026-02-01T00:00Z", 6),
        moments(&[
            "2026-02-06T00:00Z",
            "2026-02-13T00:00Z",
            "2026-02-20T00:00Z",
            "2026-02-27T00:00Z",
            "2026-03-06T00:00Z",
            "2026-03-13T00:00Z",
        ])
    );
    let both = cron("0 0 13 * +FRI", "UTC");
    assert_eq!(
        after(&both, "2026-02-01T00:00Z", 3),
        moments(&["2026-02-13T00:00Z", "2026-03-13T00:00Z", "2026-11-13T00:00Z"])
    );
    let last = cron("0 0 ? * 5L", "UTC");
    assert_eq!(
        after(&last, "2026-01-01T00:00Z", 2),
        moments(&["2026-01-30T00:00Z", "2026-02-27T00:00Z"])
    );
}

#[test]
fn a_field_that_begins_with_a_star_restricts_the_other() {
    for (expression, days) in [
        // The Mondays with an odd date.
        ("0 0 */2 * MON", ["2026-02-09", "2026-02-23", "2026-03-09"]),
        ("0 0 ?/2 * MON", ["2026-02-09", "2026-02-23", "2026-03-09"]),
        // The 13th if it is a Sunday, Tuesday, Thursday or Saturday.
        ("0 0 13 * */2", ["2026-06-13", "2026-08-13", "2026-09-13"]),
        // The first Monday of a month.
        ("0 0 */100,1-7 * MON", ["2026-02-02", "2026-03-02", "2026-04-06"]),
        ("0 0 * * 0", ["2026-02-01", "2026-02-08", "2026-02-15"]),
        ("0 0 * * 7", ["2026-02-01", "2026-02-08", "2026-02-15"]),
        ("0 0 1 * +MON", ["2026-06-01", "2027-02-01", "2027-03-01"]),
        // Either is enough as soon as no field begins with a star.
        ("0 0 1-31/2 * MON", ["2026-02-01", "2026-02-02", "2026-02-03"]),
        ("0 0 1-7,*/100 * MON", ["2026-02-01", "2026-02-02", "2026-02-03"]),
    ] {
        let wanted = days.map(|day| at(&format!("{day}T00:00Z")));
        assert_eq!(
            after(&cron(expression, "UTC"), "2026-01-31T12:00Z", 3),
            wanted,
            "{expression}"
        );
    }
}

#[test]
fn the_rarest_days_are_found_in_few_steps() {
    // The search gives up after a number of steps that takes well under a millisecond; each of these is still found.
    for zone in ["UTC", "America/New_York"] {
        for day in [
            "29 2 +MON#5",
            "29 2 +0",
            "? 2 3#5",
            "29W 2 +SAT,FRI,5#5",
            "29 2,4 +TUE#5",
        ] {
            for time in ["* *", "59 23"] {
                let definition = cron(&format!("{time} {day}"), zone);
                let (mut moment, mut found) = (at("1999-12-31T00:00Z"), Vec::new());
                while let Some(next) = definition.next_after(moment) {
                    assert_eq!(definition.last_until(next), Some(next), "{time} {day}");
                    if let Some(last) = found.last() {
                        assert_eq!(definition.last_until(Wall(next.0 - 1)), Some(*last), "{time} {day}");
                    }
                    found.push(next);
                    // To the last minute of this day on any clock.
                    moment = next.after(2 * DAY);
                    let last = definition.last_until(moment).unwrap();
                    found.push(last);
                }
                assert!(found.len() >= 20, "{time} {day} in {zone}: {}", found.len());
            }
        }
    }
}

#[test]
fn the_rarest_days_are_found() {
    let leap = cron("0 0 29 2 *", "Europe/Paris");
    assert_eq!(
        after(&leap, "2096-03-01T00:00Z", 2),
        moments(&["2104-02-29T00:00+01", "2108-02-29T00:00+01"])
    );
    let rarest = cron("* * 29 2 +MON", "Europe/Paris");
    assert_eq!(
        after(&rarest, "2072-03-01T00:00Z", 1),
        moments(&["2112-02-29T00:00+01"])
    );
    assert_eq!(
        rarest.last_until(at("2112-02-01T00:00Z")),
        Some(at("2072-02-29T23:59+01"))
    );
}

#[test]
fn a_time_that_does_not_exist_runs_right_after_the_gap() {
    // Two hours in, one hour missing: 2:15, 2:30 and 3:00 are the same moment, hence one occurrence.
    let paris = cron("15,30 2 * * *", "Europe/Paris");
    assert_eq!(
        after(&paris, "2026-03-28T12:00Z", 3),
        moments(&["2026-03-29T03:00+02", "2026-03-30T02:15+02", "2026-03-30T02:30+02"])
    );
    let even = cron("0 */2 * * *", "Europe/Paris");
    assert_eq!(
        after(&even, "2026-03-29T00:00+01", 2),
        moments(&["2026-03-29T03:00+02", "2026-03-29T04:00+02"])
    );
    let york = cron("30 2 * * *", "America/New_York");
    assert_eq!(
        after(&york, "2027-03-13T12:00Z", 2),
        moments(&["2027-03-14T03:00-04", "2027-03-15T02:30-04"])
    );
    let howe = cron("15 2 * * *", "Australia/Lord_Howe");
    assert_eq!(
        after(&howe, "2026-10-03T12:00+10:30", 2),
        moments(&["2026-10-04T02:30+11", "2026-10-05T02:15+11"])
    );
    // Midnight itself is missing here.
    let beirut = cron("@daily", "Asia/Beirut");
    assert_eq!(
        after(&beirut, "2026-03-28T12:00+02", 2),
        moments(&["2026-03-29T01:00+03", "2026-03-30T00:00+03"])
    );
}

#[test]
fn a_time_that_comes_twice_runs_the_first_time_only() {
    let paris = cron("0,30 2 * * *", "Europe/Paris");
    assert_eq!(
        after(&paris, "2026-10-24T12:00Z", 3),
        moments(&["2026-10-25T02:00+02", "2026-10-25T02:30+02", "2026-10-26T02:00+01"])
    );
    let york = cron("30 1 * * *", "America/New_York");
    assert_eq!(
        after(&york, "2027-11-06T12:00Z", 2),
        moments(&["2027-11-07T01:30-04", "2027-11-08T01:30-05"])
    );
    let howe = cron("45 1 * * *", "Australia/Lord_Howe");
    assert_eq!(
        after(&howe, "2026-04-04T12:00+11", 2),
        moments(&["2026-04-05T01:45+11", "2026-04-06T01:45+10:30"])
    );
    // During the second pass, the last occurrence is that of the first.
    assert_eq!(
        paris.last_until(at("2026-10-25T02:15+01")),
        Some(at("2026-10-25T02:30+02"))
    );
    assert_eq!(
        paris.next_after(at("2026-10-25T02:15+01")),
        Some(at("2026-10-26T02:00+01"))
    );
}

#[test]
fn a_daily_rule_runs_once_on_every_day_of_many_years() {
    for zone in [
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "Africa/Casablanca",
    ] {
        for (expression, a_day) in [
            ("30 2 * * *", 1),
            ("45 1 * * *", 1),
            ("0 0 * * *", 1),
            ("0 */4 * * *", 6),
        ] {
            let definition = cron(expression, zone);
            let clock = TimeZone::get(zone).unwrap();
            let mut days: Vec<(jiff::civil::Date, usize)> = Vec::new();
            let mut moment = at("2024-01-01T12:00Z");
            while moment < at("2027-01-01T12:00Z") {
                moment = definition.next_after(moment).unwrap();
                let day = shown(&clock, moment).date();
                match days.last_mut() {
                    Some((last, count)) if *last == day => *count += 1,
                    _ => days.push((day, 1)),
                }
            }
            let whole = &days[1..days.len() - 1];
            assert!(
                whole.iter().all(|(_, count)| *count == a_day),
                "{expression} {zone}: {whole:?}"
            );
            assert!(whole.windows(2).all(|two| two[0].0.tomorrow().unwrap() == two[1].0));
        }
    }
}

#[test]
fn a_rule_of_every_hour_goes_on_evenly_through_both_days() {
    let changes = [
        ("Europe/Paris", "2026-03-29T01:00Z"),
        ("Europe/Paris", "2030-10-27T01:00Z"),
        ("America/New_York", "2027-03-14T07:00Z"),
        ("America/New_York", "2026-11-01T06:00Z"),
    ];
    let rules = [
        ("0 * * * *", HOUR),
        ("30 0-23 * * *", HOUR),
        ("*/5 * * * *", 5 * MINUTE),
        ("*/20 * * * * *", 20 * SECOND),
    ];
    for (zone, change) in changes {
        for (expression, ms) in rules {
            let (from, until) = (Wall(at(change).0 - 4 * HOUR), at(change).after(4 * HOUR));
            let all = cron(expression, zone).first(from, until, usize::MAX);
            assert_eq!(
                all.len(),
                usize::try_from(8 * HOUR / ms).unwrap(),
                "{expression} {zone}"
            );
            assert!(all.windows(2).all(|two| two[1].since(two[0]) == ms));
        }
    }
    // A change of half an hour.
    let howe = cron("0 * * * *", "Australia/Lord_Howe");
    assert_eq!(
        after(&howe, "2026-10-04T00:30+10:30", 3),
        moments(&["2026-10-04T01:00+10:30", "2026-10-04T03:00+11", "2026-10-04T04:00+11"])
    );
    let half = cron("30 * * * *", "Australia/Lord_Howe");
    assert_eq!(
        after(&half, "2026-04-05T01:00+11", 3),
        moments(&[
            "2026-04-05T01:30+11",
            "2026-04-05T01:30+10:30",
            "2026-04-05T02:30+10:30"
        ])
    );
}
