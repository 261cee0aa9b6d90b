//! `steward doctor`, with each fault made.

mod disk;
mod queues;
mod replicas;
mod users;

use std::process::{Command, Stdio};

use redis::cmd;

use crate::support::{Running, Server, Stage, free_port, module, steward, told, wait_until};

/// A server of which nothing is wrong.
const HEALTHY: &str = "appendonly yes\nappendfsync always\nmaxmemory 2gb";

fn healthy() -> Server {
    Server::with(HEALTHY)
}

/// Severity, check and text of a finding.
type Found = (String, String, String);

/// What it says.
fn diagnosis(server: &Server) -> (i32, Vec<Found>) {
    diagnosis_at(&server.url())
}

fn diagnosis_at(url: &str) -> (i32, Vec<Found>) {
    let mut doctor = steward(&["doctor", "-o", "json"]);
    let (code, out, error) = told(&doctor.env("REDIS_URL", url).output().unwrap());
    assert_eq!(error, "");
    let finding = |line: &str| {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| finding[name].as_str().unwrap().to_string();
        assert!(!text("remedy").is_empty() && text("node").contains("127.0.0.1"));
        (text("severity"), text("check"), text("what"))
    };
    let found = out.lines().map(finding);
    // A machine that is busy stalls any server.
    (code, found.filter(|(_, check, _)| check != "stalls").collect())
}

/// That it finds this and nothing else.
#[track_caller]
fn finds(server: &Server, severity: &str, check: &str, text: &str) {
    let (code, found) = diagnosis(server);
    let [(found_severity, found_check, what)] = &found[..] else {
        panic!("one finding, {check}: {found:?}");
    };
    assert_eq!(
        (&found_severity[..], &found_check[..], what.contains(text)),
        (severity, check, true),
        "{what}"
    );
    let codes = ["note", "warning", "error"];
    assert_eq!(
        code,
        i32::try_from(codes.iter().position(|word| *word == severity).unwrap()).unwrap()
    );
}

/// Whether it is among what was found.
fn has(found: &[Found], severity: &str, check: &str, text: &str) -> bool {
    let is = |(of, by, what): &Found| of == severity && by == check && what.contains(text);
    found.iter().any(is)
}

/// A server with the module, in which functions of the system are those of this C source; and its address.
fn preloaded(stage: &Stage, shim: &str, settings: &[&str]) -> (Running, String) {
    std::fs::write(stage.file("shim.c"), shim).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o", "shim.so", "shim.c"])
        .current_dir(stage.file(""));
    assert!(cc.status().unwrap().success());
    let (port, binary) = (free_port(), std::env::var("STEWARD_SERVER"));
    let mut server = Command::new(binary.unwrap_or_else(|_| "redis-server".into()));
    server.args(["--port", &port.to_string(), "--save", "", "--loadmodule", &module()]);
    server
        .args(settings)
        .env("LD_PRELOAD", stage.file("shim.so"))
        .current_dir(stage.file(""))
        .stdout(Stdio::null());
    let (running, url) = (Running::start(&mut server), format!("redis://127.0.0.1:{port}"));
    wait_until("it answers", || {
        redis::Client::open(&url[..]).unwrap().get_connection().is_ok()
    });
    (running, url)
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
    for (name, wrong, right, severity, check, text) in [
        (
            "maxmemory-policy",
            "allkeys-lru",
            "noeviction",
            "error",
            "eviction",
            "allkeys-lru",
        ),
        ("maxmemory", "0", "2gb", "note", "memory", "maxmemory is not set"),
        (
            "appendfsync",
            "everysec",
            "always",
            "note",
            "persistence",
            "last second",
        ),
        (
            "appendfsync",
            "no",
            "always",
            "warning",
            "persistence",
            "appendfsync no",
        ),
        (
            "no-appendfsync-on-rewrite",
            "yes",
            "no",
            "warning",
            "persistence",
            "rewritten",
        ),
        ("timeout", "300", "0", "error", "timeout", "timeout 300"),
        (
            "client-output-buffer-limit",
            "normal 1mb 0 0",
            "normal 0 0 0",
            "warning",
            "output-limits",
            "normal 1048576 0 0",
        ),
        (
            "client-output-buffer-limit",
            "replica 1mb 0 0",
            "replica 256mb 64mb 60",
            "warning",
            "output-limits",
            "replica 1048576",
        ),
        ("steward.timer", "no", "yes", "error", "timer", "nothing becomes due"),
        (
            "min-replicas-to-write",
            "1",
            "0",
            "error",
            "replication",
            "0 replicas are connected",
        ),
        ("protected-mode", "no", "yes", "warning", "users", "without a password"),
    ] {
        set(&server, name, wrong);
        finds(&server, severity, check, text);
        set(&server, name, right);
    }
    set(&server, "maxmemory", "0");
    set(&server, "maxmemory-policy", "allkeys-random");
    let (code, found) = diagnosis(&server);
    assert!(
        code == 1 && has(&found, "warning", "eviction", "allkeys-random"),
        "{found:?}"
    );
    set(&server, "maxmemory-policy", "noeviction");
    set(&server, "maxmemory", "2gb");
    set(&server, "appendonly", "no");
    set(&server, "save", "3600 1");
    finds(&server, "warning", "persistence", "only snapshots");
    set(&server, "save", "");
    finds(&server, "warning", "persistence", "nothing is stored");
    set(&server, "appendonly", "yes");
    let used: u64 = server.info("used_memory").parse().unwrap();
    set(&server, "maxmemory", &(used + used / 10).to_string());
    finds(&server, "warning", "memory", "% of maxmemory is used");
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
    finds(&server, "warning", "reclaim", "1 services");
}

#[test]
fn stalls_are_noted() {
    let server = Server::with(&format!("{HEALTHY}\nenable-debug-command yes"));
    let _: redis::Value = server.call("DEBUG SLEEP 0.4");
    wait_until("it is counted", || server.info("steward_stalls_total") != "0");
    let (code, out, _) = server.run(&["doctor"]);
    assert!(
        code == 0 && out.contains("note      stalls  the server stalled"),
        "{out}"
    );
}
