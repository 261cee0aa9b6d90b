//! A payload or result as JSON, text or hex.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use redis::cmd;

use super::html::{link, plain};
use super::page::{failed, waiting};
use super::site::Site;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;

/// Bytes that a page shows of it; the rest is in the file.
const SHOWN: usize = 64 << 10;
const SHOWN_AS_HEX: usize = 4 << 10;
const FORMS: [&str; 3] = ["json", "text", "hex"];

/// The bytes of a field of a task, in the form that the address asks for, or else in the best one.
pub(super) fn shown(visit: &Visit, heading: &str, name: &str, bytes: &[u8]) -> Markup {
    let pretty = if bytes.len() <= SHOWN { indented(bytes) } else { None };
    let best = match (&pretty, str::from_utf8(bytes)) {
        (Some(_), _) => "json",
        (None, Ok(_)) => "text",
        _ => "hex",
    };
    let form = visit
        .query
        .get("as")
        .filter(|form| FORMS.contains(form))
        .unwrap_or(best);
    let (text, most) = match (form, pretty) {
        ("json", Some(text)) => (text, SHOWN),
        ("hex", _) => (hex(bytes.get(..SHOWN_AS_HEX).unwrap_or(bytes)), SHOWN_AS_HEX),
        _ => (lines(bytes.get(..SHOWN).unwrap_or(bytes)), SHOWN),
    };
    let given = |name| visit.query.get(name).unwrap_or_default();
    html! {
        div.row.head {
            h2 { (heading) }
            span.hint { (bytes.len()) (if bytes.len() == 1 { " byte" } else { " bytes" }) }
            span.end.row {
                @for known in FORMS {
                    a href=(visit.site.address("/task", &visit.query.with(&[("as", known)]))) aria-current=[(known == form).then_some("true")] { (known) }
                }
                (link(visit, "/payload", &[("queue", given("queue")), ("id", given("id")), ("field", name)], "download"))
            }
        }
        pre.payload tabindex="0" aria-label=(heading) { (text) }
        @if bytes.len() > most { p.hint { "These are the first " (most) " bytes." } }
    }
}

/// The field as a file.
pub(super) async fn raw(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let visit = match site.visit(&uri, &headers) {
        Ok(visit) => Arc::new(visit),
        Err(response) => return *response,
    };
    let read = {
        let visit = visit.clone();
        waiting(move || field(&visit)).await
    };
    let kind = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"payload\""),
    ];
    match read {
        Ok(bytes) => (kind, bytes).into_response(),
        Err(trouble) => failed(&visit, &trouble),
    }
}

fn field(visit: &Visit) -> Result<Vec<u8>, Trouble> {
    let (queue, id) = (visit.query.need("queue")?, visit.query.need("id")?);
    let name = visit.query.get("field").unwrap_or("payload");
    if !matches!(name, "payload" | "result") {
        return Err(Trouble::Missing("There is no such file.".into()));
    }
    let task: Record = visit.task(&visit.user().call(queue, cmd("TASK.GET").arg(queue).arg(id))?);
    let bytes = task.get(name).and_then(crate::connect::Reply::bytes);
    bytes
        .map(<[u8]>::to_vec)
        .ok_or_else(|| Trouble::Missing("There is no such file.".into()))
}

/// Text whose ends of lines are kept.
pub(super) fn lines(bytes: &[u8]) -> String {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.map(crate::output::text::printable).collect::<Vec<_>>().join("\n")
}

/// JSON with a line for each of its values, its numbers and the order of its fields as they were. None when it is none.
fn indented(bytes: &[u8]) -> Option<String> {
    let text = str::from_utf8(bytes).ok()?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let (mut out, mut depth, mut in_string, mut is_escaped) = (String::new(), 0_usize, false, false);
    let mut letters = text.chars().filter(|letter| !letter.is_control()).peekable();
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(letter) = letters.next() {
        if in_string {
            out.push_str(&plain(&letter.to_string()));
            in_string = is_escaped || letter != '"';
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            ' ' => {}
            '{' | '[' => {
                out.push(letter);
                while letters.next_if_eq(&' ').is_some() {}
                if !matches!(letters.peek(), Some('}' | ']')) {
                    depth += 1;
                    new_line(&mut out, depth);
                } else if let Some(end) = letters.next() {
                    out.push(end);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            letter => {
                in_string = letter == '"';
                out.push(letter);
            }
        }
    }
    Some(out)
}

fn hex(bytes: &[u8]) -> String {
    let line = |(at, chunk): (usize, &[u8])| {
        let codes: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let letter = |byte: &u8| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '.'
            }
        };
        let letters: String = chunk.iter().map(letter).collect();
        format!("{:08x}  {:47}  {letters}", at * 16, codes.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_otherwise_as_it_was() {
        let text = br#"{"b":1.50,"a":[ ],"c":[{"d":"x, \"{y}\""},12345678901234567890]}"#;
        let shown = "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"c\": [\n    {\n      \"d\": \"x, \\\"{y}\\\"\"\n    },\n    12345678901234567890\n  ]\n}";
        assert_eq!(indented(text).unwrap(), shown);
        assert_eq!(indented(b"{"), None);
        assert_eq!(indented(&b"[".repeat(1_000_000)), None);
        assert_eq!(indented(b"\xff"), None);
    }

    #[test]
    fn any_bytes_are_shown() {
        assert_eq!(hex(b"ab\0\xff"), format!("00000000  {:47}  ab..", "61 62 00 ff"));
        assert_eq!(lines(b"a\nb\x1b\xff"), "a\nb\\u{1b}\\xff");
    }
}
