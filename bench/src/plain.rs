//! The cost of a plain task in this build, relative to another build of the module, `--baseline`: that of an older
//! commit, for example.
//!
//! Server CPU of 20,000 tasks' lives (SCHEDULE, CLAIM, ACK; 50 connections with a pipeline of 16), each build on a
//! server of its own; they take turns, and the first changes from round to round.
//!
//! The instructions of the same commands, if there is valgrind: 2,000 lives on a server that runs in callgrind, which
//! counts inside `RedisModuleCommandDispatcher` only. Those of CLAIM are what a server that also claims counts more
//! than one that only adds, those of ACK likewise. They hardly depend on what else the machine does, so the aim is
//! theirs.

use crate::Result;
use crate::contender::{Contender, Life, PIPELINE, drive};
use crate::options::Options;
use crate::recipes::{Claim, Recipe, Steward};
use crate::report::{Aim, Report};
use crate::server::{Aof, Server};
use std::path::Path;

const TASKS: usize = 20_000;
const COUNTED: usize = 2_000;
/// Steps of a life: SCHEDULE, CLAIM, ACK.
const STEPS: usize = 3;

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
    if Server::can_count() {
        instructions(&options.module, baseline, options.rounds(5), report)
    } else {
        report.note("instructions are left out: there is no valgrind");
        Ok(())
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

fn instructions(module: &Path, baseline: &Path, count: usize, report: &mut Report) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..count {
        rounds.push((steps(module)?, steps(baseline)?));
    }
    let mut figure = |label: &str, aim: Aim, of: fn(&[f64; STEPS]) -> f64| {
        report.figure(label, rounds.iter().map(|(own, other)| of(own) / of(other)), aim);
    };
    figure("instructions of a whole life", Aim::AtMost(1.03), |steps| {
        steps.iter().sum()
    });
    figure("  SCHEDULE", Aim::None, |[schedule, ..]| *schedule);
    figure("  CLAIM", Aim::None, |[_, claim, _]| *claim);
    figure("  ACK", Aim::None, |[.., acknowledge]| *acknowledge);
    let of_own = rounds.iter().map(|(own, _)| own.iter().sum());
    report.figure("  of this build, in all", of_own, Aim::None);
    Ok(())
}

/// Instructions of each step of a task.
fn steps(module: &Path) -> Result<[f64; STEPS]> {
    let mut before = 0.0;
    let mut steps = [0.0; STEPS];
    for (number, step) in steps.iter_mut().enumerate() {
        let counted = count(module, number)?;
        *step = (counted - before) / COUNTED as f64;
        before = counted;
    }
    Ok(steps)
}

/// Instructions of adding tasks, with `more` from 1 also of claiming them, from 2 of acknowledging them.
fn count(module: &Path, more: usize) -> Result<f64> {
    let server = Server::counting(module)?;
    let mut client = [server.connect()?];
    let (steward, mut claims) = (Steward::default(), Vec::new());
    let mut drive = |write: &mut dyn FnMut(&mut Vec<u8>, usize) -> usize, claims: &mut Vec<Claim>| {
        drive(&mut client, PIPELINE, COUNTED, write, |reply| {
            claims.extend(steward.claims(&reply))
        })
    };
    drive(&mut |out, _| steward.schedule(out, 0), &mut Vec::new())?;
    if more > 0 {
        drive(&mut |out, _| steward.claim(out, 1), &mut claims)?;
    }
    if more > 1 {
        let mut claims = claims.chunks(1);
        let mut acknowledge = |out: &mut Vec<u8>, _: usize| steward.acknowledge(out, claims.next().unwrap_or_default());
        drive(&mut acknowledge, &mut Vec::new())?;
    }
    server.counted()
}
