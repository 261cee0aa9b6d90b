//! What operators do to single tasks: UNCLAIM, BURY, EDIT, TRIGGER.

use crate::support::rig::Rig;
use crate::support::{Server, Value, unix_ms, wait_until};

#[test]
fn an_unclaimed_task_goes_to_a_waiting_worker_and_its_old_token_is_stale() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a LEASE 3600000");
    let (_, token) = client.claim("q stuck");
    let mut other = server.client();
    other.send("TASK.CLAIM q other BLOCK 0");
    wait_until("it waits", || client.stat("q", "waiting_clients") == 1);
    assert_eq!(client.call("TASK.UNCLAIM q a nobody"), "1");
    let claim = other.receive();
    assert_eq!(claim.ids(), ["a"]);
    assert_eq!(claim.item(0).field("attempt"), &Value::Int(1));
    assert_eq!(
        client.call(&format!("TASK.ACK q a {token}")),
        "-STALE this token holds no claim: the task is now claimed with another token"
    );
    assert_eq!(
        client.get("q", "a", "worker losses deliveries"),
        "worker 'other', losses 0, deliveries 2"
    );
}

#[test]
fn a_task_is_buried_with_a_reason_and_can_be_retried() {
    // It would remove the place of b in a ready list meanwhile.
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for words in ["a DELAY 3600000", "b", "c PRIORITY 0"] {
        client.schedule(&format!("q x ID {words}"));
    }
    let (_, token) = client.claim("q w");
    for id in ["a", "b"] {
        assert_eq!(client.call(&format!("TASK.BURY q {id}")), "+OK");
    }
    let reason = "will never work: no such address";
    assert_eq!(client.call_args(&["TASK.BURY", "q", "c", "REASON", reason]), "+OK");
    assert_eq!(client.counts("q"), "dead 3");
    assert_eq!(
        client.get("q", "c", "state attempt error"),
        format!("state 'dead', attempt 1, error '{reason}'")
    );
    assert_eq!(client.call(&format!("TASK.FAIL q c {token}")).code(), "STALE");
    let digest = client.digest();
    assert_eq!(
        client.call("TASK.BURY q c REASON other"),
        "-NOTASK not a task that waits or is claimed: it is dead"
    );
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call("TASK.RETRY q a b c"), "3");
    assert_eq!(client.counts("q"), "ready 3");
}

#[test]
fn an_edited_task_has_the_new_payload_in_its_old_place() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q old ID a");
    client.schedule("q old ID b");
    let payload: &[u8] = b"any \0\xff\r\n bytes";
    let words: [&[u8]; 5] = [b"TASK.EDIT", b"q", b"a", b"PAYLOAD", payload];
    assert_eq!(client.call_args(&words), "+OK");
    let claim = client.call("TASK.CLAIM q w");
    assert_eq!(claim.ids(), ["a"]);
    assert_eq!(claim.item(0).field("payload").bytes(), payload);
    assert_eq!(
        client.call("TASK.EDIT q a PAYLOAD late"),
        "-NOTASK not a task that waits: it is claimed"
    );
    client.must("CONFIG SET maxmemory 1");
    assert_eq!(client.call("TASK.EDIT q b PAYLOAD x").code(), "OOM");
}

#[test]
fn a_recurring_task_is_triggered_between_its_occurrences() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.REPEAT q n work EVERY 3600000 LIMIT 1 OVERLAP SKIP");
    let shown = client.call("TASK.REPEATS q");
    let before = unix_ms();
    let id = client.must("TASK.TRIGGER q n").text();
    let now: i64 = id.strip_prefix("n:").unwrap().parse().unwrap();
    assert!((before..=unix_ms()).contains(&now));
    assert_eq!(client.get("q", &id, "state payload"), "state 'ready', payload 'work'");
    assert_eq!(client.call("TASK.REPEATS q"), shown);
    assert_eq!(client.call("TASK.TRIGGER q other"), "-NOTASK no recurring task other");
}

#[test]
fn each_sends_its_values_and_never_its_decision() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE q x ID a");
    rig.sent("TASK.SCHEDULE q x ID b");
    rig.sent("TASK.CLAIM q w");
    assert_eq!(
        rig.sent("TASK.UNCLAIM q a b"),
        ["q: zrem claimed [a]; lpush ready:5 [a]; patch t:a waiting p=5 deliveries=1 fence=T1 due=MS"]
    );
    assert_eq!(
        rig.sent("TASK.EDIT q b PAYLOAD new"),
        ["q: set t:b waiting p=5 fence=F due=MS 'new'"]
    );
    rig.sent("TASK.CLAIM q w");
    let sent = rig.sent("TASK.BURY q a REASON why");
    for effect in [
        "zrem claimed [a]",
        "hset x:a [error why]",
        "patch t:a dead p=5 flags=1 used=1",
        "zadd dead [MS a]",
    ] {
        assert!(sent.len() == 1 && sent[0].contains(effect), "{effect}: {sent:?}");
    }
    rig.sent("TASK.REPEAT q n work EVERY 3600000");
    let sent = rig.sent("TASK.TRIGGER q n");
    assert!(
        sent.len() == 1 && sent[0].contains("'work'") && !sent[0].contains("repeat"),
        "{sent:?}"
    );
}
