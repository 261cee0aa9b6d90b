//! `steward doctor`, with each fault made.

mod cluster;
mod persistence;
mod queues;
mod replicas;
mod users;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use redis::cmd;

use crate::support::{Running, Server, Stage, free_port, module, steward, told, wait_until};

/// A server of which nothing is wrong.
const HEALTHY: &str = "appendonly yes\nappendfsync always\nmaxmemory 2gb";

fn healthy() -> Server {
    Server::with(HEALTHY)
}

/// Severity, check, text and remedy of a finding.
type Found = [String; 4];

/// What it says.
fn diagnosis(server: &Server) -> (i32, Vec<Found>) {
    diagnosis_at(&server.url())
}

#[track_caller]
fn diagnosis_at(url: &str) -> (i32, Vec<Found>) {
    let run = |words: &[&str]| told(&steward(words).env("REDIS_URL", url).output().unwrap());
    let (code, out, error) = run(&["doctor", "-o", "json"]);
    assert_eq!(error, "");
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/steward-doctor.md")).unwrap();
    let finding = |line: &str| -> Found {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| finding[name].as_str().unwrap().to_string();
        assert!(!text("remedy").is_empty() && text("node").contains("127.0.0.1"));
        let row = format!("| `{}` | {} | ", text("check"), text("severity"));
        assert!(manual.contains(&row), "the manual has no {row}");
        ["severity", "check", "what", "remedy"].map(text)
    };
    let found = out.lines().map(finding);
    // A machine that is busy stalls any server.
    (code, found.filter(|[_, check, ..]| check != "stalls").collect())
}

/// That it finds this and nothing else, in both forms and with the code of its severity.
#[track_caller]
fn finds(server: &Server, severity: &str, check: &str, text: &str, remedy: &str) {
    let (code, found) = diagnosis(server);
    assert_eq!(found.len(), 1, "one finding, {check}: {found:?}");
    assert!(has(&found, [severity, check, text, remedy]), "{found:?}");
    let codes = ["note", "warning", "error"];
    let expected = codes.iter().position(|word| *word == severity);
    assert_eq!(usize::try_from(code).ok(), expected, "{found:?}");
    let (code, out, error) = server.run(&["doctor"]);
    assert_eq!((usize::try_from(code).ok(), &error[..]), (expected, ""));
    let is_row = |line: &str| {
        let mut words = line.split_whitespace();
        let begins = (words.next(), words.next()) == (Some(severity), Some(check));
        begins && line.contains(text) && line.contains(remedy)
    };
    assert!(out.lines().any(is_row), "{out}");
}

/// Whether it is among what was found: severity, check, and parts of the text and of the remedy.
fn has(found: &[Found], [severity, check, text, remedy]: [&str; 4]) -> bool {
    let is =
        |[of, by, what, then]: &Found| of == severity && by == check && what.contains(text) && then.contains(remedy);
    found.iter().any(is)
}

/// A library for a server, of this C source.
fn library(stage: &Stage, source: &str) -> PathBuf {
    std::fs::write(stage.file("library.c"), source).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o", "library.so", "library.c"])
        .current_dir(stage.file(""));
    assert!(cc.status().unwrap().success());
    stage.file("library.so")
}

/// A server with the module, in which functions of the system are those of this C source; and its address.
fn preloaded(stage: &Stage, source: &str, settings: &[&str]) -> (Running, String) {
    let (port, binary) = (free_port(), std::env::var("STEWARD_SERVER"));
    let mut server = Command::new(binary.unwrap_or_else(|_| "redis-server".into()));
    server.args(["--port", &port.to_string(), "--save", "", "--loadmodule", &module()]);
    server
        .args(settings)
        .env("LD_PRELOAD", library(stage, source))
        .current_dir(stage.file(""))
        .stdout(Stdio::null());
    let (running, url) = (Running::start(&mut server), format!("redis://127.0.0.1:{port}"));
    wait_until("it answers", || {
        redis::Client::open(&url[..]).unwrap().get_connection().is_ok()
    });
    (running, url)
}

/// Whether it is Redis, and not Valkey, of this version or a later one.
fn is_redis_since(server: &Server, since: (u32, u32)) -> bool {
    let version = server.info("redis_version");
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    let version = (numbers.next().unwrap(), numbers.next().unwrap());
    server.info("valkey_version").is_empty() && version >= since
}

fn set(server: &Server, name: &str, value: &str) {
    let _: () = cmd("CONFIG")
        .arg(&["SET", name, value])
        .query(&mut server.client())
        .unwrap();
}

fn put(server: &Server, words: &[&str]) {
    assert_eq!(server.run(&[&["put", "mail", "x"], words].concat()).0, 0);
}

#[test]
fn nothing_is_wrong_with_a_server_that_is_set_up_as_the_manual_says() {
    let server = healthy();
    put(&server, &["--in", "1h"]);
    assert_eq!(diagnosis(&server), (0, Vec::new()));
    let (code, out, _) = server.run(&["doctor"]);
    assert!(
        code == 0 && (out == "nothing is wrong" || out.contains("the server stalled")),
        "{out}"
    );
}

#[test]
fn settings_that_lose_or_stop_work_are_found() {
    let server = healthy();
    for (name, wrong, right, [severity, check, text, remedy]) in [
        (
            "maxmemory-policy",
            "allkeys-lru",
            "noeviction",
            [
                "error",
                "eviction",
                "policy allkeys-lru may evict tasks",
                "CONFIG SET maxmemory-policy noeviction",
            ],
        ),
        (
            "maxmemory",
            "0",
            "2gb",
            ["note", "memory", "maxmemory is not set", "CONFIG SET maxmemory 2gb"],
        ),
        (
            "appendfsync",
            "everysec",
            "always",
            ["note", "persistence", "last second", "CONFIG SET appendfsync always"],
        ),
        (
            "appendfsync",
            "no",
            "always",
            [
                "warning",
                "persistence",
                "appendfsync no",
                "CONFIG SET appendfsync always, or everysec",
            ],
        ),
        (
            "no-appendfsync-on-rewrite",
            "yes",
            "no",
            [
                "warning",
                "persistence",
                "rewritten",
                "CONFIG SET no-appendfsync-on-rewrite no",
            ],
        ),
        (
            "timeout",
            "300",
            "0",
            ["error", "timeout", "timeout 300", "CONFIG SET timeout 0"],
        ),
        (
            "client-output-buffer-limit",
            "normal 1mb 0 0",
            "normal 0 0 0",
            [
                "warning",
                "output-limits",
                "normal 1048576 0 0",
                "CONFIG SET client-output-buffer-limit \"normal 0 0 0\"",
            ],
        ),
        (
            "client-output-buffer-limit",
            "replica 1mb 0 0",
            "replica 256mb 64mb 60",
            [
                "warning",
                "output-limits",
                "replica 1048576",
                "CONFIG SET client-output-buffer-limit \"replica 256mb 64mb 60\"",
            ],
        ),
        (
            "steward.timer",
            "no",
            "yes",
            ["error", "timer", "nothing becomes due", "CONFIG SET steward.timer yes"],
        ),
        (
            "min-replicas-to-write",
            "1",
            "0",
            [
                "error",
                "replication",
                "0 replicas listen",
                "CONFIG SET min-replicas-to-write 0",
            ],
        ),
        (
            "protected-mode",
            "no",
            "yes",
            [
                "warning",
                "users",
                "without a password",
                "CONFIG SET protected-mode yes",
            ],
        ),
    ] {
        set(&server, name, wrong);
        finds(&server, severity, check, text, remedy);
        set(&server, name, right);
    }
    assert_eq!(diagnosis(&server), (0, Vec::new()));
    // Nothing is evicted as long as there is no limit.
    set(&server, "maxmemory", "0");
    set(&server, "maxmemory-policy", "allkeys-random");
    let (code, found) = diagnosis(&server);
    let evicts = ["warning", "eviction", "allkeys-random", "maxmemory-policy noeviction"];
    assert!(code == 1 && has(&found, evicts), "{found:?}");
    set(&server, "maxmemory-policy", "noeviction");
    set(&server, "maxmemory", "2gb");
    let used: u64 = server.info("used_memory").parse().unwrap();
    set(&server, "maxmemory", &(used + used / 10).to_string());
    finds(
        &server,
        "warning",
        "memory",
        "% of maxmemory is used",
        "steward queues tells",
    );
}

#[test]
fn a_reclaim_window_is_found() {
    let mut server = healthy();
    let _: redis::Value = server.call("PID.REGISTER s a 1 TTL 50000");
    server.kill();
    server.start_again();
    // It is measured soon after the start.
    let _: redis::Value = server.call("PID.REGISTER s b 1 TTL 400 EXCLUSIVE");
    wait_until("it reclaims", || server.info("steward_reclaiming_services") == "1");
    finds(
        &server,
        "warning",
        "reclaim",
        "services in their reclaim window: 1",
        "PID.EVICT",
    );
}

#[test]
fn stalls_are_noted() {
    let server = Server::with(&format!("{HEALTHY}\nenable-debug-command yes"));
    let _: redis::Value = server.call("DEBUG SLEEP 0.4");
    wait_until("it is counted", || server.info("steward_stalls_total") != "0");
    let (code, out, _) = server.run(&["doctor"]);
    assert!(
        code == 0 && out.contains("note      stalls  the server stalled ") && out.contains("SLOWLOG GET"),
        "{out}"
    );
}
