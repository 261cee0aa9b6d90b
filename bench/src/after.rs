//! The end of a task that 10,000 others depend on (AFTER). A parent is claimed, its children are added; then it is
//! acknowledged, and the queue's STATS are asked every 10 ms until all are ready. Another connection meanwhile sends a
//! SET or a GET every millisecond: its longest wait, beside that of the half second before.
//!
//! In other rounds, without that connection, server CPU of a child's steps relative to those of a plain task that is
//! scheduled for later: as many, all due in the same millisecond, are promoted, claimed and acknowledged. 50
//! connections, a pipeline of 16.

use crate::Result;
use crate::connection::{Connection, encode};
use crate::contender::{Contender, cost};
use crate::far::{now_ms, schedule_at, sleep_until};
use crate::load::{PIPELINE, drive};
use crate::options::Options;
use crate::probe;
use crate::recipes::PAYLOAD;
use crate::report::{Aim, Report};
use crate::server::{Aof, Usage};
use std::thread::sleep;
use std::time::Duration;

const CHILDREN: usize = 10_000;
/// The prober runs this long before the parent ends.
const QUIET: Duration = Duration::from_millis(500);
/// Time to schedule all on a busy machine.
const AHEAD_MS: u64 = 3_000;
/// CPU is read this long before the tasks are due.
const BEFORE_MS: f64 = 50.0;
/// Fails if the tasks are not ready by then.
const GIVE_UP_MS: f64 = 60_000.0;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let children = options.tasks(CHILDREN);
    let mut contender = Contender::steward(&options.module, Aof::Off)?;
    let (mut waits, mut lives) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds(5) {
        waits.push(watch(&mut contender, children)?);
        lives.push([child(&mut contender, children)?, plain(&mut contender, children)?]);
    }
    report.section(&format!("A task ends that {children} others wait for"));
    let [settled, wait, quiet] = [0, 1, 2].map(|at| waits.iter().filter_map(move |round| round.get(at).copied()));
    report.figure("s until all are ready", settled, Aim::AtMost(1.0));
    report.figure("ms another client waits at most", wait, Aim::NeverAbove(20.0));
    report.figure("  the same while nothing ends", quiet, Aim::None);
    let mut figure = |label: &str, cpu_us: fn(&[f64; 3]) -> f64| {
        let ratios = lives.iter().map(|[child, plain]| cpu_us(child) / cpu_us(plain));
        report.figure(label, ratios, Aim::None);
    };
    figure("CPU of a child / of a task for later", |life| life.iter().sum());
    figure("  SCHEDULE AFTER / SCHEDULE AT", |[schedule, ..]| *schedule);
    figure("  set free / promoted", |[_, ready, _]| *ready);
    figure("  CLAIM and ACK / the same", |[.., work]| *work);
    Ok(())
}

/// A parent that is claimed, and its children. The request that ends it, and CPU of adding a child, in µs.
fn family(contender: &mut Contender, children: usize) -> Result<(String, f64)> {
    contender.clear()?;
    contender
        .control
        .command(&format!("TASK.SCHEDULE q {PAYLOAD} ID parent"))?;
    let (_, claims) = contender.claim(1, 1)?;
    let parent = claims.first().ok_or("the parent was not claimed")?;
    let add = |out: &mut Vec<u8>, _| encode(out, &format!("TASK.SCHEDULE q {PAYLOAD} AFTER 1 parent"));
    let used = cost(&mut contender.control, &mut contender.clients, children, |clients| {
        drive(clients, PIPELINE, children, add, |_| ())
    })?;
    Ok((format!("TASK.ACK q parent {}", parent.token), used.cpu_us))
}

/// Seconds until all are ready, and the prober's longest waits meanwhile and before, in ms.
fn watch(contender: &mut Contender, children: usize) -> Result<[f64; 3]> {
    let (end, _) = family(contender, children)?;
    let (control, prober) = (&mut contender.control, contender.server.connect()?);
    let ((begun, ready), waits) = probe::during(prober, || {
        sleep(QUIET);
        let begun = now_ms();
        control.command(&end)?;
        Ok((begun, await_ready(control, children)?))
    })?;
    Ok([
        (ready - begun) / 1e3,
        waits.longest(begun, ready),
        waits.longest(0.0, begun - 1.0),
    ])
}

/// CPU of adding, releasing, and claiming and acknowledging a child, in µs.
fn child(contender: &mut Contender, children: usize) -> Result<[f64; 3]> {
    let (end, schedule) = family(contender, children)?;
    let before = Usage::read(&mut contender.control)?;
    contender.control.command(&end)?;
    await_ready(&mut contender.control, children)?;
    let ready = Usage::read(&mut contender.control)?.since(&before, children).cpu_us;
    Ok([schedule, ready, work(contender, children)?])
}

/// The same of a plain task, which is promoted instead of released.
fn plain(contender: &mut Contender, tasks: usize) -> Result<[f64; 3]> {
    contender.clear()?;
    let due = now_ms() as u64 + AHEAD_MS;
    let schedule = cost(&mut contender.control, &mut contender.clients, tasks, |clients| {
        schedule_at(clients, tasks, |_| due)
    })?;
    sleep_until(due as f64 - BEFORE_MS)?;
    let before = Usage::read(&mut contender.control)?;
    sleep_until(due as f64)?;
    await_ready(&mut contender.control, tasks)?;
    let ready = Usage::read(&mut contender.control)?.since(&before, tasks).cpu_us;
    Ok([schedule.cpu_us, ready, work(contender, tasks)?])
}

/// CPU of claiming and acknowledging a task, in µs.
fn work(contender: &mut Contender, tasks: usize) -> Result<f64> {
    let (claim, claims) = contender.claim(tasks, 1)?;
    Ok(claim.cpu_us + contender.acknowledge(&claims, 1)?.cpu_us)
}

/// The moment when that many were ready, unix ms.
fn await_ready(control: &mut Connection, tasks: usize) -> Result<f64> {
    let start = now_ms();
    while now_ms() < start + GIVE_UP_MS {
        if control.command("TASK.STATS q")?.field("ready_tasks").number() == tasks as f64 {
            return Ok(now_ms());
        }
        sleep(Duration::from_millis(10));
    }
    Err("after a minute the tasks were still not ready".into())
}
