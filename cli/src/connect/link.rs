//! One connection, and what can go wrong with it: what matters is whether the server may still count it as open.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use redis::{Cmd, Connection, ConnectionLike, ErrorKind, RedisError, Value};

/// Errors of a server that is there, but cannot do it now.
const PASSING: [&str; 11] = [
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "UNBLOCKED",
    "UNKILLABLE",
    "NOGOODSLAVE",
];

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The server has answered an error.
    Server { code: String, text: String },
    /// Nothing listens there.
    Refused(String),
    /// Nothing was heard in time. The command may have been, or will be, run.
    Silent,
    /// The connection is closed, or was never one.
    Closed(String),
}

impl CallError {
    /// Whether the server has answered an error with this code.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self, CallError::Server { code, .. } if code == word)
    }

    /// Whether the same call may succeed later, on this server or another one.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            CallError::Server { code, .. } => PASSING.contains(&&code[..]),
            _ => true,
        }
    }

    /// Whether another node of the cluster has what was asked for.
    pub(super) fn is_elsewhere(&self) -> bool {
        ["ASK", "MOVED", "TRYAGAIN"].iter().any(|code| self.is(code))
    }

    /// The error of a server that was only asked where another one is.
    pub(super) fn indirect(self) -> CallError {
        match self {
            CallError::Refused(text) => CallError::Closed(text),
            error => error,
        }
    }
}

impl From<RedisError> for CallError {
    fn from(error: RedisError) -> CallError {
        if let Some(code) = error.code() {
            let detail = error.detail().unwrap_or_default();
            return CallError::Server {
                code: code.into(),
                text: format!("{code} {detail}").trim_end().into(),
            };
        }
        if error.kind() == ErrorKind::AuthenticationFailed {
            return CallError::Server {
                code: "WRONGPASS".into(),
                text: error.to_string(),
            };
        }
        if error.is_timeout() {
            return CallError::Silent;
        }
        // So is a unix socket that is not there.
        if error.is_connection_refusal() {
            return CallError::Refused(error.to_string());
        }
        CallError::Closed(error.to_string())
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Server { text, .. } | CallError::Refused(text) | CallError::Closed(text) => f.write_str(text),
            CallError::Silent => f.write_str("no answer in time"),
        }
    }
}

/// A connection of our own.
pub(crate) struct Link {
    connection: Connection,
    node: String,
}

impl Link {
    pub(super) fn new(connection: Connection, node: String) -> Link {
        Link { connection, node }
    }

    /// Where it leads to.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Sends a command and waits for its reply. After `Silent` the connection is still open.
    pub(crate) fn call(&mut self, command: &Cmd, patience: Duration) -> Result<Reply, CallError> {
        let patience = Some(patience.max(Duration::from_millis(1)));
        self.connection.set_read_timeout(patience)?;
        self.connection.set_write_timeout(patience)?;
        reply_in(self.connection.req_packed_command(&command.get_packed_command())?)
    }

    /// All entries of a list, which come in pages.
    pub(crate) fn list(&mut self, list: &Cmd, patience: Duration) -> Result<Vec<Reply>, CallError> {
        let (mut entries, mut walk) = (Vec::new(), Walk::default());
        let mut list = list.clone();
        list.arg("COUNT").arg(1000);
        while let Some(page) = walk.next(self, list.clone(), patience)? {
            entries.extend(page.into_items());
        }
        Ok(entries)
    }

    /// Sends several commands at once; each has its own reply, or error.
    pub(crate) fn call_all(
        &mut self,
        commands: &[Cmd],
        patience: Duration,
    ) -> Result<Vec<Result<Reply, CallError>>, CallError> {
        self.connection.set_read_timeout(Some(patience))?;
        self.connection.set_write_timeout(Some(patience))?;
        let packed: Vec<u8> = commands.iter().flat_map(Cmd::get_packed_command).collect();
        let values = self.connection.req_packed_commands(&packed, 0, commands.len())?;
        Ok(values.into_iter().map(reply_in).collect())
    }
}

/// How far a list has been read, which comes in pages.
#[derive(Default)]
pub(crate) struct Walk {
    /// That of the next page, "0" behind the last one.
    cursor: Option<String>,
}

impl Walk {
    /// The next page of what this command lists; none behind the last one.
    pub(crate) fn next(
        &mut self,
        link: &mut Link,
        mut list: Cmd,
        patience: Duration,
    ) -> Result<Option<Reply>, CallError> {
        if self.is_over() {
            return Ok(None);
        }
        list.arg("CURSOR").arg(self.cursor.as_deref().unwrap_or("0"));
        let Some((next, page)) = link.call(&list, patience)?.into_page() else {
            return Err(CallError::Closed(
                "the server sent an answer that this program does not understand".into(),
            ));
        };
        self.cursor = Some(next);
        Ok(Some(page))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.cursor.as_deref() == Some("0")
    }
}

fn reply_in(value: Value) -> Result<Reply, CallError> {
    match value {
        Value::ServerError(error) => Err(CallError::from(RedisError::from(error))),
        value => Ok(Reply(value)),
    }
}

/// A reply, read as what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply(pub Value);

impl Reply {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.0, Value::Nil)
    }

    pub(crate) fn text(&self) -> Option<String> {
        match &self.0 {
            Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Value::SimpleString(text) => Some(text.clone()),
            Value::Okay => Some("OK".into()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Value::BulkString(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Tokens and epochs need all 64 bits.
    pub(crate) fn number(&self) -> Option<u64> {
        match &self.0 {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => self.text()?.parse().ok(),
        }
    }

    pub(crate) fn items(&self) -> Vec<Reply> {
        match &self.0 {
            Value::Array(items) => items.iter().cloned().map(Reply).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn into_items(self) -> Vec<Reply> {
        match self.0 {
            Value::Array(items) => items.into_iter().map(Reply).collect(),
            _ => Vec::new(),
        }
    }

    /// The cursor of the next page, "0" behind the last one, and this page.
    pub(crate) fn into_page(self) -> Option<(String, Reply)> {
        let Value::Array(parts) = self.0 else { return None };
        let [cursor, page] = <[Value; 2]>::try_from(parts).ok()?;
        Some((Reply(cursor).text()?, Reply(page)))
    }

    /// The names and values of a map, which is an array of them, in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (String, Reply)> + use<> {
        self.clone().into_pairs()
    }

    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (String, Reply)> + use<> {
        let mut items = self.into_items().into_iter();
        let pairs = std::iter::from_fn(move || Some((items.next()?, items.next()?)));
        pairs.filter_map(|(name, value)| Some((name.text()?, value)))
    }

    /// The fields of a map.
    pub(crate) fn fields(&self) -> BTreeMap<String, Reply> {
        self.pairs().collect()
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Reply {
        Reply(Value::BulkString(text.into()))
    }
}

impl From<&[String]> for Reply {
    fn from(texts: &[String]) -> Reply {
        Reply(Value::Array(
            texts.iter().map(|text| Reply::from(&text[..]).0).collect(),
        ))
    }
}

impl From<i64> for Reply {
    fn from(number: i64) -> Reply {
        Reply(Value::Int(number))
    }
}
