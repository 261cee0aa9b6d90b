//! A million tasks due in the same millisecond. They are scheduled ahead of it; from that moment the queue's STATS
//! are asked every 10 ms until all are ready: the time to promote them. Another connection meanwhile sends a SET or a
//! GET every millisecond: its longest wait, beside that of the second before, when nothing was due.

use crate::Result;
use crate::connection::Connection;
use crate::contender::Contender;
use crate::far::{MILLION, now_ms, schedule_at, sleep_until};
use crate::options::Options;
use crate::probe;
use crate::report::{Aim, Report};
use crate::server::Aof;
use std::thread::sleep;
use std::time::Duration;

/// Time to schedule one of them on a busy machine, in µs.
const LOAD_US: usize = 15;
/// The prober runs this long before the tasks are due.
const QUIET_MS: f64 = 1_000.0;
/// Fails if the promotion has not ended by then.
const GIVE_UP_MS: f64 = 60_000.0;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(MILLION);
    let mut contender = Contender::steward(&options.module, Aof::Off)?;
    let rounds = (0..options.rounds(3))
        .map(|_| burst(&mut contender, tasks))
        .collect::<Result<Vec<_>>>()?;
    report.section(&format!("{tasks} tasks due in the same millisecond"));
    report.figure(
        "s until all are ready",
        rounds.iter().map(|[promoted, ..]| *promoted),
        Aim::AtMost(3.0),
    );
    report.figure(
        "ms another client waits at most",
        rounds.iter().map(|[_, wait, _]| *wait),
        Aim::NeverAbove(10.0),
    );
    report.figure(
        "  the same while nothing is due",
        rounds.iter().map(|[.., quiet]| *quiet),
        Aim::None,
    );
    Ok(())
}

/// Seconds until all were promoted, and the prober's longest waits meanwhile and before, in ms.
fn burst(contender: &mut Contender, tasks: usize) -> Result<[f64; 3]> {
    contender.clear()?;
    let due = now_ms() as u64 + (tasks * LOAD_US / 1_000) as u64 + 2 * QUIET_MS as u64;
    schedule_at(&mut contender.clients, tasks, |_| due)?;
    let due = due as f64;
    sleep_until(due - QUIET_MS)?;
    let (control, prober) = (&mut contender.control, contender.server.connect()?);
    let (end, waits) = probe::during(prober, || await_promotion(control, due, tasks))?;
    Ok([
        (end - due) / 1e3,
        waits.longest(due, end),
        waits.longest(0.0, due - 1.0),
    ])
}

/// The moment when all were ready, unix ms.
fn await_promotion(control: &mut Connection, due: f64, tasks: usize) -> Result<f64> {
    sleep_until(due)?;
    while now_ms() < due + GIVE_UP_MS {
        if control.command("TASK.STATS q")?.field("ready_tasks").number() == tasks as f64 {
            return Ok(now_ms());
        }
        sleep(Duration::from_millis(10));
    }
    Err("a minute after they were due the tasks were still not ready".into())
}
