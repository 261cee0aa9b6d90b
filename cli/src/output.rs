//! What is printed: text for people, or one JSON object a line.

use std::io::Write;

use redis::Value;
use serde_json::{Value as Json, json};

use crate::failure::Failure;

/// Prints a line. A reader that has gone is no failure of ours.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::unavailable(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
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
