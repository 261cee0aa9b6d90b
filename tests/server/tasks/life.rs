//! The life of a task: schedule, claim, acknowledge, fail, release, extend.

use crate::support::{Server, Value, unix_ms, wait_until};

#[test]
fn a_task_is_scheduled_claimed_and_acknowledged() {
    let server = Server::start();
    let mut client = server.client();
    let id = client.schedule("mail hello");
    assert_eq!(id.len(), 11, "{id}");
    assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v')), "{id}");
    assert_eq!(client.counts("mail"), "ready 1");
    let (claimed, token) = client.claim("mail w1");
    assert_eq!(claimed, id);
    assert!(token > unix_ms() * 900, "a token is at least the time in microseconds");
    assert_eq!(client.counts("mail"), "claimed 1");
    assert_eq!(client.call(&format!("TASK.ACK mail {id} {token}")), "+OK");
    assert_eq!(client.counts("mail"), "");
    assert_eq!(client.call(&format!("TASK.GET mail {id}")), Value::Null);
    assert_eq!(
        client.call(&format!("TASK.ACK mail {id} {token}")),
        "-NOTASK no such task"
    );
    // The number of its worker is kept for a while.
    assert_eq!(client.keys(), ["task:{mail}:workers"]);
}

#[test]
fn a_claim_shows_the_documented_fields_in_order() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.schedule("q p1 ID a");
    let reply = client.call("TASK.CLAIM q w");
    let token = reply.item(0).field("token").int();
    assert_eq!(
        reply,
        format!("[{{id: 'a', token: {token}, attempt: 1, kind: null, payload: 'p1'}}]")
    );
    let before = unix_ms();
    client.schedule("q p2 ID b PRIORITY 3 LEASE 7000");
    let reply = client.call("TASK.CLAIM q w FULL");
    let (token, due) = (reply.item(0).field("token").int(), reply.item(0).field("due_at").int());
    assert!((before..=unix_ms()).contains(&due));
    assert_eq!(
        reply,
        format!(
            "[{{id: 'b', token: {token}, attempt: 1, queue: 'q', due_at: {due}, priority: 3, \
             deliveries: 1, lease_ms: 7000, group: null, kind: null, payload: 'p2'}}]"
        )
    );
    client.schedule("q p3 ID c");
    let reply = two.call("TASK.CLAIM q w");
    let token = reply.item(0).field("token").int();
    assert_eq!(
        reply,
        format!("[['id', 'c', 'token', {token}, 'attempt', 1, 'kind', null, 'payload', 'p3']]")
    );
    assert_eq!(two.call("TASK.CLAIM q w"), Value::NullArray);
    assert_eq!(client.call("TASK.CLAIM q w"), Value::Null);
}

#[test]
fn get_shows_everything_known() {
    let server = Server::start();
    let mut client = server.client();
    let due = unix_ms() + 3_600_000;
    client.schedule(&format!(
        "q work ID a AT {due} PRIORITY 7 ATTEMPTS 4 BACKOFF FIXED 5000 LEASE 1234"
    ));
    let created = client.call("TASK.GET q a").field("created_at").int();
    assert!((unix_ms() - 5_000..=unix_ms()).contains(&created) && created % 1_000 == 0);
    assert_eq!(
        client.call("TASK.GET q a"),
        format!(
            "{{id: 'a', state: 'scheduled', kind: null, created_at: {created}, due_at: {due}, claimed_at: null, finished_at: null, run_ms: null, priority: 7, attempt: 0, max_attempts: 4, \
             backoff: 'FIXED 5000 MAX 5000 JITTER 0', deliveries: 0, losses: 0, worker: null, lease_ms: 1234, remaining_ms: null, \
             cancelled: 0, expires_at: null, unique: null, group: null, to: null, after: null, after_in: null, dependents: 0, error: null, progress: null, result: null, kept_until: null, origin: null, payload: 'work'}}"
        )
    );
    client.must("TASK.RESCHEDULE q a DELAY 0");
    let (_, token) = client.claim("q w1");
    client.must(&format!("TASK.EXTEND q a {token} PROGRESS half"));
    let shown = client.call("TASK.GET q a");
    let (due, left) = (shown.field("due_at").int(), shown.field("remaining_ms").int());
    assert!((1..=1234).contains(&left) && due <= unix_ms());
    assert_eq!(
        shown,
        format!(
            "{{id: 'a', state: 'claimed', kind: null, created_at: {created}, due_at: {due}, claimed_at: {}, finished_at: null, run_ms: null, priority: 7, attempt: 1, max_attempts: 4, \
             backoff: 'FIXED 5000 MAX 5000 JITTER 0', deliveries: 1, losses: 0, worker: 'w1', lease_ms: 1234, remaining_ms: {left}, \
             cancelled: 0, expires_at: null, unique: null, group: null, to: null, after: null, after_in: null, dependents: 0, error: null, progress: 'half', result: null, kept_until: null, origin: null, payload: 'work'}}",
            token / 1_000
        )
    );
    client.must(&format!("TASK.FAIL q a {token} ERROR boom DEAD"));
    let shown = client.call("TASK.GET q a");
    let died = shown.field("finished_at").int();
    assert!((unix_ms() - 5_000..=unix_ms()).contains(&died));
    assert_eq!(
        (shown.field("state"), shown.field("error")),
        (&Value::Bulk(b"dead".into()), &Value::Bulk(b"boom".into()))
    );
}

#[test]
fn the_most_urgent_come_first_and_equals_in_the_order_they_came() {
    let server = Server::start();
    let mut client = server.client();
    for (id, priority) in [("a", 5), ("b", 9), ("c", 0), ("d", 5), ("e", 0), ("f", 4)] {
        client.schedule(&format!("q {id} ID {id} PRIORITY {priority}"));
    }
    client.schedule("q g ID g");
    assert_eq!(client.listed("q", "ready"), ["c", "e", "f", "a", "d", "g", "b"]);
    assert_eq!(client.call("TASK.CLAIM q w COUNT 3").ids(), ["c", "e", "f"]);
    assert_eq!(client.call("TASK.CLAIM q w COUNT 1000").ids(), ["a", "d", "g", "b"]);
}

#[test]
fn equal_due_times_are_ordered_by_id_and_generated_ids_grow() {
    let server = Server::start();
    let mut client = server.client();
    let due = unix_ms() + 100;
    for id in ["c", "a", "d", "b"] {
        client.schedule(&format!("q x ID {id} AT {due}"));
    }
    let made: Vec<String> = (0..5).map(|_| client.schedule(&format!("other x AT {due}"))).collect();
    wait_until("all are due", || {
        client.counts("q") == "ready 4" && client.counts("other") == "ready 5"
    });
    assert_eq!(client.call("TASK.CLAIM q w COUNT 9").ids(), ["a", "b", "c", "d"]);
    assert_eq!(client.call("TASK.CLAIM other w COUNT 9").ids(), made);
    assert!(made.is_sorted());
}

#[test]
fn many_tasks_are_scheduled_at_once() {
    let server = Server::start();
    let mut client = server.client();
    let ids = client.must("TASK.MSCHEDULE q 3 x y z PRIORITY 2");
    let ids: Vec<String> = ids.items().iter().map(Value::text).collect();
    assert!(ids.is_sorted() && ids.len() == 3);
    let claimed = client.call("TASK.CLAIM q w COUNT 9");
    assert_eq!(claimed.ids(), ids);
    let payloads: Vec<String> = claimed
        .items()
        .iter()
        .map(|task| task.field("payload").text())
        .collect();
    assert_eq!(payloads, ["x", "y", "z"]);
}

#[test]
fn an_id_is_taken_as_long_as_its_task_exists() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q first ID a");
    assert_eq!(client.call("TASK.SCHEDULE q second ID a"), "-DUPLICATE ready a");
    let (_, token) = client.claim("q w");
    assert_eq!(client.call("TASK.SCHEDULE q second ID a"), "-DUPLICATE claimed a");
    client.must(&format!("TASK.FAIL q a {token} DEAD"));
    assert_eq!(client.call("TASK.SCHEDULE q second ID a"), "-DUPLICATE dead a");
    assert_eq!(client.get("q", "a", "payload"), "payload 'first'");
    client.must("TASK.PURGE q dead");
    assert_eq!(client.call("TASK.SCHEDULE q second ID a"), "'a'");
    client.schedule("r other ID a");
    assert_eq!(client.get("q", "a", "payload"), "payload 'second'");
}

#[test]
fn payloads_are_any_bytes_and_stand_behind_the_header() {
    let server = Server::start();
    let mut client = server.client();
    let every: Vec<u8> = (0..=255).collect();
    for payload in [every.as_slice(), b"", b"\n", b"%s%n {} \r\n"] {
        let id = client.call_args(&[b"TASK.SCHEDULE".as_slice(), b"q", payload]).text();
        let stored = client.call(&format!("GET task:{{q}}:t:{id}"));
        assert_eq!(&stored.bytes()[crate::support::record::HEADER..], payload);
        let claimed = client.call("TASK.CLAIM q w");
        assert_eq!(claimed.item(0).field("payload").bytes(), payload);
    }
}

#[test]
fn extend_tells_what_is_left_and_gives_a_new_lease() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a LEASE 5000");
    let (_, token) = client.claim("q w LEASE 60000");
    assert!((59_000..=60_000).contains(&client.call(&format!("TASK.EXTEND q a {token}")).int()));
    assert!((90_000..=100_000).contains(&client.call(&format!("TASK.EXTEND q a {token} LEASE 100000")).int()));
    let reply = client.call(&format!("TASK.EXTEND q a {token} LEASE 2000 PROGRESS 50%"));
    assert!((1_000..=2_000).contains(&reply.int()));
    assert_eq!(client.get("q", "a", "progress attempt"), "progress '50%', attempt 1");
}

#[test]
fn a_released_task_is_next_again_and_keeps_its_attempt() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b"] {
        client.schedule(&format!("q x ID {id}"));
    }
    let (_, token) = client.claim("q w");
    assert_eq!(client.call(&format!("TASK.RELEASE q a {token}")), "+OK");
    assert_eq!(
        client.get("q", "a", "state attempt deliveries losses"),
        "state 'ready', attempt 0, deliveries 1, losses 0"
    );
    assert_eq!(client.listed("q", "ready"), ["a", "b"]);
    let (_, token) = client.claim("q w");
    let before = unix_ms();
    assert_eq!(client.call(&format!("TASK.RELEASE q a {token} DELAY 500000")), "+OK");
    assert_eq!(client.get("q", "a", "state attempt"), "state 'scheduled', attempt 0");
    let due = client.call("TASK.GET q a").field("due_at").int();
    assert!((before + 500_000..=unix_ms() + 500_000).contains(&due));
}

#[test]
fn tasks_that_were_moved_in_are_the_same_on_a_replica_and_after_a_restart() {
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    client.schedule("q x ID waits USED 2 CREATED 1700000000000 ATTEMPTS 3");
    client.schedule("q x ID dead USED 9 DEAD boom CREATED 1700000001999 REPLY {q}r");
    wait_until("the replica has it", || there.digest() == client.digest());
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        assert_eq!(
            client.get("q", "waits", "state attempt created_at"),
            "state 'ready', attempt 2, created_at 1700000000000"
        );
        assert_eq!(
            client.get("q", "dead", "state attempt created_at error"),
            "state 'dead', attempt 9, created_at 1700000001000, error 'boom'"
        );
        assert_eq!(client.call("EXISTS task:{q}:events task:{q}r:ready:5"), "0");
    }
    let mut client = server.client();
    assert_eq!(
        (client.stat("q", "scheduled_total"), client.stat("q", "dead_total")),
        (0, 0)
    );
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q waits {token} ERROR last"));
    assert_eq!(client.counts("q"), "dead 2");
}
