//! A stream with a consumer group: XADD, XREADGROUP, XACK and XDEL. No delays, no priorities, no fence.

use super::{Claim, PAYLOAD, Recipe};
use crate::Result;
use crate::connection::{Connection, Reply, encode};

/// Tasks as entries of the stream `s`.
pub struct Streams;

impl Recipe for Streams {
    fn prepare(&mut self, control: &mut Connection) -> Result<()> {
        control.command("XGROUP CREATE s g 0 MKSTREAM").map(drop)
    }

    /// A stream has no delay: every entry can be read at once.
    fn schedule(&self, out: &mut Vec<u8>, _delay_ms: u32) -> usize {
        encode(out, &format!("XADD s * payload {PAYLOAD}"))
    }

    fn claim(&self, out: &mut Vec<u8>, count: usize) -> usize {
        encode(out, &format!("XREADGROUP GROUP g worker-1 COUNT {count} STREAMS s >"))
    }

    fn claims(&self, reply: &Reply) -> Vec<Claim> {
        let streams = reply.items().iter();
        let entries = streams
            .filter_map(|stream| stream.items().get(1))
            .flat_map(Reply::items);
        let ids = entries.filter_map(|entry| entry.items().first());
        ids.map(|id| Claim {
            id: id.text(),
            token: String::new(),
        })
        .collect()
    }

    fn acknowledge(&self, out: &mut Vec<u8>, claims: &[Claim]) -> usize {
        let ids: String = claims.iter().map(|claim| format!(" {}", claim.id)).collect();
        encode(out, &format!("XACK s g{ids}")) + encode(out, &format!("XDEL s{ids}"))
    }

    fn remaining(&self, control: &mut Connection) -> Result<f64> {
        Ok(control.command("XLEN s")?.number())
    }
}
