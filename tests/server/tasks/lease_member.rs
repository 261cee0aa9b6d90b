//! TASK.CLAIM ... LEASE MEMBER: claims without a timeout, for the life of their member.

use crate::support::{Server, Value, wait_until};

#[test]
fn a_claim_for_the_life_of_its_member_has_no_timeout() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET s lease 50");
    client.register("s a 12 TTL 0 BOOT b HOST h");
    let token = client.register("s b 13 TTL 60000");
    for id in ["t1", "t2", "t3"] {
        client.schedule(&format!("s x ID {id}"));
    }
    let digest = client.digest();
    for (words, error) in [
        (
            "TASK.CLAIM s nobody LEASE MEMBER",
            "-NOMEMBER no member nobody in service s (setting service of queue s)",
        ),
        (
            "TASK.MCLAIM 1 s nobody LEASE MEMBER",
            "-NOMEMBER no member nobody in service s (setting service of queue s)",
        ),
        (
            "TASK.CLAIM s nobody LEASE MEMBER BLOCK 0",
            "-NOMEMBER no member nobody in service s (setting service of queue s)",
        ),
    ] {
        assert_eq!(client.call(words), error, "{words}");
    }
    assert_eq!(client.call("TASK.CLAIM s a LEASE MEMBER").code(), "BADARG");
    assert_eq!(client.digest(), digest);
    let claim = client.call("TASK.CLAIM s b LEASE MEMBER FULL");
    assert_eq!(claim.item(0).field("lease_ms"), &Value::Null);
    let first = claim.item(0).field("token").int();
    let shown = "state 'claimed', lease_ms null, remaining_ms null, worker 'b'";
    assert_eq!(client.get("s", "t1", "state lease_ms remaining_ms worker"), shown);
    client.let_pass(300);
    assert_eq!(client.get("s", "t1", "state lease_ms remaining_ms worker"), shown);
    assert_eq!(
        client.call(&format!("TASK.EXTEND s t1 {first} PROGRESS half")),
        Value::Null
    );
    assert_eq!(client.get("s", "t1", "state lease_ms remaining_ms worker"), shown);
    let next = client.must(&format!("TASK.ACK s t1 {first} NEXT"));
    assert_eq!(next.ids(), ["t2"]);
    assert_eq!(
        client.get("s", "t2", "state lease_ms remaining_ms worker"),
        shown,
        "NEXT is for the same lease"
    );
    assert_eq!(
        client.call("TASK.MCLAIM 2 s other b LEASE MEMBER"),
        "-NOMEMBER no member b in service other (setting service of queue other)",
        "whichever queue has something"
    );
    client.must("TASK.CONFIG SET {s}other service s");
    assert_eq!(
        client.call("TASK.CLAIM {s}other nobody LEASE MEMBER"),
        "-NOMEMBER no member nobody in service s (setting service of queue {s}other)"
    );
    let claim = client.call("TASK.MCLAIM 2 {s}other s b LEASE MEMBER");
    assert_eq!(claim.ids(), ["t3"]);
    client.let_pass(200);
    assert_eq!(client.counts("s"), "claimed 2");
    client.must(&format!("PID.DEREGISTER s b TOKEN {token}"));
    assert_eq!(client.counts("s"), "ready 2");
}

#[test]
fn extending_a_claim_of_a_member_gives_it_a_timeout_only_when_one_is_named() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 TTL 60000");
    client.schedule("s x ID t");
    let (_, token) = client.claim("s a LEASE MEMBER");
    assert_eq!(client.call(&format!("TASK.EXTEND s t {token}")), Value::Null);
    assert_eq!(
        client.get("s", "t", "lease_ms remaining_ms"),
        "lease_ms null, remaining_ms null"
    );
    assert_eq!(client.call(&format!("TASK.EXTEND s t {token} LEASE 50")), "50");
    wait_until("its lease is lost", || client.counts("s") == "ready 1");
}

#[test]
fn a_blocked_claim_for_a_members_life_ends_with_the_member() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 TTL 60000");
    let mut waiting = server.waiter("TASK.CLAIM s a LEASE MEMBER BLOCK 0");
    client.schedule("s x ID t");
    assert_eq!(waiting.receive().ids(), ["t"]);
    assert_eq!(client.get("s", "t", "lease_ms"), "lease_ms null");
    let mut waiting = server.waiter("TASK.CLAIM s a LEASE MEMBER BLOCK 0");
    client.must("PID.EVICT s a");
    // Its claim is free now, and there is no member to claim it for life.
    assert_eq!(
        waiting.receive(),
        "-NOMEMBER no member a in service s (setting service of queue s)"
    );
    assert_eq!(client.counts("s"), "ready 1");
}

#[test]
fn such_claims_last_through_a_restart_and_end_when_their_queue_follows_others() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.register("s a 12 TTL 60000");
    for id in ["t1", "t2"] {
        client.schedule(&format!("s x ID {id}"));
    }
    client.must("TASK.CLAIM s a COUNT 2 LEASE MEMBER");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    client.let_pass(200);
    for id in ["t1", "t2"] {
        assert_eq!(
            client.get("s", id, "state lease_ms remaining_ms"),
            "state 'claimed', lease_ms null, remaining_ms null"
        );
    }
    client.must("TASK.CANCEL s t2");
    let words = "TASK.CONFIG SET s service {s}crew";
    assert_eq!(client.call(words), "+OK");
    wait_until("nothing else would end them", || client.counts("s") == "ready 1");
}

#[test]
fn a_claim_for_a_members_life_lasts_through_its_grace() {
    let server = Server::start();
    let (mut client, mut first) = (server.client(), server.client());
    let token = first.register("s a 12 TTL 60000 BIND GRACE 60000");
    client.schedule("s x ID t");
    let (_, claim) = first.claim("s a LEASE MEMBER");
    drop(first);
    wait_until("it is in grace", || client.member("s", "a", "state") == "state 'grace'");
    assert_eq!(client.counts("s"), "claimed 1");
    let mut second = server.client();
    second.register(&format!("s a 13 BIND GRACE 100 TOKEN {token}"));
    assert_eq!(second.call(&format!("TASK.EXTEND s t {claim}")), Value::Null);
    drop(second);
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    assert_eq!(
        client.get("s", "t", "state attempt losses"),
        "state 'ready', attempt 1, losses 1"
    );
    assert_eq!(client.call(&format!("TASK.ACK s t {claim}")).code(), "STALE");
}

#[test]
fn when_the_queue_follows_another_service_the_claims_of_strangers_end() {
    let server = Server::start();
    let mut client = server.client();
    for (service, member) in [("{app}one", "a"), ("{app}one", "b"), ("{app}two", "b")] {
        client.register(&format!("{service} {member} 12 TTL 60000"));
    }
    client.must("TASK.CONFIG SET {app}q service {app}one");
    for (id, worker) in [("of-a", "a"), ("of-b", "b")] {
        client.schedule(&format!("{{app}}q x ID {id}"));
        client.claim(&format!("{{app}}q {worker} LEASE MEMBER"));
    }
    client.must("TASK.CONFIG SET {app}q service {app}two");
    wait_until("a is a stranger", || client.counts("{app}q") == "ready 1 claimed 1");
    assert_eq!(client.listed("{app}q", "ready"), ["of-a"]);
    client.must("PID.EVICT {app}one b");
    assert_eq!(
        client.counts("{app}q"),
        "ready 1 claimed 1",
        "b is one of the other service too"
    );
    client.must("PID.EVICT {app}two b");
    assert_eq!(client.counts("{app}q"), "ready 2");
}

#[test]
fn the_next_process_of_the_name_does_not_inherit_the_claims() {
    let server = Server::start();
    let (mut client, mut old) = (server.client(), server.client());
    old.register("s a 12 TTL 60000 BIND GRACE 60000");
    client.schedule("s x ID t");
    let (_, claim) = old.claim("s a LEASE MEMBER");
    drop(old);
    wait_until("it is in grace", || client.member("s", "a", "state") == "state 'grace'");
    client.register("s a 13 TTL 60000");
    assert_eq!(client.counts("s"), "ready 1");
    assert_eq!(client.call(&format!("TASK.ACK s t {claim}")).code(), "STALE");
    let (id, next) = client.claim("s a LEASE MEMBER");
    assert_eq!(
        (id, client.call(&format!("TASK.ACK s t {next}"))),
        ("t".into(), Value::Status("OK".into()))
    );
}
