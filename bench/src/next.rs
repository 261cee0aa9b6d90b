//! Server CPU per task of workers that do not pipeline: 50 connections have a task each, acknowledge it and get the
//! next in one round trip, until 50,000 tasks are done. Steward does it with ACK NEXT; streams with XACK, XDEL and
//! XREADGROUP, Lua with two scripts, sent together. SET, one a round trip, is the floor. No AOF.

use crate::Result;
use crate::contender::{CONNECTIONS, Contender, cost};
use crate::load::drive;
use crate::options::Options;
use crate::recipes::{Claim, Streams};
use crate::report::{Aim, Report};
use crate::server::Aof;

const TASKS: usize = 50_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    let [mut steward, mut streams, mut lua] = Contender::all(&options.module, Aof::Off)?;
    let mut floor = Contender::rival(Streams, Aof::Off)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(5) {
        let set = floor.set(tasks, 1)?.cpu_us;
        rounds.push([
            work(&mut steward, tasks)?,
            work(&mut streams, tasks)?,
            work(&mut lua, tasks)?,
            set,
        ]);
    }
    report.section(&format!(
        "CPU per task, one a round trip: {CONNECTIONS} workers, {tasks} tasks"
    ));
    report.figure(
        "ACK NEXT / streams",
        rounds.iter().map(|[steward, streams, ..]| steward / streams),
        Aim::None,
    );
    report.figure(
        "ACK NEXT / Lua",
        rounds.iter().map(|[steward, _, lua, _]| steward / lua),
        Aim::None,
    );
    report.figure(
        "ACK NEXT / SET",
        rounds.iter().map(|[steward, .., set]| steward / set),
        Aim::None,
    );
    Ok(())
}

/// CPU of one round trip, in µs.
fn work(contender: &mut Contender, tasks: usize) -> Result<f64> {
    contender.clear()?;
    contender.schedule(tasks + CONNECTIONS, 0)?;
    let (recipe, mut held) = (&contender.recipe, Vec::new());
    let claim = |out: &mut Vec<u8>, _| recipe.claim(out, 1);
    drive(&mut contender.clients, 1, CONNECTIONS, claim, |reply| {
        held.extend(recipe.claims(&reply))
    })?;
    let used = cost(&mut contender.control, &mut contender.clients, tasks, |clients| {
        for _ in 0..tasks / CONNECTIONS {
            let finished = std::mem::take(&mut held);
            let next = |out: &mut Vec<u8>, worker: usize| {
                recipe.acknowledge_next(out, finished.get(worker).unwrap_or(&Claim::default()))
            };
            drive(clients, 1, CONNECTIONS, next, |reply| {
                held.extend(recipe.claims(&reply))
            })?;
        }
        Ok(())
    })?;
    match recipe.remaining(&mut contender.control)? {
        left if left == CONNECTIONS as f64 => Ok(used.cpu_us),
        left => Err(format!("{left} tasks are left instead of {CONNECTIONS}").into()),
    }
}
