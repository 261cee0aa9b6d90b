//! Effects are sent only where somebody listens. Whoever comes in the middle of work has all of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::support::history::History;
use crate::support::recovery::settled;
use crate::support::{Client, Server, Value, wait_until};

/// Somebody comes so many times.
const TIMES: u64 = 8;

/// Clients that are at work on the server while `meanwhile` runs. Returns the digest of what they did.
fn work_while(server: &Server, seed: u64, meanwhile: impl FnOnce()) -> String {
    server.client().must("CONFIG SET steward.timer yes");
    let (steps, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|number| (History::new(10 * seed + number), server.client()))
            .collect();
        for (mut history, mut client) in workers {
            let (steps, enough) = (&steps, &enough);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    history.run(&mut client, 10);
                    plain_lives(&mut client);
                    steps.fetch_add(10, Ordering::Relaxed);
                }
            });
        }
        let worked = |most| wait_until("work is done", || steps.load(Ordering::Relaxed) >= most);
        worked(100);
        meanwhile();
        worked(steps.load(Ordering::Relaxed) + 100);
        enough.store(true, Ordering::Relaxed);
    });
    settled(&mut server.client())
}

/// What goes the short way: tasks without options, in a queue where nobody waits.
fn plain_lives(client: &mut Client) {
    for _ in 0..3 {
        client.must("TASK.SCHEDULE plain payload");
        if let Value::Array(claims) = client.must("TASK.CLAIM plain w COUNT 2") {
            let claim = claims.first().expect("a task");
            let (id, token) = (claim.field("id").text(), claim.field("token").int());
            client.must(&format!("TASK.ACK plain {id} {token}"));
        }
    }
}

/// The replica met nothing that it refused.
#[track_caller]
fn assert_carried_out(replica: &Server) {
    let log = replica.log();
    assert!(!log.contains("CRITICAL") && !log.contains("effects on"), "{log}");
}

#[test]
fn changes_that_nobody_hears_of_count() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    let before: i64 = client.info("rdb_changes_since_last_save").parse().unwrap();
    let changes = |client: &mut Client| client.info("rdb_changes_since_last_save").parse::<i64>().unwrap() - before;
    client.schedule("q x ID a");
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q {id} {token}"));
    assert_eq!(changes(&mut client), 3);
    client.call(&format!("TASK.ACK q {id} {token}"));
    client.must("TASK.CLAIM q w");
    client.must("TASK.STATS q");
    assert_eq!(changes(&mut client), 3, "what changes nothing does not count");
    assert_eq!(client.info("master_repl_offset"), "0");
}

#[test]
fn a_replica_that_comes_has_it_all() {
    for seed in 0..TIMES {
        let server = Server::builder().listening().start();
        let mut replica = None;
        let digest = work_while(&server, seed, || replica = Some(server.replica()));
        let replica = replica.unwrap();
        let mut there = replica.client();
        wait_until("the replica has it all", || there.digest() == digest);
        assert_eq!(server.client().must("WAIT 1 10000").int(), 1);
        assert_carried_out(&replica);
    }
}

#[test]
fn an_append_only_file_that_is_switched_on_has_it_all() {
    // With everysec a write waits while the file is synced, for up to two seconds.
    let mut server = Server::builder().set("appendfsync", "always").start();
    for seed in 0..TIMES {
        let mut client = server.client();
        let digest = work_while(&server, seed, || {
            client.must("CONFIG SET appendonly yes");
            wait_until("the file is written", || {
                client.info("aof_rewrite_in_progress") == "0" && client.info("aof_rewrite_scheduled") == "0"
            });
        });
        server.kill_9();
        server.start_again(&[("appendonly", "yes"), ("steward.timer", "no")]);
        let mut client = server.client();
        assert_eq!(client.digest(), digest, "round {seed}");
        work_while(&server, TIMES + seed, || {
            client.must("CONFIG SET appendonly no");
        });
    }
}

/// A primary that loads the snapshot of its own shutdown goes on where it was, and so do its replicas.
#[test]
fn a_replica_continues_after_its_primary_was_restarted() {
    let mut server = Server::builder().listening().set("repl-backlog-size", "64mb").start();
    let replica = server.replica();
    let mut there = replica.client();
    for seed in 0..3 {
        let digest = work_while(&server, seed, || {});
        wait_until("the replica has it all", || there.digest() == digest);
        let _ = server.client().try_send("SHUTDOWN SAVE");
        server.wait_for_end();
        server.start_again(&[]);
        let digest = work_while(&server, TIMES + seed, || {
            wait_until("the replica is back", || there.info("master_link_status") == "up");
        });
        wait_until("the replica has it all", || there.digest() == digest);
        assert_eq!(server.client().info("sync_partial_ok"), "1");
        assert_carried_out(&replica);
    }
}
