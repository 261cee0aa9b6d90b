//! Clients that wait for work on one server, and are given one task after the other.

use crate::Result;
use crate::connection::{Connection, encode};
use crate::contender::cost;
use crate::recipes::{Recipe, Steward};
use crate::server::Server;
use std::thread::sleep;
use std::time::Duration;

/// The whole crowd is waiting by then.
const GATHER: Duration = Duration::from_millis(500);

/// Clients that wait for work.
pub struct Crowd {
    producer: Connection,
    control: Connection,
    waiters: Vec<Connection>,
    /// How many tasks were handed out: the waiters get them in turn.
    served: usize,
    /// Kept running as long as the crowd waits.
    _server: Server,
}

impl Crowd {
    /// On this server that many clients, each of which has sent `wait`.
    pub fn gather(server: Server, size: usize, wait: &str) -> Result<Crowd> {
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
    pub fn serve(&mut self, steps: usize, wake: &str, wait: &str) -> Result<f64> {
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

/// Receives this waiter's task, acknowledges it if it is steward's and waits again.
fn finish_and_wait(waiter: &mut Connection, wait: &str) -> Result<()> {
    let (reply, mut out, mut replies) = (waiter.receive()?, Vec::new(), 0);
    if wait.starts_with("TASK") {
        let steward = Steward::default();
        replies = steward.acknowledge(&mut out, &steward.claims(&reply));
    }
    encode(&mut out, wait);
    waiter.send(&out)?;
    for _ in 0..replies {
        waiter.receive()?;
    }
    Ok(())
}
