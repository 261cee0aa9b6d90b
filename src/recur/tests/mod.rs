//! Tests on virtual years: shared helpers, and the plain bounds of one definition.

mod clocks;
mod late;
mod random;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::*;
use crate::time::DAY;

/// 1 January 2026, 0:00 UTC.
const NEW_YEAR: Ms = 1_767_225_600_000;
const MINUTE: Ms = 60 * SECOND;
const HOUR: Ms = 60 * MINUTE;

fn cron(expression: &str, zone: &str) -> Definition {
    Definition::new(Rule::cron(expression, zone).unwrap(), Wall(0))
}

fn every(ms: Ms, made: Ms) -> Definition {
    Definition::new(Rule::every(ms).unwrap(), Wall(made))
}

/// The moment of a local time with its offset: `2026-03-29T03:00+02`.
fn at(text: &str) -> Wall {
    Wall(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn after(definition: &Definition, from: &str, count: usize) -> Vec<Wall> {
    definition.first(at(from), Wall(MAX_UNIX_MS), count)
}

fn moments(texts: &[&str]) -> Vec<Wall> {
    texts.iter().map(|text| at(text)).collect()
}

/// SplitMix64, so that a failing run can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
    fn ms_below(&mut self, bound: Ms) -> Ms {
        i64::try_from(self.below(u64::try_from(bound).unwrap())).unwrap()
    }
    fn of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
    /// A field of numbers from `min` to `max`: a star, a step, a value, a range, a list.
    fn field(&mut self, min: u64, max: u64) -> String {
        let mut value = || min + self.below(max - min + 1);
        let (a, b) = (value(), value());
        let (low, high) = (a.min(b), a.max(b));
        match self.below(8) {
            0..=2 => "*".into(),
            3 => format!("*/{}", 1 + self.below(max)),
            4 => format!("{a}"),
            5 => format!("{low}-{high}"),
            6 => format!("{low}-{high}/{}", 1 + self.below(7)),
            _ => format!("{a},{b}"),
        }
    }
    fn expression(&mut self) -> String {
        let (minute, hour) = (self.field(0, 59), self.field(0, 23));
        let day = if self.below(8) == 0 {
            "L".into()
        } else {
            self.field(1, 28)
        };
        let weekday = if self.below(8) == 0 {
            "5L".into()
        } else {
            self.field(0, 6)
        };
        format!("{minute} {hour} {day} {} {weekday}", self.field(1, 12))
    }
}

#[test]
fn every_counts_from_start_or_creation_and_never_drifts() {
    let mut definition = every(7, 1_000);
    assert_eq!(definition.next_after(Wall(0)), Some(Wall(1_007)));
    assert_eq!(definition.next_after(Wall(1_007)), Some(Wall(1_014)));
    assert_eq!(definition.next_after(Wall(1_008)), Some(Wall(1_014)));
    assert_eq!(definition.next_after(Wall(700_001_000)), Some(Wall(700_001_007)));

    definition.start_at = Some(2_000);
    assert_eq!(definition.next_after(Wall(0)), Some(Wall(2_000)));
    assert_eq!(definition.next_after(Wall(2_000)), Some(Wall(2_007)));

    // A start in the past sets the phase; nothing before the definition was made is an occurrence.
    definition.start_at = Some(1);
    assert_eq!(definition.next_after(Wall(0)), Some(Wall(1_002)));
    assert_eq!(definition.last_until(Wall(1_001)), None);

    definition.start_at = Some(1_000);
    assert_eq!(definition.next_after(Wall(0)), Some(Wall(1_000)));
}

#[test]
fn start_and_end_bound_a_rule_and_belong_to_it() {
    let mut definition = cron("0 * * * *", "UTC");
    definition.start_at = Some(NEW_YEAR);
    definition.end_at = Some(NEW_YEAR + 2 * HOUR);
    let all = definition.first(Wall(0), Wall(i64::MAX), 10);
    assert_eq!(all, [0, 1, 2].map(|hour| Wall(NEW_YEAR + hour * HOUR)));
    assert_eq!(definition.latest(Wall(i64::MIN), Wall(i64::MAX), 10), all);
    assert_eq!(definition.next_after(Wall(NEW_YEAR + 2 * HOUR)), None);
    assert_eq!(definition.last_until(Wall(NEW_YEAR - 1)), None);

    definition.end_at = Some(NEW_YEAR - 1);
    assert_eq!(definition.next_after(Wall(0)), None);
    assert_eq!(definition.last_until(Wall(i64::MAX)), None);
}

#[test]
fn the_ends_of_time_are_no_panic() {
    for definition in [
        every(1, 0),
        every(i64::MAX / 4_000_000, 5),
        cron("* * * * * *", "Europe/Paris"),
        cron("0 0 * * *", "UTC"),
    ] {
        for moment in [i64::MIN, i64::MIN + 1, -1, 0, 1, MAX_UNIX_MS, i64::MAX - 1, i64::MAX] {
            let next = definition.next_after(Wall(moment));
            assert!(next.is_none_or(|next| next.0 > moment && next.0 <= MAX_UNIX_MS));
            assert!(definition.last_until(Wall(moment)).is_none_or(|last| last.0 <= moment));
            definition.occurrences(Wall(moment), Wall(moment), 0);
            definition.occurrences(Wall(i64::MIN), Wall(moment), u64::MAX);
            definition.occurrences(Wall(moment), Wall(i64::MAX), 0);
        }
    }
}

fn shown(clock: &TimeZone, moment: Wall) -> DateTime {
    clock.to_datetime(jiff::Timestamp::from_millisecond(moment.0).unwrap())
}

/// Stored as a part of the recurring task.
fn write(definition: &Definition) -> Vec<u8> {
    serde_json::to_vec(definition).unwrap()
}

fn read(json: &[u8]) -> Option<Definition> {
    let definition: Definition = serde_json::from_slice(json).ok()?;
    definition.is_sound().then_some(definition)
}

#[test]
fn what_is_stored_is_what_is_read() {
    let plain = every(5_000, NEW_YEAR);
    assert_eq!(
        String::from_utf8(write(&plain)).unwrap(),
        r#"{"rule":"EVERY 5000","made_at":1767225600000,"misfire":"ONCE","overlap":"ALLOW"}"#
    );
    let full = Definition {
        start_at: Some(NEW_YEAR),
        end_at: Some(NEW_YEAR + DAY),
        limit: Some(3),
        misfire: Misfire::All,
        overlap: Overlap::Skip,
        ..cron("0 0 9 ? * MON", "Europe/Paris")
    };
    for definition in [plain.clone(), full] {
        assert_eq!(read(&write(&definition)), Some(definition));
    }
    let later = r#"{"rule":"EVERY 5000","made_at":1767225600000,"jitter":[1,{"a":2}]}"#;
    assert_eq!(read(later.as_bytes()), Some(plain));
    for bad in [
        "",
        "null",
        "[]",
        "{}",
        "5",
        r#"{"rule":"EVERY 5"}"#,
        r#"{"rule":"EVERY 0","made_at":1}"#,
        r#"{"rule":5,"made_at":1}"#,
        r#"{"rule":"EVERY 5","made_at":-1}"#,
        r#"{"rule":"EVERY 5","made_at":1,"start_at":-1}"#,
        r#"{"rule":"EVERY 5","made_at":1,"end_at":9223372036854775807}"#,
        r#"{"rule":"EVERY 5","made_at":1,"limit":-1}"#,
        r#"{"rule":"EVERY 5","made_at":1,"misfire":"once"}"#,
        r#"{"rule":"CRON 0 0 30 2 * TZ UTC","made_at":1}"#,
        r#"{"rule":"CRON * * * * * TZ Mars/Phobos","made_at":1}"#,
        r#"{"rule":"EVERY 5","made_at":1"#,
        "\u{0}",
    ] {
        assert_eq!(read(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn words_and_ids_are_those_of_the_command() {
    assert_eq!(
        Misfire::WORDS
            .iter()
            .filter_map(|word| Misfire::from_word(word))
            .count(),
        3
    );
    assert_eq!(
        Overlap::WORDS
            .iter()
            .filter_map(|word| Overlap::from_word(word))
            .count(),
        2
    );
    assert_eq!(occurrence_id("report", Wall(NEW_YEAR)), "report:1767225600000");
    assert_eq!(occurrence_id(&"n".repeat(MAX_NAME), Wall(MAX_UNIX_MS)).len(), 256);
}
