//! A server that stalled, was stopped, or refused writes: living members stay alive, and dead ones still die.

use crate::support::service::all_dead;
use crate::support::{Client, Server, Value, unix_ms, wait_until};

#[test]
fn whose_beats_queued_up_while_the_server_stood_still_lives_and_the_silent_die() {
    const ALL: usize = 2_000;
    let server = Server::builder()
        .set("steward.events", "100000")
        .set("steward.timer", "no")
        .start();
    let mut client = server.client();
    let tokens = client.register_many("s", ALL, "TTL 500");
    client.must("CONFIG SET steward.timer yes");
    let mut sleeper = server.client();
    // Every member has sent a heartbeat when the server sleeps for four TTLs.
    let beats = client.pipeline((0..ALL).map(|n| format!("HB.BEAT s m{n} TOKEN {}", tokens[n])));
    assert!(!beats.iter().any(Value::is_error));
    sleeper.send("DEBUG SLEEP 2");
    let mut processes: Vec<Client> = (0..20).map(|_| Client::connect(&server.socket()).unwrap()).collect();
    for n in 0..ALL / 2 {
        processes[n % 20].send(&format!("HB.BEAT s m{n} TOKEN {} TTL 60000", tokens[n]));
    }
    for n in 0..ALL / 2 {
        let reply = processes[n % 20].receive();
        assert!(!reply.is_error(), "m{n} was alive: {reply}");
    }
    assert_eq!(sleeper.receive(), "+OK");
    wait_until("the silent are dead", || client.member_count("s") == ALL as i64 / 2);
    let mut deaths = client.deaths("s");
    deaths.sort();
    assert_eq!(deaths, all_dead(ALL / 2, ALL, "ttl"));
    assert_ne!(client.info("steward_stalls_total"), "0");
    assert_eq!(client.info("steward_members_lost_total"), (ALL / 2).to_string());
}

#[test]
fn whose_beats_queued_up_while_the_server_was_stopped_lives_and_the_silent_die() {
    const ALL: usize = 200;
    let server = Server::start();
    let mut client = server.client();
    let tokens = client.register_many("s", ALL, "TTL 300");
    let mut process = server.client();
    server.signal(libc::SIGSTOP);
    for (n, token) in tokens.iter().enumerate().take(ALL / 2) {
        process.send(&format!("HB.BEAT s m{n} TOKEN {token} TTL 60000"));
    }
    let stopped = unix_ms();
    wait_until("three TTLs have passed", || unix_ms() - stopped > 900);
    server.signal(libc::SIGCONT);
    for n in 0..ALL / 2 {
        let reply = process.receive();
        assert!(!reply.is_error(), "m{n} was alive: {reply}");
    }
    wait_until("the silent are dead", || client.member_count("s") == ALL as i64 / 2);
    let mut deaths = client.deaths("s");
    deaths.sort();
    assert_eq!(deaths, all_dead(ALL / 2, ALL, "ttl"));
}

#[test]
fn small_stalls_again_and_again_do_not_keep_the_dead_alive() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s silent 1 TTL 300");
    let token = client.register("s beating 2 TTL 60000");
    let start = unix_ms();
    wait_until("the silent one is dead", || {
        client.must("DEBUG SLEEP 0.2");
        client.members("s") == ["beating"]
    });
    let took = unix_ms() - start;
    assert!((299..14_000).contains(&took), "{took}");
    assert_eq!(client.beat("s", "beating", token), "member");
    assert_eq!(client.deaths("s"), ["silent ttl"]);
}

/// A way to refuse writes, and to allow them again.
const FREEZES: [(&str, &str); 2] = [
    ("CLIENT PAUSE 60000 WRITE", "CLIENT UNPAUSE"),
    (
        "CONFIG SET min-replicas-to-write 1",
        "CONFIG SET min-replicas-to-write 0",
    ),
];

#[test]
fn a_freeze_of_more_than_ten_seconds_kills_nobody_who_beats_right_after_it() {
    let servers = FREEZES.map(|_| Server::builder().set("appendonly", "yes").listening().start());
    let mut clients = [servers[0].client(), servers[1].client()];
    let (mut tokens, mut claims) = (Vec::new(), Vec::new());
    for (client, (freeze, _)) in clients.iter_mut().zip(FREEZES) {
        client.schedule("other x DELAY 1000");
        let mut token = |member: &str| client.register(&format!("s {member} 1 TTL 500"));
        tokens.push(["a", "b", "c"].map(&mut token));
        client.schedule("leased x ID held");
        claims.push(client.claim("leased w LEASE 500").1);
        client.must(freeze);
    }
    let thawed = unix_ms() + 11_000;
    wait_until("time has passed", || unix_ms() > thawed);
    for (at, (client, (_, thaw))) in clients.iter_mut().zip(FREEZES).enumerate() {
        assert_eq!(client.member_count("s"), 3, "nobody dies while writes are refused");
        client.must(thaw);
        // The timer works again.
        wait_until("what is due is ready", || client.counts("other") == "ready 1");
        assert!(client.must(&format!("TASK.EXTEND leased held {}", claims[at])).int() > 0);
        for (member, token) in ["a", "b", "c"].into_iter().zip(tokens[at]) {
            assert_eq!(client.beat("s", member, token), "member", "{thaw}");
            client.must(&format!("HB.BEAT s {member} TOKEN {token} TTL 60000"));
        }
        assert_eq!(client.deaths("s"), Vec::<String>::new());
    }
}

#[test]
fn all_of_a_freeze_is_added_even_what_came_before_the_first_deadline() {
    let servers = FREEZES.map(|_| Server::builder().set("appendonly", "yes").listening().start());
    let mut clients = [servers[0].client(), servers[1].client()];
    let mut given = Vec::new();
    for (client, (freeze, _)) in clients.iter_mut().zip(FREEZES) {
        client.schedule("leased x ID held");
        client.schedule("other x DELAY 50");
        given.push((client.claim("leased w LEASE 900").1, client.register("s a 1 TTL 900")));
        wait_until("the timer has nothing to do", || client.counts("other") == "ready 1");
        client.must(freeze);
    }
    let thawed = unix_ms() + 1_100;
    wait_until("time has passed", || unix_ms() > thawed);
    for (client, (_, thaw)) in clients.iter_mut().zip(FREEZES) {
        client.must(thaw);
    }
    wait_until("time has passed", || unix_ms() > thawed + 500);
    for (client, (claim, token)) in clients.iter_mut().zip(given) {
        assert!(client.must(&format!("TASK.EXTEND leased held {claim}")).int() > 0);
        assert_eq!(client.beat("s", "a", token), "member");
    }
}

#[test]
fn a_freeze_longer_than_the_ttl_kills_nobody_whose_beat_was_held_up_by_it() {
    let server = Server::builder().set("appendonly", "yes").start();
    let mut client = server.client();
    let token = client.register("s held-up 1 TTL 200");
    client.register("s silent 2 TTL 200");
    client.schedule("other x DELAY 100");
    client.must("CLIENT PAUSE 700 WRITE");
    let mut process = server.client();
    process.send(&format!("HB.BEAT s held-up TOKEN {token} TTL 60000"));
    assert_eq!(process.receive().field("role"), "'member'");
    wait_until("the silent one is dead", || client.members("s") == ["held-up"]);
    assert_eq!(client.deaths("s"), ["silent ttl"]);
}

#[test]
fn a_bound_connection_that_closes_in_a_freeze_is_dealt_with_after_it() {
    for (freeze, thaw) in FREEZES {
        let server = Server::builder().set("appendonly", "yes").listening().start();
        let (mut client, mut process) = (server.client(), server.client());
        client.schedule("s x ID held");
        process.register("s bound 1 TTL 0 BIND");
        client.register("s other 2 TTL 0");
        process.claim("s bound LEASE 600000 BIND");
        client.must(freeze);
        let digest = client.digest();
        let id = process.id();
        drop(process);
        wait_until("the server knows", || {
            !client.must("CLIENT LIST").text().contains(&format!("id={id} "))
        });
        let until = unix_ms() + 300;
        while unix_ms() < until {
            assert_eq!(client.digest(), digest, "{freeze}");
        }
        client.must(thaw);
        wait_until("it is dead", || client.members("s") == ["other"]);
        assert_eq!(client.deaths("s"), ["bound disconnect"]);
        assert_eq!(
            client.get("s", "held", "state attempt losses"),
            "state 'ready', attempt 1, losses 1"
        );
    }
}
