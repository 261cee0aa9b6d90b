//! The rule of a recurring task as people say it.

use crate::output::text::brief;

const MONTHS: [(&str, &str); 12] = [
    ("JAN", "January"),
    ("FEB", "February"),
    ("MAR", "March"),
    ("APR", "April"),
    ("MAY", "May"),
    ("JUN", "June"),
    ("JUL", "July"),
    ("AUG", "August"),
    ("SEP", "September"),
    ("OCT", "October"),
    ("NOV", "November"),
    ("DEC", "December"),
];
const WEEKDAYS: [(&str, &str); 7] = [
    ("SUN", "Sunday"),
    ("MON", "Monday"),
    ("TUE", "Tuesday"),
    ("WED", "Wednesday"),
    ("THU", "Thursday"),
    ("FRI", "Friday"),
    ("SAT", "Saturday"),
];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// In words, or as it is where there are none for it.
pub(super) fn words(rule: &str) -> String {
    if let Some(ms) = rule.strip_prefix("EVERY ").and_then(|ms| ms.parse().ok()) {
        return format!("every {}", brief(ms));
    }
    let rule = rule.strip_prefix("CRON ").unwrap_or(rule);
    cron(rule).unwrap_or_else(|| rule.into())
}

fn cron(rule: &str) -> Option<String> {
    let parts = match rule {
        "@hourly" => vec!["0", "*", "*", "*", "*"],
        "@daily" | "@midnight" => vec!["0", "0", "*", "*", "*"],
        "@weekly" => vec!["0", "0", "*", "*", "0"],
        "@monthly" => vec!["0", "0", "1", "*", "*"],
        "@yearly" | "@annually" => vec!["0", "0", "1", "1", "*"],
        rule => rule.split(' ').collect(),
    };
    let (second, [minute, hour, day, month, weekday]) = match parts[..] {
        [minute, hour, day, month, weekday] => ("0", [minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => (second, [minute, hour, day, month, weekday]),
        _ => return None,
    };
    let mut said = time(second, minute, hour)?;
    let days = unless_any(day, days)?;
    let both = weekday.strip_prefix('+');
    let weekdays = unless_any(both.unwrap_or(weekday), |part| list(part, weekday_name, "on "))?;
    let months = unless_any(month, |part| list(part, |name| named(name, &MONTHS, 1), "in "))?;
    // When one of them begins with a star, both must match; else either is enough.
    let joint = if both.is_some() || day.starts_with('*') || weekday.starts_with('*') {
        ", if it is "
    } else {
        " or "
    };
    match (days, weekdays) {
        (Some(days), Some(weekdays)) => said.push_str(&format!(", {days}{joint}{weekdays}")),
        (Some(one), None) | (None, Some(one)) => said.push_str(&format!(", {one}")),
        (None, None) if said.starts_with("at ") && !said.starts_with("at minute") => said.insert_str(0, "every day "),
        (None, None) => {}
    }
    Some(months.map_or(said.clone(), |months| format!("{said}, {months}")))
}

/// The words for a part, none where it allows all; `None` if it has no words.
fn unless_any(part: &str, words: impl Fn(&str) -> Option<String>) -> Option<Option<String>> {
    if is_any(part) {
        Some(None)
    } else {
        words(part).map(Some)
    }
}

fn is_any(part: &str) -> bool {
    matches!(part, "*" | "?")
}

fn time(second: &str, minute: &str, hour: &str) -> Option<String> {
    let number = |text: &str| text.parse::<u8>().ok();
    let seconds = number(second);
    match (seconds, number(minute)) {
        (Some(second), Some(minute)) => {
            let clock = |hour: &str| {
                let time = format!("{:02}:{minute:02}", number(hour)?);
                Some(if second == 0 {
                    time
                } else {
                    format!("{time}:{second:02}")
                })
            };
            let times: Option<Vec<String>> = hour.split(',').map(clock).collect();
            match times {
                Some(times) => Some(format!("at {}", and(&times))),
                None if seconds == Some(0) => Some(format!("at minute {minute} of {}", hours(hour)?)),
                None => None,
            }
        }
        (Some(0), None) => Some(match (steps(minute), hour) {
            (Some(1), "*") => "every minute".into(),
            (Some(1), hour) => format!("every minute of {}", hours(hour)?),
            (Some(steps), "*") => format!("every {steps} minutes"),
            (Some(steps), hour) => format!("every {steps} minutes of {}", hours(hour)?),
            (None, hour) => {
                let minutes: Option<Vec<String>> =
                    minute.split(',').map(|one| Some(number(one)?.to_string())).collect();
                format!("at minutes {} of {}", and(&minutes?), hours(hour)?)
            }
        }),
        (None, None) if is_any(minute) && is_any(hour) => Some(match steps(second)? {
            1 => "every second".into(),
            steps => format!("every {steps} seconds"),
        }),
        _ => None,
    }
}

/// The length of the steps of `*` or `*/5`.
fn steps(part: &str) -> Option<u8> {
    match part.strip_prefix('*')? {
        "" => Some(1),
        rest => rest.strip_prefix('/')?.parse().ok(),
    }
}

fn hours(part: &str) -> Option<String> {
    match (steps(part), part.split_once('-')) {
        (Some(1), _) => Some("every hour".into()),
        (Some(steps), _) => Some(format!("every {steps} hours")),
        (None, Some((from, to))) => {
            let (from, to) = (from.parse::<u8>().ok()?, to.parse::<u8>().ok()?);
            Some(format!("the hours {from} to {to}"))
        }
        (None, None) => list(part, |hour| Some(hour.parse::<u8>().ok()?.to_string()), "hour "),
    }
}

fn days(part: &str) -> Option<String> {
    let nearest = part.strip_suffix('W').and_then(|day| day.parse::<u8>().ok());
    match (part, nearest) {
        ("L", _) => Some("on the last day of the month".into()),
        ("LW", _) => Some("on the last working day of the month".into()),
        (_, Some(day)) => Some(format!("on the working day nearest to day {day} of the month")),
        _ => list(part, |day| Some(day.parse::<u8>().ok()?.to_string()), "on day ").map(|said| said + " of the month"),
    }
}

fn weekday_name(part: &str) -> Option<String> {
    if let Some(day) = part.strip_suffix('L').filter(|day| !day.is_empty()) {
        return Some(format!("the last {} of the month", named(day, &WEEKDAYS, 0)?));
    }
    if let Some((day, at)) = part.split_once('#') {
        let at = ORDINALS.get(at.parse::<usize>().ok()?.checked_sub(1)?)?;
        return Some(format!("the {at} {} of the month", named(day, &WEEKDAYS, 0)?));
    }
    named(if part == "7" { "0" } else { part }, &WEEKDAYS, 0)
}

/// The name of a month or weekday, by its number or its first letters.
fn named(part: &str, names: &[(&str, &str)], first: usize) -> Option<String> {
    let by_number = part
        .parse::<usize>()
        .ok()
        .and_then(|number| names.get(number.checked_sub(first)?));
    let found = by_number.or_else(|| names.iter().find(|(short, _)| part.eq_ignore_ascii_case(short)));
    found.map(|(_, long)| (*long).to_string())
}

/// A list of single ones and ranges.
fn list(part: &str, name: impl Fn(&str) -> Option<String>, before: &str) -> Option<String> {
    let one = |item: &str| match item.split_once('-') {
        Some((from, to)) => Some(format!("{} to {}", name(from)?, name(to)?)),
        None => name(item),
    };
    let items: Option<Vec<String>> = part.split(',').map(one).collect();
    Some(format!("{before}{}", and(&items?)))
}

fn and(items: &[String]) -> String {
    match items {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        items => items.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_said_in_words() {
        for (rule, said) in [
            ("EVERY 60000", "every 1m"),
            ("CRON * * * * *", "every minute"),
            ("CRON */5 * * * *", "every 5 minutes"),
            (
                "CRON */5 9-17 * * MON-FRI",
                "every 5 minutes of the hours 9 to 17, on Monday to Friday",
            ),
            ("CRON 30 * * * *", "at minute 30 of every hour"),
            ("CRON 0,30 * * * *", "at minutes 0 and 30 of every hour"),
            ("CRON 15 */6 * * *", "at minute 15 of every 6 hours"),
            ("CRON 0 9 * * *", "every day at 09:00"),
            ("CRON 0 9,12,17 * * *", "every day at 09:00, 12:00 and 17:00"),
            ("CRON 0 9 * * MON-FRI", "at 09:00, on Monday to Friday"),
            ("CRON 0 9 * * mon,3,7", "at 09:00, on Monday, Wednesday and Sunday"),
            ("CRON 5 4 1 * *", "at 04:05, on day 1 of the month"),
            (
                "CRON 0 0 1,15 JAN,7 *",
                "at 00:00, on day 1 and 15 of the month, in January and July",
            ),
            ("CRON 0 9 13 * FRI", "at 09:00, on day 13 of the month or on Friday"),
            (
                "CRON 0 9 13 * +FRI",
                "at 09:00, on day 13 of the month, if it is on Friday",
            ),
            ("CRON 0 9 L * ?", "at 09:00, on the last day of the month"),
            (
                "CRON 0 9 15W * *",
                "at 09:00, on the working day nearest to day 15 of the month",
            ),
            ("CRON 0 9 * * 5L", "at 09:00, on the last Friday of the month"),
            ("CRON 0 9 * * 5#2", "at 09:00, on the second Friday of the month"),
            ("CRON */5 9 * * *", "every 5 minutes of hour 9"),
            ("CRON 20 30 9 * * *", "every day at 09:30:20"),
            ("CRON */10 * * * * *", "every 10 seconds"),
            ("CRON @hourly", "at minute 0 of every hour"),
            ("CRON @weekly", "at 00:00, on Sunday"),
            // No words for these.
            ("CRON 0-29/5 * * * *", "0-29/5 * * * *"),
            ("CRON 0 9 */2 * MON", "0 9 */2 * MON"),
        ] {
            assert_eq!(words(rule), said, "{rule}");
        }
    }
}
