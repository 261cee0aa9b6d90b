//! The cost of a plain task's life (steady load, 20,000 tasks) beside 10 million tasks that are ready in the same queue,
//! relative to that beside 10,000, each on a server of its own.

use crate::Result;
use crate::contender::Contender;
use crate::options::Options;
use crate::report::{Aim, Report};
use crate::server::Aof;

const MANY: usize = 10_000_000;
const FEW: usize = 10_000;
const TASKS: usize = 20_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let many = options.tasks(MANY);
    let [mut beside_few, mut beside_many] = [
        Contender::steward(&options.module, Aof::Off)?,
        Contender::steward(&options.module, Aof::Off)?,
    ];
    beside_few.schedule(FEW.min(many), 0)?;
    beside_many.schedule(many, 0)?;
    let mut ratios = Vec::new();
    for _ in 0..options.rounds(7) {
        let few = beside_few.go_on_steadily(TASKS, 1)?;
        ratios.push(beside_many.go_on_steadily(TASKS, 1)? / few);
    }
    report.section(&format!("CPU per task beside {many} that wait / beside {FEW}"));
    report.figure("whole life", ratios, Aim::AtMost(1.25));
    Ok(())
}
