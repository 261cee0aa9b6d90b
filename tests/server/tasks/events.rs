//! The event stream of a queue.

use crate::support::{Client, Server, wait_until};

/// The events of queue `q`, `type id worker attempt reason` each, `-` for what is empty.
#[track_caller]
pub(super) fn events(client: &mut Client) -> Vec<String> {
    let entries = client.must("XRANGE task:{q}:events - +");
    let event = |entry: &crate::support::Value| {
        let fields = entry.item(1);
        let names: Vec<String> = fields.items().iter().step_by(2).map(|name| name.text()).collect();
        assert_eq!(names, ["type", "id", "worker", "attempt", "reason", "kind"]);
        assert_eq!(fields.item(11).text(), "", "none of these tasks has a kind");
        let values = fields
            .items()
            .iter()
            .skip(1)
            .step_by(2)
            .take(5)
            .map(|value| match value.text() {
                empty if empty.is_empty() => "-".to_string(),
                text => text,
            });
        values.collect::<Vec<_>>().join(" ")
    };
    entries.items().iter().map(event).collect()
}

#[test]
fn what_went_wrong_is_told_once_and_in_order() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q max-lost 3 attempts 4");
    client.schedule("q x ID a");
    client.claim("q w1 LEASE 20");
    wait_until("its lease ran out", || client.counts("q") == "ready 1");
    let mut bound = server.client();
    bound.claim("q w2 BIND");
    drop(bound);
    wait_until("its connection closed", || client.counts("q") == "ready 1");
    client.must("PID.REGISTER q m 1 TTL 60000");
    client.claim("q m LEASE MEMBER");
    client.must("PID.EVICT q m");
    assert_eq!(client.counts("q"), "ready 1");
    let (_, token) = client.claim("q w1");
    client.must(&format!("TASK.FAIL q a {token}"));
    client.schedule("q x ID b");
    client.schedule("q x ID c DELAY 60000");
    client.claim("q w1");
    client.must("TASK.CANCEL q c b");
    client.must("TASK.CANCEL q b c");
    client.schedule("q x ID d EXPIRE 10");
    wait_until("it has expired", || client.stat("q", "expired_total") == 1);
    // Plain success emits no event.
    client.schedule("q x ID e UNIQUE k EXPIRE 60000");
    let (_, token) = client.claim("q w1");
    client.must(&format!("TASK.RELEASE q e {token}"));
    let (_, token) = client.claim("q w1");
    client.must(&format!("TASK.ACK q e {token}"));
    assert_eq!(
        events(&mut client),
        [
            "lost a w1 1 lease",
            "lost a w2 2 disconnect",
            "lost a m 3 member",
            "dead a w1 4 attempts",
            "cancelled c - - -",
            "cancelled b w1 1 -",
            "expired d - - -",
        ]
    );
    assert_eq!(client.info("steward_expired_total"), "1");
    client.must("TASK.DROP q FORCE");
    assert_eq!(events(&mut client), Vec::<String>::new());
}

#[test]
fn what_goes_well_is_told_too_if_the_queue_says_so() {
    let server = Server::start();
    let mut client = server.client();
    let life = |client: &mut Client, id: &str| {
        client.schedule(&format!("q x ID {id}"));
        let (_, token) = client.claim("q w");
        client.must(&format!("TASK.ACK q {id} {token}"));
    };
    // From the second one on such tasks take the short way.
    life(&mut client, "a");
    life(&mut client, "b");
    assert_eq!(events(&mut client), Vec::<String>::new());
    client.must("TASK.CONFIG SET q events-level ends");
    life(&mut client, "c");
    client.must("TASK.CONFIG SET q events-level all");
    life(&mut client, "d");
    client.must("TASK.CONFIG SET q events-level problems");
    life(&mut client, "e");
    assert_eq!(events(&mut client), ["done c w 1 -", "claimed d w 1 -", "done d w 1 -"]);
}

#[test]
fn the_stream_is_capped_and_can_be_turned_off() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q events 20");
    for n in 0..200 {
        client.schedule(&format!("q x ID t{n}"));
        client.must(&format!("TASK.CANCEL q t{n}"));
    }
    let kept = events(&mut client);
    assert!((20..=22).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap(), "cancelled t199 - - -");
    client.must("TASK.CONFIG SET q events 0");
    client.schedule("q x ID a");
    client.must("TASK.CANCEL q a");
    assert_eq!(events(&mut client), kept);
}

#[test]
fn a_key_of_another_type_in_its_place_is_an_error_before_anything_is_written() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    client.must("SET task:{q}:events x");
    client.schedule("q x ID a ATTEMPTS 1");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w");
    let digest = client.digest();
    for words in [
        "TASK.CANCEL q b".to_string(),
        "TASK.CANCEL q a".into(),
        format!("TASK.FAIL q a {token} ERROR x"),
        format!("TASK.FAIL q a {token} DEAD"),
    ] {
        assert_eq!(client.call(&words).code(), "WRONGTYPE", "{words}");
    }
    assert_eq!(client.digest(), digest);
    client.must(&format!("TASK.ACK q a {token}"));
    client.must("TASK.CONFIG SET q events 0");
    assert_eq!(client.call("TASK.CANCEL q b"), "1");
}
