//! A reply as the server sent it, and the text form in which tests compare whole replies.
//!
//! Integers are bare, bulk strings quoted, statuses start with `+`, errors with `-`: `[{id: 'a', token: 7}]`.

use std::fmt;
use std::io::{self, BufRead, Read};

/// A RESP2 or RESP3 value. Sets are arrays here; booleans, doubles and verbatim strings bulk strings.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    /// `$-1` or `_`.
    Null,
    /// `*-1`, RESP2 only.
    NullArray,
    Status(String),
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Push(Vec<Value>),
}

impl Value {
    /// The next value of a stream.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Value> {
        let line = read_line(from)?;
        let (kind, rest) = line.split_at_checked(1).ok_or(io::ErrorKind::InvalidData)?;
        let length = || {
            rest.parse::<i64>()
                .map_err(|_| io::Error::other(format!("a length: {line:?}")))
        };
        Ok(match kind {
            "+" => Value::Status(rest.into()),
            "-" => Value::Error(rest.into()),
            ":" => Value::Int(length()?),
            "_" => Value::Null,
            "#" | "," | "(" => Value::Bulk(rest.into()),
            "$" if rest == "-1" => Value::Null,
            "*" if rest == "-1" => Value::NullArray,
            "$" => Value::Bulk(read_bytes(from, length()?)?),
            "=" => Value::Bulk(read_bytes(from, length()?)?.split_off(4)),
            "!" => Value::Error(String::from_utf8_lossy(&read_bytes(from, length()?)?).into_owned()),
            "*" | "~" => Value::Array(read_items(from, length()?)?),
            ">" => Value::Push(read_items(from, length()?)?),
            "%" => {
                let mut items = read_items(from, length()? * 2)?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    pairs.push((key, value));
                }
                Value::Map(pairs)
            }
            _ => return Err(io::Error::other(format!("no RESP: {line:?}"))),
        })
    }

    /// The integer; fails the test for anything else.
    #[track_caller]
    pub(crate) fn int(&self) -> i64 {
        match self {
            Value::Int(number) => *number,
            other => panic!("{other} is no integer"),
        }
    }
    /// The bytes of a bulk string; fails the test for anything else.
    #[track_caller]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Value::Bulk(bytes) => bytes,
            other => panic!("{other} is no bulk string"),
        }
    }
    /// A bulk string or status as text.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        match self {
            Value::Status(text) => text.clone(),
            other => String::from_utf8_lossy(other.bytes()).into_owned(),
        }
    }
    /// The items of an array or a push.
    #[track_caller]
    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Value::Array(items) | Value::Push(items) => items,
            other => panic!("{other} is no array"),
        }
    }
    /// Item `at` of an array.
    #[track_caller]
    pub(crate) fn item(&self, at: usize) -> &Value {
        self.items()
            .get(at)
            .unwrap_or_else(|| panic!("{self} has no item {at}"))
    }
    /// The value of a field of a map (or of the flat array it is in RESP2).
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &Value {
        let is = |value: &Value| matches!(value, Value::Bulk(_) | Value::Status(_)) && value.text() == name;
        let found = match self {
            Value::Map(pairs) => pairs.iter().find(|(key, _)| is(key)).map(|(_, value)| value),
            Value::Array(items) => items.chunks(2).find(|pair| is(&pair[0])).and_then(|pair| pair.get(1)),
            _ => None,
        };
        found.unwrap_or_else(|| panic!("{self} has no field {name}"))
    }
    /// Whether it is an error reply.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Value::Error(_))
    }
    /// The first word of an error reply.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        match self {
            Value::Error(text) => text.split(' ').next().unwrap_or_default(),
            other => panic!("{other} is no error"),
        }
    }
    /// The names on a page of TASK.QUEUES or PID.SERVICES, sorted.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.item(1).items().iter().map(Value::text).collect();
        names.sort();
        names
    }

    /// The ids of an array of tasks.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        match self {
            Value::Null | Value::NullArray => Vec::new(),
            tasks => tasks.items().iter().map(|task| task.field("id").text()).collect(),
        }
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\r\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn read_bytes(from: &mut impl Read, length: i64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0) + 2];
    from.read_exact(&mut bytes)?;
    bytes.truncate(bytes.len() - 2);
    Ok(bytes)
}

fn read_items(from: &mut impl BufRead, count: i64) -> io::Result<Vec<Value>> {
    (0..count).map(|_| Value::read(from)).collect()
}

/// Printable text stays; other bytes are `\xNN`.
pub(crate) fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => bytes.escape_ascii().to_string(),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::NullArray => f.write_str("null array"),
            Value::Status(text) => write!(f, "+{text}"),
            Value::Error(text) => write!(f, "-{text}"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Bulk(bytes) => write!(f, "'{}'", readable(bytes)),
            Value::Array(items) | Value::Push(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Map(pairs) => {
                let bare = |key: &Value| key.to_string().trim_matches(['\'', '+']).to_string();
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(key, value)| format!("{}: {value}", bare(key)))
                    .collect();
                write!(f, "{{{}}}", pairs.join(", "))
            }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, text: &&str) -> bool {
        same(self, text)
    }
}

// So that a field, which is a reference, can be compared with a literal.
impl PartialEq<str> for Value {
    fn eq(&self, text: &str) -> bool {
        same(self, text)
    }
}

impl PartialEq<String> for Value {
    fn eq(&self, text: &String) -> bool {
        same(self, text)
    }
}

/// Whether the value's text form is this.
fn same(value: &Value, text: &str) -> bool {
    let shown = value.to_string();
    shown == text
}
