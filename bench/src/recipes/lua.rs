//! The module's semantics as Lua scripts: one string a task with a fixed-width header, a ready list, sorted sets for
//! scheduled and claimed tasks, a fencing token checked on acknowledgement. No priorities, settings or statistics.

use super::{Claim, PAYLOAD, Recipe};
use crate::Result;
use crate::connection::{Connection, Reply, encode};

const SCRIPTS: [&str; 3] = [
    include_str!("lua/schedule.lua"),
    include_str!("lua/claim.lua"),
    include_str!("lua/acknowledge.lua"),
];

/// EVALSHA of scripts that were loaded before.
#[derive(Default)]
pub struct Lua {
    schedule: String,
    claim: String,
    acknowledge: String,
}

impl Recipe for Lua {
    fn prepare(&mut self, control: &mut Connection) -> Result<()> {
        let [schedule, claim, acknowledge] = SCRIPTS.map(|script| control.call(&["SCRIPT", "LOAD", script]));
        (self.schedule, self.claim, self.acknowledge) = (schedule?.text(), claim?.text(), acknowledge?.text());
        Ok(())
    }

    fn schedule(&self, out: &mut Vec<u8>, delay_ms: u32) -> usize {
        let keys = "3 lua:{q}:ready lua:{q}:scheduled lua:{q}:counter";
        encode(
            out,
            &format!("EVALSHA {} {keys} lua:{{q}}:t: {PAYLOAD} {delay_ms}", self.schedule),
        )
    }

    fn claim(&self, out: &mut Vec<u8>, count: usize) -> usize {
        let keys = "3 lua:{q}:ready lua:{q}:claimed lua:{q}:counter";
        encode(
            out,
            &format!("EVALSHA {} {keys} lua:{{q}}:t: worker-1 30000 {count}", self.claim),
        )
    }

    fn claims(&self, reply: &Reply) -> Vec<Claim> {
        let pairs = reply.items().iter().filter_map(|task| task.items().first_chunk());
        pairs
            .map(|[id, token]| Claim {
                id: id.text(),
                token: token.text(),
            })
            .collect()
    }

    fn acknowledge(&self, out: &mut Vec<u8>, claims: &[Claim]) -> usize {
        let pairs: String = claims
            .iter()
            .map(|Claim { id, token }| format!(" {id} {token}"))
            .collect();
        encode(
            out,
            &format!("EVALSHA {} 1 lua:{{q}}:claimed lua:{{q}}:t:{pairs}", self.acknowledge),
        )
    }

    fn remaining(&self, control: &mut Connection) -> Result<f64> {
        Ok(control.command("LLEN lua:{q}:ready")?.number() + control.command("ZCARD lua:{q}:claimed")?.number())
    }
}
