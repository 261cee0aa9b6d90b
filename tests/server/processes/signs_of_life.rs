//! What keeps a bound member alive besides its heartbeats.

use crate::support::{Server, Value, unix_ms, wait_until};

#[test]
fn a_wait_on_a_bound_connection_ends_in_time_for_the_living_to_show_themselves() {
    let server = Server::start();
    let mut client = server.client();
    let leader = client.register("s leader 1 TTL 0");
    client.campaign(&format!("s leader {leader}"));
    client.schedule("q x ID a DELAY 3600000");
    let waits = [
        ("claims", "TASK.CLAIM q claims BLOCK 0"),
        ("mclaims", "TASK.MCLAIM 2 q q2 mclaims BLOCK 3600000"),
        ("campaigns", "HB.CAMPAIGN s campaigns {token} BLOCK 0"),
        ("registers", "PID.REGISTER s other 2 EXCLUSIVE BLOCK 0"),
        ("awaits", "PID.AWAIT s other UP BLOCK 0"),
        ("listens", "TASK.RESULT q a BLOCK 0"),
    ];
    let mut waiters = waits.map(|(member, words)| {
        let mut waiter = server.client();
        let token = waiter.register(&format!("s {member} 12 TTL 2000 BIND"));
        (waiter, words.replace("{token}", &token.to_string()))
    });
    // Those that ask again when a wait has ended live on, over several TTLs.
    client.must("HB.BEAT the-clock marker TTL 5000");
    while client.call("PID.GET the-clock marker") != Value::Null {
        for (waiter, words) in &mut waiters {
            waiter.send(words);
        }
        for (waiter, words) in &mut waiters {
            assert_eq!(waiter.receive(), Value::Null, "{words}");
        }
    }
    let all = [
        "awaits",
        "campaigns",
        "claims",
        "leader",
        "listens",
        "mclaims",
        "registers",
    ];
    assert_eq!(client.members("s"), all);
    // One TTL after they were last heard, the others are down, although their connections are open.
    wait_until("they are down", || client.members("s") == ["leader"]);
}

#[test]
fn dead_candidates_that_wait_hold_up_an_election_for_one_ttl_in_all() {
    let server = Server::start();
    let mut client = server.client();
    let leader = client
        .must("PID.REGISTER s leader 1 TTL 0 EXCLUSIVE")
        .field("token")
        .int();
    let dead: Vec<_> = (0..4)
        .map(|n| {
            let mut gone = server.client();
            let token = gone.register(&format!("s gone{n} 2 TTL 1000 BIND"));
            server.wait_with(&mut gone, &format!("HB.CAMPAIGN s gone{n} {token} BLOCK 0"));
            gone
        })
        .collect();
    let token = client.register("s alive 3 TTL 60000");
    assert_eq!(client.campaign(&format!("s alive {token}")), "candidate");
    let begun = unix_ms();
    client.must(&format!("HB.RESIGN s leader {leader}"));
    assert!(client.leader("s").starts_with("gone0 "));
    wait_until("the living one leads", || client.leader("s").starts_with("alive "));
    let events = client.must("XREVRANGE proc:{s}:events + - COUNT 1");
    let led = events.item(0).item(0).text();
    let led: i64 = led.split('-').next().unwrap().parse().unwrap();
    assert!(led - begun < 2_000, "one TTL, not four: {} ms", led - begun);
    drop(dead);
}

#[test]
fn a_ghost_that_waits_to_be_the_holder_must_be_bound_unless_it_has_a_ttl() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s member 1 TTL 0");
    let error = "-BADARG EXCLUSIVE BLOCK with TTL 0 needs BIND";
    assert_eq!(client.call("PID.REGISTER s a 2 TTL 0 EXCLUSIVE BLOCK 0"), error);
    let own = format!("PID.REGISTER s member 1 EXCLUSIVE BLOCK 0 TOKEN {token}");
    assert_eq!(client.call(&own), error, "its own TTL counts when none is given");
    let bound = client.must("PID.REGISTER s a 2 TTL 0 BIND EXCLUSIVE BLOCK 0");
    assert_eq!(bound.field("status"), "'registered'");
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
