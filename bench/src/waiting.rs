//! The cost of handing out a task with one client waiting for work and with 5,000 waiting on the same queue. One
//! producer adds a task at a time; the client that has waited longest gets it, acknowledges it and waits again, so
//! their number stays the same. Server CPU of that step, 5,000 against one. The same with RPUSH and BLPOP shows what
//! 5,000 open connections cost by themselves.

use crate::Result;
use crate::connection::allow_open_files;
use crate::crowd::Crowd;
use crate::options::Options;
use crate::recipes::PAYLOAD;
use crate::report::{Aim, Report};
use crate::server::{Aof, Server};

const CROWD: usize = 5_000;
const STEPS: usize = 10_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    allow_open_files(CROWD)?;
    report.section(&format!(
        "CPU of handing one task to a waiting client: {CROWD} waiting / 1 waiting"
    ));
    let tasks = format!("TASK.SCHEDULE q {PAYLOAD}");
    let lists = format!("RPUSH l {PAYLOAD}");
    let wakings = [
        (
            "SCHEDULE, ACK, CLAIM BLOCK",
            Some(options.module.as_path()),
            tasks,
            "TASK.CLAIM q w BLOCK 0",
            Aim::AtMost(1.25),
        ),
        ("for comparison: RPUSH, BLPOP", None, lists, "BLPOP l 0", Aim::None),
    ];
    for (label, module, wake, wait, aim) in wakings {
        let mut one = Crowd::gather(Server::start(module, Aof::Off)?, 1, wait)?;
        let mut many = Crowd::gather(Server::start(module, Aof::Off)?, CROWD, wait)?;
        let mut ratios = Vec::new();
        for _ in 0..options.rounds(5) {
            let alone = one.serve(options.tasks(STEPS), &wake, wait)?;
            ratios.push(many.serve(options.tasks(STEPS), &wake, wait)? / alone);
        }
        report.figure(label, ratios, aim);
    }
    Ok(())
}
