//! What is printed: text for people, or one JSON object a line.

pub(crate) mod record;
pub(crate) mod table;
pub(crate) mod text;

use std::io::Write;

use redis::Value;
use serde_json::{Value as Json, json};

use crate::failure::Failure;

/// Prints a line. When the reader has gone, nobody wants the rest: we end, and that is no failure.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<(), Failure> {
    raw(format!("{text}\n").as_bytes())
}

/// Prints these bytes.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::new(0, ""),
            _ => Failure::unavailable(format!("standard output: {error}")),
        })
}

/// Prints a JSON object as one line, whatever a reader takes for the end of a line, or a terminal for a command.
pub(crate) fn json_line(json: &Json) -> Result<(), Failure> {
    let mut text = String::new();
    for letter in json.to_string().chars() {
        if text::is_plain(letter) {
            text.push(letter);
        } else {
            text.push_str(&format!("\\u{:04x}", u32::from(letter)));
        }
    }
    line(text)
}

/// A reply as JSON. Bytes that are no UTF-8 are replaced.
pub(crate) fn json_of(value: &Value) -> Json {
    match value {
        Value::Int(number) => json!(number),
        Value::BulkString(bytes) => json!(String::from_utf8_lossy(bytes)),
        Value::SimpleString(text) => json!(text),
        Value::Okay => json!("OK"),
        Value::Array(items) => items.iter().map(json_of).collect(),
        _ => Json::Null,
    }
}
