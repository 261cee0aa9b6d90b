//! Attempts, backoff, dead letters and RETRY.

use crate::support::{Client, Server, unix_ms, wait_until};

/// Schedules task `id` and lets it die.
#[track_caller]
fn dead(client: &mut Client, id: &str) {
    client.schedule(&format!("q payload-{id} ID {id}"));
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q {id} {token} ERROR because-{id} DEAD"));
}

#[test]
fn a_failed_task_waits_for_its_backoff_and_dies_after_its_last_attempt() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a ATTEMPTS 3 BACKOFF EXPONENTIAL 40 MAX 60");
    for (attempt, wait) in [(1, 40), (2, 60)] {
        let reply = client.must("TASK.CLAIM q w BLOCK 10000");
        assert_eq!(reply.item(0).field("attempt").int(), attempt);
        let token = reply.item(0).field("token").int();
        let before = unix_ms();
        let reply = client.call(&format!("TASK.FAIL q a {token} ERROR no-{attempt}"));
        let due = reply.field("due_at").int();
        assert!((before + wait..=unix_ms() + wait).contains(&due));
        assert_eq!(
            reply,
            format!("{{state: 'scheduled', due_at: {due}, attempt: {attempt}}}")
        );
        let shown = client.get("q", "a", "due_at attempt error");
        assert_eq!(shown, format!("due_at {due}, attempt {attempt}, error 'no-{attempt}'"));
    }
    let reply = client.must("TASK.CLAIM q w BLOCK 10000");
    let token = reply.item(0).field("token").int();
    assert_eq!(
        client.call(&format!("TASK.FAIL q a {token} ERROR last")),
        "{state: 'dead', due_at: null, attempt: 3}"
    );
    assert_eq!(
        client.get("q", "a", "state attempt error"),
        "state 'dead', attempt 3, error 'last'"
    );
    assert_eq!(client.counts("q"), "dead 1");
}

#[test]
fn the_default_backoff_takes_up_to_a_fifth_of_a_second_away() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w");
    let before = unix_ms();
    let due = client.call(&format!("TASK.FAIL q a {token}")).field("due_at").int();
    assert!((before + 800..=unix_ms() + 1_000).contains(&due));
    assert_eq!(
        client.get("q", "a", "backoff error"),
        "backoff 'EXPONENTIAL 1000 MAX 3600000 JITTER 20', error null"
    );
}

#[test]
fn fail_takes_a_delay_of_its_own_but_not_beyond_the_last_attempt() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a ATTEMPTS 3");
    let (_, token) = client.claim("q w");
    let before = unix_ms();
    let due = client
        .call(&format!("TASK.FAIL q a {token} DELAY 700000"))
        .field("due_at")
        .int();
    assert!((before + 700_000..=unix_ms() + 700_000).contains(&due));
    client.must("TASK.RESCHEDULE q a DELAY 0");
    let (_, token) = client.claim("q w");
    assert_eq!(
        client.call(&format!("TASK.FAIL q a {token} DELAY 0")).field("state"),
        &crate::support::Value::Bulk(b"ready".into())
    );
    let (_, token) = client.claim("q w");
    assert_eq!(
        client.call(&format!("TASK.FAIL q a {token} DELAY 0")),
        "{state: 'dead', due_at: null, attempt: 3}"
    );
}

#[test]
fn an_error_text_is_cut_to_four_kib() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w");
    let error = "é".repeat(2_500);
    client.must(&format!("TASK.FAIL q a {token} ERROR {error}"));
    let kept = client.call("TASK.GET q a").field("error").bytes().to_vec();
    assert!((4_092..=4_096).contains(&kept.len()), "{} bytes", kept.len());
    assert!(error.as_bytes().starts_with(&kept));
}

#[test]
fn a_lost_lease_uses_an_attempt_and_the_task_goes_to_the_head() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b"] {
        client.schedule(&format!("q x ID {id}"));
    }
    client.claim("q w LEASE 30");
    wait_until("the lease is lost", || client.counts("q") == "ready 2");
    assert_eq!(client.listed("q", "ready"), ["a", "b"]);
    assert_eq!(
        client.get("q", "a", "attempt losses deliveries worker remaining_ms"),
        "attempt 1, losses 1, deliveries 1, worker null, remaining_ms null"
    );
    assert_eq!(client.stat("q", "lost_total"), 1);
    let claimed = client.call("TASK.CLAIM q w");
    assert_eq!(claimed.item(0).field("attempt").int(), 2);
}

#[test]
fn a_task_lost_too_often_is_dead() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q max-lost 1");
    client.schedule("q x ID a");
    client.claim("q w LEASE 20");
    wait_until("it is lost once", || client.counts("q") == "ready 1");
    client.claim("q w LEASE 20");
    wait_until("it is lost twice", || client.counts("q") == "dead 1");
    assert_eq!(
        client.get("q", "a", "state attempt losses"),
        "state 'dead', attempt 2, losses 2"
    );
}

#[test]
fn a_lost_last_attempt_is_the_end() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a ATTEMPTS 1");
    client.claim("q w LEASE 20");
    wait_until("it is dead", || client.counts("q") == "dead 1");
    assert_eq!(client.get("q", "a", "attempt losses"), "attempt 1, losses 1");
}

#[test]
fn retry_brings_dead_tasks_back_with_fresh_attempts() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c", "d"] {
        dead(&mut client, id);
    }
    assert_eq!(client.call("TASK.RETRY q c nobody a c"), "2");
    assert_eq!(client.counts("q"), "ready 2 dead 2");
    assert_eq!(
        client.get("q", "c", "state attempt losses finished_at"),
        "state 'ready', attempt 0, losses 0, finished_at null"
    );
    assert_eq!(client.listed("q", "ready"), ["c", "a"]);
    assert_eq!(client.call("TASK.RETRYALL q COUNT 1").item(1), &1.to_string());
    assert_eq!(client.listed("q", "dead"), ["d"]);
    assert_eq!(client.call("TASK.RETRYALL q"), "['0', 1]");
    assert_eq!(client.call("TASK.RETRYALL q"), "['0', 0]");
    let claimed = client.call("TASK.CLAIM q w COUNT 9");
    assert_eq!(claimed.ids(), ["c", "a", "b", "d"]);
    assert!(claimed.items().iter().all(|task| task.field("attempt").int() == 1));
}

#[test]
fn only_so_many_dead_tasks_are_kept() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q dead-limit 2");
    for id in ["a", "b", "c", "d"] {
        dead(&mut client, id);
    }
    wait_until("the oldest are gone", || client.counts("q") == "dead 2");
    assert_eq!(client.listed("q", "dead"), ["c", "d"]);
    assert_eq!(client.get("q", "a", "state"), "gone");
    client.must("TASK.CONFIG SET q dead-retain 1");
    wait_until("all are too old", || client.counts("q").is_empty());
    let tasks: Vec<String> = client
        .keys()
        .into_iter()
        .filter(|key| key.contains(":t:") || key.contains(":x:"))
        .collect();
    assert_eq!(tasks, Vec::<String>::new());
}

#[test]
fn purge_takes_what_is_old_enough_and_not_more_than_asked_for() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c"] {
        dead(&mut client, id);
        client.schedule(&format!("q x ID r{id} DELAY 3600000"));
    }
    for id in ["x", "y", "z"] {
        client.schedule(&format!("q x ID {id}"));
    }
    assert_eq!(client.counts("q"), "scheduled 3 ready 3 dead 3");
    assert_eq!(client.call("TASK.PURGE q dead OLDER 3600000"), "['0', 0]");
    assert_eq!(client.call("TASK.PURGE q dead COUNT 1").item(1), &1.to_string());
    assert_eq!(client.listed("q", "dead"), ["b", "c"]);
    assert_eq!(client.call("TASK.PURGE q ready COUNT 2").item(1), &2.to_string());
    assert_eq!(client.listed("q", "ready"), ["z"]);
    assert_eq!(client.call("TASK.PURGE q scheduled"), "['0', 3]");
    assert_eq!(client.call("TASK.PURGE q dead"), "['0', 2]");
    assert_eq!(client.counts("q"), "ready 1");
    assert_eq!(client.call("TASK.CLAIM q w").ids(), ["z"]);
}

#[test]
fn the_ends_of_every_range_work() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a ATTEMPTS 46655 BACKOFF FIXED 0 LEASE 1728000000 PRIORITY 0 DELAY 0");
    let (_, token) = client.claim("q w LEASE 1728000000");
    assert!(client.call(&format!("TASK.EXTEND q a {token}")).int() > 1_727_000_000);
    assert_eq!(
        client.call(&format!("TASK.FAIL q a {token}")).field("state").text(),
        "ready"
    );
    client.schedule("q x ID b BACKOFF EXPONENTIAL 3153600000000 MAX 3153600000000 JITTER 100 PRIORITY 9");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q a {token}"));
    let (_, token) = client.claim("q w");
    let due = client.call(&format!("TASK.FAIL q b {token}")).field("due_at").int();
    assert!(due <= unix_ms() + 3_153_600_000_000);
    assert_eq!(client.call("TASK.RESCHEDULE q b AT 100000000000000"), "100000000000000");
    assert_eq!(client.get("q", "b", "due_at"), "due_at 100000000000000");
    client.must("TASK.RESCHEDULE q b DELAY 0");
    let (_, token) = client.claim("q w");
    let before = unix_ms();
    assert_eq!(
        client.call(&format!("TASK.RELEASE q b {token} DELAY 3153600000000")),
        "+OK"
    );
    let due = client.call("TASK.GET q b").field("due_at").int();
    assert!((before + 3_153_600_000_000..=unix_ms() + 3_153_600_000_000).contains(&due));
    client.must("TASK.CONFIG SET q dead-limit 0 max-lost 0 attempts 1");
    client.schedule("q x ID c");
    client.claim("q w LEASE 1");
    wait_until("it is lost, dead and not kept", || {
        client.get("q", "c", "state") == "gone"
    });
    assert_eq!(client.counts("q"), "scheduled 1");
}
