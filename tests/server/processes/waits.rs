//! Clients that wait for a member or for the lead: what else ends such a wait.

use crate::support::{Client, Server, Value, wait_until};

/// `a` leads, `b` is a member: every kind of wait.
#[track_caller]
fn waits(client: &mut Client) -> [String; 3] {
    let token = client.must("PID.REGISTER s a 1 TTL 0 EXCLUSIVE").field("token").int();
    let other = client.register("s b 2 TTL 0");
    assert!(token < other);
    [
        "PID.AWAIT s x UP BLOCK 0".into(),
        format!("HB.CAMPAIGN s b {other} BLOCK 0"),
        "PID.REGISTER s c 3 TTL 0 BIND EXCLUSIVE BLOCK 0".into(),
    ]
}

#[test]
fn client_unblock_ends_every_wait_in_both_ways() {
    let server = Server::start();
    let mut client = server.client();
    for words in waits(&mut client) {
        for (how, expected) in [
            ("TIMEOUT", "null"),
            ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
        ] {
            let mut waiting = server.client();
            let id = waiting.id();
            server.wait_with(&mut waiting, &words);
            assert_eq!(client.call(&format!("CLIENT UNBLOCK {id} {how}")), "1");
            assert_eq!(waiting.receive(), expected, "{words}");
            assert_eq!(waiting.call("PING"), "+PONG");
        }
    }
    client.must("PID.EVICT s a");
    // The candidate still is one; no client waits to become the holder.
    assert!(client.leader("s").starts_with("b "));
    client.must("PID.EVICT s b");
    assert_eq!(client.leader("s"), "nobody");
}

#[test]
fn a_wait_ends_at_its_time_while_others_go_on() {
    let server = Server::start();
    let mut client = server.client();
    let waits = waits(&mut client);
    let mut long = waits.clone().map(|words| server.waiter(&words));
    let mut short = waits.map(|words| server.waiter(&words.replace("BLOCK 0", "BLOCK 80")));
    for waiting in &mut short {
        assert_eq!(waiting.receive(), Value::Null);
    }
    assert!(long.iter_mut().all(Client::is_silent));
    client.register("s x 4");
    assert_eq!(long[0].receive(), "1");
    client.must("PID.EVICT s a");
    assert_eq!(long[1].receive().field("role"), "'leader'");
    client.must("PID.EVICT s b");
    assert_eq!(long[2].receive().field("status"), "'registered'");
}

#[test]
fn commands_sent_behind_a_wait_are_answered_after_it() {
    let server = Server::start();
    let mut client = server.client();
    for words in waits(&mut client) {
        let mut waiting = server.waiter(&words);
        waiting.send("PID.GET s a state");
        assert!(waiting.is_silent());
        client.must(match &words {
            await_up if await_up.contains("AWAIT") => "HB.BEAT s x",
            lead if lead.contains("CAMPAIGN") => "PID.EVICT s a",
            _ => "PID.EVICT s b",
        });
        assert_ne!(waiting.receive(), Value::Null, "{words}");
        let state = waiting.receive();
        assert_eq!(state == Value::Null, !words.contains("AWAIT"), "{words}: {state}");
    }
}

#[test]
fn a_hold_granted_to_a_client_that_is_gone_is_given_up() {
    let server = Server::start();
    let mut client = server.client();
    let wait = &waits(&mut client)[2];
    let mut gone = server.client();
    let id = gone.id();
    server.wait_with(&mut gone, wait);
    // It is granted inside the transaction; the reply with its token would be written after it.
    client.must("MULTI");
    client.must("PID.EVICT s a");
    client.must(&format!("CLIENT KILL ID {id}"));
    client.must("EXEC");
    wait_until("nobody leads", || client.leader("s") == "nobody");
    assert_eq!(client.members("s"), ["b"]);
    assert!(gone.is_closed());
}

#[test]
fn a_user_that_is_deleted_waits_no_more() {
    let server = Server::start();
    let mut client = server.client();
    client.must("PID.REGISTER s a 1 TTL 0 EXCLUSIVE");
    client.must("ACL SETUSER worker on nopass ~s +@all");
    let mut worker = server.client();
    worker.must("AUTH worker any");
    server.wait_with(&mut worker, "PID.REGISTER s b 2 TTL 0 BIND EXCLUSIVE BLOCK 0");
    client.must("ACL DELUSER worker");
    wait_until("its connection is closed", || worker.is_closed());
    client.must("PID.EVICT s a");
    assert_eq!(client.leader("s"), "nobody");
}
