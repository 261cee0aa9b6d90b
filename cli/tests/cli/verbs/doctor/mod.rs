//! `steward doctor`, with each fault made.

mod replicas;

use redis::cmd;

use crate::support::{Server, steward, told, wait_until};

/// A server of which nothing is wrong.
const HEALTHY: &str = "appendonly yes\nappendfsync always\nmaxmemory 2gb";

fn healthy() -> Server {
    Server::with(HEALTHY)
}

/// What it says: severity, check and text of each.
fn diagnosis(server: &Server) -> (i32, Vec<(String, String, String)>) {
    let (code, out, error) = server.run(&["doctor", "-o", "json"]);
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
            "0 replicas listen",
        ),
        ("protected-mode", "no", "yes", "warning", "users", "without a password"),
    ] {
        set(&server, name, wrong);
        finds(&server, severity, check, text);
        set(&server, name, right);
    }
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
fn a_snapshot_that_failed_is_found() {
    let server = healthy();
    let dir = server.call::<(String, String)>("CONFIG GET dir").1;
    std::fs::create_dir(format!("{dir}/dump.rdb")).unwrap();
    let _: redis::Value = server.call("BGSAVE");
    wait_until("it fails", || server.info("rdb_last_bgsave_status") == "err");
    let (code, found) = diagnosis(&server);
    assert_eq!(code, 2);
    assert!(
        found
            .iter()
            .any(|(_, check, what)| check == "persistence" && what.contains("rdb_last_bgsave_status")),
        "{found:?}"
    );
}

#[test]
fn what_keeps_queues_is_found() {
    let server = healthy();
    put(&server, &["--id", "d"]);
    assert_eq!(server.run(&["bury", "mail", "d"]).0, 0);
    finds(&server, "warning", "dead", "mail 1");
    assert_eq!(server.run(&["purge", "mail", "d"]).0, 0);

    put(&server, &["--id", "w"]);
    let (code, _, _) = server.run(&["pause", "mail"]);
    assert_eq!(code, 0);
    finds(&server, "note", "paused", "queue mail: paused");
    assert_eq!(server.run(&["resume", "mail"]).0, 0);
    assert_eq!(server.run(&["purge", "mail", "w"]).0, 0);

    let _: redis::Value = server.call("PID.REGISTER mail m1 12 TTL 60000");
    put(&server, &["--id", "q"]);
    assert_eq!(server.run(&["signal", "mail", "quiet", "m1"]).0, 0);
    let mut client = server.client();
    let waiting = std::thread::spawn(move || {
        let claim = cmd("TASK.CLAIM")
            .arg(&["mail", "m1", "BLOCK", "0"])
            .query::<redis::Value>(&mut client);
        drop(claim);
    });
    wait_until("it waits", || server.info("steward_waiting_clients") == "1");
    finds(&server, "warning", "workers", "queue mail: ");
    let _: redis::Value = server.call("CLIENT KILL TYPE normal SKIPME yes");
    waiting.join().unwrap();
    let _: redis::Value = server.call("PID.DEREGISTER mail m1 PID 12");
    finds(&server, "error", "workers", "queue mail: service mail has no members");
    assert_eq!(server.run(&["purge", "mail", "q"]).0, 0);
}

#[test]
fn lost_claims_and_foreign_entries_are_found() {
    let server = healthy();
    for n in 0..10 {
        put(&server, &["--id", &n.to_string(), "--attempts", "1"]);
    }
    let _: redis::Value = server.call("TASK.CLAIM mail w1 COUNT 10 LEASE 1");
    wait_until("they are lost", || server.info("steward_lost_total") == "10");
    let (code, found) = diagnosis(&server);
    assert!(
        code == 1
            && found
                .iter()
                .any(|(_, check, what)| check == "lost" && what.starts_with("10 of 10")),
        "{found:?}"
    );

    let server = healthy();
    let _: redis::Value = server.call("RPUSH task:{mail}:ready:5 nonsense");
    let _: redis::Value = server.call("TASK.CLAIM mail w1");
    finds(&server, "warning", "keys", "not written by it");
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
fn users_who_can_do_too_much_or_too_little_are_found() {
    let server = healthy();
    let acl = |rules: &str| server.call::<String>(&format!("ACL SETUSER someone reset on >x ~mail {rules}"));
    acl("-@all +task.claim +task.ack +task.fail");
    finds(
        &server,
        "warning",
        "users",
        "user someone may run TASK.CLAIM, and not TASK.EXTEND",
    );
    acl("-@all +pid.register +pid.deregister");
    finds(&server, "warning", "users", "not HB.BEAT");
    acl("-@all +task.claim +task.ack +task.fail +task.extend");
    assert_eq!(diagnosis(&server), (0, Vec::new()));
    acl("+@all -@write");
    let version: Vec<u32> = server
        .info("redis_version")
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    if version[..] < [7, 2][..] {
        finds(&server, "error", "users", "user someone may run TASK.DROP");
    } else {
        assert!(
            diagnosis(&server)
                .1
                .iter()
                .all(|(_, _, what)| !what.contains("TASK.DROP"))
        );
    }
    // The users of the manual are as they should be.
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/acl.md")).unwrap();
    let _: u32 = server.call("ACL DELUSER someone");
    for line in manual.lines().filter(|line| line.starts_with("ACL SETUSER")) {
        let _: String = server.call(line);
    }
    assert_eq!(diagnosis(&server), (0, Vec::new()));
}

#[test]
fn a_user_who_may_not_ask_is_told_what_was_left_out() {
    let server = healthy();
    let _: String = server.call("ACL SETUSER watcher on >x resetkeys ~mail -@all +info +ping");
    let url = format!("redis://watcher:x@127.0.0.1:{}", server.port);
    let (code, out, _) = told(
        &steward(&["doctor", "-o", "json"])
            .env("REDIS_URL", url)
            .output()
            .unwrap(),
    );
    assert_eq!(code, 0, "{out}");
    for word in ["CONFIG GET", "ACL LIST", "TASK.QUEUES"] {
        assert!(out.contains(word), "{out}");
    }
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
