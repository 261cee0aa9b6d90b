//! How soon the death of a process is known and its task has another worker. A bound process with a claimed task is
//! killed with SIGKILL, 200 times; from the kill to a client that waits for it in the service's events, and to a
//! worker that waits for a task. Both include the way back to the client and its wake-up. The system's own part, from
//! the kill until it has closed what the process had open, is shown by a pipe.

use crate::Result;
use crate::connection::{Connection, Reply, encode};
use crate::options::Options;
use crate::report::{Aim, Report, percentile};
use crate::server::{Aof, Server, info_number};
use crate::victim::Victim;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

const KILLS: usize = 200;
const QUICK_KILLS: usize = 20;
/// The two waiting clients.
const WAITING: f64 = 2.0;
/// Fails if the clients are not blocked by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let kills = if options.quick { QUICK_KILLS } else { KILLS };
    let mut scene = Scene::prepare(options)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(3) {
        let times = (0..kills).map(|_| scene.kill()).collect::<Result<Vec<_>>>()?;
        rounds.push(times);
    }
    report.section(&format!("ms from SIGKILL of a bound worker, {kills} kills"));
    let mut print = |label: &str, time: fn(&Times) -> f64, p99_aim: Aim| {
        for (name, share, aim) in [("p50", 0.5, Aim::None), ("p99", 0.99, p99_aim), ("max", 1.0, Aim::None)] {
            let values = rounds.iter().map(|times| {
                let mut times: Vec<f64> = times.iter().map(time).collect();
                percentile(&mut times, share)
            });
            report.figure(&format!("{label}, {name}"), values, aim);
        }
    };
    print("its task claimed by another", |times| times.claimed, Aim::AtMost(5.0));
    print("`down` read from the events", |times| times.down, Aim::None);
    print("for comparison: its pipe closed", |times| times.closed, Aim::None);
    Ok(())
}

/// Times since a kill, in ms.
struct Times {
    claimed: f64,
    down: f64,
    closed: f64,
}

/// A server and the clients that wait for a death.
struct Scene {
    control: Connection,
    worker: Connection,
    watcher: Connection,
    server: Server,
}

impl Scene {
    fn prepare(options: &Options) -> Result<Scene> {
        let server = Server::start(Some(&options.module), Aof::Off)?;
        Ok(Scene {
            control: server.connect()?,
            worker: server.connect()?,
            watcher: server.connect()?,
            server,
        })
    }

    /// Has a process claim a task, and kills it while the others wait.
    fn kill(&mut self) -> Result<Times> {
        self.control.command("TASK.SCHEDULE q payload")?;
        let commands = ["PID.REGISTER q victim {pid} BIND", "TASK.CLAIM q victim"];
        let mut victim = Victim::start(&self.server, 1, &commands)?;
        let (control, worker, watcher) = (&mut self.control, &mut self.worker, &mut self.watcher);
        let (times, task, events) = scope(|threads| {
            let claim = threads.spawn(|| wait(worker, "TASK.CLAIM q worker BLOCK 0"));
            let read = threads.spawn(|| wait(watcher, "XREAD BLOCK 0 STREAMS proc:{q}:events $"));
            await_waiting(control)?;
            let start = Instant::now();
            victim.kill()?;
            victim.await_close()?;
            let closed = Instant::now();
            let (task, claimed) = claim.join().map_err(|_| "the worker failed")??;
            let (events, down) = read.join().map_err(|_| "the watcher failed")??;
            let ms = |end: Instant| (end - start).as_secs_f64() * 1e3;
            let times = Times {
                claimed: ms(claimed),
                down: ms(down),
                closed: ms(closed),
            };
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((times, task, events))
        })?;
        if event_type(&events).as_deref() != Some("down") {
            return Err("the first event after the kill was not `down`".into());
        }
        self.finish(&task)?;
        Ok(times)
    }

    /// Acknowledges the task, if it is the one that the victim had.
    fn finish(&mut self, claims: &Reply) -> Result<()> {
        match claims.items() {
            [task] if task.field("attempt").number() == 2.0 => {
                let (id, token) = (task.field("id").text(), task.field("token").text());
                self.control.command(&format!("TASK.ACK q {id} {token}"))?;
                Ok(())
            }
            _ => Err("the worker did not get the task of the killed process".into()),
        }
    }
}

/// Sends a command that blocks; its reply and when it arrived.
fn wait(connection: &mut Connection, command: &str) -> Result<(Reply, Instant)> {
    let mut request = Vec::new();
    encode(&mut request, command);
    connection.send(&request)?;
    Ok((connection.receive()?, Instant::now()))
}

/// Returns when both clients are blocked.
fn await_waiting(control: &mut Connection) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let info = control.command("INFO clients")?.text();
        if info_number(&info, "blocked_clients") == WAITING {
            return Ok(());
        }
        sleep(Duration::from_millis(1));
    }
    Err("the clients that should wait did not block".into())
}

/// The type of the first event in a reply to XREAD of one stream.
fn event_type(streams: &Reply) -> Option<String> {
    let entries = streams.items().first()?.items().last()?;
    let fields = entries.items().first()?.items().last()?;
    Some(fields.field("type").text())
}
