//! What keeps queues, and what has died.

use redis::cmd;

use super::{diagnosis, finds, has, healthy, put, set};
use crate::support::wait_until;

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
fn queues_with_the_same_fault_are_told_together() {
    let server = healthy();
    for n in 10..22 {
        let queue = format!("q{n}");
        assert_eq!(server.run(&["put", &queue, "x", "--id", "a"]).0, 0);
        assert_eq!(server.run(&["bury", &queue, "a"]).0, 0);
    }
    finds(&server, "warning", "dead", "dead tasks: q10 1, q11 1, ");
    finds(&server, "warning", "dead", "q19 1, and 2 queues more");
}

#[test]
fn a_server_that_refuses_writes_or_is_full_is_found() {
    let server = healthy();
    put(&server, &["--id", "w"]);
    set(&server, "min-replicas-to-write", "1");
    let (code, found) = diagnosis(&server);
    assert!(
        code == 2
            && has(&found, "error", "writes", "writes are refused: ")
            && has(&found, "error", "replication", "0 replicas are connected"),
        "{found:?}"
    );
    set(&server, "min-replicas-to-write", "0");
    set(&server, "maxmemory", "1mb");
    let (code, found) = diagnosis(&server);
    assert!(
        code == 2
            && has(&found, "error", "memory", "% of maxmemory is used")
            && has(&found, "error", "memory", "used memory is above maxmemory"),
        "{found:?}"
    );
}
