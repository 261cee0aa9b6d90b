//! Candidates, leaders and epochs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Client, Server, Value, unix_ms, wait_until};

/// Registers members of service `s` without a TTL, and returns their tokens.
#[track_caller]
fn join<const N: usize>(client: &mut Client, members: [&str; N]) -> [i64; N] {
    members.map(|member| client.register(&format!("s {member} 7 HOST h TTL 0")))
}

#[test]
fn candidates_follow_by_priority_and_then_in_the_order_they_came() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b, c, d, e] = join(&mut client, ["a", "b", "c", "d", "e"]);
    let reply = client.call(&format!("HB.CAMPAIGN s a {a}"));
    let first = reply.field("epoch").int();
    assert_eq!(
        reply,
        format!("{{role: 'leader', epoch: {first}, leader: 'a', position: null, reclaim_ms: 0}}")
    );
    let mut position = |words: String, position: i64| {
        assert_eq!(
            client.call(&format!("HB.CAMPAIGN s {words}")),
            format!("{{role: 'candidate', epoch: {first}, leader: 'a', position: {position}, reclaim_ms: 0}}")
        );
    };
    position(format!("b {b}"), 1);
    position(format!("c {c} PRIORITY 5"), 1);
    position(format!("d {d} PRIORITY 5"), 2);
    position(format!("e {e} PRIORITY 1000"), 1);
    position(format!("b {b}"), 4);
    // Without a new priority it keeps the old one, and its place.
    position(format!("d {d}"), 3);
    position(format!("c {c} PRIORITY 5"), 2);
    // A new priority is a new place: behind the others of that priority.
    position(format!("e {e} PRIORITY 5"), 3);
    assert_eq!(
        server.client_resp2().call(&format!("HB.CAMPAIGN s b {b}")),
        format!("['role', 'candidate', 'epoch', {first}, 'leader', 'a', 'position', 4, 'reclaim_ms', 0]")
    );
    let mut led = vec![first];
    for (gone, next) in [("a", "c"), ("c", "d"), ("d", "e"), ("e", "b")] {
        assert_eq!(client.call(&format!("PID.EVICT s {gone}")), "1");
        let leader = client.must("HB.LEADER s");
        assert_eq!(leader.field("member").text(), next);
        led.push(leader.field("epoch").int());
    }
    assert!(led.windows(2).all(|two| two[0] < two[1]), "{led:?}");
    client.must("PID.EVICT s b");
    assert_eq!(client.call("HB.LEADER s"), Value::Null);
}

#[test]
fn the_leader_is_told_with_its_process() {
    let server = Server::start();
    let mut client = server.client();
    let [a] = join(&mut client, ["a"]);
    assert_eq!(client.call("HB.LEADER s"), Value::Null);
    assert_eq!(client.call("HB.LEADER nobody"), Value::Null);
    client.campaign(&format!("s a {a}"));
    let leader = client.call("HB.LEADER s");
    let (epoch, since) = (leader.field("epoch").int(), leader.field("since_at").int());
    assert!((unix_ms() - 60_000..=unix_ms()).contains(&since));
    assert_eq!(
        leader,
        format!("{{member: 'a', epoch: {epoch}, since_at: {since}, pid: 7, host: 'h'}}")
    );
    assert_eq!(
        client.call("HMGET proc:{s} leader epoch since_at"),
        format!("['a', '{epoch}', '{since}']")
    );
    client.must(&format!("HB.RESIGN s a {a}"));
    assert_eq!(
        client.call("HMGET proc:{s} leader epoch since_at"),
        format!("[null, '{epoch}', null]")
    );
    let beat = server.client().must("HB.BEAT plain x CAMPAIGN");
    assert_eq!(beat.field("role"), "'leader'");
    let leader = client.call("HB.LEADER plain");
    assert_eq!(
        (leader.field("pid"), leader.field("host")),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn of_those_that_wait_exactly_one_is_woken() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b, c, d] = join(&mut client, ["a", "b", "c", "d"]);
    client.campaign(&format!("s a {a}"));
    let mut waiters = [("b", b, ""), ("c", c, " PRIORITY 3"), ("d", d, "")].map(|(name, token, priority)| {
        let words = format!("HB.CAMPAIGN s {name} {token} BLOCK 0{priority}");
        (name, server.waiter(&words))
    });
    for turn in [("PID.EVICT s a", 1), ("PID.EVICT s c", 0), ("PID.EVICT s b", 2)] {
        assert!(waiters[turn.1].1.is_silent());
        assert_eq!(client.call(turn.0), "1");
        let (name, woken) = &mut waiters[turn.1];
        let reply = woken.receive();
        let epoch = client.epoch("s");
        assert_eq!(
            reply,
            format!("{{role: 'leader', epoch: {epoch}, leader: '{name}', position: null, reclaim_ms: 0}}")
        );
        let silent = waiters.iter_mut().all(|(_, waiter)| waiter.is_silent());
        assert!(silent, "nobody else is woken");
    }
}

#[test]
fn a_wait_that_ran_out_leaves_a_candidate() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    let [a, b] = join(&mut client, ["a", "b"]);
    client.campaign(&format!("s a {a}"));
    assert_eq!(client.call(&format!("HB.CAMPAIGN s b {b} BLOCK 20")), Value::Null);
    assert_eq!(two.call(&format!("HB.CAMPAIGN s b {b} BLOCK 20")), Value::NullArray);
    assert_eq!(client.member("s", "b", "role"), "role 'candidate'");
    // It stays a candidate when its connection closes: the wait is not the candidacy.
    drop(server.waiter(&format!("HB.CAMPAIGN s b {b} BLOCK 0")));
    wait_until("it has left", || client.blocked_clients() == 0);
    client.must("PID.EVICT s a");
    assert!(client.leader("s").starts_with("b "));
}

#[test]
fn a_member_that_dies_while_it_waits_is_told() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b] = join(&mut client, ["a", "b"]);
    client.campaign(&format!("s a {a}"));
    let mut waiting = server.waiter(&format!("HB.CAMPAIGN s b {b} BLOCK 0"));
    client.must("PID.EVICT s b");
    assert_eq!(waiting.receive(), "-NOMEMBER no member b in service s");
    let short = client.register("s c 7 TTL 100");
    assert_eq!(
        client.call(&format!("HB.CAMPAIGN s c {short} BLOCK 0")),
        "-NOMEMBER no member c in service s"
    );
    client.must("PID.EVICT s a");
    assert_eq!(client.leader("s"), "nobody");
}

#[test]
fn a_candidate_withdraws_and_a_leader_resigns_instead() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b, c] = join(&mut client, ["a", "b", "c"]);
    client.campaign(&format!("s a {a}"));
    client.campaign(&format!("s b {b}"));
    client.campaign(&format!("s c {c}"));
    assert_eq!(client.call(&format!("HB.WITHDRAW s b {b}")), "1");
    assert_eq!(client.call(&format!("HB.WITHDRAW s b {b}")), "0");
    assert_eq!(client.member("s", "b", "role"), "role 'member'");
    // A leader is no longer a candidate.
    assert_eq!(client.call(&format!("HB.WITHDRAW s a {a}")), "0");
    assert!(client.leader("s").starts_with("a "));
    assert_eq!(
        client.call(&format!("HB.RESIGN s a {a}")),
        "'c'",
        "b is out of the line"
    );
    let epoch = client.epoch("s");
    let fenced = format!("-FENCED epoch={epoch} leader=c");
    assert_eq!(client.call(&format!("HB.WITHDRAW s c {a}")), fenced);
    assert_eq!(
        client.call(&format!("HB.WITHDRAW s nobody {a}")),
        "-NOMEMBER no member nobody in service s"
    );
}

#[test]
fn a_leader_resigns_to_the_next_or_to_whom_it_names() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b, c, d] = join(&mut client, ["a", "b", "c", "d"]);
    assert_eq!(client.call(&format!("HB.RESIGN s a {a}")), "-FENCED epoch=0 leader=");
    for (name, token) in [("a", a), ("b", b), ("c", c)] {
        client.campaign(&format!("s {name} {token}"));
    }
    let first = client.epoch("s");
    let digest = client.digest();
    for (words, code) in [
        (format!("b {b}"), "FENCED"),
        (format!("a {b}"), "FENCED"),
        (format!("nobody {b}"), "NOMEMBER"),
        (format!("a {a} TO d"), "BADARG"),
        (format!("a {a} TO nobody"), "BADARG"),
        (format!("a {a} TO a"), "BADARG"),
    ] {
        assert_eq!(client.call(&format!("HB.RESIGN s {words}")).code(), code, "{words}");
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call(&format!("HB.RESIGN s a {a} TO c")), "'c'");
    let second = client.epoch("s");
    assert_eq!(client.call(&format!("HB.RESIGN s c {c}")), "'b'");
    let third = client.epoch("s");
    assert_eq!(client.call(&format!("HB.RESIGN s b {b}")), Value::Null);
    assert!(first < second && second < third);
    assert_eq!(client.leader("s"), "nobody");
    for name in ["a", "b", "c"] {
        assert_eq!(client.member("s", name, "role"), "role 'member'");
    }
    assert_eq!(
        client.events("s")[4..],
        [
            format!("leader a epoch={first}"),
            format!("resigned a epoch={first}"),
            format!("leader c epoch={second}"),
            format!("resigned c epoch={second}"),
            format!("leader b epoch={third}"),
            format!("resigned b epoch={third}"),
        ]
    );
    assert_eq!(client.campaign(&format!("s d {d}")), "leader");
    assert!(
        client.epoch("s") > third,
        "epochs grow also over a time without a leader"
    );
}

#[test]
fn there_is_no_moment_without_a_leader() {
    let server = Server::start();
    let mut client = server.client();
    let tokens = join(&mut client, ["a", "b", "c"]);
    for (name, token) in ["a", "b", "c"].iter().zip(tokens) {
        client.campaign(&format!("s {name} {token}"));
    }
    let over = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let (mut client, over) = (server.client(), over.clone());
        move || {
            let mut epochs = vec![0];
            while !over.load(Ordering::Relaxed) {
                epochs.push(client.must("HB.LEADER s").field("epoch").int());
            }
            epochs
        }
    });
    for turn in 0..300 {
        let name = client.must("HB.LEADER s").field("member").text();
        let token = tokens[["a", "b", "c"].iter().position(|known| *known == name).unwrap()];
        let to = ["a", "b", "c"].iter().find(|other| **other != name).unwrap();
        let to = if turn % 2 == 0 {
            format!(" TO {to}")
        } else {
            String::new()
        };
        client.must(&format!("HB.RESIGN s {name} {token}{to}"));
        client.campaign(&format!("s {name} {token}"));
    }
    over.store(true, Ordering::Relaxed);
    let epochs = watch.join().unwrap();
    assert!(epochs.is_sorted());
}

#[test]
fn check_knows_the_epoch_that_leads_and_no_other() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b] = join(&mut client, ["a", "b"]);
    assert_eq!(client.call("HB.CHECK s 5"), "-FENCED epoch=0 leader=");
    assert_eq!(
        client.call("HB.CHECK s 0"),
        "-FENCED epoch=0 leader=",
        "nobody is no leader"
    );
    client.campaign(&format!("s a {a}"));
    client.campaign(&format!("s b {b}"));
    let first = client.epoch("s");
    assert_eq!(client.call(&format!("HB.CHECK s {first}")), "+OK");
    client.must("PID.EVICT s a");
    let second = client.epoch("s");
    for late in [first, 0, second + 1] {
        assert_eq!(
            client.call(&format!("HB.CHECK s {late}")),
            format!("-FENCED epoch={second} leader=b")
        );
    }
    assert_eq!(client.call(&format!("HB.CHECK s {second}")), "+OK");
    client.must("PID.EVICT s b");
    assert_eq!(client.call(&format!("HB.CHECK s {second}")), "-FENCED epoch=0 leader=");
}
