//! Random rules: compared with a plain scan of all minutes and with themselves, and their cost.

use super::*;

/// The reference: all occurrences of some days, found by checking every minute of the clock.
fn scanned(definition: &Definition, clock: &TimeZone, from: Wall, until: Wall) -> Vec<Wall> {
    let text = definition.rule.to_string();
    let expression = text.strip_prefix("CRON ").unwrap().rsplit_once(" TZ ").unwrap().0;
    let both = [2, 4].map(|place| expression.split(' ').nth(place).unwrap().starts_with('*'));
    let times = croner::parser::CronParser::builder()
        .dom_and_dow(both.contains(&true))
        .build()
        .parse(expression)
        .unwrap();
    let every_hour = (0..24).all(|hour| times.pattern.hour_match(hour).unwrap());
    let matches = |time: DateTime| times.is_time_matching(&time).unwrap();
    let mut found = Vec::new();
    let mut reached = shown(clock, Wall(from.0 - DAY));
    let mut moment = Wall(from.0 - DAY);
    while moment <= until {
        let time = shown(clock, moment);
        // The times that the clock shows for the first time now, including all that it skipped.
        let mut fresh = Vec::new();
        while reached < time {
            reached = reached.checked_add(jiff::SignedDuration::from_mins(1)).unwrap();
            fresh.push(reached);
        }
        let hit = if every_hour {
            matches(time)
        } else {
            fresh.into_iter().any(matches)
        };
        if hit && moment > from {
            found.push(moment);
        }
        moment = moment.after(MINUTE);
    }
    found
}

#[test]
fn any_rule_agrees_with_a_scan_of_all_minutes_in_both_directions() {
    let zones = [
        "UTC",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "America/St_Johns",
    ];
    let changes = [
        "2026-03-29T01:00Z",
        "2026-10-25T01:00Z",
        "2026-03-08T07:00Z",
        "2026-11-01T06:00Z",
        "2026-04-04T15:00Z",
        "2026-10-03T15:30Z",
    ];
    let mut chance = Chance(20_260_329);
    for _ in 0..60 {
        let (expression, zone) = (chance.expression(), chance.of(&zones));
        let Ok(rule) = Rule::cron(&expression, zone) else {
            continue;
        };
        let definition = Definition::new(rule, Wall(0));
        // Half of the samples are around a clock change, the others anywhere in ten years.
        let from = match chance.below(2) {
            0 => at(chance.of(&changes)).0 - DAY - chance.ms_below(DAY) / 2,
            _ => NEW_YEAR + chance.ms_below(3_650 * DAY),
        };
        let from = Wall(from - from.rem_euclid(MINUTE));
        let until = from.after(2 * DAY);
        let clock = TimeZone::get(zone).unwrap();
        let wanted = scanned(&definition, &clock, from, until);
        assert_eq!(
            definition.first(from, until, usize::MAX),
            wanted,
            "{expression} in {zone} from {from:?}"
        );
        assert_eq!(
            definition.latest(from, until, usize::MAX),
            wanted,
            "{expression} in {zone} back to {from:?}"
        );
    }
}

#[test]
fn next_grows_and_is_its_own_last() {
    let mut chance = Chance(7);
    let zones = [
        "UTC",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Kathmandu",
    ];
    for round in 0..400 {
        let rule = match round % 4 {
            0 => Rule::every(1 + chance.ms_below(3 * DAY)),
            1 => Rule::cron(
                &format!("{} {}", chance.field(0, 59), chance.expression()),
                chance.of(&zones),
            ),
            _ => Rule::cron(&chance.expression(), chance.of(&zones)),
        };
        let Ok(rule) = rule else { continue };
        let definition = Definition::new(rule, Wall(chance.ms_below(NEW_YEAR)));
        let mut moment = Wall(NEW_YEAR + chance.ms_below(3_650 * DAY));
        for _ in 0..20 {
            let next = definition.next_after(moment).unwrap();
            assert!(next > moment, "{definition:?}");
            assert_eq!(definition.last_until(next), Some(next), "{definition:?}");
            assert_eq!(definition.next_after(Wall(next.0 - 1)), Some(next), "{definition:?}");
            let between = Wall(moment.0 + chance.ms_below(next.0 - moment.0));
            assert_eq!(definition.next_after(between), Some(next), "{definition:?}");
            assert!(
                definition
                    .last_until(Wall(next.0 - 1))
                    .is_none_or(|last| last <= moment || last < next)
            );
            moment = next;
        }
    }
}

#[test]
fn the_cost_is_printed() {
    // Printed, not asserted: it depends on the machine. `cargo test --release -- --nocapture`.
    let mut chance = Chance(5);
    let texts: Vec<Vec<u8>> = (0..1_000)
        .map(|number| match number % 4 {
            0 => write(&every(1 + chance.ms_below(DAY), NEW_YEAR)),
            _ => write(&cron(
                &format!(
                    "{} {} * * {}",
                    chance.field(0, 59),
                    chance.field(0, 23),
                    chance.field(0, 6)
                ),
                "Europe/Paris",
            )),
        })
        .collect();
    let clock = || std::time::UNIX_EPOCH.elapsed().unwrap();
    let started = clock();
    let definitions: Vec<Definition> = texts.iter().map(|json| read(json).unwrap()).collect();
    println!("read 1,000 definitions: {:?}", clock() - started);

    let started = clock();
    let found = definitions
        .iter()
        .filter(|each| each.next_after(Wall(NEW_YEAR + 7)).is_some())
        .count();
    println!("next_after of each: {:?}", clock() - started);
    assert_eq!(found, definitions.len());

    for (text, zone) in [
        ("* * * * * *", "Europe/Paris"),
        ("0 9 * * MON", "UTC"),
        ("0 0 29 2 *", "Europe/Paris"),
        ("* * 29 2 +MON", "Africa/Casablanca"),
    ] {
        let definition = Definition {
            misfire: Misfire::All,
            ..cron(text, zone)
        };
        let started = clock();
        let due = definition.occurrences(Wall(NEW_YEAR), Wall(NEW_YEAR + 50 * 365 * DAY), 0);
        println!(
            "{text} after 50 years, ALL: {} fire, {:?}",
            due.fire.len(),
            clock() - started
        );
    }
    // The years 2072 to 2112 have no such day.
    for zone in ["UTC", "Europe/Paris", "America/New_York", "Africa/Casablanca"] {
        for text in ["* * 29 2 +MON#5", "0 0 29 2 +MON#5"] {
            let started = clock();
            let definition = cron(text, zone);
            let read = clock() - started;
            let next = definition.next_after(at("2072-03-01T00:00Z")).unwrap();
            println!("{text} in {zone}: read {read:?}, next {:?}", clock() - started - read);
            let started = clock();
            definition.last_until(Wall(next.0 - 1)).unwrap();
            println!("{text} in {zone}: last {:?}", clock() - started);
        }
    }
    let started = clock();
    assert!(Rule::cron("0 0 30 2 *", "UTC").is_err());
    println!("an expression that never comes: {:?}", clock() - started);
}

#[test]
fn no_text_is_a_panic_or_a_rule_that_never_comes() {
    let pieces = [
        "*", "*/", "/", "-", ",", "#", "?", "+", "L", "W", "LW", "0", "1", "2", "5", "7", "12", "29", "31", "59", "60",
        "65535", "65536", "FRI", "mon", "JAN", "feb", "@", " ", " ", " ", " ", " ",
    ];
    let mut chance = Chance(1_000_000_007);
    let mut taken = 0;
    for _ in 0..4_000 {
        // Half are random pieces, the others five plain fields with one or two random pieces.
        let mut fields: Vec<String> = vec!["*".into(); 5];
        for _ in 0..=chance.below(2) {
            let length = 1 + chance.below(6);
            let text: String = (0..length).map(|_| chance.of(&pieces)).collect();
            let at = usize::try_from(chance.below(5)).unwrap();
            fields[at] = text;
        }
        let text = if chance.below(2) == 0 {
            fields.concat()
        } else {
            fields.join(" ")
        };
        if let Ok(rule) = Rule::cron(&text, "Europe/Paris") {
            taken += 1;
            assert_eq!(Rule::parse(&rule.to_string()), Some(rule.clone()), "{text}");
            let definition = Definition::new(rule, Wall(0));
            let next = definition.next_after(Wall(NEW_YEAR));
            assert!(next.is_some_and(|next| next > Wall(NEW_YEAR)), "{text}");
        }
    }
    assert!(taken > 100, "{taken}");
}
