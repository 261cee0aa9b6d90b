//! The same data everywhere: replica, append-only file of both kinds, snapshot, after a long random history.

use crate::support::builder::Builder;
use crate::support::history::History;
use crate::support::recovery::{Recovery, assert_own_file_is_right, settled};
use crate::support::{Client, Server, places, wait_until};

const STEPS: usize = 3_000;

/// A server on which leases are short by default.
fn short() -> Builder {
    Server::builder().set("steward.lease", "50")
}

#[test]
fn a_replica_has_what_its_primary_has() {
    let server = short().listening().start();
    let replica = server.replica_with(Server::builder().append_always().set("aof-use-rdb-preamble", "no"));
    let mut client = server.client();
    let mut history = History::new(11);
    let mut there = replica.client();
    for part in 0..3 {
        history.run(&mut client, STEPS / 3);
        if part == 1 {
            there.must("BGREWRITEAOF");
        }
        let digest = settled(&mut client);
        wait_until("the replica has it all", || there.digest() == digest);
        client.must("CONFIG SET steward.timer yes");
    }
    let digest = settled(&mut client);
    wait_until("the replica has it all", || there.digest() == digest);
    // So has the replica's own append-only file, without a preamble.
    assert_own_file_is_right(replica, &digest);
}

#[test]
fn an_append_only_file_brings_everything_back() {
    let recovery = Recovery {
        server: short,
        history: |_| History::new(12),
        steps: STEPS,
        goes_on,
    };
    recovery.after_a_kill();
}

#[test]
fn a_snapshot_brings_everything_back() {
    let recovery = Recovery {
        server: short,
        history: |_| History::new(13),
        steps: STEPS,
        goes_on,
    };
    recovery.after_a_snapshot();
}

/// Every task is in one place, and all of them end.
#[track_caller]
fn goes_on(client: &mut Client) {
    const QUEUES: [&str; 3] = ["q", "{q}s", "r"];
    client.must("CONFIG SET steward.timer yes");
    for queue in QUEUES {
        client.must(&format!("TASK.RESUME {queue}"));
        client.must(&format!(
            "TASK.CONFIG SET {queue} concurrency 0 rate 0 retain 0 group-limit 100"
        ));
        for number in 0..4 {
            client.must(&format!("TASK.UNREPEAT {queue} every-{number}"));
        }
    }
    wait_until("drops are swept", || {
        !client.keys().iter().any(|key| key.contains(":drop:"))
    });
    QUEUES.iter().for_each(|queue| _ = places::check(client, queue));
    // Tasks of one queue wait for those of another.
    wait_until("all is done", || {
        QUEUES.iter().for_each(|queue| acknowledge(client, queue));
        QUEUES.iter().all(|queue| {
            let left = client.counts(queue);
            let ends = ["scheduled", "ready", "claimed", "blocked"];
            !ends.iter().any(|state| left.contains(state))
        })
    });
    for queue in QUEUES.iter().chain(&["{q}replies", "{r}replies"]) {
        client.must(&format!("TASK.DROP {queue}"));
    }
    wait_until("nothing is left", || {
        let is_left = |key: &String| key.starts_with("task:{q}") || key.starts_with("task:{r}");
        !client.keys().iter().any(is_left)
    });
}

/// Acknowledges what may be claimed.
fn acknowledge(client: &mut Client, queue: &str) {
    // Some wait for the retry of a dead one.
    client.must(&format!("TASK.RETRYALL {queue}"));
    // Some are targeted at one of these.
    for worker in ["w0", "w1", "w2", "w3"] {
        let claims = client.must(&format!("TASK.CLAIM {queue} {worker} COUNT 1000 LEASE 60000"));
        let crate::support::Value::Array(tasks) = &claims else {
            continue;
        };
        for task in tasks {
            client.must(&format!(
                "TASK.ACK {queue} {} {}",
                task.field("id").text(),
                task.field("token").int()
            ));
        }
    }
}

#[test]
fn a_rewritten_file_is_read_without_the_module() {
    let mut server = Server::builder()
        .append_always()
        .set("aof-use-rdb-preamble", "no")
        .start();
    let mut client = server.client();
    History::new(14).run(&mut client, 500);
    let digest = settled(&mut client);
    client.must("BGREWRITEAOF");
    wait_until("the rewrite is over", || client.info("aof_rewrite_in_progress") == "0");
    server.kill_9();
    server.start_again_plain();
    assert_eq!(server.client().digest(), digest);
}

#[test]
fn every_task_is_in_one_place_at_every_moment_of_a_history() {
    let server = short().start();
    let mut client = server.client();
    let mut history = History::new(15);
    for _ in 0..200 {
        history.run(&mut client, 20);
        if !client.keys().iter().any(|key| key.contains(":drop:")) {
            places::check(&mut client, "q");
            places::check(&mut client, "r");
        }
    }
}

/// Runs the suite that the fake of the unit tests passes on the server's own keys, with a command of debug builds.
#[cfg(debug_assertions)]
#[test]
fn the_port_keeps_its_contract_on_the_servers_keys() {
    let mut server = short().append_always().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    assert_eq!(client.call("steward.contract q"), "+OK");
    // The same with the server's encodings of larger values.
    for small in [
        "list-max-listpack-size 2",
        "zset-max-listpack-entries 3",
        "hash-max-listpack-entries 1",
    ] {
        client.must(&format!("CONFIG SET {small}"));
    }
    assert_eq!(client.call("steward.contract {app}q"), "+OK");
    let digest = client.digest();
    wait_until("the replica has the same", || there.digest() == digest);
    server.kill_9();
    server.start_again(&[]);
    assert_eq!(server.client().digest(), digest);
}
