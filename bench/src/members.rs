//! Members of the service `q` and their heartbeats.

use crate::Result;
use crate::connection::{Connection, encode};
use crate::load::{PIPELINE, drive};

/// The usual TTL.
pub const TTL_MS: u32 = 15_000;

/// Registers that many members with a TTL in ms; their tokens, in the order of their numbers.
pub fn register(clients: &mut [Connection], members: usize, ttl_ms: u32) -> Result<Vec<String>> {
    let mut tokens = Vec::with_capacity(members);
    let request = |out: &mut Vec<u8>, number: usize| {
        let pid = number + 1;
        let command = format!("PID.REGISTER q member-{number} {pid} HOST host-1 TTL {ttl_ms}");
        encode(out, &command)
    };
    drive(clients, PIPELINE, members, request, |reply| {
        tokens.push(reply.field("token").text())
    })?;
    Ok(tokens)
}

/// Appends a heartbeat of the next member; the members take turns.
pub fn beat(out: &mut Vec<u8>, tokens: &[String], turn: usize) -> usize {
    let number = turn % tokens.len();
    let token = tokens.get(number).map_or("", String::as_str);
    encode(out, &format!("HB.BEAT q member-{number} TOKEN {token}"))
}

/// Appends a hand-made heartbeat: a SET of a key that expires; the keys take turns.
pub fn set_beat(out: &mut Vec<u8>, members: usize, turn: usize) -> usize {
    encode(out, &format!("SET member-{} alive PX 15000", turn % members))
}
