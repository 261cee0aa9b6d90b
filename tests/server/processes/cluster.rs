//! Services in a cluster: routing, and slots on the move.

use crate::support::cluster::{Pair, name_of, slot};
use crate::support::{Client, Value, unix_ms, wait_until};

#[test]
fn a_service_its_keys_and_what_it_fences_are_in_the_slot_of_its_name() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    let (near, far) = (name_of(&mut first, 0), name_of(&mut first, 1));
    let token = first.register(&format!("{near} a 1 TTL 60000"));
    assert_eq!(first.campaign(&format!("{near} a {token}")), "leader");
    for key in first.keys() {
        assert_eq!(slot(&mut first, &key), slot(&mut first, &near), "{key}");
    }
    let moved = first.call(&format!("PID.REGISTER {far} a 1"));
    let expected = format!("-MOVED {} 127.0.0.1:{}", slot(&mut second, &far), pair.nodes[1].port());
    assert_eq!(moved, expected);
    second.register(&format!("{far} a 1 TTL 60000"));
    assert_eq!(first.call("PID.SERVICES"), format!("['0', ['{near}']]"));
    assert_eq!(second.call("PID.SERVICES"), format!("['0', ['{far}']]"));
    what_is_fenced_stays_in_its_slot(&mut first, &near);
}

#[track_caller]
fn what_is_fenced_stays_in_its_slot(first: &mut Client, near: &str) {
    let other = (0..)
        .map(|n| format!("other{n}"))
        .find(|name| !first.call(&format!("GET {name}")).is_error())
        .unwrap();
    let epoch = first.epoch(near);
    for inner in [
        format!("SET {other} 1"),
        format!("MSET {{{near}}}k 1 {other} 1"),
        format!("TASK.SCHEDULE {other} x"),
    ] {
        let refused = first.call(&format!("HB.FENCED {near} {epoch} {inner}"));
        assert_eq!(refused.code(), "BADARG", "{inner}: {refused}");
    }
    assert_eq!(first.call(&format!("EXISTS {other}")), "0");
    assert_eq!(
        first.call(&format!("HB.FENCED {near} {epoch} SET {{{near}}}k 1")),
        "+OK"
    );
    let late = first.call(&format!("HB.FENCED {near} {} SET {{{near}}}k 2", epoch - 1));
    assert_eq!(late, format!("-FENCED epoch={epoch} leader=a"));
    assert_eq!(first.call(&format!("GET {{{near}}}k")), "'1'");
}

/// Begins to move the slot of a name from the first node to the second, key by key.
#[track_caller]
fn begin_to_move(first: &mut Client, second: &mut Client, slot: i64) -> [String; 2] {
    let ids = [first.must("CLUSTER MYID").text(), second.must("CLUSTER MYID").text()];
    second.must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0]));
    first.must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1]));
    ids
}

#[test]
fn a_service_on_the_move_is_tried_again_and_arrives_with_its_members_and_its_leader() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    let name = name_of(&mut first, 0);
    let slot = slot(&mut first, &name);
    let token = first.register(&format!("{name} a 1 TTL 60000"));
    first.must(&format!("HB.CAMPAIGN {name} a {token}"));
    first.register(&format!("{name} silent 2 TTL 300"));
    let epoch = first.epoch(&name);
    let ids = begin_to_move(&mut first, &mut second, slot);
    let calls = [
        "PID.REGISTER {s} b 1",
        "PID.LIST {s}",
        "PID.GET {s} a",
        "PID.EVICT {s} a",
        "PID.DROP {s} FORCE",
        "HB.BEAT {s} c",
        "HB.LEADER {s}",
        "HB.SIGNAL {s} * stop",
        "HB.CHECK {s} 5",
        "HB.FENCED {s} 5 SET {{s}}x 1",
    ];
    for call in calls.map(|call| call.replace("{s}", &name)) {
        let sent = first.call(&call).code().to_string();
        assert!(sent == "ASK" || sent == "TRYAGAIN", "{call}: {sent}");
        second.must("ASKING");
        assert_eq!(second.call(&call).code(), "TRYAGAIN", "{call}");
    }
    let overdue = unix_ms() + 500;
    wait_until("the silent one is overdue", || unix_ms() > overdue);
    let keys: Vec<String> = first
        .must(&format!("CLUSTER GETKEYSINSLOT {slot} 100"))
        .items()
        .iter()
        .map(Value::text)
        .collect();
    assert!(!keys.is_empty());
    for key in keys {
        first.must(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", pair.nodes[1].port()));
    }
    for client in [&mut second, &mut first] {
        client.must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
    }
    assert_eq!(second.leader(&name), format!("a {epoch}"));
    assert_eq!(second.beat(&name, "a", token), "leader");
    assert_eq!(
        second.call(&format!("HB.FENCED {name} {epoch} SET {{{name}}}x 1")),
        "+OK"
    );
    wait_until("the silent one dies there", || second.members(&name) == ["a"]);
    assert_eq!(second.deaths(&name), ["silent ttl"]);
    assert_eq!(first.call(&format!("PID.LIST {name}")).code(), "MOVED");
    assert_eq!(first.call("PID.SERVICES"), "['0', []]");
}

#[test]
fn who_waits_for_a_service_that_moves_away_is_told() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    let name = name_of(&mut first, 0);
    let slot = slot(&mut first, &name);
    let leads = first.register(&format!("{name} a 1 TTL 60000"));
    first.must(&format!("HB.CAMPAIGN {name} a {leads}"));
    let waits = first.register(&format!("{name} b 2 TTL 60000"));
    let mut waiting = [
        pair.nodes[0].waiter(&format!("HB.CAMPAIGN {name} b {waits} BLOCK 0")),
        pair.nodes[0].waiter(&format!("PID.REGISTER {name} c 3 EXCLUSIVE BLOCK 0")),
        pair.nodes[0].waiter(&format!("PID.AWAIT {name} a DOWN BLOCK 0")),
    ];
    // The keys are gone before the slot moves: a slot with keys cannot be assigned to another node.
    let ids = begin_to_move(&mut first, &mut second, slot);
    for key in first.keys() {
        first.must(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", pair.nodes[1].port()));
    }
    for client in [&mut second, &mut first] {
        client.must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
    }
    for waiting in &mut waiting {
        let reply = waiting.receive();
        assert!(["TRYAGAIN", "MOVED", "UNBLOCKED"].contains(&reply.code()), "{reply}");
    }
    assert_eq!(
        second.leader(&name).split(' ').next(),
        Some("a"),
        "nobody died on the way"
    );
    assert_eq!(second.deaths(&name), Vec::<String>::new());
}
