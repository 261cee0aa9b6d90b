//! Waits for the lead and for members that end abnormally.

use crate::support::{Client, Server, Value, wait_until};

/// A service that `a` leads, with its token.
#[track_caller]
fn held(client: &mut Client) -> i64 {
    client.register("s a 1 TTL 60000 EXCLUSIVE")
}

#[test]
fn client_unblock_ends_every_wait_in_both_ways_and_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    held(&mut client);
    let token = client.register("s b 2 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s b {token}"));
    let digest = client.digest();
    let mut waiting = server.client();
    let id = waiting.id();
    for words in [
        format!("HB.CAMPAIGN s b {token} BLOCK 0"),
        "PID.REGISTER s c 3 TTL 60000 EXCLUSIVE BLOCK 0".into(),
        "PID.REGISTER s c 3 TTL 60000 BIND EXCLUSIVE BLOCK 20000".into(),
        "PID.AWAIT s c UP BLOCK 0".into(),
        "PID.AWAIT s a DOWN BLOCK 20000".into(),
    ] {
        for (how, expected) in [
            ("TIMEOUT", "null"),
            ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
        ] {
            server.wait_with(&mut waiting, &words);
            assert_eq!(client.call(&format!("CLIENT UNBLOCK {id} {how}")), "1", "{words}");
            assert_eq!(waiting.receive(), expected, "{words}");
            wait_until("nobody waits", || client.info("steward_waiting_clients") == "0");
        }
    }
    assert_eq!(client.digest(), digest);
    // A client that gave up is not in the line: the candidate leads, of which only the wait is over.
    client.must("PID.EVICT s a");
    assert!(client.leader("s").starts_with("b "));
    assert_eq!(client.members("s"), ["b"]);
}

#[test]
fn what_was_given_to_a_client_that_is_gone_goes_to_the_next() {
    for options in ["", "BIND", "BIND GRACE 60000"] {
        for end in ["PID.DEREGISTER s a TOKEN {token}", "PID.EVICT s a"] {
            let server = Server::start();
            let mut client = server.client();
            let token = held(&mut client);
            let mut gone = server.client();
            let id = gone.id();
            server.wait_with(
                &mut gone,
                &format!("PID.REGISTER s b 2 TTL 60000 {options} EXCLUSIVE BLOCK 0"),
            );
            let mut next = server.waiter("PID.REGISTER s c 3 TTL 60000 EXCLUSIVE BLOCK 0");
            // It is admitted inside the transaction; the reply would be written after it.
            client.must("MULTI");
            client.must(&end.replace("{token}", &token.to_string()));
            client.must("HB.LEADER s");
            client.must(&format!("CLIENT KILL ID {id}"));
            let done = client.must("EXEC");
            assert_eq!(done.item(1).field("member"), "'b'", "{options}");
            let reply = next.receive();
            assert_eq!(reply.field("status"), "'registered'", "{options}");
            assert!(reply.field("epoch").int() > done.item(1).field("epoch").int());
            assert_eq!(client.members("s"), ["c"]);
            let ends: Vec<String> = client
                .deaths("s")
                .into_iter()
                .filter(|line| line.starts_with("b "))
                .collect();
            assert_eq!(ends.len(), 1, "{ends:?}");
            assert!(gone.is_closed());
        }
    }
}

#[test]
fn it_goes_to_the_next_only_when_writes_are_allowed_again() {
    let server = Server::builder().set("appendonly", "yes").start();
    let mut client = server.client();
    held(&mut client);
    let mut gone = server.client();
    let id = gone.id();
    server.wait_with(&mut gone, "PID.REGISTER s b 2 TTL 60000 EXCLUSIVE BLOCK 0");
    let mut next = server.waiter("PID.REGISTER s c 3 TTL 60000 EXCLUSIVE BLOCK 0");
    client.kill_as_writes_pause("PID.EVICT s a", &mut gone, id);
    let digest = client.digest();
    for _ in 0..50 {
        assert_eq!(client.members("s"), ["b"]);
    }
    assert_eq!(client.digest(), digest);
    assert!(next.is_silent());
    client.must("CLIENT UNPAUSE");
    assert_eq!(next.receive().field("status"), "'registered'");
    let deaths = client.deaths("s");
    let of_b: Vec<&String> = deaths.iter().filter(|line| line.starts_with("b ")).collect();
    assert!(of_b.len() == 1 && of_b[0].ends_with(" left"), "{deaths:?}");
}

#[test]
fn a_demotion_ends_every_wait_and_is_nobodys_death() {
    let server = Server::builder().listening().start();
    let other = Server::builder().listening().start();
    let mut client = server.client();
    held(&mut client);
    let token = client.register("s b 2 TTL 60000");
    let mut bound = server.client();
    bound.must("HB.BEAT s bound TTL 60000 BIND");
    let mut waiting = [
        server.waiter(&format!("HB.CAMPAIGN s b {token} BLOCK 0")),
        server.waiter("PID.REGISTER s c 3 TTL 60000 BIND EXCLUSIVE BLOCK 0"),
        server.waiter("PID.AWAIT s c UP BLOCK 0"),
    ];
    let events = client.events("s");
    client.must("MULTI");
    client.must(&format!("REPLICAOF 127.0.0.1 {}", other.port()));
    client.must("REPLICAOF NO ONE");
    client.must("EXEC");
    for waiting in &mut waiting {
        assert_eq!(waiting.receive().code(), "UNBLOCKED");
    }
    drop(bound);
    client.let_pass(200);
    assert_eq!(client.events("s"), events);
    assert_eq!(client.members("s"), ["a", "b", "bound"]);
}

#[test]
fn who_waits_for_a_member_on_a_replica_is_told() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let mut client = server.client();
    let mut up = replica.waiter("PID.AWAIT s a UP BLOCK 0");
    let token = client.register("s a 1 TTL 60000");
    assert_eq!(up.receive(), "1");
    let mut down = replica.waiter("PID.AWAIT s a DOWN BLOCK 0");
    let mut other = replica.waiter("PID.AWAIT s b UP BLOCK 100");
    assert_eq!(other.receive(), Value::Null);
    assert!(down.is_silent());
    client.must(&format!("PID.DEREGISTER s a TOKEN {token}"));
    assert_eq!(down.receive(), "1");
    assert_eq!(replica.client().call("PID.SERVICES"), "['0', ['s']]");
}
