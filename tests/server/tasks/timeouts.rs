//! A wait times out, whatever else has stopped.

use crate::support::{Client, Server, Value, unix_ms, wait_until};

/// A client that waits for a while, and another to observe it.
#[track_caller]
fn waiter(server: &Server) -> (Client, Client) {
    let (mut waiting, mut client) = (server.client(), server.client());
    waiting.send("TASK.CLAIM q w BLOCK 300");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    (waiting, client)
}

#[test]
fn while_the_timer_is_off() {
    let server = Server::builder().set("steward.timer", "no").start();
    let (mut waiting, mut client) = waiter(&server);
    assert_eq!(waiting.receive(), Value::Null);
    assert_eq!(client.stat("q", "waiting_clients"), 0);
}

#[test]
fn while_writes_are_paused() {
    let server = Server::builder().set("appendonly", "yes").start();
    let (mut waiting, mut client) = waiter(&server);
    let start = unix_ms();
    client.must("CLIENT PAUSE 20000 WRITE");
    assert_eq!(waiting.receive(), Value::Null);
    assert!(unix_ms() - start < 15_000, "not only when the pause is over");
}

#[test]
fn without_enough_replicas() {
    let server = Server::builder().listening().start();
    let (mut waiting, mut client) = waiter(&server);
    client.must("CONFIG SET min-replicas-to-write 1");
    assert_eq!(waiting.receive(), Value::Null);
    // Nothing is handed out meanwhile.
    client.must("CONFIG SET min-replicas-to-write 0");
    waiting.send("TASK.CLAIM q w BLOCK 0");
    client.schedule("q x ID a DELAY 50");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    client.must("CONFIG SET min-replicas-to-write 1");
    let until = unix_ms() + 200;
    while unix_ms() < until {
        assert!(waiting.is_silent());
    }
    client.must("CONFIG SET min-replicas-to-write 0");
    assert_eq!(waiting.receive().ids(), ["a"]);
}

#[test]
fn on_a_replica_that_may_be_written() {
    let server = Server::builder()
        .set("replicaof", "127.0.0.1 1")
        .set("replica-read-only", "no")
        .start();
    let mut client = server.client();
    assert_eq!(client.call("TASK.CLAIM q w BLOCK 50"), Value::Null);
    client.schedule("q x ID a");
    assert_eq!(client.call("TASK.CLAIM q w BLOCK 50").ids(), ["a"]);
}

/// Three thousand ghosts in the ready list.
#[track_caller]
fn cancelled(client: &mut Client) {
    for _ in 0..3 {
        let ids = client.must(&format!("TASK.MSCHEDULE q 1000{}", " x".repeat(1_000)));
        let ids: Vec<String> = ids.items().iter().map(Value::text).collect();
        client.must(&format!("TASK.CANCEL q {}", ids.join(" ")));
    }
}

#[test]
fn when_only_ids_that_do_not_count_are_there_and_nobody_sweeps() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    cancelled(&mut client);
    assert_eq!(client.call("TASK.CLAIM q w"), Value::Null);
    assert_eq!(client.call("TASK.CLAIM q w BLOCK 200"), Value::Null);
}

#[test]
fn when_a_live_task_stands_behind_them_and_nobody_sweeps() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    cancelled(&mut client);
    client.schedule("q x ID live");
    // Null until the search reaches the end, but never a wait without BLOCK.
    wait_until("the live one is claimed", || {
        client.call("TASK.CLAIM q w").ids() == ["live"]
    });
}

#[test]
fn when_the_client_was_served_in_the_last_moment() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting: Vec<Client> = (0..50).map(|_| server.client()).collect();
    for round in 0..10 {
        for waiting in &mut waiting {
            waiting.send("TASK.CLAIM q w BLOCK 20");
        }
        let until = unix_ms() + 20;
        let mut made = 0;
        while unix_ms() < until + 5 {
            if unix_ms() + 3 > until {
                client.schedule(&format!("q x ID r{round}-{made}"));
                made += 1;
            }
        }
        let claimed: usize = waiting.iter_mut().map(|waiting| waiting.receive().ids().len()).sum();
        let left = client.stat("q", "ready_tasks");
        assert_eq!(claimed as i64 + left, made, "each is either handed over or still there");
        client.must("TASK.DROP q FORCE");
    }
}
