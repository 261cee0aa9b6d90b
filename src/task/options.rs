//! The extra fields of a task, kept only when there is something to say: options that differ from the
//! queue's, the last error, the progress, the result.

use serde::{Deserialize, Serialize};

use crate::keyspace::Keyspace;
use crate::names::Name;
use crate::time::Ms;

/// Field of the options that differ from the queue's, JSON.
pub(crate) const OPTIONS: &[u8] = b"options";
/// Field of the last error's text.
pub(crate) const ERROR: &[u8] = b"error";
/// Field of the progress, as EXTEND gave it.
pub(crate) const PROGRESS: &[u8] = b"progress";
/// Field of the result, as ACK gave it.
pub(crate) const RESULT: &[u8] = b"result";
/// Field of how many ends a blocked task waits for.
pub(crate) const WAITS: &[u8] = b"waits";
/// Longest error kept, bytes.
const LONGEST_ERROR: usize = 1_024;

/// The options of one task that differ from the queue's; stored as JSON so that any client can read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    /// Most runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// The wait between attempts, as `Backoff` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<String>,
    /// How long a claim lasts, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Ms>,
    /// How long after it became ready it is dropped when nobody claimed it, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<Ms>,
    /// The key that no other task may hold at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// How long it holds the key, whatever becomes of it, ms; without, until it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_for: Option<Ms>,
    /// The group it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The only worker that may claim it, as long as the header says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The tasks that had not ended when it was scheduled to come after them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Whether it runs even if one of those does not succeed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onfail_run: bool,
    /// How long it is kept when it is done, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<Ms>,
    /// The queue that is told of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

impl Options {
    /// The queue's settings say it all.
    pub(crate) const NONE: Options = Options {
        attempts: None,
        backoff: None,
        lease: None,
        expire: None,
        unique: None,
        unique_for: None,
        group: None,
        to: None,
        after: Vec::new(),
        onfail_run: false,
        retain: None,
        reply: None,
    };

    /// Whether the queue's settings say it all.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Options::default()
    }
    /// As stored.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Numbers and text always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The options stored for a task; those of a hash that is missing or was edited into nonsense are none.
pub(crate) fn read(keys: &mut dyn Keyspace, name: &Name, id: &[u8]) -> Options {
    match keys.hget(name.options(id), OPTIONS) {
        Ok(Some(json)) => serde_json::from_slice(&json).unwrap_or_default(),
        _ => Options::default(),
    }
}

/// An error's text as stored: its first 1,024 bytes.
pub(crate) fn cut(error: &[u8]) -> &[u8] {
    error.get(..LONGEST_ERROR).unwrap_or(error)
}
