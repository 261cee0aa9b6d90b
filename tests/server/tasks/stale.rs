//! Fencing tokens: a lost claim cannot change anything.

use crate::support::{Client, Server, Value, wait_until};

/// The commands of a claim's holder.
const VERBS: [&str; 5] = ["ACK", "ACK-NEXT", "FAIL", "RELEASE", "EXTEND"];

#[track_caller]
fn say(client: &mut Client, verb: &str, id: &str, token: i64) -> Value {
    match verb {
        "ACK-NEXT" => client.call(&format!("TASK.ACK q {id} {token} NEXT")),
        _ => client.call(&format!("TASK.{verb} q {id} {token}")),
    }
}

/// Each command returns `error`, and nothing changes.
#[track_caller]
fn all_answer(client: &mut Client, id: &str, token: i64, error: &str) {
    let digest = client.digest();
    for verb in VERBS {
        assert_eq!(say(client, verb, id, token), error, "{verb}");
    }
    for verb in ["MACK", "MFAIL", "MRELEASE", "MEXTEND"] {
        let many = client.call(&format!("TASK.{verb} q 1 {id} {token}"));
        assert_eq!(many, format!("[+{}]", &error[1..].split(' ').next().unwrap()), "{verb}");
    }
    assert_eq!(client.digest(), digest);
}

#[test]
fn a_worker_whose_lease_is_lost_is_stale_in_every_state_of_the_task() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w LEASE 20");
    wait_until("the lease is lost", || client.counts("q") == "ready 1");
    all_answer(
        &mut client,
        "a",
        token,
        "-STALE this token holds no claim: the task is now ready",
    );
    let (_, newer) = client.claim("q w");
    assert!(newer > token, "fences grow");
    all_answer(
        &mut client,
        "a",
        token,
        "-STALE this token holds no claim: the task is now claimed with another token",
    );
    client.must(&format!("TASK.FAIL q a {newer} DELAY 3600000"));
    all_answer(
        &mut client,
        "a",
        token,
        "-STALE this token holds no claim: the task is now scheduled",
    );
    all_answer(
        &mut client,
        "a",
        newer,
        "-STALE this token holds no claim: the task is now scheduled",
    );
    client.must("TASK.RESCHEDULE q a DELAY 0");
    let (_, newest) = client.claim("q w");
    client.must(&format!("TASK.FAIL q a {newest} DEAD"));
    all_answer(
        &mut client,
        "a",
        newest,
        "-STALE this token holds no claim: the task is now dead",
    );
    client.must("TASK.PURGE q dead");
    all_answer(&mut client, "a", newest, "-NOTASK no such task");
}

#[test]
fn a_token_of_another_task_or_of_no_claim_is_stale() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b"] {
        client.schedule(&format!("q x ID {id}"));
    }
    let (_, token) = client.claim("q w");
    all_answer(
        &mut client,
        "b",
        token,
        "-STALE this token holds no claim: the task is now ready",
    );
    all_answer(
        &mut client,
        "a",
        token + 1,
        "-STALE this token holds no claim: the task is now claimed with another token",
    );
    all_answer(
        &mut client,
        "a",
        0,
        "-STALE this token holds no claim: the task is now claimed with another token",
    );
    all_answer(
        &mut client,
        "b",
        0,
        "-STALE this token holds no claim: the task is now ready",
    );
    all_answer(&mut client, "nobody", token, "-NOTASK no such task");
}

#[test]
fn a_new_task_of_the_same_id_is_safe_from_the_old_token() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q old ID a");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q a {token}"));
    client.schedule("q new ID a");
    all_answer(
        &mut client,
        "a",
        token,
        "-STALE this token holds no claim: the task is now ready",
    );
    client.claim("q w");
    all_answer(
        &mut client,
        "a",
        token,
        "-STALE this token holds no claim: the task is now claimed with another token",
    );
}

#[test]
fn no_task_comes_before_stale_and_stale_before_cancelled() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w");
    assert_eq!(client.call("TASK.CANCEL q a"), "1");
    assert_eq!(say(&mut client, "EXTEND", "a", token - 1).code(), "STALE");
    assert_eq!(say(&mut client, "EXTEND", "a", token).code(), "CANCELLED");
    assert_eq!(say(&mut client, "ACK", "a", token - 1).code(), "STALE");
    assert_eq!(say(&mut client, "ACK", "a", token), "+OK");
    assert_eq!(say(&mut client, "EXTEND", "a", token).code(), "NOTASK");
}

#[test]
fn a_token_works_until_the_timer_has_ended_the_claim() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w LEASE 1");
    wait_until("the deadline has passed", || {
        client.call("TASK.GET q a").field("remaining_ms").int() <= 0
    });
    assert_eq!(say(&mut client, "EXTEND", "a", token), "1");
    assert_eq!(say(&mut client, "ACK", "a", token), "+OK");
}

#[test]
fn many_are_acknowledged_in_one_call_each_with_its_own_outcome() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c", "d"] {
        client.schedule(&format!("q x ID {id}"));
    }
    let claims = client.call("TASK.CLAIM q w COUNT 4");
    let token = |at: usize| claims.item(at).field("token").int();
    client.must("TASK.CANCEL q c");
    let reply = client.call(&format!(
        "TASK.MACK q 6 a {} b 5 c {} nobody 7 d {} a {}",
        token(0),
        token(2),
        token(3),
        token(0)
    ));
    assert_eq!(reply, "[+OK, +STALE, +CANCELLED, +NOTASK, +OK, +NOTASK]");
    assert_eq!(client.counts("q"), "claimed 1");
    assert_eq!(client.get("q", "b", "state"), "state 'claimed'");
}

#[test]
fn many_fail_or_are_released_or_extended_in_one_call_each_with_its_own_outcome() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c", "d", "e"] {
        client.schedule(&format!("q x ID {id} LEASE 60000"));
    }
    let claims = client.call("TASK.CLAIM q w COUNT 5");
    let claim = |at: usize| {
        let claim = claims.item(at);
        format!("{} {}", claim.field("id").text(), claim.field("token").int())
    };
    let (a, b, c, d, e) = (claim(0), claim(1), claim(2), claim(3), claim(4));
    client.must("TASK.CANCEL q c d");
    assert_eq!(
        client.call(&format!("TASK.MEXTEND q 4 {a} b 5 {c} nobody 7 LEASE 900000")),
        "[+OK, +STALE, +CANCELLED, +NOTASK]"
    );
    assert_eq!(client.get("q", "a", "lease_ms"), "lease_ms 900000");
    assert_eq!(client.get("q", "b", "lease_ms"), "lease_ms 60000");
    assert_eq!(
        client.call(&format!(
            "TASK.MFAIL q 5 {a} b 5 {c} nobody 7 {a} ERROR broken DELAY 3600000"
        )),
        "[+OK, +STALE, +CANCELLED, +NOTASK, +STALE]"
    );
    assert_eq!(
        client.get("q", "a", "state attempt error"),
        "state 'scheduled', attempt 1, error 'broken'"
    );
    assert_eq!(
        client.call(&format!("TASK.MRELEASE q 4 {b} {d} nobody 7 {e}")),
        "[+OK, +CANCELLED, +NOTASK, +OK]"
    );
    assert_eq!(client.listed("q", "ready"), ["b", "e"]);
    assert_eq!(client.get("q", "b", "attempt deliveries"), "attempt 0, deliveries 1");
    assert_eq!(client.counts("q"), "scheduled 1 ready 2");
}

#[test]
fn a_failed_ack_next_claims_nothing() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w");
    assert_eq!(say(&mut client, "ACK-NEXT", "a", token + 1).code(), "STALE");
    assert_eq!(client.counts("q"), "ready 1 claimed 1");
    let next = say(&mut client, "ACK-NEXT", "a", token);
    assert_eq!(next.ids(), ["b"]);
    let token = next.item(0).field("token").int();
    assert_eq!(say(&mut client, "ACK-NEXT", "b", token), Value::Null);
    assert_eq!(client.counts("q"), "");
}

#[test]
fn fences_grow_over_a_restart() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.RELEASE q a {token}"));
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    let (_, newer) = client.claim("q w");
    assert!(newer > token);
    all_answer(
        &mut client,
        "a",
        token,
        "-STALE this token holds no claim: the task is now claimed with another token",
    );
}
