//! How a value is shown to people. The name of a field tells what it is: docs/reference/fields.md.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redis::Value;

use crate::connect::Reply;

/// What is shown in place of nothing.
const NOTHING: &str = "-";
/// The units of durations, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The value of a field of this name, in one line that no terminal takes for commands.
pub(crate) fn field(name: &str, value: &Reply) -> String {
    let number = match &value.0 {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    match (name.rsplit_once('_'), number) {
        (Some((_, "until")), Some(-1)) => "no end".into(),
        (Some((_, "at" | "until")), Some(at)) => moment(at).unwrap_or_else(|| at.to_string()),
        (Some((_, "ms")), Some(ms)) => {
            let sign = if ms < 0 { "-" } else { "" };
            format!("{sign}{}", span(ms.unsigned_abs(), 2))
        }
        _ => plain(value),
    }
}

/// Any value in one line.
fn plain(value: &Reply) -> String {
    match &value.0 {
        Value::BulkString(bytes) => printable(bytes),
        Value::Array(items) if items.is_empty() => NOTHING.into(),
        Value::Array(_) => value.items().iter().map(plain).collect::<Vec<_>>().join(" "),
        _ => value
            .text()
            .map_or_else(|| NOTHING.into(), |text| printable(text.as_bytes())),
    }
}

/// Bytes as text in which nothing is left that moves the cursor, changes colours or reorders letters.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_plain(letter) {
                text.push(letter);
            } else {
                text.extend(letter.escape_default());
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Whether this is a letter, and no command, no end of a line, and nothing that changes how others are shown.
pub(super) fn is_plain(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A moment, in unix milliseconds, in the zone of this machine.
pub(crate) fn moment(at: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(at).ok()?;
    Some(at.to_zoned(TimeZone::system()).strftime("%F %T %Z").to_string())
}

/// A duration in its largest units, as it may also be typed.
pub(crate) fn span(ms: u64, units: usize) -> String {
    let mut left = ms;
    let counts = UNITS.iter().map(|(unit, length)| {
        let count = left / length;
        left %= length;
        (count, unit)
    });
    // Ten minutes and half a second are ten minutes.
    let parts = counts.skip_while(|(count, _)| *count == 0).take(units);
    let parts: Vec<String> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() { "0ms".into() } else { parts.concat() }
}

/// A duration, as exact as one wants to read it.
pub(crate) fn brief(ms: i64) -> String {
    let size = ms.unsigned_abs();
    let shown = match size {
        1_000..60_000 if !size.is_multiple_of(1_000) => format!("{}.{}s", size / 1_000, size % 1_000 / 100),
        _ => span(size, 2),
    };
    if ms < 0 { format!("−{shown}") } else { shown }
}

/// A moment as people say it, in unix milliseconds.
pub(crate) fn distance(at: i64) -> String {
    let distance = at.saturating_sub(Timestamp::now().as_millisecond());
    // What is nearer than a second is now: what is shown would change all the time.
    match distance {
        -999..=999 => "now".into(),
        1_000.. => format!("in {}", brief(distance / 1_000 * 1_000)),
        _ => format!("{} ago", brief(distance / 1_000 * 1_000).trim_start_matches('−')),
    }
}

/// The columns and rows of the terminal that standard output is; none when it is something else.
pub(crate) fn terminal() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some((size.ws_col, size.ws_row)).filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

/// Whether whoever runs this wants colours.
pub(crate) fn wants_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// In bold letters, in a terminal of someone who wants them.
pub(crate) fn bold(text: &str) -> String {
    if terminal().is_some() && wants_colours() {
        format!("\x1b[1m{text}\x1b[m")
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_field_tells_how_it_is_shown() {
        let int = |number| Reply(Value::Int(number));
        assert_eq!(field("oldest_ready_ms", &int(205)), "205ms");
        assert_eq!(field("remaining_ms", &int(-61_500)), "-1m1s");
        assert_eq!(field("idle_ms", &int(90_061_000)), "1d1h");
        assert_eq!(field("paused_until", &int(-1)), "no end");
        assert!(field("due_at", &int(0)).starts_with("19"));
        assert_eq!(field("due_at", &Reply(Value::Nil)), "-");
        assert_eq!(field("attempt", &int(3)), "3");
        assert_eq!(span(15_552_000_001, usize::MAX), "180d1ms");
        assert_eq!([span(600_560, 2), span(3_661_500, 2)], ["10m", "1h1m"]);
        assert_eq!(span(0, 2), "0ms");
        assert_eq!(
            [306, 48_176, 5_000, 61_900, 1_673_000].map(brief),
            ["306ms", "48.1s", "5s", "1m1s", "27m53s"]
        );
        let now = Timestamp::now().as_millisecond();
        assert_eq!([-61_500, 5_900].map(|ms| distance(now + ms)), ["1m1s ago", "in 5s"]);
    }

    #[test]
    fn nothing_shown_commands_a_terminal() {
        let shown = printable("\u{1b}[2J a\nb\u{7} \u{202e}cab\u{9b}1m é 漢".as_bytes());
        assert_eq!(shown, r"\u{1b}[2J a\nb\u{7} \u{202e}cab\u{9b}1m é 漢");
        assert_eq!(printable(b"\xff\xfe\0 ok"), r"\xff\xfe\u{0} ok");
    }
}
