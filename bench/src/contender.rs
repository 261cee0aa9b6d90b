//! A recipe on a server of its own, and the life of many tasks there, phase by phase.
//!
//! Only steward's server has the module loaded: its keyspace callbacks would make the rivals look slower.

use crate::Result;
use crate::connection::Connection;
use crate::load::{Load, drive};
use crate::recipes::{Claim, Lua, Recipe, Steward, Streams, set};
use crate::server::{Aof, Server, Usage};
use std::path::Path;

/// Connections that send at the same time.
pub const CONNECTIONS: usize = 50;
/// Tasks in flight in the steady load.
pub const IN_FLIGHT: usize = 1_000;

/// A recipe and the server it runs on.
pub struct Contender {
    /// Its commands.
    pub recipe: Box<dyn Recipe>,
    /// For INFO and preparation.
    pub control: Connection,
    /// The load's connections.
    pub clients: Vec<Connection>,
    /// The server, running as long as the contender lives.
    pub server: Server,
}

/// What the three phases of a task's life cost, for each task.
pub struct Life {
    /// Adding it.
    pub schedule: Usage,
    /// Claiming it.
    pub claim: Usage,
    /// Acknowledging it.
    pub acknowledge: Usage,
}

impl Life {
    /// CPU of the whole life, µs.
    pub fn cpu_us(&self) -> f64 {
        self.schedule.cpu_us + self.claim.cpu_us + self.acknowledge.cpu_us
    }

    /// AOF bytes of the whole life.
    pub fn aof_bytes(&self) -> f64 {
        self.schedule.aof_bytes + self.claim.aof_bytes + self.acknowledge.aof_bytes
    }
}

impl Contender {
    /// Steward on a server with the module.
    pub fn steward(module: &Path, aof: Aof) -> Result<Contender> {
        Contender::start(Box::new(Steward::default()), Some(module), aof)
    }

    /// A rival on a server without the module.
    pub fn rival(recipe: impl Recipe + 'static, aof: Aof) -> Result<Contender> {
        Contender::start(Box::new(recipe), None, aof)
    }

    /// Steward, streams and Lua, in this order.
    pub fn all(module: &Path, aof: Aof) -> Result<[Contender; 3]> {
        let rivals = [Contender::rival(Streams, aof)?, Contender::rival(Lua::default(), aof)?];
        let [streams, lua] = rivals;
        Ok([Contender::steward(module, aof)?, streams, lua])
    }

    fn start(recipe: Box<dyn Recipe>, module: Option<&Path>, aof: Aof) -> Result<Contender> {
        let server = Server::start(module, aof)?;
        let control = server.connect()?;
        let clients = (0..CONNECTIONS).map(|_| server.connect()).collect::<Result<_>>()?;
        Ok(Contender {
            recipe,
            control,
            clients,
            server,
        })
    }

    /// Empties the server and prepares it.
    pub fn clear(&mut self) -> Result<()> {
        self.control.command("FLUSHALL SYNC")?;
        self.recipe.prepare(&mut self.control)
    }

    /// Adds that many tasks; what each cost.
    pub fn schedule(&mut self, tasks: usize, delay_ms: u32) -> Result<Usage> {
        let recipe = &*self.recipe;
        cost(&mut self.control, &mut self.clients, tasks, |clients| {
            Load::new(recipe, clients).schedule(tasks, delay_ms)
        })
    }

    /// From an empty server: that many SETs to keys of their own, `depth` in a pipeline; what each cost.
    pub fn set(&mut self, tasks: usize, depth: usize) -> Result<Usage> {
        self.clear()?;
        cost(&mut self.control, &mut self.clients, tasks, |clients| {
            drive(clients, depth, tasks, set, |_| ())
        })
    }

    /// From an empty server: adds that many tasks, claims all, acknowledges all, `count` a request.
    pub fn live(&mut self, tasks: usize, count: usize) -> Result<Life> {
        self.clear()?;
        let schedule = self.schedule(tasks, 0)?;
        let (claim, claims) = self.claim(tasks, count)?;
        let acknowledge = self.acknowledge(&claims, count)?;
        self.ensure_none_left()?;
        Ok(Life {
            schedule,
            claim,
            acknowledge,
        })
    }

    /// From an empty server: that many tasks, of which `IN_FLIGHT` are added, claimed and acknowledged before the next
    /// are. CPU of the whole life, µs.
    pub fn live_steadily(&mut self, tasks: usize, count: usize) -> Result<f64> {
        self.clear()?;
        let used = self.go_on_steadily(tasks, count)?;
        self.ensure_none_left()?;
        Ok(used)
    }

    /// The same, beside the tasks that wait.
    pub fn go_on_steadily(&mut self, tasks: usize, count: usize) -> Result<f64> {
        let (recipe, turns) = (&*self.recipe, tasks / IN_FLIGHT);
        let used = cost(&mut self.control, &mut self.clients, turns * IN_FLIGHT, |clients| {
            let depth = IN_FLIGHT / clients.len();
            let mut load = Load { recipe, clients, depth };
            for _ in 0..turns {
                load.depth = depth;
                load.schedule(IN_FLIGHT, 0)?;
                load.depth = depth.div_ceil(count);
                let claims = load.claim(IN_FLIGHT, count)?;
                load.acknowledge(&claims, count)?;
            }
            Ok(())
        })?;
        Ok(used.cpu_us)
    }

    fn ensure_none_left(&mut self) -> Result<()> {
        match self.recipe.remaining(&mut self.control)? {
            0.0 => Ok(()),
            left => Err(format!("{left} tasks are left").into()),
        }
    }

    /// From an empty server with this recipe instead: adds that many tasks, claims and acknowledges all.
    pub fn live_as(&mut self, recipe: impl Recipe + 'static, tasks: usize) -> Result<Life> {
        self.recipe = Box::new(recipe);
        self.live(tasks, 1)
    }

    /// Claims that many tasks, `count` a request; what each cost.
    pub fn claim(&mut self, tasks: usize, count: usize) -> Result<(Usage, Vec<Claim>)> {
        let (recipe, mut claims) = (&*self.recipe, Vec::new());
        let used = cost(&mut self.control, &mut self.clients, tasks, |clients| {
            claims = Load::new(recipe, clients).claim(tasks, count)?;
            Ok(())
        })?;
        Ok((used, claims))
    }

    /// Acknowledges these, `count` a request; what each cost.
    pub fn acknowledge(&mut self, claims: &[Claim], count: usize) -> Result<Usage> {
        let recipe = &*self.recipe;
        cost(&mut self.control, &mut self.clients, claims.len(), |clients| {
            Load::new(recipe, clients).acknowledge(claims, count)
        })
    }
}

/// What `work` on that many tasks cost the server, for each task.
pub fn cost(
    control: &mut Connection,
    clients: &mut [Connection],
    tasks: usize,
    work: impl FnOnce(&mut [Connection]) -> Result<()>,
) -> Result<Usage> {
    let before = Usage::read(control)?;
    work(clients)?;
    Ok(Usage::read(control)?.since(&before, tasks))
}
