//! EXPIRE: tasks that are not claimed in time.

use super::events::events;
use crate::support::{Server, Value, unix_ms, wait_until};

#[test]
fn a_task_that_nobody_claims_is_dropped_also_while_the_queue_is_paused() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.PAUSE q");
    let before = unix_ms();
    client.schedule("q x ID a EXPIRE 30");
    client.schedule("q x ID b DELAY 20 EXPIRE 30 PRIORITY 1");
    client.schedule("q x ID c EXPIRE 3600000");
    client.must("TASK.MSCHEDULE q 3 x y z EXPIRE 30");
    wait_until("they are dropped", || client.stat("q", "expired_total") == 5);
    assert!(unix_ms() - before >= 50, "b became ready before its time ran");
    assert_eq!(client.counts("q"), "ready 1");
    assert_eq!(client.get("q", "a", "state"), "gone");
    let seen = events(&mut client);
    let count = |event: &str| seen.iter().filter(|seen| *seen == event).count();
    assert_eq!(
        (seen.len(), count("expired a - - -"), count("expired b - - -")),
        (5, 1, 1)
    );
    assert_eq!(client.call("ZCARD task:{q}:expiring"), "1");
    let expires: i64 = client.must("TASK.GET q c").field("expires_at").int();
    assert!((before + 3_600_000..=unix_ms() + 3_600_000).contains(&expires));
    client.must("TASK.RESUME q");
    assert_eq!(client.claim("q w").0, "c");
    assert_eq!(client.call("EXISTS task:{q}:expiring"), "0");
    assert_eq!(client.get("q", "c", "expires_at"), "expires_at null");
}

#[test]
fn whoever_holds_it_has_all_the_time_and_it_starts_again_when_it_comes_back() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a EXPIRE 40");
    let (_, token) = client.claim("q w");
    client.schedule("q x ID other EXPIRE 40");
    wait_until("the other is gone", || client.counts("q") == "claimed 1");
    client.must(&format!("TASK.FAIL q a {token} DELAY 20"));
    assert_eq!(client.counts("q"), "scheduled 1");
    wait_until("it has expired too", || client.counts("q").is_empty());
    assert_eq!(client.stat("q", "expired_total"), 2);
}

#[test]
fn what_ends_or_moves_a_task_takes_its_moment_along() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    let left = |client: &mut crate::support::Client| client.call("ZRANGE task:{q}:expiring 0 -1").to_string();
    for (id, when) in [("a", ""), ("b", " DELAY 60000"), ("c", ""), ("d", "")] {
        client.schedule(&format!("q x ID {id} EXPIRE 60000{when}"));
    }
    let scheduled = unix_ms();
    client.must("TASK.CANCEL q a");
    client.must("TASK.PURGE q scheduled");
    assert_eq!(left(&mut client), "['c', 'd']");
    let (id, token) = client.claim("q w");
    assert_eq!((id.as_str(), left(&mut client).as_str()), ("c", "['d']"));
    client.must(&format!("TASK.FAIL q c {token} DEAD"));
    assert_eq!(left(&mut client), "['d']");
    // In the same millisecond c and d would be in the order of their ids.
    wait_until("the clock has moved on", || unix_ms() > scheduled);
    client.must("TASK.RETRY q c");
    assert_eq!(left(&mut client), "['d', 'c']");
    client.must("TASK.RESCHEDULE q d DELAY 5000");
    assert_eq!(left(&mut client), "['c', 'd']");
    client.must("TASK.DROP q");
    assert_eq!(left(&mut client), "[]");
}

#[test]
fn it_survives_a_restart_and_a_promotion() {
    let mut server = Server::builder()
        .append_always()
        .listening()
        .set("steward.timer", "no")
        .start();
    let mut client = server.client();
    client.schedule("q x ID a EXPIRE 1");
    client.schedule("q x ID b");
    let replica = server.replica_with(Server::builder());
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
    assert_eq!(
        there.call("TASK.GET q a").field("expires_at"),
        client.call("TASK.GET q a").field("expires_at")
    );
    there.must("REPLICAOF NO ONE");
    wait_until("the new primary drops it", || there.counts("q") == "ready 1");
    assert_eq!(events(&mut there), ["expired a - - -"]);
    server.kill_9();
    server.start_again(&[("steward.timer", "yes")]);
    let mut client = server.client();
    wait_until("the old one too", || client.counts("q") == "ready 1");
    assert_eq!(client.call("TASK.GET q a"), Value::Null);
    assert_eq!(client.claim("q w").0, "b");
}

#[test]
fn many_expire_while_others_are_served() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.PAUSE q");
    let line = format!("TASK.MSCHEDULE q 1000{} EXPIRE 200", " x".repeat(1_000));
    for _ in 0..10 {
        client.must(&line);
    }
    wait_until("all are gone", || client.stat("q", "expired_total") == 10_000);
    assert_eq!(client.counts("q"), "");
    wait_until("without a trace", || client.keys() == ["task:{q}", "task:{q}:events"]);
    assert_eq!(client.call("HKEYS task:{q}"), "['paused_until']");
}
