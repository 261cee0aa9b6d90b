//! What handing out a task costs with one client waiting for work and with 5,000 waiting on the same queue. One
//! producer adds a task at a time; the client that has waited longest gets it, acknowledges it and waits again, so
//! their number stays the same. Server CPU of that step, 5,000 against one. The same with RPUSH and BLPOP shows what
//! 5,000 open connections cost by themselves.

use crate::Result;
use crate::connection::{Connection, allow_open_files, encode};
use crate::contender::cost;
use crate::options::Options;
use crate::recipes::{PAYLOAD, Recipe, Steward};
use crate::report::{Aim, Report};
use crate::server::{Aof, Server};
use std::thread::sleep;
use std::time::Duration;

const CROWD: usize = 5_000;
const STEPS: usize = 10_000;
/// The last of the crowd is waiting by then.
const GATHER: Duration = Duration::from_millis(500);

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    allow_open_files(CROWD)?;
    report.section(&format!(
        "CPU of handing one task to a waiting client: {CROWD} waiting / 1 waiting"
    ));
    let tasks = format!("TASK.SCHEDULE q {PAYLOAD}");
    let lists = format!("RPUSH l {PAYLOAD}");
    let wakings = [
        (
            "SCHEDULE, ACK, CLAIM BLOCK",
            Some(options.module.as_path()),
            tasks,
            "TASK.CLAIM q w BLOCK 0",
            Aim::AtMost(1.25),
        ),
        ("for comparison: RPUSH, BLPOP", None, lists, "BLPOP l 0", Aim::None),
    ];
    for (label, module, wake, wait, aim) in wakings {
        let mut one = Crowd::gather(Server::start(module, Aof::Off)?, 1, wait)?;
        let mut many = Crowd::gather(Server::start(module, Aof::Off)?, CROWD, wait)?;
        let mut ratios = Vec::new();
        for _ in 0..options.rounds(5) {
            let alone = one.serve(options.tasks(STEPS), &wake, wait)?;
            ratios.push(many.serve(options.tasks(STEPS), &wake, wait)? / alone);
        }
        report.figure(label, ratios, aim);
    }
    Ok(())
}

/// Clients that wait for work.
struct Crowd {
    producer: Connection,
    control: Connection,
    waiters: Vec<Connection>,
    /// How many tasks were handed out: the waiters get them in turn.
    served: usize,
    /// Kept running as long as the crowd waits.
    _server: Server,
}

impl Crowd {
    fn gather(server: Server, size: usize, wait: &str) -> Result<Crowd> {
        let mut waiters = (0..size).map(|_| server.connect()).collect::<Result<Vec<_>>>()?;
        for waiter in &mut waiters {
            let mut out = Vec::new();
            encode(&mut out, wait);
            waiter.send(&out)?;
        }
        sleep(GATHER);
        Ok(Crowd {
            producer: server.connect()?,
            control: server.connect()?,
            waiters,
            served: 0,
            _server: server,
        })
    }

    /// Hands out that many tasks, one after the other; CPU of each, in µs.
    fn serve(&mut self, steps: usize, wake: &str, wait: &str) -> Result<f64> {
        let (producer, served) = (&mut self.producer, &mut self.served);
        let used = cost(&mut self.control, &mut self.waiters, steps, |waiters| {
            for _ in 0..steps {
                producer.command(wake)?;
                let place = *served % waiters.len();
                finish_and_wait(waiters.get_mut(place).ok_or("nobody waits")?, wait)?;
                *served += 1;
            }
            Ok(())
        })?;
        Ok(used.cpu_us)
    }
}

/// Takes the task this waiter was handed, acknowledges it if it is steward's and waits again.
fn finish_and_wait(waiter: &mut Connection, wait: &str) -> Result<()> {
    let (reply, mut out, mut replies) = (waiter.receive()?, Vec::new(), 0);
    if wait.starts_with("TASK") {
        replies = Steward.acknowledge(&mut out, &Steward.claims(&reply));
    }
    encode(&mut out, wait);
    waiter.send(&out)?;
    for _ in 0..replies {
        waiter.receive()?;
    }
    Ok(())
}
