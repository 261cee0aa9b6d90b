//! The cost of a plain task in this build, relative to another build of the module, `--baseline`: that of an older
//! commit, for example.
//!
//! Server CPU of 20,000 tasks' lives (SCHEDULE, CLAIM, ACK; 50 connections with a pipeline of 16), each build on a
//! server of its own; they take turns, and the first changes from round to round.
//!
//! The instructions of the same commands, if there is valgrind, as [`crate::instructions`] counts them. They hardly
//! depend on what else the machine does, so the aim is theirs.

use crate::Result;
use crate::contender::{Contender, Life};
use crate::instructions::{self, Count, Counter};
use crate::options::Options;
use crate::report::{Aim, Report};
use crate::server::Aof;
use std::path::Path;

const TASKS: usize = 20_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    report.section(&format!("A plain task in this build / in the baseline: {tasks} tasks"));
    let Some(baseline) = &options.baseline else {
        report
            .note("left out: --baseline FILE names another build, such as that of `git worktree add /tmp/old COMMIT`");
        return Ok(());
    };
    cpu(&options.module, baseline, tasks, options.rounds(21), report)?;
    match instructions::ensure_valgrind() {
        Ok(()) => count(&options.module, baseline, options.rounds(5), report),
        Err(error) => {
            report.note(&format!("instructions are left out: {error}"));
            Ok(())
        }
    }
}

fn cpu(module: &Path, baseline: &Path, tasks: usize, count: usize, report: &mut Report) -> Result<()> {
    let mut own = Contender::steward(module, Aof::Off)?;
    let mut other = Contender::steward(baseline, Aof::Off)?;
    let mut rounds = Vec::new();
    for number in 0..count {
        let first = (number % 2 == 1).then(|| other.live(tasks, 1)).transpose()?;
        let life = own.live(tasks, 1)?;
        let baseline = first.map_or_else(|| other.live(tasks, 1), Ok)?;
        rounds.push((life, baseline));
    }
    let mut figure = |label: &str, cpu_us: fn(&Life) -> f64| {
        let ratios = rounds.iter().map(|(own, other)| cpu_us(own) / cpu_us(other));
        report.figure(label, ratios, Aim::None);
    };
    figure("CPU of a whole life", Life::cpu_us);
    figure("  SCHEDULE", |life| life.schedule.cpu_us);
    figure("  CLAIM", |life| life.claim.cpu_us);
    figure("  ACK", |life| life.acknowledge.cpu_us);
    Ok(())
}

fn count(module: &Path, baseline: &Path, times: usize, report: &mut Report) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..times {
        let life = |module| Counter::start(module, Aof::Off)?.life(1);
        rounds.push((life(module)?, life(baseline)?));
    }
    let mut figure = |label: &str, aim: Aim, of: fn(&[Count; 3]) -> f64| {
        report.figure(label, rounds.iter().map(|(own, other)| of(own) / of(other)), aim);
    };
    figure("instructions of a whole life", Aim::AtMost(1.03), |steps| {
        steps.iter().map(|step| step.total).sum()
    });
    figure("  SCHEDULE", Aim::None, |[schedule, ..]| schedule.total);
    figure("  CLAIM", Aim::None, |[_, claim, _]| claim.total);
    figure("  ACK", Aim::None, |[.., acknowledge]| acknowledge.total);
    figure("  of a whole life, inside the module", Aim::None, |steps| {
        steps.iter().map(|step| step.own).sum()
    });
    Ok(())
}
