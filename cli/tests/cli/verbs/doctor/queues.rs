//! What keeps queues, and what has died.

use redis::cmd;

use super::{diagnosis, finds, has, healthy, put, set};
use crate::support::wait_until;

#[test]
fn what_keeps_queues_is_found() {
    let server = healthy();
    put(&server, &["--id", "d"]);
    assert_eq!(server.run(&["bury", "mail", "d"]).0, 0);
    let remedy = "steward retry mail --all, or steward purge mail --state dead --all";
    finds(&server, "warning", "dead", "dead tasks: mail 1", remedy);
    assert_eq!(server.run(&["purge", "mail", "d"]).0, 0);

    put(&server, &["--id", "w"]);
    let (code, _, _) = server.run(&["pause", "mail"]);
    assert_eq!(code, 0);
    finds(&server, "note", "paused", "queue mail: paused", "steward resume mail");
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
    let (text, remedy) = (
        "queue mail: the workers that wait for tasks are told to be quiet",
        "steward signal SERVICE none MEMBER",
    );
    finds(&server, "warning", "workers", text, remedy);
    let _: redis::Value = server.call("CLIENT KILL TYPE normal SKIPME yes");
    waiting.join().unwrap();
    let _: redis::Value = server.call("PID.DEREGISTER mail m1 PID 12");
    let (text, remedy) = (
        "queue mail: service mail has no members",
        "start workers; steward workers mail shows",
    );
    finds(&server, "error", "workers", text, remedy);
    assert_eq!(server.run(&["purge", "mail", "q"]).0, 0);
    // Nobody is missed where there is nothing to do, or not yet.
    assert_eq!(diagnosis(&server), (0, Vec::new()));
    put(&server, &["--in", "1h"]);
    finds(&server, "warning", "workers", text, remedy);
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
    let lost = [
        "warning",
        "lost",
        "10 of 10 claims were lost",
        "steward events mail tells why",
    ];
    assert!(code == 1 && has(&found, lost), "{found:?}");

    let server = healthy();
    let _: redis::Value = server.call("RPUSH task:{mail}:ready:5 nonsense");
    let _: redis::Value = server.call("TASK.CLAIM mail w1");
    finds(
        &server,
        "warning",
        "keys",
        "not written by it",
        "let nobody write to task:{...}",
    );
}

#[test]
fn queues_with_the_same_fault_are_told_together() {
    let server = healthy();
    for n in 10..22 {
        let queue = format!("q{n}");
        assert_eq!(server.run(&["put", &queue, "x", "--id", "a"]).0, 0);
        assert_eq!(server.run(&["bury", &queue, "a"]).0, 0);
    }
    let remedy = "steward ls q10 dead";
    finds(&server, "warning", "dead", "dead tasks: q10 1, q11 1, ", remedy);
    finds(&server, "warning", "dead", "q19 1, and 2 queues more", remedy);
    let (_, out, _) = server.run(&["doctor", "-o", "json"]);
    let dead = out.lines().find(|line| line.contains("dead tasks")).unwrap();
    let dead: serde_json::Value = serde_json::from_str(dead).unwrap();
    let names: Vec<String> = (10..22).map(|n| format!("q{n}")).collect();
    assert_eq!(dead["queues"], serde_json::json!(names));
}

/// Whoever may add tasks may choose the name.
#[test]
fn the_name_of_a_queue_is_one_word_of_a_remedy() {
    let server = healthy();
    let queue = "it's; reboot";
    assert_eq!(server.run(&["put", queue, "x", "--id", "a"]).0, 0);
    assert_eq!(server.run(&["bury", queue, "a"]).0, 0);
    let (text, remedy) = ("dead tasks: it's; reboot 1", r"steward ls 'it'\''s; reboot' dead");
    finds(&server, "warning", "dead", text, remedy);
}

#[test]
fn a_server_that_refuses_writes_or_is_full_is_found() {
    let server = healthy();
    put(&server, &["--id", "w"]);
    set(&server, "min-replicas-to-write", "1");
    let (code, found) = diagnosis(&server);
    let refused = [
        "error",
        "writes",
        "writes are refused: NOREPLICAS",
        "end what the server says",
    ];
    let too_few = ["error", "replication", "0 replicas listen", "bring the replicas back"];
    assert!(code == 2 && has(&found, refused) && has(&found, too_few), "{found:?}");
    set(&server, "min-replicas-to-write", "0");
    set(&server, "maxmemory", "1mb");
    let (code, found) = diagnosis(&server);
    let most = ["error", "memory", "% of maxmemory is used", "CONFIG SET maxmemory"];
    let full = ["error", "memory", "used memory is above maxmemory", "steward purge"];
    assert!(code == 2 && has(&found, most) && has(&found, full), "{found:?}");
}
