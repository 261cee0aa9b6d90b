//! TASK.DROP: empty at once for every command, the keys removed in slices.

use crate::support::{Server, Value, wait_until};

#[test]
fn everything_of_a_queue_goes_and_the_count_is_told() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q lease 77");
    client.must("TASK.MSCHEDULE q 3 a b c");
    client.schedule("q x ID later DELAY 3600000");
    client.schedule("q x ID dead PRIORITY 0");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q dead {token} ERROR e DEAD"));
    client.schedule("other x ID mine");
    assert_eq!(client.counts("q"), "scheduled 1 ready 3 dead 1");
    assert_eq!(client.call("TASK.DROP q"), "5");
    assert_eq!(client.counts("q"), "");
    assert_eq!(client.get("q", "later", "state"), "gone");
    assert_eq!(client.call("TASK.CLAIM q w"), Value::Null);
    assert_eq!(client.call("TASK.CONFIG GET q lease"), "{lease: '30000'}");
    assert_eq!(client.call("TASK.DROP q"), "0");
    wait_until("its keys are gone", || {
        client.keys() == ["task:{other}:ready:5", "task:{other}:t:mine"]
    });
}

#[test]
fn a_queue_with_claims_is_dropped_only_by_force() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w");
    let digest = client.digest();
    assert_eq!(
        client.call("TASK.DROP q"),
        "-BUSYQUEUE tasks are claimed, 1 in all: wait, or use FORCE"
    );
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call("TASK.DROP q FORCE"), "2");
    for verb in ["ACK", "FAIL", "RELEASE", "EXTEND"] {
        assert_eq!(
            client.call(&format!("TASK.{verb} q a {token}")),
            "-NOTASK no such task",
            "{verb}"
        );
    }
    assert_eq!(client.call("TASK.WORKERS q"), "['0', []]");
    wait_until("its keys are gone", || client.keys().is_empty());
}

#[test]
fn a_dropped_queue_is_used_again_before_it_is_swept() {
    let mut server = Server::builder().append_always().set("steward.timer", "no").start();
    let mut client = server.client();
    for id in ["a", "b", "c"] {
        client.schedule(&format!("q old ID {id}"));
    }
    client.schedule("q old ID d DELAY 3600000");
    assert_eq!(client.call("TASK.DROP q"), "4");
    client.schedule("q new ID b PRIORITY 0");
    client.schedule("q new ID a");
    let check = |client: &mut crate::support::Client| {
        assert_eq!(client.counts("q"), "ready 2");
        assert_eq!(client.listed("q", "ready"), ["b", "a"]);
        for id in ["c", "d"] {
            assert_eq!(client.get("q", id, "state"), "gone");
            assert_eq!(client.call(&format!("TASK.CANCEL q {id}")), "0");
        }
    };
    check(&mut client);
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    check(&mut client);
    client.must("CONFIG SET steward.timer yes");
    wait_until("only the new tasks have keys", || {
        client.keys() == ["task:{q}:ready:0", "task:{q}:ready:5", "task:{q}:t:a", "task:{q}:t:b"]
    });
    check(&mut client);
    let claimed = client.call("TASK.CLAIM q w COUNT 9");
    let payloads: Vec<String> = claimed
        .items()
        .iter()
        .map(|task| task.field("payload").text())
        .collect();
    assert_eq!(
        (claimed.ids(), payloads),
        (vec!["b".into(), "a".into()], vec!["new".to_string(), "new".into()])
    );
}

#[test]
fn a_queue_is_dropped_twice_while_the_first_sweep_waits() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for round in 0..3 {
        client.schedule(&format!("q {round} ID a"));
        client.schedule(&format!("q {round} ID r{round}"));
        assert_eq!(client.counts("q"), "ready 2");
        assert_eq!(client.call("TASK.DROP q"), "2");
    }
    assert_eq!(client.counts("q"), "");
    client.must("CONFIG SET steward.timer yes");
    wait_until("its keys are gone", || client.keys().is_empty());
}

#[test]
fn a_large_queue_is_dropped_at_once_and_others_go_on() {
    let server = Server::start();
    let mut client = server.client();
    let payloads = " x".repeat(1_000);
    for _ in 0..100 {
        client.must(&format!("TASK.MSCHEDULE q 1000{payloads} DELAY 3600000"));
    }
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    assert_eq!(client.call("TASK.DROP q"), "100000");
    assert_eq!(client.counts("q"), "");
    client.schedule("q new ID a");
    assert_eq!(waiting.receive().ids(), ["a"]);
    wait_until("the rest is swept", || client.call("DBSIZE").int() <= 3);
    assert_eq!(client.get("q", "a", "state"), "state 'claimed'");
}

#[test]
fn drops_in_turn_with_new_tasks_do_not_pile_up() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for _ in 0..100 {
        client.schedule("q x");
        assert_eq!(client.call("TASK.DROP q"), "1");
        let drops = client.must("HGET task:{q} drops").text();
        assert_eq!(drops.split(' ').count(), 1, "{drops}");
    }
    let payloads = " x".repeat(100);
    let mut last = Value::Null;
    for _ in 0..100 {
        client.must(&format!("TASK.MSCHEDULE q 100{payloads}"));
        last = client.call("TASK.DROP q");
        if last.is_error() {
            break;
        }
    }
    assert_eq!(
        last,
        "-BUSYQUEUE the tasks of 32 earlier drops are still being removed: try again later"
    );
    client.must("CONFIG SET steward.timer yes");
    wait_until("it can be dropped", || !client.call("TASK.DROP q").is_error());
    wait_until("its keys are gone", || client.keys().is_empty());
}

#[test]
fn a_record_of_a_later_version_goes_when_it_can_be_read() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b DELAY 3600000");
    client.must("SETRANGE task:{q}:t:a 0 2");
    assert_eq!(client.call("TASK.DROP q"), "2");
    wait_until("the other is gone", || client.call("EXISTS task:{q}:t:b") == "0");
    assert_eq!(client.call("EXISTS task:{q}:t:a"), "1");
    client.must("SETRANGE task:{q}:t:a 0 1");
    assert_eq!(client.get("q", "a", "state"), "gone");
    wait_until("its keys are gone", || client.keys().is_empty());
}
