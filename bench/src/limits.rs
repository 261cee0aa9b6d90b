//! The cost of a queue's limits. Server CPU of 20,000 tasks' lives (SCHEDULE, CLAIM, ACK; 50 connections with a
//! pipeline of 16) in a queue with `concurrency`, with `rate` and with both, none of them reached, relative to the same
//! in a queue without settings: all on one server, one after the other, in every round.
//!
//! And a limit that is reached: 100 claimers of a queue with more than enough tasks and 50 slots, so that 50 of them
//! always wait. One acknowledges, the one that has waited longest gets the next task, the first waits again, while a
//! producer adds a task: server CPU of that step, relative to that of 100 claimers who wait because there are no tasks.

use crate::Result;
use crate::contender::{Contender, Life};
use crate::crowd::Crowd;
use crate::options::Options;
use crate::recipes::{PAYLOAD, Steward};
use crate::report::{Aim, Report};
use crate::server::{Aof, Server};

const TASKS: usize = 20_000;
/// Settings that are never reached.
const SETTINGS: [&str; 4] = [
    "",
    "concurrency 1000000",
    "rate 1000000/1000",
    "concurrency 1000000 rate 1000000/1000",
];
const CLAIMERS: usize = 100;
const SLOTS: usize = 50;
const STEPS: usize = 10_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    let mut contender = Contender::steward(&options.module, Aof::Off)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(15) {
        let lives = SETTINGS.map(|settings| contender.live_as(limited(settings), tasks));
        rounds.push(lives.into_iter().collect::<Result<Vec<_>>>()?);
    }
    report.section(&format!(
        "CPU per task with limits that are not reached: {tasks} tasks / without"
    ));
    for (at, settings) in SETTINGS.iter().enumerate().skip(1) {
        let mut figure = |label: &str, aim: Aim, cpu_us: fn(&Life) -> f64| {
            let ratios = rounds.iter().filter_map(|lives| {
                let (limited, free) = (lives.get(at)?, lives.first()?);
                Some(cpu_us(limited) / cpu_us(free))
            });
            report.figure(label, ratios, aim);
        };
        figure(&format!("whole life, {settings}"), Aim::AtMost(1.1), Life::cpu_us);
        figure("  CLAIM", Aim::None, |life| life.claim.cpu_us);
        figure("  ACK", Aim::None, |life| life.acknowledge.cpu_us);
    }
    reached(options, report)
}

fn limited(settings: &str) -> Steward {
    let setup = (!settings.is_empty()).then(|| format!("TASK.CONFIG SET q {settings}"));
    Steward::prepared(setup)
}

fn reached(options: &Options, report: &mut Report) -> Result<()> {
    let (wake, wait) = (format!("TASK.SCHEDULE q {PAYLOAD}"), "TASK.CLAIM q w BLOCK 0");
    let server = Server::start(Some(&options.module), Aof::Off)?;
    let mut free = Crowd::gather(server, CLAIMERS, wait)?;
    let server = Server::start(Some(&options.module), Aof::Off)?;
    let mut control = server.connect()?;
    control.command(&format!("TASK.CONFIG SET q concurrency {SLOTS}"))?;
    for _ in 0..CLAIMERS {
        control.command(&wake)?;
    }
    let mut full = Crowd::gather(server, CLAIMERS, wait)?;
    let steps = options.tasks(STEPS);
    let mut ratios = Vec::new();
    for _ in 0..options.rounds(7) {
        let alone = free.serve(steps, &wake, wait)?;
        ratios.push(full.serve(steps, &wake, wait)? / alone);
    }
    let stats = control.command("TASK.STATS q")?;
    let (claimed, waiting) = (
        stats.field("claimed_tasks").number(),
        stats.field("waiting_clients").number(),
    );
    if (claimed, waiting) != (SLOTS as f64, (CLAIMERS - SLOTS) as f64) {
        return Err(format!("{claimed} tasks were claimed and {waiting} clients waited").into());
    }
    report.section(&format!(
        "CPU of handing one task to a waiting client: {CLAIMERS} claimers"
    ));
    report.figure(
        &format!("for the slot of {SLOTS} that became free / for a new task"),
        ratios,
        Aim::AtMost(1.25),
    );
    Ok(())
}
