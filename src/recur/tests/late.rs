//! The timer is late: what fires, and what is skipped.

use super::*;

#[test]
fn on_time_every_misfire_rule_does_the_same() {
    for misfire in [Misfire::Skip, Misfire::Once, Misfire::All] {
        let definition = Definition {
            misfire,
            ..cron("* * * * *", "UTC")
        };
        for late in [0, 1, 999, 1_000] {
            let due = definition.occurrences(Wall(NEW_YEAR - MINUTE), Wall(NEW_YEAR + late), 0);
            assert_eq!(due.fire, [Wall(NEW_YEAR)], "{misfire:?} {late} ms late");
            assert_eq!(due.next, Some(Wall(NEW_YEAR + MINUTE)));
        }
        let early = definition.occurrences(Wall(NEW_YEAR), Wall(NEW_YEAR + MINUTE - 1), 0);
        assert_eq!((early.fire.len(), early.next), (0, Some(Wall(NEW_YEAR + MINUTE))));
    }
}

#[test]
fn after_a_gap_misfire_decides() {
    let late = Wall(NEW_YEAR + 90 * MINUTE + 30 * SECOND);
    let next = Some(Wall(NEW_YEAR + 91 * MINUTE));
    for definition in [cron("* * * * *", "Europe/Paris"), every(MINUTE, NEW_YEAR - DAY)] {
        let fired = |misfire, now| {
            Definition {
                misfire,
                ..definition.clone()
            }
            .occurrences(Wall(NEW_YEAR), now, 0)
        };
        assert_eq!(fired(Misfire::Skip, late), Due { fire: vec![], next });
        let last = Wall(NEW_YEAR + 90 * MINUTE);
        assert_eq!(fired(Misfire::Once, late), Due { fire: vec![last], next });
        let all: Vec<Wall> = (1..=90).map(|minute| Wall(NEW_YEAR + minute * MINUTE)).collect();
        assert_eq!(fired(Misfire::All, late), Due { fire: all, next });
        // One is on time after the gap: it is the last that was missed.
        for misfire in [Misfire::Skip, Misfire::Once] {
            assert_eq!(fired(misfire, last.after(400)).fire, [last]);
        }
    }
}

#[test]
fn within_is_the_grace_of_every_misfire_rule() {
    let now = Wall(NEW_YEAR + 90 * MINUTE + 30 * SECOND);
    let minutes = |from: i64| {
        (from..=90)
            .map(|minute| Wall(NEW_YEAR + minute * MINUTE))
            .collect::<Vec<_>>()
    };
    for definition in [cron("* * * * *", "Europe/Paris"), every(MINUTE, NEW_YEAR - DAY)] {
        let fired = |misfire, within, limit| {
            let definition = Definition {
                misfire,
                limit,
                within_ms: Some(within),
                ..definition.clone()
            };
            definition.occurrences(Wall(NEW_YEAR), now, 0).fire
        };
        for misfire in [Misfire::Skip, Misfire::All] {
            assert_eq!(fired(misfire, 30 * SECOND - 1, None), []);
            assert_eq!(fired(misfire, 30 * SECOND, None), minutes(90), "late by just that");
            assert_eq!(fired(misfire, 10 * MINUTE, None), minutes(81));
            assert_eq!(
                fired(misfire, DAY, None),
                minutes(1),
                "it brings nothing that came before"
            );
        }
        assert_eq!(fired(Misfire::All, 10 * MINUTE, Some(2)), minutes(81)[..2]);
        assert_eq!(fired(Misfire::Once, 30 * SECOND - 1, None), []);
        assert_eq!(fired(Misfire::Once, DAY, None), minutes(90));
    }
    // On time is on time.
    let short = Definition {
        within_ms: Some(ON_TIME),
        ..cron("* * * * *", "UTC")
    };
    let due = short.occurrences(Wall(NEW_YEAR - MINUTE), Wall(NEW_YEAR + ON_TIME), 0);
    assert_eq!(due.fire, [Wall(NEW_YEAR)]);
}

#[test]
fn all_is_the_latest_thousand_and_no_gap_is_too_long() {
    let years = 10 * 365 * DAY;
    for (definition, ms) in [(cron("* * * * * *", "Europe/Paris"), SECOND), (every(1, 0), 1)] {
        let definition = Definition {
            misfire: Misfire::All,
            ..definition
        };
        let now = Wall(NEW_YEAR + years);
        let due = definition.occurrences(Wall(NEW_YEAR), now, 0);
        let wanted: Vec<Wall> = (0..1_000).rev().map(|back| Wall(now.0 - back * ms)).collect();
        assert_eq!(
            due,
            Due {
                fire: wanted,
                next: Some(now.after(ms))
            }
        );
        let once = Definition {
            misfire: Misfire::Once,
            ..definition
        };
        assert_eq!(once.occurrences(Wall(NEW_YEAR), now, 0).fire.last(), Some(&now));
    }
}

#[test]
fn what_passed_is_counted_up_to_a_bound() {
    for definition in [cron("* * * * *", "Europe/Paris"), every(MINUTE, NEW_YEAR - DAY)] {
        let count = |minutes| definition.count(Wall(NEW_YEAR), Wall(NEW_YEAR + minutes * MINUTE));
        assert_eq!([-1, 0, 1, 999].map(count), [0, 0, 1, 999]);
        assert_eq!([1_000, 1_001, 9_999_999].map(count), [1_000, 1_001, 1_001]);
    }
}

#[test]
fn limit_counts_what_fires() {
    let mut definition = Definition {
        limit: Some(5),
        misfire: Misfire::All,
        ..every(MINUTE, NEW_YEAR)
    };
    let now = Wall(NEW_YEAR + 3 * MINUTE);
    assert_eq!(definition.occurrences(Wall(0), now, 0).fire.len(), 3);
    let last = definition.occurrences(Wall(0), now, 3);
    assert_eq!(
        last,
        Due {
            fire: vec![Wall(NEW_YEAR + MINUTE), Wall(NEW_YEAR + 2 * MINUTE)],
            next: None
        }
    );
    for fired in [5, 6, u64::MAX] {
        assert_eq!(definition.occurrences(Wall(0), now, fired), Due::default());
    }
    definition.misfire = Misfire::Once;
    assert_eq!(
        definition.occurrences(Wall(0), now, 4),
        Due {
            fire: vec![now],
            next: None
        }
    );
}

#[test]
fn a_clock_set_back_repeats_nothing() {
    let definition = cron("* * * * *", "UTC");
    let due = definition.occurrences(Wall(NEW_YEAR), Wall(NEW_YEAR - DAY), 0);
    assert_eq!(
        due,
        Due {
            fire: vec![],
            next: Some(Wall(NEW_YEAR + MINUTE))
        }
    );
}

#[test]
fn years_of_ticks_at_any_moment_fire_each_occurrence_once() {
    let mut chance = Chance(99);
    for (expression, zone) in [
        ("*/47 */2 * * *", "Europe/Paris"),
        ("30 2 * * *", "America/New_York"),
        ("0 * * * 1-5", "Australia/Lord_Howe"),
    ] {
        let definition = Definition {
            misfire: Misfire::All,
            ..cron(expression, zone)
        };
        let (mut seen, mut fired) = (Wall(NEW_YEAR), Vec::new());
        while seen < Wall(NEW_YEAR + 365 * DAY) {
            let now = seen.after(1 + chance.ms_below(4 * DAY));
            let due = definition.occurrences(seen, now, 0);
            assert_eq!(due.next, definition.next_after(now));
            fired.extend(due.fire);
            seen = now;
        }
        assert_eq!(fired, definition.first(Wall(NEW_YEAR), seen, usize::MAX));
    }
}
