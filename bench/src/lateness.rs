//! How late a blocked claimer gets a task when a million others are scheduled for later. Four claimers wait; 2,000
//! tasks fall due over four seconds, about 2 ms apart; each carries its due time, and its lateness is the time at
//! which the claimer receives it minus that. It includes the way back to the client and its wake-up.

use crate::Result;
use crate::connection::{Connection, encode};
use crate::contender::Contender;
use crate::far::{MILLION, now_ms, schedule_far};
use crate::load::{PIPELINE, drive};
use crate::options::Options;
use crate::report::{Aim, Report, percentile};
use crate::server::Aof;
use std::thread::scope;

const NEAR: usize = 2_000;
const SPAN_MS: f64 = 4_000.0;
const CLAIMERS: usize = 4;
/// Time to schedule the near tasks before the first is due, and to claim the last.
const AHEAD_MS: f64 = 1_000.0;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let far = options.tasks(MILLION);
    let mut contender = Contender::steward(&options.module, Aof::Off)?;
    schedule_far(&mut contender.clients, far)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(5) {
        let mut late = lateness(&mut contender)?;
        rounds.push([0.5, 0.99, 1.0].map(|share| percentile(&mut late, share)));
    }
    report.section(&format!(
        "Lateness in ms to a blocked claimer, {far} tasks scheduled for later, {NEAR} due"
    ));
    report.figure("p50", rounds.iter().map(|[p50, ..]| *p50), Aim::AtMost(2.0));
    report.figure("p99", rounds.iter().map(|[_, p99, _]| *p99), Aim::AtMost(8.0));
    report.figure("max", rounds.iter().map(|[.., max]| *max), Aim::None);
    Ok(())
}

/// The lateness of each task in ms.
fn lateness(contender: &mut Contender) -> Result<Vec<f64>> {
    let first = now_ms() + AHEAD_MS;
    let request = |out: &mut Vec<u8>, number: usize| {
        // Multiples of the golden ratio's fraction spread evenly, in an order that looks random.
        let due = (first + (number as f64 * 0.618_033_988_749_895).fract() * SPAN_MS) as u64;
        encode(out, &format!("TASK.SCHEDULE q {due} AT {due}"))
    };
    drive(&mut contender.clients, PIPELINE, NEAR, request, |_| ())?;
    if now_ms() > first {
        return Err("the machine was too busy to schedule the near tasks in time; run it again".into());
    }
    let claimers = (0..CLAIMERS)
        .map(|_| contender.server.connect())
        .collect::<Result<Vec<_>>>()?;
    let until = first + SPAN_MS + AHEAD_MS;
    let late = scope(|threads| {
        let running: Vec<_> = claimers
            .into_iter()
            .map(|claimer| threads.spawn(move || claim(claimer, until)))
            .collect();
        let results = running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a claimer failed")?);
        results.collect::<Result<Vec<Vec<f64>>>>()
    })?
    .concat();
    if late.len() != NEAR {
        return Err(format!("{} of {NEAR} tasks reached a claimer", late.len()).into());
    }
    Ok(late)
}

/// Claims and acknowledges until that moment (unix ms); the lateness of each task in ms.
fn claim(mut connection: Connection, until: f64) -> Result<Vec<f64>> {
    let mut late = Vec::new();
    while now_ms() < until {
        let reply = connection.command("TASK.CLAIM q worker-1 BLOCK 500")?;
        let now = now_ms();
        for task in reply.items() {
            late.push(now - task.field("payload").number());
            let (id, token) = (task.field("id").text(), task.field("token").text());
            connection.command(&format!("TASK.ACK q {id} {token}"))?;
        }
    }
    Ok(late)
}
