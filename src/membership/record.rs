//! A member as stored: one field of `proc:{s}:members`, JSON that any client can read.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::time::Ms;

/// Name of a member, shared between the tables.
pub(crate) type MemberName = Rc<str>;

/// The record of a member. Fields without a value are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MemberRecord {
    /// Process id; `None` for a member that a heartbeat made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i64>,
    /// The host it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When the process started, in the host's own unit; detects a recycled pid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Id of the host's boot; a new one means that all earlier processes are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// How long it lives without a heartbeat, ms; 0: until it leaves.
    #[serde(rename = "ttl_ms")]
    pub ttl: Ms,
    /// Whether it dies when its last bound connection closes.
    #[serde(skip_serializing_if = "is_false")]
    pub bind: bool,
    /// Grace period after that, ms.
    #[serde(rename = "grace_ms", skip_serializing_if = "is_zero")]
    pub grace: Ms,
    /// Whether it registered as the exclusive holder.
    #[serde(skip_serializing_if = "is_false")]
    pub exclusive: bool,
    /// SHA-256 of its token's digits, in hex; `None` when a plain heartbeat made it and it never needed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Grows with every registration; tells whether a signal to all came before it.
    pub order: u64,
    /// When it registered, unix ms.
    pub registered_at: Ms,
    /// Its own standing signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// When its own signal was given or cleared, in the count of `order`.
    #[serde(skip_serializing_if = "is_zero")]
    pub signal_order: u64,
    /// Its META fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// Fields of a later version, kept as they are.
    #[serde(flatten)]
    pub later: Map<String, Value>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

impl MemberRecord {
    /// Parses a stored record; `None` when it is not one of ours.
    pub(crate) fn read(json: &[u8]) -> Option<MemberRecord> {
        let member: MemberRecord = serde_json::from_slice(json).ok()?;
        (member.ttl >= 0 && member.grace >= 0).then_some(member)
    }

    /// The stored form.
    pub(crate) fn write(&self) -> Vec<u8> {
        // Cannot fail: only maps with text keys, and numbers.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A token in its stored form.
pub(crate) fn hash_token(token: u64) -> String {
    let digest = Sha256::digest(token.to_string().as_bytes());
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
