//! The names and values of the fields in replies: docs/reference/fields.md.

use std::collections::BTreeSet;

use crate::support::{Server, Value, wait_until};

/// The fields of all maps in a reply, at any depth.
fn fields<'v>(value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        Value::Map(pairs) => {
            for (name, value) in pairs {
                found.push((name.text(), value));
                fields(value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_name_of_a_number_that_is_shown_says_whether_it_is_a_moment() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["claimed", "dead", "done"] {
        client.schedule(&format!("q x ID {id} RETAIN 60000"));
    }
    let claim = client.call("TASK.CLAIM q w COUNT 3 LEASE 60000 FULL");
    let token = |at: usize| claim.item(at).field("token").int();
    client.must(&format!("TASK.ACK q done {}", token(2)));
    client.schedule("q x ID scheduled DELAY 60000");
    client.schedule("q x ID ready EXPIRE 60000");
    client.must("TASK.REPEAT q r x EVERY 20 START 1600000000000 END 99999999999999");
    wait_until("it came", || client.stat("q", "ready_tasks") > 1);
    client.must("TASK.PAUSE q FOR 60000");
    let registered = client.must("PID.REGISTER s a 1 TTL 60000 EXCLUSIVE");
    client.must("PID.REGISTER s b 1 TTL 60000 BIND GRACE 7");
    let member = registered.field("token").int();

    let mut shown = vec![client.must(&format!("TASK.FAIL q dead {} DEAD", token(1)))];
    for id in ["claimed", "dead", "done", "scheduled", "ready"] {
        shown.push(client.must(&format!("TASK.GET q {id}")));
    }
    for words in [
        "TASK.STATS q",
        "TASK.HISTORY q",
        "TASK.EXPLAIN q w",
        "TASK.WORKERS q",
        "TASK.REPEATS q",
        "PID.GET s b",
        "PID.LIST s",
        "PID.REGISTER s c 1 EXCLUSIVE",
        "HB.LEADER s",
        &format!("HB.BEAT s a TOKEN {member}"),
        &format!("HB.CAMPAIGN s a {member}"),
    ] {
        shown.push(client.must(words));
    }
    shown.extend([claim, registered]);
    let mut found = Vec::new();
    shown.iter().for_each(|reply| fields(reply, &mut found));
    let mut moments = BTreeSet::new();
    for (name, value) in found {
        let Value::Int(number) = value else { continue };
        let is_moment = (1_000_000_000_000..100_000_000_000_000).contains(number);
        let is_named_so = name.ends_with("_at") || name.ends_with("_until");
        assert_eq!(is_moment, is_named_so, "{name} {number}");
        if is_moment {
            moments.insert(name);
        }
    }
    let expected = "claimed_at created_at due_at end_at expires_at finished_at kept_until last_at next_at paused_until registered_at since_at start_at until_at";
    assert_eq!(moments.into_iter().collect::<Vec<_>>().join(" "), expected);
}
