//! `steward dev`: a fresh server with the module, for as long as a program runs.

mod find;

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use redis::cmd;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use crate::args::{DevArgs, Output};
use crate::connect::Connector;
use crate::connect::address::{Address, Host, Place};
use crate::failure::Failure;
use crate::output;
use crate::program::not_started;
use crate::signals;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a run of `dev` waits for.
enum Event {
    Signal(i32),
    Ended(io::Result<ExitStatus>),
}

pub(crate) fn run(args: DevArgs, form: Output) -> Result<u8, Failure> {
    let scratch = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| Failure::unavailable(format!("no directory: {error}")))?),
    };
    let dir = args.dir.as_deref().or(scratch.as_ref().map(|scratch| scratch.path()));
    let mut server = Server::start(&args, dir.unwrap_or(Path::new(".")))?;
    let (sender, events) = channel();
    let signalled = sender.clone();
    let forwarded = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
    signals::on(&forwarded, move |signal| {
        let _ = signalled.send(Event::Signal(signal));
    })
    .map_err(|error| Failure::unavailable(format!("no signals: {error}")))?;
    let url = format!("redis://127.0.0.1:{}", server.port);
    let Some((program, words)) = args.program.split_first() else {
        match form {
            Output::Text => output::line(&url)?,
            Output::Json => output::line(json!({"url": url, "pid": server.process.id()}))?,
        }
        return server.until_interrupted(&events);
    };
    let started = Command::new(program).args(words).env("REDIS_URL", &url).spawn();
    let mut child = started.map_err(|error| not_started(program, &error))?;
    let pid = Pid::from_child(&child);
    std::thread::spawn(move || sender.send(Event::Ended(child.wait())));
    loop {
        match events.recv() {
            Ok(Event::Signal(signal)) => {
                let _ = Signal::from_named_raw(signal).map(|signal| kill_process(pid, signal));
            }
            Ok(Event::Ended(Ok(status))) => return Ok(code_of(status)),
            Ok(Event::Ended(Err(error))) => return Err(Failure::unavailable(error.to_string())),
            Err(_) => return Ok(0),
        }
    }
}

/// What a shell makes of the end of a program.
fn code_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(args: &DevArgs, dir: &Path) -> Result<Server, Failure> {
        let binary = find::server(args.server.as_deref())?;
        let module = find::module(args.module.as_deref())?;
        // Another process may take a free port before the server does.
        let tries = if args.port.is_some() { 1 } else { 5 };
        let mut last = Failure::unavailable("no server");
        for _ in 0..tries {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            let free = free
                .map_err(|error| Failure::unavailable(format!("no free port: {error}")))?
                .port();
            let port = args.port.unwrap_or(free);
            match Server::launch(args, dir, port, &binary, &module) {
                Ok(server) => return Ok(server),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    fn launch(args: &DevArgs, dir: &Path, port: u16, binary: &Path, module: &Path) -> Result<Server, Failure> {
        let mut command = Command::new(binary);
        if let Some(conf) = &args.conf {
            command.arg(std::path::absolute(conf).unwrap_or_default());
        }
        let keeps = if args.dir.is_some() { "yes" } else { "no" };
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--logfile",
            "log",
        ]);
        command
            .args(["--appendonly", keeps, "--loadmodule"])
            .arg(module)
            .current_dir(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Elsewhere it stays when this process is killed.
        #[cfg(target_os = "linux")]
        crate::guardian::die_with_parent(&mut command);
        let process = command.spawn();
        let process = process.map_err(|error| Failure::unavailable(format!("{}: {error}", binary.display())))?;
        let mut server = Server { process, port };
        server.wait(dir)?;
        Ok(server)
    }

    /// Waits until it answers.
    fn wait(&mut self, dir: &Path) -> Result<(), Failure> {
        let host = Host {
            name: "127.0.0.1".into(),
            port: self.port,
        };
        let address = Address {
            place: Place::Node(host),
            tls: false,
            user: None,
            password: None,
            db: 0,
        };
        let connector = Connector::new(address, None);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let has_ended = !matches!(self.process.try_wait(), Ok(None));
            let answered = connector
                .open("", PATIENCE)
                .and_then(|mut link| link.call(&cmd("PING"), PATIENCE));
            match answered {
                // It may be another's, who had the port before.
                _ if has_ended => break,
                Ok(_) => return Ok(()),
                Err(error) if error.is("NOAUTH") => return Ok(()),
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        let end: Vec<&str> = lines.into_iter().rev().collect();
        Err(Failure::unavailable(format!(
            "the server does not start: {}",
            end.join(" | ")
        )))
    }

    fn until_interrupted(&mut self, events: &Receiver<Event>) -> Result<u8, Failure> {
        loop {
            match events.recv_timeout(Duration::from_millis(100)) {
                Ok(Event::Signal(SIGINT | SIGTERM)) => return Ok(0),
                _ if matches!(self.process.try_wait(), Ok(Some(_))) => {
                    return Err(Failure::unavailable("the server has ended"));
                }
                _ => {}
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
