//! What a command answers, before it is written to a client.

use std::rc::Rc;

use crate::names::Id;

/// A reply, independent of the protocol version of the client that gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// No tasks, or a wait that ran out: `*-1` in RESP2 (as BLPOP), `_` in RESP3.
    NullArray,
    /// A status line such as `OK`.
    Status(&'static str),
    /// An integer: counts, tokens, times.
    Int(i64),
    /// A bulk string: ids, payloads, any bytes.
    Bytes(Vec<u8>),
    /// A bulk string that many clients get.
    Shared(Rc<[u8]>),
    /// A bulk string: the id of a task.
    Id(Id),
    /// A bulk string: the bytes from this position on.
    Tail(Vec<u8>, usize),
    /// A bulk string that is one of a fixed set of words.
    Word(&'static str),
    /// An array.
    Array(Vec<Reply>),
    /// A RESP3 map, a flat array in RESP2; always all fields, in the documented order.
    Map(Vec<(&'static str, Reply)>),
    /// A map of texts that users chose.
    Texts(Vec<(String, String)>),
}

impl Reply {
    /// `OK`.
    pub(crate) const OK: Reply = Reply::Status("OK");

    /// A bulk string of this text.
    pub(crate) fn text(text: impl Into<String>) -> Reply {
        Reply::Bytes(text.into().into_bytes())
    }
    /// The bulk string, or null when there is none.
    pub(crate) fn bytes_or_null(bytes: Option<Vec<u8>>) -> Reply {
        bytes.map_or(Reply::Null, Reply::Bytes)
    }
    /// The integer, or null when there is none.
    pub(crate) fn int_or_null(number: Option<i64>) -> Reply {
        number.map_or(Reply::Null, Reply::Int)
    }
    /// A number of ours as an integer.
    pub(crate) fn number(number: u64) -> Reply {
        Reply::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
    /// A count as an integer.
    pub(crate) fn count(count: usize) -> Reply {
        Reply::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
