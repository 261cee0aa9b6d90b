//! The harness: servers, programs that run, what they leave, networks that fail.

mod blows;
mod plain;
mod program;
mod proxy;
mod server;
mod stage;
mod standby;
mod terminal;
mod tls;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub(crate) use blows::{Blow, HIDING};
pub(crate) use plain::Plain;
pub(crate) use program::{Running, send};
pub(crate) use proxy::Proxy;
pub(crate) use server::Server;
pub(crate) use stage::{Stage, Start, micros};
pub(crate) use standby::Standby;
pub(crate) use terminal::Terminal;
pub(crate) use tls::Certificate;

/// What takes longer fails the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Polls until it is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// `steward`, with nothing in the environment that could change what it does.
pub(crate) fn steward(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(words);
    isolate(&mut command);
    command
}

/// Leaves nothing in its environment that could change what `steward` does.
fn isolate(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STEWARD_") || name == "REDIS_URL" {
            command.env_remove(name);
        }
    }
    // No settings file of the person who runs the tests.
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("STEWARD_MODULE", module());
    if let Some(server) = std::env::var_os("STEWARD_SERVER") {
        command.env("STEWARD_SERVER", server);
    }
}

/// A shell in the folder of this stage, with `steward` and the programs of the folder on its path.
pub(crate) fn in_shell(script: &str, server: &Server, stage: &Stage) -> Command {
    in_shell_at(&server.url(), script, stage)
}

/// The same with a server at this address.
pub(crate) fn in_shell_at(url: &str, script: &str, stage: &Stage) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_steward")).parent().unwrap().to_path_buf();
    let path = std::env::var_os("PATH").unwrap();
    let path = [stage.file(""), program]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(stage.file(""));
    shell.env("PATH", std::env::join_paths(path).unwrap());
    isolate(&mut shell);
    shell.env("REDIS_URL", url);
    shell
}

/// The module that cargo has built beside these tests, or `STEWARD_MODULE`.
pub(crate) fn module() -> String {
    std::env::var("STEWARD_MODULE").unwrap_or_else(|_| {
        let beside = std::env::current_exe().unwrap().with_file_name("libsteward.so");
        beside.to_str().unwrap().into()
    })
}

/// A free loopback port.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The code, standard output and standard error of a run.
pub(crate) fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_string();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The lines that programs have written to a file so far.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // One that is being written is no line yet.
    text.split_inclusive('\n')
        .filter_map(|line| Some(line.strip_suffix('\n')?.to_string()))
        .collect()
}
