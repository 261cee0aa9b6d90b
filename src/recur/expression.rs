//! Validates cron expressions. The crate that parses them accepts more than we promise (a name in the wrong field, an
//! empty item) and does not say which field is wrong, so fields are checked here first.

use croner::Cron;
use croner::parser::CronParser;

use super::calendar::Calendar;
use super::zone::printable;
use crate::error::Error;

/// Longest expression, bytes: a list of every minute of an hour fits; a hostile one stays cheap.
const MAX_LENGTH: usize = 512;

/// The years an expression covers. By default the crate marks each of 5,000 years, which is nine tenths of the cost of
/// parsing, and a rule is parsed whenever it is due.
const YEARS: &str = "1970-2399";

/// The shorthands and what they stand for.
const SHORTHANDS: [(&str, [&str; 5]); 7] = [
    ("@hourly", ["0", "*", "*", "*", "*"]),
    ("@daily", ["0", "0", "*", "*", "*"]),
    ("@midnight", ["0", "0", "*", "*", "*"]),
    ("@weekly", ["0", "0", "*", "*", "0"]),
    ("@monthly", ["0", "0", "1", "*", "*"]),
    ("@yearly", ["0", "0", "1", "1", "*"]),
    ("@annually", ["0", "0", "1", "1", "*"]),
];

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The fields in order, the first of which is optional, and the range of each.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31, L, LW or 15W"),
    ("month", "1 to 12 or JAN to DEC"),
    ("weekday", "0 to 7 or SUN to SAT, 5L or 5#2"),
];
/// The largest number of each.
const MAXIMA: [u8; 6] = [59, 59, 23, 31, 12, 6];
/// Position of the day of the month in `FIELDS`.
const DAY: usize = 3;
/// Position of the month.
const MONTH: usize = 4;
/// Position of the day of the week.
const WEEKDAY: usize = 5;

/// Parses an expression. Returns the text to store (one space between fields) and the pattern; `BADARG` names the
/// field and its range. An expression that never occurs is refused.
pub(super) fn parse(text: &str) -> Result<(String, Calendar), Error> {
    if text.len() > MAX_LENGTH || !text.is_ascii() {
        return Err(bad(format!("must be ASCII, at most {MAX_LENGTH} bytes")));
    }
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let stored = fields.join(" ");
    ensure_no_zone(&fields)?;
    let cron = if stored.starts_with('@') {
        read(&meaning(&stored)?)
    } else if !matches!(fields.len(), 5 | 6) {
        return Err(bad(
            "must have 5 fields (minute hour day month weekday), or 6 with the second first".into(),
        ));
    } else if places(&fields).all(|(place, field)| words_fit(place, field)) {
        read(&fields)
    } else {
        None
    };
    let cron = cron.ok_or_else(|| wrong_field(&fields))?;
    match Calendar::new(cron) {
        Some(calendar) => Ok((stored, calendar)),
        None => Err(bad(format!("{stored} never comes: no month has such a day"))),
    }
}

fn bad(why: String) -> Error {
    Error::BadArg(format!("CRON {why}"))
}

/// Other programs have the zone in the expression.
fn ensure_no_zone(fields: &[&str]) -> Result<(), Error> {
    let assigned = fields.first().and_then(|first| first.split_once('='));
    match assigned {
        Some((name, zone)) if name.eq_ignore_ascii_case("TZ") || name.eq_ignore_ascii_case("CRON_TZ") => Err(bad(
            format!("must be the fields only: write TZ {} after it", printable(zone)),
        )),
        _ => Ok(()),
    }
}

fn meaning(shorthand: &str) -> Result<[&'static str; 5], Error> {
    SHORTHANDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(shorthand))
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| {
            let names: Vec<&str> = SHORTHANDS.iter().map(|(name, _)| *name).collect();
            bad(format!("must be fields or one of {}", names.join(" ")))
        })
}

/// Reads five or six fields. A day or weekday that begins with a star, whatever follows, restricts the other field, as
/// in every crontab: `*/2 * MON` are the Mondays with an odd date. Else either is enough.
fn read(fields: &[&str]) -> Option<Cron> {
    let second = if fields.len() < FIELDS.len() { "0 " } else { "" };
    let text = format!("{second}{} {YEARS}", fields.join(" "));
    let both = places(fields).any(|(place, field)| matches!(place, DAY | WEEKDAY) && field.starts_with(['*', '?']));
    CronParser::builder().dom_and_dow(both).build().parse(&text).ok()
}

/// The fields with their positions in `FIELDS`.
fn places<'a>(fields: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
    (FIELDS.len().saturating_sub(fields.len())..).zip(fields.iter().copied())
}

/// The error for the first field that is wrong by itself. Only an error pays for parsing each alone.
fn wrong_field(fields: &[&str]) -> Error {
    for (place, field) in places(fields) {
        let wrong = !words_fit(place, field) || !reads_alone(place, field);
        if wrong && let Some((name, allowed)) = FIELDS.get(place) {
            if let Some(right) = with_ranges(place, field) {
                return bad(format!("{name} {field} must be written {right}"));
            }
            return bad(format!(
                "{name} must be {allowed}, *, a range a-b, a step */n or a-b/n, or a list of these"
            ));
        }
    }
    bad("is not a cron expression".into())
}

fn reads_alone(place: usize, field: &str) -> bool {
    let alone: Vec<&str> = (0..FIELDS.len())
        .map(|at| if at == place { field } else { "*" })
        .collect();
    read(&alone).is_some()
}

/// The field with `0/5` and `/5`, which other programs take, as `0-59/5` and `*/5`; `None` if that was not all.
fn with_ranges(place: usize, field: &str) -> Option<String> {
    let last = MAXIMA.get(place)?;
    let item = |item: &str| match item.split_once('/') {
        Some(("", step)) => format!("*/{step}"),
        Some((first, step)) if is_number(first.trim_start_matches('+')) => format!("{first}-{last}/{step}"),
        _ => item.to_string(),
    };
    let right = field.split(',').map(item).collect::<Vec<_>>().join(",");
    (right != field && words_fit(place, &right) && reads_alone(place, &right)).then_some(right)
}

/// Whether the letters in a field are whole names of that field, and no item of its list is empty.
fn words_fit(place: usize, field: &str) -> bool {
    let field = field.to_ascii_uppercase();
    // `+` requires both day and weekday; only the weekday field may have one.
    let items = match field.strip_prefix('+') {
        Some(items) if place == WEEKDAY => items,
        _ => &field,
    };
    items.split(',').all(|item| {
        let which = item.split_once('#').map(|(_, which)| which);
        if which.is_some_and(|which| !matches!(which, "1" | "2" | "3" | "4" | "5" | "L")) {
            return false;
        }
        let mut words = item
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        !item.is_empty() && words.all(|word| is_number(word) || name_fits(place, word, item))
    })
}

fn name_fits(place: usize, word: &str, item: &str) -> bool {
    match place {
        DAY => word == "L" || word == "LW" || word.strip_suffix('W').is_some_and(is_number),
        MONTH => MONTHS.contains(&word),
        WEEKDAY => {
            let last = word.strip_suffix('L');
            WEEKDAYS.contains(&word)
                || last.is_some_and(|day| is_number(day) || WEEKDAYS.contains(&day))
                // `5#L` is the last Friday too; a bare L would be no day.
                || (word == "L" && item.contains('#'))
        }
        _ => false,
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
