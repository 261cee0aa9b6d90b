//! SCHEDULE's rate relative to SET at a pipeline of 16 from 50 connections, 200,000 of each, no AOF: operations per
//! second of server CPU, which is the throughput of a saturated server. The last line is the cost of the loaded module
//! for other commands.

use crate::Result;
use crate::contender::Contender;
use crate::load::PIPELINE;
use crate::options::Options;
use crate::recipes::Streams;
use crate::report::{Aim, Report};
use crate::server::Aof;

const TASKS: usize = 200_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    let mut steward = Contender::steward(&options.module, Aof::Off)?;
    let mut plain = Contender::rival(Streams, Aof::Off)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(7) {
        steward.clear()?;
        let schedule = steward.schedule(tasks, 0)?;
        rounds.push([schedule, plain.set(tasks, PIPELINE)?, steward.set(tasks, PIPELINE)?].map(|used| used.cpu_us));
    }
    report.section(&format!(
        "Rates at a pipeline of {PIPELINE}, higher is better: {tasks} of each"
    ));
    report.figure(
        "SCHEDULE / SET",
        rounds.iter().map(|[schedule, set, _]| set / schedule),
        Aim::AtLeast(0.55),
    );
    let loaded = rounds.iter().map(|[_, set, loaded]| set / loaded);
    report.figure("SET with the module loaded / without", loaded, Aim::None);
    Ok(())
}
