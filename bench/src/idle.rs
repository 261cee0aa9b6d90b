//! CPU of an idle server: one with the module and a million tasks scheduled for later, one with the module and no
//! tasks, one without the module and with as many plain keys; all three over the same ten seconds, once they have
//! become idle (the server itself resizes its tables for a while). In thousandths of one core.

use crate::Result;
use crate::contender::Contender;
use crate::far::{MILLION, schedule_far};
use crate::load::PIPELINE;
use crate::options::Options;
use crate::recipes::Streams;
use crate::report::{Aim, Report};
use crate::server::{Aof, Usage};
use std::thread::sleep;
use std::time::Duration;

const WATCH: Duration = Duration::from_secs(10);
/// Time for the servers to become idle.
const REST: Duration = Duration::from_secs(10);

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(MILLION);
    let mut scheduled = Contender::steward(&options.module, Aof::Off)?;
    let empty = Contender::steward(&options.module, Aof::Off)?;
    let mut keys = Contender::rival(Streams, Aof::Off)?;
    schedule_far(&mut scheduled.clients, tasks)?;
    keys.set(tasks, PIPELINE)?;
    sleep(REST);
    let mut servers = [scheduled, empty, keys];
    let rounds = (0..options.rounds(3))
        .map(|_| watch(&mut servers))
        .collect::<Result<Vec<_>>>()?;
    report.section(&format!("CPU of an idle server with {tasks} tasks scheduled"));
    let above = rounds.iter().map(|[scheduled, empty, _]| scheduled - empty);
    report.figure(
        "above one without tasks, thousandths of a core",
        above,
        Aim::AtMost(1.0),
    );
    report.figure(
        "  / one without tasks",
        rounds.iter().map(|[scheduled, empty, _]| scheduled / empty),
        Aim::None,
    );
    report.figure(
        "  / one without the module",
        rounds.iter().map(|[scheduled, _, keys]| scheduled / keys),
        Aim::None,
    );
    Ok(())
}

/// CPU of each server over the same time, in thousandths of a core.
fn watch(servers: &mut [Contender; 3]) -> Result<[f64; 3]> {
    let before = servers.each_mut().map(|server| Usage::read(&mut server.control));
    sleep(WATCH);
    let [a, b, c] = servers.each_mut().map(|server| Usage::read(&mut server.control));
    let [a0, b0, c0] = before;
    let used = [a?.since(&a0?, 1), b?.since(&b0?, 1), c?.since(&c0?, 1)];
    Ok(used.map(|used| used.cpu_us / WATCH.as_secs_f64() / 1e3))
}
