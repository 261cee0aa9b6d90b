//! How many instructions commands take, counted by callgrind (a tool of valgrind) around the whole server process.
//!
//! Clock and other processes hardly matter to it, so the numbers of two runs differ by little. Those inside the module
//! depend on its build; those of the server, of the allocator and of libc come with the machine.

use crate::Result;
use crate::connection::Connection;
use crate::load::{Load, PIPELINE, drive};
use crate::members::{beat, register};
use crate::recipes::Steward;
use crate::server::{Aof, Server};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Connections that send at the same time.
const CONNECTIONS: usize = 10;
/// Tasks of a life that is counted, members and their beats: full pipelines on all connections, with COUNT 10 too.
const TASKS: usize = 3_200;
/// Callgrind makes a server some fifty times slower, and no member is to die of that.
const TTL_MS: u32 = 600_000;
/// Callgrind writes what it counted to a file of this name and a number.
const COUNTS: &str = "counts";
/// How the pipes begin by which the server in valgrind is reached.
const PIPES: &str = "vgdb";

/// Instructions for each task or beat.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Inside the module.
    pub own: f64,
    /// In the whole process.
    pub total: f64,
}

/// A server whose instructions are counted, with clients.
pub struct Counter {
    server: Server,
    clients: Vec<Connection>,
    module: PathBuf,
    counted: usize,
}

impl Counter {
    /// Starts the server and lets it do some work, so that what is done only once is done.
    pub fn start(module: &Path, aof: Aof) -> Result<Counter> {
        let server = Server::counting(module, aof)?;
        let clients = (0..CONNECTIONS).map(|_| server.connect()).collect::<Result<_>>()?;
        let module = module.to_owned();
        let mut counter = Counter {
            server,
            clients,
            module,
            counted: 0,
        };
        let recipe = Steward::default();
        let mut load = Load::new(&recipe, &mut counter.clients);
        load.schedule(TASKS, 0)?;
        let claims = load.claim(TASKS, 1)?;
        load.acknowledge(&claims, 1)?;
        counter.control(&["instrumentation", "on"])?;
        Ok(counter)
    }

    /// The life of many tasks: SCHEDULE, CLAIM and ACK, or with `count` a request MACK, for each task.
    pub fn life(&mut self, count: usize) -> Result<[Count; 3]> {
        let (recipe, mut claims) = (Steward::default(), Vec::new());
        let schedule = self.count(|clients| Load::new(&recipe, clients).schedule(TASKS, 0))?;
        let claim = self.count(|clients| {
            claims = Load::new(&recipe, clients).claim(TASKS, count)?;
            Ok(())
        })?;
        let acknowledge = self.count(|clients| Load::new(&recipe, clients).acknowledge(&claims, count))?;
        Ok([schedule, claim, acknowledge])
    }

    /// A beat with a token, of members that take turns.
    pub fn beat(&mut self) -> Result<Count> {
        let tokens = register(&mut self.clients, TASKS, TTL_MS)?;
        self.count(|clients| drive(clients, PIPELINE, TASKS, |out, turn| beat(out, &tokens, turn), |_| ()))
    }

    /// Instructions of `work`, which is about `TASKS` tasks, for each of them.
    fn count(&mut self, work: impl FnOnce(&mut [Connection]) -> Result<()>) -> Result<Count> {
        self.control(&["zero"])?;
        work(&mut self.clients)?;
        self.control(&["dump"])?;
        self.counted += 1;
        let file = self.server.file(&format!("{COUNTS}.{}", self.counted));
        let count = read_counts(&read_to_string(file)?, &self.module);
        if count.own == 0.0 {
            return Err("callgrind saw no instruction of the module".into());
        }
        Ok(Count {
            own: count.own / TASKS as f64,
            total: count.total / TASKS as f64,
        })
    }

    /// Has callgrind do something; returns when it is done.
    fn control(&self, words: &[&str]) -> Result<()> {
        let output = Command::new("vgdb")
            .arg(format!("--vgdb-prefix={}", self.server.file(PIPES).display()))
            .arg(format!("--pid={}", self.server.pid()))
            .args(words)
            .stdin(Stdio::null())
            .output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().into()),
        }
    }
}

/// Errors unless all is there that a `Counter` needs.
pub fn ensure_valgrind() -> Result<()> {
    for (program, argument) in [("valgrind", "--version"), ("vgdb", "--help"), ("setarch", "--version")] {
        let mut command = Command::new(program);
        command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
        command
            .status()
            .map_err(|_| format!("{program} is missing; scripts/deps --valgrind installs valgrind"))?;
    }
    Ok(())
}

/// The server in callgrind, its addresses the same in every run; nothing is counted until that is switched on.
pub fn command(folder: &Path, server: &str) -> Command {
    let mut command = Command::new("setarch");
    command
        .args(["-R", "valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"])
        // Names written out instead of numbered: the file is only read once, by `read_counts`.
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", folder.join(COUNTS).display()))
        .arg(format!("--vgdb-prefix={}", folder.join(PIPES).display()))
        .arg(server)
        // The server's own clock would count too, the more of it the slower the machine is.
        .args(["--hz", "1", "--dynamic-hz", "no"]);
    command
}

/// Adds up a file of callgrind: lines `POSITION COST` after a line `ob=FILE`, the object file whose instructions they
/// are. The line after `calls=` repeats what was counted in the function called.
fn read_counts(text: &str, module: &Path) -> Count {
    let mut counted = Count::default();
    let (mut inside, mut repeated) = (false, false);
    for line in text.lines() {
        if let Some(file) = line.strip_prefix("ob=") {
            inside = Path::new(file) == module;
        } else if line.starts_with("calls=") {
            repeated = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) && !std::mem::take(&mut repeated) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0.0);
            counted.total += cost;
            counted.own += if inside { cost } else { 0.0 };
        }
    }
    counted
}
