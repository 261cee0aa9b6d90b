//! The module's own commands: SCHEDULE, CLAIM, ACK; MACK for several; ACK NEXT. Perhaps on a queue with settings, with
//! recurring tasks beside, or with options for each task.

use super::{Claim, PAYLOAD, Recipe};
use crate::Result;
use crate::connection::{Connection, Reply, encode};
use std::cell::Cell;

/// Tasks in the queue `q`; by default without settings and options.
#[derive(Default)]
pub struct Steward {
    /// Commands that prepare the queue.
    pub setup: Vec<String>,
    /// The tasks belong to so many groups, in turn; 0: to none.
    pub groups: usize,
    scheduled: Cell<usize>,
}

impl Steward {
    /// On a queue that these commands have prepared.
    pub fn prepared(setup: impl IntoIterator<Item = String>) -> Steward {
        Steward {
            setup: setup.into_iter().collect(),
            ..Steward::default()
        }
    }

    /// With tasks of so many groups.
    pub fn grouped(groups: usize) -> Steward {
        Steward {
            groups,
            ..Steward::default()
        }
    }
}

impl Recipe for Steward {
    fn prepare(&mut self, control: &mut Connection) -> Result<()> {
        self.setup.iter().try_for_each(|line| control.command(line).map(drop))
    }

    fn schedule(&self, out: &mut Vec<u8>, delay_ms: u32) -> usize {
        let mut line = format!("TASK.SCHEDULE q {PAYLOAD}");
        if delay_ms > 0 {
            line += &format!(" DELAY {delay_ms}");
        }
        if self.groups > 0 {
            let number = self.scheduled.replace(self.scheduled.get() + 1);
            line += &format!(" GROUP group-{}", number % self.groups);
        }
        encode(out, &line)
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
        // A module from before there were blocked tasks counts none.
        Ok([
            "scheduled_tasks",
            "ready_tasks",
            "claimed_tasks",
            "blocked_tasks",
            "dead_tasks",
        ]
        .iter()
        .map(|count| stats.field(count).number())
        .sum())
    }
}
