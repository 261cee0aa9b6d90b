//! The demo and the scripts around it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::folder::cli;
use crate::support::server::{free_port, module};

/// A data directory for scripts/server, in a folder with an odd name; its server ends when dropped.
struct Run {
    dir: TempDir,
    /// Its own, so that no test takes the port of a server that another has just killed.
    port: String,
}

impl Run {
    fn new() -> Run {
        Run {
            dir: tempfile::Builder::new()
                .prefix("a folder 'with' $signs ")
                .tempdir()
                .unwrap(),
            port: free_port().to_string(),
        }
    }
    fn data(&self) -> PathBuf {
        self.dir.path().join("run")
    }
    /// Runs a script of the project.
    fn script<A: AsRef<OsStr>>(&self, path: &str, args: &[A]) -> Output {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        command
            .args(args)
            .env("RUN", self.data())
            .env("MODULE", module())
            .env("PORT", &self.port);
        command.current_dir(self.dir.path()).output().unwrap()
    }
    #[track_caller]
    fn port(&self) -> String {
        let output = self.script("scripts/server", &["port"]);
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.script("scripts/server", &["stop"]);
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into()
}

#[test]
fn the_demo_survives_a_killed_primary_worker_and_server_with_files_of_any_name() {
    let run = Run::new();
    let files = run.dir.path().join("files");
    fs::create_dir_all(files.join("-sub folder")).unwrap();
    let names: [&[u8]; 14] = [
        b"plain",
        b"two words",
        b"-n",
        b"--",
        b"'\"",
        b"back\\slash",
        b"*",
        b"$HOME",
        b"`id`",
        b"new\nline",
        b"end\n",
        b"\xff\xfe",
        "\u{fc}".as_bytes(),
        b"-sub folder/ id ",
    ];
    for name in names {
        fs::write(files.join(OsStr::from_bytes(name)), name).unwrap();
    }
    fs::write(files.join("empty"), "").unwrap();
    let output = run.script("demo/run", &[&files]);
    let timeline = text(&output);
    assert!(output.status.success(), "{timeline}");
    for line in [
        "kills writer-1 with -9",
        "stops writer-2 for a while",
        "writer-2  is refused: FENCED epoch=",
        "lines by 3 leaders: none by one that led no more",
        "kills worker-2 with -9",
        "and its tasks free for the others",
        "kills the server with -9",
        "16 results compared with sha256sum: none missing, none wrong",
    ] {
        assert!(timeline.contains(line), "no {line:?} in\n{timeline}");
    }

    let port = run.port();
    let passes = |script: &str, args: &[&str]| {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
        command
            .args(args)
            .current_dir(&files)
            .env("PORT", &port)
            .env("CLI", cli());
        command.output().unwrap().status.success()
    };
    assert!(passes("demo/check", &["./two words"]));
    fs::write(files.join("two words"), "others").unwrap();
    assert!(!passes("demo/check", &["./two words"]), "a wrong result is told");
    fs::write(files.join("new"), "").unwrap();
    assert!(!passes("demo/check", &["./new"]), "a missing result is told");

    assert!(passes("demo/ledger", &[]));
    let redis = |args: &[&str]| {
        let mut command = Command::new(cli());
        text(&command.args(["-p", &port]).args(args).output().unwrap())
            .trim_end()
            .to_string()
    };
    let first = redis(&["LINDEX", "{ledger}lines", "0"]);
    let last = redis(&["LINDEX", "{ledger}lines", "-1"]);
    for forged in [first, last.replace("writer-3", "writer-1")] {
        redis(&["RPUSH", "{ledger}lines", &forged]);
        assert!(!passes("demo/ledger", &[]), "{forged} is told");
        redis(&["RPOP", "{ledger}lines"]);
    }
    assert!(passes("demo/ledger", &[]));
}

#[test]
fn stop_ends_only_the_server_that_start_started() {
    let run = Run::new();
    assert!(run.script("scripts/server", &["start"]).status.success());
    let pid = fs::read_to_string(run.data().join("pid")).unwrap();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(run.data().join("pid"), other.id().to_string()).unwrap();
    assert!(text(&run.script("scripts/server", &["stop"])).contains("no server"));
    assert!(!run.script("scripts/server", &["kill"]).status.success());
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
    fs::write(run.data().join("pid"), pid).unwrap();
    assert!(text(&run.script("scripts/server", &["stop"])).contains("stopped"));
}

#[test]
fn a_server_starts_beside_another_and_again_with_its_data() {
    let (one, mut two) = (Run::new(), Run::new());
    two.port = one.port.clone();
    for run in [&one, &two] {
        let output = run.script("scripts/server", &["start"]);
        assert!(output.status.success(), "{}", text(&output));
    }
    let port = one.port();
    assert_ne!(port, two.port());
    let cli = |words: &str| {
        let output = Command::new(cli())
            .args(["-p", &port])
            .args(words.split(' '))
            .output()
            .unwrap();
        text(&output).trim().to_string()
    };
    assert_eq!(cli("TASK.SCHEDULE mail x ID a"), "a");
    assert!(one.script("scripts/server", &["kill"]).status.success());
    assert!(one.script("scripts/server", &["start"]).status.success());
    assert_eq!(one.port(), port);
    assert_eq!(cli("TASK.CANCEL mail a"), "1");
}

/// What scripts/deps says on a machine that has nothing but this version of Rust.
fn deps_of_a_bare_machine(rust: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let tool = |name: &str| dir.path().join(name);
    for name in ["sh", "sed", "id", "env", "dirname"] {
        symlink(Path::new("/usr/bin").join(name), tool(name)).unwrap();
    }
    symlink("/bin/true", tool("apt-get")).unwrap();
    fs::write(
        tool("cargo"),
        format!("#!/bin/sh\necho 'cargo {rust} (840b83a10 2025-07-30)'\n"),
    )
    .unwrap();
    fs::set_permissions(tool("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/deps"))
        .args(["--dry-run", "--dev"])
        .env("PATH", dir.path())
        .output()
        .unwrap()
}

#[test]
fn deps_says_what_it_would_install_and_does_nothing_when_all_is_there() {
    let run = Run::new();
    let all_there = run.script("scripts/deps", &[] as &[&str]);
    assert!(all_there.status.success());
    assert_eq!(text(&all_there), "");
    let bare = deps_of_a_bare_machine("1.90.0");
    assert!(bare.status.success(), "{}", text(&bare));
    for line in [
        "missing: server clang cc python3-venv",
        "redis-server clang gcc libc6-dev python3-venv",
    ] {
        assert!(text(&bare).contains(line), "{}", text(&bare));
    }
}

#[test]
fn deps_says_that_rust_is_too_old() {
    let old = deps_of_a_bare_machine("1.63.0");
    assert!(!old.status.success());
    assert!(
        text(&old).starts_with("deps: cargo is version 1.63, steward needs 1.88 or later"),
        "{}",
        text(&old)
    );
}
