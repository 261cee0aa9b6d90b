//! While a client's write would be refused, the timer changes nothing; afterwards it does.
//!
//! A write outside a client's command in such a moment would abort the server.

use crate::support::{Client, Server, Value, cluster, unix_ms, wait_until};

/// Work for the timer: due tasks, leases that end, a bound claim of a closed connection.
#[track_caller]
fn busy(server: &Server, client: &mut Client) {
    for n in 0..20 {
        client.schedule(&format!("q x ID s{n} DELAY {}", 100 + 10 * n));
    }
    client.schedule("q x ID held");
    client.claim("q w LEASE 150");
    client.schedule("q x ID bound");
    let mut bound = server.client();
    bound.must("TASK.CLAIM q w BIND");
}

/// Nothing changes for as long as the work of `busy` would have taken, and more.
#[track_caller]
fn nothing_moves(client: &mut Client) {
    let before = client.digest();
    let until = unix_ms() + 500;
    while unix_ms() < until {
        assert_eq!(client.digest(), before);
    }
}

#[track_caller]
fn all_is_done(client: &mut Client) {
    wait_until("all is handled", || client.counts("q") == "ready 22");
}

#[test]
fn a_write_pause_holds_everything_still() {
    for kind in ["WRITE", "ALL"] {
        let server = Server::builder().set("appendonly", "yes").listening().start();
        let replica = server.replica();
        let mut client = server.client();
        busy(&server, &mut client);
        let mut admin = server.client();
        admin.must(&format!("CLIENT PAUSE 600 {kind}"));
        if kind == "WRITE" {
            let before = client.digest();
            loop {
                let now = client.digest();
                // Read after the digest, so that the pause cannot end in between.
                if client.info("paused_reason") != "client_pause" {
                    break;
                }
                assert_eq!(now, before);
            }
        }
        all_is_done(&mut client);
        let mut there = replica.client();
        wait_until("the replica has it all", || there.digest() == client.digest());
    }
}

#[test]
fn a_planned_failover_happens_under_a_busy_timer() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let mut client = server.client();
    for n in 0..3_000 {
        client.send(&format!("TASK.SCHEDULE q x ID s{n} DELAY {}", n % 400));
    }
    for _ in 0..3_000 {
        assert!(!client.receive().is_error());
    }
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM empty w BLOCK 0");
    wait_until("the client waits", || client.stat("empty", "waiting_clients") == 1);
    client.must("FAILOVER");
    let mut there = replica.client();
    wait_until("the replica leads", || there.info("role") == "master");
    wait_until("the old primary follows", || client.info("role") == "slave");
    assert_eq!(waiting.receive().code(), "UNBLOCKED");
    wait_until("all are ready at the new primary", || there.counts("q") == "ready 3000");
    wait_until("both are the same", || there.digest() == client.digest());
    assert_eq!(client.call("TASK.SCHEDULE q x").code(), "READONLY");
}

#[test]
fn a_failover_that_cannot_succeed_is_survived() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let mut client = server.client();
    busy(&server, &mut client);
    replica.signal(libc::SIGSTOP);
    client.must("SET lag 1");
    client.must("FAILOVER TIMEOUT 400");
    wait_until("the failover was given up", || {
        client.info("master_failover_state") == "no-failover"
    });
    all_is_done(&mut client);
    replica.signal(libc::SIGCONT);
    let mut there = replica.client();
    wait_until("both are the same", || there.digest() == client.digest());
}

#[test]
fn a_shutdown_waits_for_a_lagging_replica_under_a_busy_timer() {
    let mut server = Server::builder()
        .append_always()
        .listening()
        .set("shutdown-timeout", "1")
        .start();
    let replica = server.replica();
    let mut client = server.client();
    busy(&server, &mut client);
    replica.signal(libc::SIGSTOP);
    client.must("SET lag 1");
    server.stop();
    replica.signal(libc::SIGCONT);
    assert!(server.log().contains("ready to exit"), "it ended in order");
    server.start_again(&[]);
    all_is_done(&mut server.client());
}

#[test]
fn nothing_moves_without_enough_replicas() {
    let server = Server::builder().listening().start();
    let mut client = server.client();
    busy(&server, &mut client);
    client.must("CONFIG SET min-replicas-to-write 1");
    assert_eq!(client.call("TASK.SCHEDULE q x").code(), "NOREPLICAS");
    nothing_moves(&mut client);
    client.must("CONFIG SET min-replicas-to-write 0");
    all_is_done(&mut client);
}

#[test]
fn nothing_moves_while_the_disk_fails() {
    let server = Server::builder().set("enable-protected-configs", "yes").start();
    let mut client = server.client();
    busy(&server, &mut client);
    // A snapshot that cannot be written, as on a full disk.
    let missing = server.dir().join("gone");
    std::fs::create_dir(&missing).unwrap();
    client.must(&format!("CONFIG SET dir {}", missing.display()));
    std::fs::remove_dir(&missing).unwrap();
    client.must("CONFIG SET stop-writes-on-bgsave-error yes");
    client.call_args(&["CONFIG", "SET", "save", "3600 1000000"]);
    client.call("BGSAVE");
    wait_until("the save has failed", || client.info("rdb_last_bgsave_status") == "err");
    assert_eq!(client.call("TASK.SCHEDULE q x").code(), "MISCONF");
    nothing_moves(&mut client);
    client.must("CONFIG SET stop-writes-on-bgsave-error no");
    all_is_done(&mut client);
}

#[test]
fn a_replica_moves_nothing_by_itself_and_a_promoted_one_does() {
    let mut server = Server::builder().listening().start();
    let replica = server.replica();
    let mut client = server.client();
    busy(&server, &mut client);
    let (mut there, before) = (replica.client(), client.digest());
    wait_until("the replica has it", || {
        there.digest() == before || client.counts("q") == "ready 22"
    });
    client.must("TASK.MSCHEDULE other 2 x y DELAY 1");
    wait_until("the replica follows", || there.counts("other") == "ready 2");
    server.signal(libc::SIGSTOP);
    let until = unix_ms() + 400;
    let still = there.digest();
    while unix_ms() < until {
        assert_eq!(there.digest(), still);
    }
    assert_eq!(there.call("TASK.CLAIM q w").code(), "READONLY");
    server.kill_9();
    there.must("REPLICAOF NO ONE");
    all_is_done(&mut there);
    // A lease of the old primary gets its full length again before it may end.
    assert_eq!(there.call("TASK.CLAIM other w").ids().len(), 1);
}

/// A claim and a member that end in an hour; the timer sends no commands meanwhile.
#[track_caller]
fn sends_no_commands(client: &mut Client, queue: &str) {
    client.schedule(&format!("{queue} x ID held"));
    client.claim(&format!("{queue} w LEASE 3600000"));
    client.register(&format!("{queue} a 1 TTL 3600000"));
    let mut calls = || {
        client.must(&format!("SET {{{queue}}}marker x PX 1000"));
        wait_until("the server's cron has beaten often", || {
            client.call(&format!("GET {{{queue}}}marker")) == Value::Null
        });
        let stats = ["del", "exists"].map(|name| client.info(&format!("cmdstat_{name}")));
        stats.join(" ")
    };
    // What has just begun may have given the timer something to do.
    assert_eq!(calls(), calls());
}

#[test]
fn a_timer_that_has_nothing_to_do_sends_no_commands() {
    let server = Server::start();
    sends_no_commands(&mut server.client(), "q");
}

#[test]
fn nor_does_it_where_writes_need_a_replica_that_is_there() {
    let server = Server::builder().listening().start();
    let _replica = server.replica();
    let mut client = server.client();
    client.must("CONFIG SET min-replicas-to-write 1");
    wait_until("the replica counts", || !client.call("SET x 1").is_error());
    sends_no_commands(&mut client, "q");
}

#[test]
fn nor_does_it_in_a_cluster() {
    let [node] = cluster::nodes();
    sends_no_commands(&mut node.client(), "q");
}
