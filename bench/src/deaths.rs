//! Ten thousand members die at once: each is bound to a connection of its own, all opened by one process, which is
//! killed with SIGKILL. The time from the kill until no member is left, and the longest wait meanwhile of another
//! client, which sends a SET or a GET every millisecond. The same with as many plain connections, on a server without
//! the module, is the cost of closing connections alone. It is not subtracted.
//!
//! And ten thousand members without connections stop their heartbeats at once: the same times after the end of their
//! TTL.

use crate::Result;
use crate::connection::Connection;
use crate::far::now_ms;
use crate::members::register;
use crate::options::Options;
use crate::probe;
use crate::report::{Aim, Report};
use crate::server::{Aof, Server, info_number};
use crate::victim::Victim;
use std::thread::sleep;
use std::time::Duration;

const MEMBERS: usize = 10_000;
/// The TTL leaves time to register all.
const REGISTER: &str = "PID.REGISTER q member-{number} {pid} TTL 60000 BIND";
/// Longer than it takes to register all.
const SILENT_TTL_MS: u32 = 2_000;
/// The connections that are not of the members: control and prober.
const OTHERS: f64 = 2.0;
/// The prober runs this long before the kill.
const QUIET: Duration = Duration::from_millis(500);
/// Fails if the deaths are not over by then.
const GIVE_UP_MS: f64 = 60_000.0;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let members = options.tasks(MEMBERS);
    let steward = Server::start(Some(&options.module), Aof::Off)?;
    let plain = Server::start(None, Aof::Off)?;
    let (mut rounds, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds(3) {
        rounds.push([
            die(&steward, members, REGISTER, members)?,
            die(&plain, members, "PING", 0)?,
        ]);
        silent.push(fall_silent(&steward, members)?);
    }
    report.section(&format!("{members} bound members die at once"));
    let all_down = rounds.iter().map(|[members, _]| members.all_down_s);
    report.figure("s until all are down", all_down, Aim::AtMost(1.0));
    let closed = rounds.iter().map(|[_, plain]| plain.all_down_s);
    report.figure("  until as many plain connections are closed", closed, Aim::None);
    let wait = rounds.iter().map(|[members, _]| members.wait_ms);
    report.figure("ms another client waits at most", wait, Aim::NeverAbove(20.0));
    let wait = rounds.iter().map(|[_, plain]| plain.wait_ms);
    report.figure("  while plain connections close", wait, Aim::None);
    let quiet = rounds.iter().map(|[members, _]| members.quiet_ms);
    report.figure("  while nothing dies", quiet, Aim::None);
    report.section(&format!("{members} members fall silent at once"));
    let all_down = silent.iter().map(|silent| silent.all_down_s);
    report.figure("s after the last TTL until all are down", all_down, Aim::AtMost(1.0));
    let wait = silent.iter().map(|silent| silent.wait_ms);
    report.figure("ms another client waits at most", wait, Aim::NeverAbove(20.0));
    let quiet = silent.iter().map(|silent| silent.quiet_ms);
    report.figure("  while nothing dies", quiet, Aim::None);
    Ok(())
}

/// The effect of many deaths.
struct Deaths {
    /// From the kill, or the end of the last TTL, until no member is left and their connections are closed, s.
    all_down_s: f64,
    /// The prober's longest wait in that time, ms.
    wait_ms: f64,
    /// The same before, ms.
    quiet_ms: f64,
}

/// Kills a process that sent this command on each of that many connections, which made that many members.
fn die(server: &Server, connections: usize, command: &str, members: usize) -> Result<Deaths> {
    let (mut control, prober) = (server.connect()?, server.connect()?);
    let mut victim = Victim::start(server, connections, &[command])?;
    let registered = control.command("HLEN proc:{q}:members")?.number();
    if registered != members as f64 {
        return Err(format!("{registered} members are there before the kill").into());
    }
    let ((start, end), waits) = probe::during(prober, || {
        sleep(QUIET);
        let start = now_ms();
        victim.kill()?;
        Ok((start, await_deaths(&mut control, start)?))
    })?;
    Ok(Deaths {
        all_down_s: (end - start) / 1e3,
        wait_ms: waits.longest(start, end),
        quiet_ms: waits.longest(0.0, start - 1.0),
    })
}

/// Registers that many members, which send no heartbeats.
fn fall_silent(server: &Server, members: usize) -> Result<Deaths> {
    let (mut control, prober) = (server.connect()?, server.connect()?);
    let first = now_ms();
    register(std::slice::from_mut(&mut control), members, SILENT_TTL_MS)?;
    let last = now_ms() + f64::from(SILENT_TTL_MS);
    let (end, waits) = probe::during(prober, || await_deaths(&mut control, last))?;
    let due = first + f64::from(SILENT_TTL_MS);
    Ok(Deaths {
        all_down_s: (end - last) / 1e3,
        wait_ms: waits.longest(due, end),
        quiet_ms: waits.longest(0.0, due - 1.0),
    })
}

/// The moment when no member was left, unix ms.
fn await_deaths(control: &mut Connection, start: f64) -> Result<f64> {
    while now_ms() < start + GIVE_UP_MS {
        let members = control.command("HLEN proc:{q}:members")?.number();
        let info = control.command("INFO clients")?.text();
        if members == 0.0 && info_number(&info, "connected_clients") <= OTHERS {
            return Ok(now_ms());
        }
        sleep(Duration::from_millis(5));
    }
    Err("a minute after the kill there were still members".into())
}
