//! The module's own commands: SCHEDULE, CLAIM, ACK; MACK for several; ACK NEXT.

use super::{Claim, PAYLOAD, Recipe};
use crate::Result;
use crate::connection::{Connection, Reply, encode};

/// Tasks in the queue `q`.
pub struct Steward;

impl Recipe for Steward {
    fn prepare(&mut self, _control: &mut Connection) -> Result<()> {
        Ok(())
    }

    fn schedule(&self, out: &mut Vec<u8>, delay_ms: u32) -> usize {
        match delay_ms {
            0 => encode(out, &format!("TASK.SCHEDULE q {PAYLOAD}")),
            ms => encode(out, &format!("TASK.SCHEDULE q {PAYLOAD} DELAY {ms}")),
        }
    }

    fn claim(&self, out: &mut Vec<u8>, count: usize) -> usize {
        match count {
            1 => encode(out, "TASK.CLAIM q worker-1"),
            count => encode(out, &format!("TASK.CLAIM q worker-1 COUNT {count}")),
        }
    }

    fn claims(&self, reply: &Reply) -> Vec<Claim> {
        let tasks = reply.items().iter();
        tasks
            .map(|task| Claim {
                id: task.field("id").text(),
                token: task.field("token").text(),
            })
            .collect()
    }

    fn acknowledge(&self, out: &mut Vec<u8>, claims: &[Claim]) -> usize {
        let pairs: String = claims
            .iter()
            .map(|Claim { id, token }| format!(" {id} {token}"))
            .collect();
        match claims.len() {
            1 => encode(out, &format!("TASK.ACK q{pairs}")),
            number => encode(out, &format!("TASK.MACK q {number}{pairs}")),
        }
    }

    fn acknowledge_next(&self, out: &mut Vec<u8>, Claim { id, token }: &Claim) -> usize {
        encode(out, &format!("TASK.ACK q {id} {token} NEXT"))
    }

    fn remaining(&self, control: &mut Connection) -> Result<f64> {
        let stats = control.command("TASK.STATS q")?;
        Ok(["scheduled", "ready", "claimed", "dead"]
            .iter()
            .map(|state| stats.field(state).number())
            .sum())
    }
}
