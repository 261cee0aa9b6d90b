//! A process to be killed: this program run once more, as `steward-bench victim SOCKET CONNECTIONS COMMAND...`. It
//! opens that many connections, sends the commands on each and then only keeps them open.

use crate::Result;
use crate::connection::{Connection, allow_open_files};
use crate::server::Server;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The first argument that makes this program a victim.
pub const ARGUMENT: &str = "victim";
/// In a command: the number of the connection, from 0.
const NUMBER: &str = "{number}";
/// In a command: the victim's process id.
const PID: &str = "{pid}";
/// What the victim prints when all its commands are answered.
const READY: &str = "ready";

/// A running victim, killed at the latest when dropped.
pub struct Victim {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Victim {
    /// Starts one and waits for the replies to its commands, in which `{number}` and `{pid}` are replaced.
    pub fn start(server: &Server, connections: usize, commands: &[&str]) -> Result<Victim> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(server.socket())
            .arg(connections.to_string())
            .args(commands)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(process.stdout.take().ok_or("the victim has no output")?);
        let mut victim = Victim { process, output };
        let mut line = String::new();
        victim.output.read_line(&mut line)?;
        match line.trim_end() {
            READY => Ok(victim),
            _ => Err("the process to be killed failed before its time".into()),
        }
    }

    /// Kills it with SIGKILL; does not wait for its end.
    pub fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill()?)
    }

    /// Waits until the system has closed its output, as it closes its connections.
    pub fn await_close(&mut self) -> Result<()> {
        self.output.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have been killed before; a failure does not affect the measurements.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What the victim itself does, given the arguments after the first.
pub fn run(mut args: impl Iterator<Item = String>) -> Result<()> {
    let (Some(socket), Some(connections)) = (args.next(), args.next()) else {
        return Err("a victim wants SOCKET CONNECTIONS COMMAND...".into());
    };
    let (connections, commands): (usize, Vec<_>) = (connections.parse()?, args.collect());
    allow_open_files(connections)?;
    let pid = std::process::id().to_string();
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut connection = Connection::open_socket(Path::new(&socket))?;
        for command in &commands {
            connection.command(&command.replace(NUMBER, &number.to_string()).replace(PID, &pid))?;
        }
        open.push(connection);
    }
    println!("{READY}");
    std::io::stdout().flush()?;
    // Ends with the program that started it, in case that does not kill it.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(open);
    Ok(())
}
