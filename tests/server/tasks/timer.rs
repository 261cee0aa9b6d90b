//! The timer: due tasks become ready, whatever the size of the burst, and an idle server stays idle.

use crate::support::{Server, unix_ms, wait_until};

#[test]
fn a_due_task_becomes_ready_in_time() {
    let server = Server::start();
    let mut client = server.client();
    let due = unix_ms() + 150;
    client.schedule(&format!("q x ID a AT {due}"));
    assert_eq!(client.counts("q"), "scheduled 1");
    let reply = client.must("TASK.CLAIM q w BLOCK 20000 FULL");
    let now = unix_ms();
    assert_eq!(reply.ids(), ["a"]);
    assert!(now >= due, "{} ms early", due - now);
    assert_eq!(reply.item(0).field("due_at").int(), due);
    assert!(client.stat("q", "late_max_ms") <= now - due + 1);
}

#[test]
fn a_time_in_the_past_is_now_and_seconds_are_told_apart() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule(&format!("q x ID past AT {}", unix_ms() - 5_000_000));
    client.schedule("q x ID zero DELAY 0");
    assert_eq!(client.counts("q"), "ready 2");
    let seconds = unix_ms() / 1_000;
    let refused = "-BADARG AT must be an integer from 100000000000 to 100000000000000 unix ms, not seconds";
    assert_eq!(client.call(&format!("TASK.SCHEDULE q x AT {seconds}")), refused);
    assert_eq!(client.call(&format!("TASK.RESCHEDULE q past AT {seconds}")), refused);
}

#[test]
fn a_nearer_task_is_not_kept_by_a_farther_one() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID far DELAY 3600000");
    client.schedule("other x ID middle DELAY 200");
    client.schedule("q x ID near DELAY 20");
    assert_eq!(client.must("TASK.CLAIM q w BLOCK 20000").ids(), ["near"]);
    assert_eq!(client.must("TASK.CLAIM other w BLOCK 20000").ids(), ["middle"]);
    assert_eq!(client.counts("q"), "scheduled 1 claimed 1");
}

#[test]
fn many_due_at_one_instant_are_all_ready_in_order_while_others_are_served() {
    const MANY: usize = 100_000;
    let server = Server::start();
    let mut client = server.client();
    let due = unix_ms() + 3_600_000;
    client.must("CONFIG SET steward.timer no");
    let payloads = " x".repeat(1_000);
    client.pipeline((0..MANY / 1_000).map(|_| format!("TASK.MSCHEDULE q 1000{payloads} AT {due}")));
    assert_eq!(client.counts("q"), format!("scheduled {MANY}"));
    // The same moment for all, in the past, as after a long stall.
    let past = unix_ms() - 1_000;
    let script = "local k = KEYS[1]; local z = redis.call('ZRANGE', k, 0, -1); \
                  for i = 1, #z do redis.call('ZADD', k, ARGV[1], z[i]) end; return #z";
    assert_eq!(
        client
            .call_args(&["EVAL", script, "1", "task:{q}:scheduled", &past.to_string()])
            .int(),
        MANY as i64
    );
    let expected: Vec<String> = client
        .must("ZRANGE task:{q}:scheduled 0 -1")
        .items()
        .iter()
        .map(crate::support::Value::text)
        .collect();
    client.schedule("small x ID one DELAY 1");
    client.must("CONFIG SET steward.timer yes");
    let reply = client.must("TASK.CLAIM small w BLOCK 20000");
    assert_eq!(reply.ids(), ["one"]);
    wait_until("all are ready", || client.counts("q") == format!("ready {MANY}"));
    let list: Vec<String> = client
        .must("LRANGE task:{q}:ready:5 0 -1")
        .items()
        .iter()
        .map(crate::support::Value::text)
        .collect();
    assert!(list == expected, "in the order of their ids");
    assert_eq!(client.call("EXISTS task:{q}:scheduled"), "0");
}

#[test]
fn nothing_moves_while_the_timer_is_off() {
    let server = Server::builder().set("appendonly", "yes").start();
    let mut client = server.client();
    client.must("CONFIG SET steward.timer no");
    client.schedule("q x ID later DELAY 20");
    client.schedule("q x ID lost");
    let mut bound = server.client();
    client.schedule("q x ID bound PRIORITY 9");
    client.claim("q w LEASE 10");
    bound.must("TASK.CLAIM q w BIND");
    client.must("TASK.CONFIG SET q dead-retain 1");
    client.must("TASK.PAUSE q FOR 10");
    drop(bound);
    let digest = client.digest();
    let until = unix_ms() + 150;
    while unix_ms() < until {
        assert_eq!(client.counts("q"), "scheduled 1 claimed 2");
    }
    assert_eq!(client.digest(), digest);
    client.must("CONFIG SET steward.timer yes");
    wait_until("all has caught up", || client.counts("q") == "ready 3");
}

#[test]
fn a_lease_does_not_end_before_what_was_sent_in_time_is_read() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w LEASE 100");
    client.claim("q w LEASE 100");
    let mut blocker = server.client();
    blocker.send("DEBUG SLEEP 0.6");
    // Sent immediately, read after the stall: by the clock the lease is over, but the worker is not late.
    client.send(&format!("TASK.EXTEND q a {token} LEASE 30000"));
    assert!(client.receive().int() > 0);
    assert_eq!(blocker.receive(), "+OK");
    wait_until("the silent one is lost", || client.counts("q") == "ready 1 claimed 1");
    assert_eq!(client.get("q", "a", "state losses"), "state 'claimed', losses 0");
    assert_ne!(client.info("steward_stalls_total"), "0");
}

#[test]
fn queues_of_all_databases_are_served() {
    let server = Server::start();
    let mut client = server.client();
    for db in [0, 3, 15] {
        client.must(&format!("SELECT {db}"));
        client.schedule(&format!("q x ID of{db} DELAY 20"));
    }
    for db in [0, 3, 15] {
        client.must(&format!("SELECT {db}"));
        assert_eq!(client.must("TASK.CLAIM q w BLOCK 20000").ids(), [format!("of{db}")]);
    }
}
