//! The cost of groups: 100,000 tasks in 10,000 groups. All are added; then, ten times, 10,000 are claimed and
//! acknowledged, whose end gives the next of their groups its turn. Server CPU of a task's steps relative to the same
//! with plain tasks, of which as many wait; on one server, in turn, in every round. 50 connections, a pipeline of 16.
//!
//! And whether a claim visits the tasks in line: 1,000 tasks have their turn, and 100,000 or 1,000 are in line behind
//! them. The 1,000 are claimed and released 20 times a round, on both servers in turn; server CPU of a claim, many
//! against few. The same with 1,000 plain tasks beside 100,000 or 1,000 that are scheduled for later shows what a large
//! server costs by itself.

use crate::Result;
use crate::connection::encode;
use crate::contender::Contender;
use crate::load::{PIPELINE, drive};
use crate::options::Options;
use crate::recipes::{Claim, Steward};
use crate::report::{Aim, Report};
use crate::server::Aof;

const TASKS: usize = 100_000;
const GROUPS: usize = 10_000;
const PARKED: [usize; 2] = [100_000, 1_000];
/// Tasks that may be claimed while others are in line.
const TURNS: usize = 1_000;
const TIMES: usize = 20;
/// Far enough that nothing becomes due meanwhile.
const HOUR_MS: u32 = 3_600_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let (tasks, groups) = (options.tasks(TASKS), options.tasks(GROUPS));
    let mut contender = Contender::steward(&options.module, Aof::Off)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(5) {
        let plain = live(&mut contender, Steward::default(), tasks, groups)?;
        rounds.push((live(&mut contender, Steward::grouped(groups), tasks, groups)?, plain));
    }
    report.section(&format!("CPU per task: {tasks} tasks in {groups} groups / plain"));
    let mut figure = |label: &str, cpu_us: fn(&[f64; 3]) -> f64| {
        let ratios = rounds.iter().map(|(grouped, plain)| cpu_us(grouped) / cpu_us(plain));
        report.figure(label, ratios, Aim::None);
    };
    figure("whole life", |life| life.iter().sum());
    figure("  SCHEDULE", |[schedule, ..]| *schedule);
    figure("  CLAIM and ACK", |[_, claim, acknowledge]| claim + acknowledge);
    figure("    CLAIM", |[_, claim, _]| *claim);
    figure("    ACK, with the turn of the next", |[.., acknowledge]| *acknowledge);
    parked(options, report)
}

/// CPU of adding, claiming and acknowledging a task, in µs, `wave` of them claimed at a time.
fn live(contender: &mut Contender, recipe: Steward, tasks: usize, wave: usize) -> Result<[f64; 3]> {
    contender.recipe = Box::new(recipe);
    contender.clear()?;
    let schedule = contender.schedule(tasks, 0)?.cpu_us;
    let (mut claim, mut acknowledge) = (0.0, 0.0);
    let waves = tasks / wave;
    for _ in 0..waves {
        let (used, claims) = contender.claim(wave, 1)?;
        claim += used.cpu_us / waves as f64;
        acknowledge += contender.acknowledge(&claims, 1)?.cpu_us / waves as f64;
    }
    match contender.recipe.remaining(&mut contender.control)? {
        0.0 => Ok([schedule, claim, acknowledge]),
        left => Err(format!("of {tasks} tasks {left} are left").into()),
    }
}

fn parked(options: &Options, report: &mut Report) -> Result<()> {
    let [many, few] = PARKED.map(|tasks| options.tasks(tasks));
    let turns = options.tasks(TURNS);
    let mut servers = Vec::new();
    for tasks in [many, few] {
        let mut lines = Contender::steward(&options.module, Aof::Off)?;
        lines.recipe = Box::new(Steward::grouped(turns));
        lines.schedule(turns + tasks, 0)?;
        let mut later = Contender::steward(&options.module, Aof::Off)?;
        later.schedule(turns, 0)?;
        later.schedule(tasks, HOUR_MS)?;
        servers.push([lines, later]);
    }
    let (mut lines, mut later) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds(5) {
        let mut used = [[0.0; 2]; 2];
        for _ in 0..TIMES {
            for (used, server) in used.iter_mut().flatten().zip(servers.iter_mut().flatten()) {
                *used += claim(server, turns)?;
            }
        }
        let [[many_lines, many_later], [few_lines, few_later]] = used;
        lines.push(many_lines / few_lines);
        later.push(many_later / few_later);
    }
    report.section(&format!(
        "CPU of a claim with {many} tasks that cannot be claimed / with {few}"
    ));
    report.figure("they stand in the lines of their groups", lines, Aim::AtMost(1.15));
    report.figure("for comparison: they are scheduled for later", later, Aim::None);
    Ok(())
}

/// CPU of a claim, in µs: that many are claimed, and given back afterwards.
fn claim(contender: &mut Contender, turns: usize) -> Result<f64> {
    let (used, claims) = contender.claim(turns, 1)?;
    let release = |out: &mut Vec<u8>, number: usize| {
        let Claim { id, token } = claims.get(number).cloned().unwrap_or_default();
        encode(out, &format!("TASK.RELEASE q {id} {token}"))
    };
    drive(&mut contender.clients, PIPELINE, turns, release, |_| ())?;
    Ok(used.cpu_us)
}
