//! What keeps a bound member alive besides its heartbeats.

use crate::support::{Server, Value, wait_until};

#[test]
fn a_member_that_waits_on_its_bound_connection_is_alive() {
    let server = Server::start();
    let mut client = server.client();
    let waits = [
        ("claims", "TASK.CLAIM q claims BLOCK 0"),
        ("mclaims", "TASK.MCLAIM 2 q q2 mclaims BLOCK 0"),
        ("campaigns", "HB.CAMPAIGN s campaigns {token} BLOCK 0"),
        ("registers", "PID.REGISTER s other 2 EXCLUSIVE BLOCK 0"),
    ];
    let leader = client.register("s leader 1 TTL 0");
    client.campaign(&format!("s leader {leader}"));
    let mut waiters: Vec<_> = waits
        .iter()
        .map(|(member, words)| {
            let mut waiter = server.client();
            let token = waiter.register(&format!("s {member} 12 TTL 400 BIND"));
            server.wait_with(&mut waiter, &words.replace("{token}", &token.to_string()));
            waiter
        })
        .collect();
    client.let_pass(1_500);
    assert_eq!(
        client.members("s"),
        ["campaigns", "claims", "leader", "mclaims", "registers"]
    );
    client.must("TASK.MSCHEDULE q 2 x x");
    for waiter in &mut waiters[..2] {
        assert_eq!(waiter.receive().ids().len(), 1);
    }
    // Its TTL begins again at the end of its wait.
    assert_eq!(client.call("PID.AWAIT s claims DOWN BLOCK 0"), "1");
    assert!(client.events("s").contains(&"down claims reason=ttl".to_string()));
}

#[test]
fn commands_on_the_bound_connection_are_signs_of_life() {
    let server = Server::start();
    let (mut client, mut process, mut other) = (server.client(), server.client(), server.client());
    process.register("s a 12 TTL 400 BIND");
    other.register("s b 13 TTL 400 BIND");
    client.must("HB.BEAT the-clock marker TTL 1500");
    while client.call("PID.GET the-clock marker") != Value::Null {
        process.must("TASK.STATS q");
        // These commands name another member or are not ours, so they are no heartbeat of b.
        other.must("TASK.CLAIM q a");
        other.must("PING");
    }
    assert_eq!(client.members("s"), ["a"]);
    assert_eq!(client.events("s").last().unwrap(), "down b reason=ttl");
    client.must("HB.BEAT the-clock marker TTL 1500");
    while client.call("PID.GET the-clock marker") != Value::Null {
        process.must("TASK.CLAIM q a");
    }
    assert_eq!(client.members("s"), ["a"]);
}

#[test]
fn commands_elsewhere_are_no_signs_of_life() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    process.register("s a 12 TTL 300 BIND");
    wait_until("a is down though its connection is open", || {
        client.must("TASK.CLAIM s a");
        client.must("PID.GET s a") == Value::Null
    });
    assert_eq!(client.events("s"), ["up a reason=registered", "down a reason=ttl"]);
    assert_eq!(process.call("PING"), "+PONG");
}

#[test]
fn a_connection_of_an_earlier_member_of_the_name_is_no_sign_of_life() {
    let server = Server::start();
    let (mut client, mut old) = (server.client(), server.client());
    for end in ["PID.EVICT s a", "PID.DEREGISTER s a PID 12", "HDEL proc:{s}:members a"] {
        old.register("s a 12 TTL 60000 BIND");
        client.must(end);
        assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
        client.register("s a 13 TTL 300");
        wait_until("the new one is down", || {
            old.must("TASK.STATS q");
            old.must("TASK.CLAIM q a");
            client.must("PID.GET s a") == Value::Null
        });
        assert_eq!(client.events("s").last().unwrap(), "down a reason=ttl", "{end}");
    }
}
