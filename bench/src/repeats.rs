//! The cost of 1,000 recurring definitions.
//!
//! While they are far from due: server CPU of 20,000 plain tasks' lives (SCHEDULE, CLAIM, ACK) in their queue, relative
//! to the same without them, on one server, in turn, in every round. And the CPU of an idle server with them, above
//! that of one without tasks, over the same ten seconds.
//!
//! When each comes once a second: CPU of a server over ten seconds, less that of the idle one with as many definitions
//! over the same ten seconds, for each task that was made. Relative to a SCHEDULE from a client, at a pipeline of 16
//! from 50 connections, and from one connection, one a round trip. Once with all due in the same millisecond, once with
//! one due in every millisecond.

use crate::Result;
use crate::contender::{Contender, Life, cost};
use crate::far::now_ms;
use crate::load::drive;
use crate::options::Options;
use crate::recipes::{PAYLOAD, Recipe, Steward};
use crate::report::{Aim, Report};
use crate::server::{Aof, Usage};
use std::thread::sleep;
use std::time::Duration;

const DEFINITIONS: usize = 1_000;
const TASKS: usize = 20_000;
const SECOND_MS: u64 = 1_000;
const HOUR_MS: u64 = 3_600_000;
/// Time to make all definitions before the first is due.
const AHEAD_MS: u64 = 3_000;
const WATCH: Duration = Duration::from_secs(10);
/// Time for the servers to become idle, longer than `AHEAD_MS`.
const REST: Duration = Duration::from_secs(5);
/// How many a client adds to compare with.
const SCHEDULED: usize = 10_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    beside(options, report)?;
    over_time(options, report)
}

/// Definitions in the queue `q` that come every so many ms, the first of them `ahead` ms from now and each `step` ms
/// after the one before.
fn definitions(every: u64, ahead: u64, step: u64) -> impl Iterator<Item = String> {
    let first = now_ms() as u64 + ahead;
    (0..DEFINITIONS).map(move |number| {
        let start = first + number as u64 * step;
        format!("TASK.REPEAT q every-{number} {PAYLOAD} EVERY {every} START {start}")
    })
}

fn beside(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    let mut contender = Contender::steward(&options.module, Aof::Off)?;
    let mut ratios = Vec::new();
    for _ in 0..options.rounds(15) {
        let alone = contender.live_as(Steward::default(), tasks)?;
        let far = Steward::prepared(definitions(HOUR_MS, HOUR_MS, 1));
        ratios.push(contender.live_as(far, tasks)?.cpu_us() / Life::cpu_us(&alone));
    }
    report.section(&format!(
        "CPU per plain task beside {DEFINITIONS} definitions: {tasks} tasks"
    ));
    report.figure("whole life / without definitions", ratios, Aim::AtMost(1.03));
    Ok(())
}

/// What was used in one span of time.
struct Round {
    /// Thousandths of a core above a server without tasks, of one whose definitions are far.
    idle: f64,
    /// CPU of a task that came by itself, in µs: all in one millisecond, one in each.
    came: [f64; 2],
    /// CPU of a SCHEDULE, in µs: in a pipeline, one a round trip.
    schedule: [f64; 2],
}

fn over_time(options: &Options, report: &mut Report) -> Result<()> {
    let start = || Contender::steward(&options.module, Aof::Off);
    let mut servers = [start()?, start()?, start()?, start()?];
    let [_, far, burst, spread] = &mut servers;
    for (server, (every, ahead, step)) in [
        (far, (HOUR_MS, HOUR_MS, 1)),
        (burst, (SECOND_MS, AHEAD_MS, 0)),
        (spread, (SECOND_MS, AHEAD_MS, SECOND_MS / DEFINITIONS as u64)),
    ] {
        Steward::prepared(definitions(every, ahead, step)).prepare(&mut server.control)?;
    }
    sleep(REST);
    let mut client = start()?;
    let rounds = (0..options.rounds(3))
        .map(|_| watch(&mut servers, &mut client))
        .collect::<Result<Vec<_>>>()?;
    report.section(&format!("{DEFINITIONS} recurring definitions, watched for {WATCH:?}"));
    report.figure(
        "idle, none due: thousandths of a core above none",
        rounds.iter().map(|round| round.idle),
        Aim::AtMost(1.0),
    );
    for (came, label) in ["all due in one ms", "one due in every ms"].iter().enumerate() {
        for (client, label) in [
            (0, format!("CPU of one, {label} / SCHEDULE pipelined")),
            (1, "  / SCHEDULE, one a round trip".into()),
        ] {
            let ratio = |round: &Round| Some(round.came.get(came)? / round.schedule.get(client)?);
            report.figure(&label, rounds.iter().filter_map(ratio), Aim::None);
        }
    }
    Ok(())
}

/// Lets all servers run for a while, then has the client schedule.
fn watch(servers: &mut [Contender; 4], client: &mut Contender) -> Result<Round> {
    let before = look(servers)?;
    sleep(WATCH);
    let after = look(servers)?;
    let mut used = [(0.0, 0.0); 4];
    for ((used, (cpu, made)), (cpu_before, made_before)) in used.iter_mut().zip(after).zip(before) {
        *used = (cpu - cpu_before, made - made_before);
    }
    let [(none, _), (far, _), burst, spread] = used;
    let came = [burst, spread].map(|(cpu, made)| (cpu - far) / made);
    client.clear()?;
    let piped = client.schedule(SCHEDULED, 0)?.cpu_us;
    let (recipe, one) = (&client.recipe, client.clients.get_mut(..1).unwrap_or_default());
    let single = cost(&mut client.control, one, SCHEDULED, |clients| {
        drive(clients, 1, SCHEDULED, |out, _| recipe.schedule(out, 0), |_| ())
    })?;
    Ok(Round {
        idle: (far - none) / WATCH.as_secs_f64() / 1e3,
        came,
        schedule: [piped, single.cpu_us],
    })
}

/// The CPU each has used, in µs, and how many tasks were made.
fn look(servers: &mut [Contender; 4]) -> Result<Vec<(f64, f64)>> {
    let look = |server: &mut Contender| -> Result<_> {
        let made = server
            .control
            .command("TASK.STATS q")?
            .field("scheduled_total")
            .number();
        Ok((Usage::read(&mut server.control)?.cpu_us, made))
    };
    servers.iter_mut().map(look).collect()
}
