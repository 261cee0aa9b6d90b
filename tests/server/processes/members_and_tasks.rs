//! Workers that are members: their claims live and die with them.

use std::time::{Duration, Instant};

use crate::support::{Client, Server, Value, wait_until};

#[test]
fn a_death_hands_its_claims_to_who_waits_in_the_same_moment() {
    let server = Server::start();
    let mut client = server.client();
    for (end, attempt, lost) in [("PID.EVICT s a", 2, 1), ("PID.DEREGISTER s a PID 12", 1, 0)] {
        client.register("s a 12 TTL 0");
        client.schedule("s x ID t");
        let (_, token) = client.claim("s a LEASE 600000");
        let mut waiting = server.waiter("TASK.CLAIM s b BLOCK 0 FULL");
        client.must("MULTI");
        client.must(end);
        client.must("TASK.GET s t");
        client.must(&format!("TASK.ACK s t {token}"));
        let replies = client.call("EXEC");
        let shown = replies.item(1);
        assert_eq!(replies.item(0), "1", "{end}");
        assert_eq!(shown.field("worker"), "'b'", "{end}");
        assert_eq!(
            (shown.field("attempt").int(), shown.field("losses").int()),
            (attempt, lost),
            "{end}"
        );
        assert_eq!(replies.item(2).code(), "STALE");
        let task = waiting.receive();
        assert_eq!(task.item(0).field("attempt").int(), attempt);
        let token = task.item(0).field("token").int();
        assert_eq!(client.call(&format!("TASK.ACK s t {token}")), "+OK");
    }
}

#[test]
fn every_kind_of_death_uses_an_attempt_and_leaving_does_not() {
    let server = Server::start();
    let mut client = server.client();
    let deaths = [
        ("ttl", "TTL 100", "PING", "attempt 1, losses 1"),
        ("evicted", "TTL 0", "PID.EVICT s a", "attempt 1, losses 1"),
        (
            "reboot",
            "TTL 0 HOST h BOOT b1",
            "PID.REGISTER s b 1 HOST h BOOT b2",
            "attempt 1, losses 1",
        ),
        ("left", "TTL 0", "PID.DEREGISTER s a PID 12", "attempt 0, losses 0"),
    ];
    for (reason, options, end, expected) in deaths {
        client.register(&format!("s a 12 {options}"));
        for id in ["t1", "t2", "t3"] {
            client.schedule(&format!("s x ID {id}"));
        }
        client.must("TASK.CLAIM s a COUNT 3 LEASE 600000");
        client.must(end);
        assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
        assert_eq!(client.counts("s"), "ready 3", "{reason}");
        assert_eq!(
            client.listed("s", "ready"),
            ["t1", "t2", "t3"],
            "the order of the claims"
        );
        assert_eq!(client.get("s", "t1", "attempt losses"), expected, "{reason}");
        assert!(client.events("s").contains(&format!("down a reason={reason}")));
        client.must("TASK.DROP s");
    }
}

#[test]
fn a_queue_may_follow_another_service_of_its_slot() {
    let server = Server::start();
    let mut client = server.client();
    let digest = client.digest();
    for bad in ["other", "mail", "{app", "*", "{other}workers"] {
        let refused = client.call(&format!("TASK.CONFIG SET {{app}}mail service {bad}"));
        assert!(["BADARG", "BADNAME"].contains(&refused.code()), "{bad}: {refused}");
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(
        client.call("TASK.CONFIG GET {app}mail service"),
        "{service: '{app}mail'}",
        "its own name"
    );
    for queue in ["{app}mail", "{app}print"] {
        client.must(&format!("TASK.CONFIG SET {queue} service {{app}}workers"));
    }
    assert_eq!(
        client.call("TASK.CONFIG GET {app}mail service"),
        "{service: '{app}workers'}"
    );
    client.register("{app}workers a 1 TTL 0");
    client.register("{app}mail a 2 TTL 0");
    for queue in ["{app}mail", "{app}print", "{app}own"] {
        client.schedule(&format!("{queue} x"));
        client.claim(&format!("{queue} a LEASE 600000"));
    }
    client.must("PID.EVICT {app}mail a");
    assert_eq!(client.counts("{app}mail"), "claimed 1");
    client.must("PID.EVICT {app}workers a");
    assert_eq!(client.counts("{app}mail"), "ready 1");
    assert_eq!(client.counts("{app}print"), "ready 1");
    assert_eq!(client.counts("{app}own"), "claimed 1");
    // An app's name alone is in the slot of the queue with that tag.
    client.must("TASK.CONFIG SET {app}own service app");
}

#[test]
fn a_quiet_or_stopping_member_gets_no_work() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.register("s a 12 TTL 0");
    client.register("s b 13 TTL 0");
    for word in ["quiet", "stop"] {
        client.must("TASK.CONFIG SET {s}q service s");
        for words in ["TASK.CLAIM s a BLOCK 0", "TASK.MCLAIM 2 {s}q s a BLOCK 0"] {
            let mut waiting = server.waiter(words);
            let mut other = server.waiter("TASK.CLAIM s b BLOCK 0");
            assert_eq!(client.call(&format!("HB.SIGNAL s a {word}")), "1");
            assert_eq!(waiting.receive(), Value::Null, "{word} {words}");
            let mut quiet = server.waiter(words);
            for end in ["", " BLOCK 50"] {
                let words = words.replace(" BLOCK 0", end);
                let asked = Instant::now();
                assert_eq!(client.call(&words), Value::Null, "{word} {words}");
                assert_eq!(two.call(&words), Value::NullArray, "{word} {words}");
                assert!(
                    end.is_empty() || asked.elapsed() >= Duration::from_millis(100),
                    "{word} {words}"
                );
            }
            assert!(other.is_silent());
            client.schedule("s x ID t");
            assert_eq!(other.receive().ids(), ["t"]);
            client.schedule("s y ID u");
            assert_eq!(client.call("TASK.CLAIM s a"), Value::Null);
            assert!(quiet.is_silent());
            assert_eq!(client.stat("s", "waiting_clients"), 1);
            client.must("HB.SIGNAL s a none");
            assert_eq!(quiet.receive().ids(), ["u"], "{word} {words}");
            client.must("TASK.DROP s FORCE");
        }
    }
    client.must("HB.SIGNAL s a reload");
    client.schedule("s x ID t");
    let (_, token) = client.claim("s a");
    client.must("HB.SIGNAL s * quiet");
    client.schedule("s y");
    assert_eq!(
        client.call(&format!("TASK.ACK s t {token} NEXT")),
        Value::Null,
        "nor the next one"
    );
    assert_eq!(client.counts("s"), "ready 1");
    client.must("HB.SIGNAL s * none");
    assert_eq!(client.call("TASK.CLAIM s a").ids().len(), 1);
}

#[test]
fn the_successor_keeps_what_it_claims_after_its_registration() {
    let server = Server::start();
    let (mut client, mut old) = (server.client(), server.client());
    old.register("s a 12 TTL 0 BIND GRACE 60000");
    for id in ["t1", "t2"] {
        client.schedule(&format!("s x ID {id}"));
    }
    let (_, first) = old.claim("s a LEASE 600000");
    drop(old);
    wait_until("it is in grace", || client.member("s", "a", "state") == "state 'grace'");
    client.must("MULTI");
    client.must("PID.REGISTER s a 13 TTL 0");
    client.must("TASK.CLAIM s a COUNT 2 LEASE 600000");
    let replies = client.call("EXEC");
    assert_eq!(replies.item(0).field("status"), "'replaced'");
    assert_eq!(replies.item(1).ids(), ["t1", "t2"]);
    client.let_pass(300);
    assert_eq!(client.counts("s"), "claimed 2");
    assert_eq!(client.call(&format!("TASK.ACK s t1 {first}")).code(), "STALE");
    for at in [0, 1] {
        let task = replies.item(1).item(at);
        let words = format!("TASK.ACK s {} {}", task.field("id").text(), task.field("token").int());
        assert_eq!(client.call(&words), "+OK");
    }
}

#[test]
fn workers_are_shown_with_the_state_of_their_member() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    process.register("s a 12 TTL 60000 BIND GRACE 60000");
    client.register("s b 13 TTL 0");
    for worker in ["a", "b", "c"] {
        client.schedule("s x");
        client.claim(&format!("s {worker} LEASE 600000"));
    }
    let states = |client: &mut Client| {
        let workers = client.must("TASK.WORKERS s");
        let one = |worker: &Value| format!("{} {}", worker.field("worker"), worker.field("state"));
        workers.items()[1].items().iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(states(&mut client), ["'a' 'up'", "'b' 'up'", "'c' null"]);
    drop(process);
    wait_until("a is in grace", || states(&mut client)[0] == "'a' 'grace'");
    client.must("PID.EVICT s b");
    assert_eq!(states(&mut client), ["'a' 'grace'", "'b' null", "'c' null"]);
}

#[test]
fn all_claims_of_a_member_with_thousands_are_lost_in_the_moment_of_its_death() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 TTL 0");
    let mut claims: Vec<(String, i64)> = Vec::new();
    for _ in 0..3 {
        client.must(&format!("TASK.MSCHEDULE s 1000{}", " x".repeat(1_000)));
        let tasks = client.must("TASK.CLAIM s a COUNT 1000 LEASE 600000");
        let one = |task: &Value| (task.field("id").text(), task.field("token").int());
        claims.extend(tasks.items().iter().map(one));
    }
    assert_eq!(claims.len(), 3_000);
    let acks = claims.chunks(1_000).map(|part| {
        let pairs: Vec<String> = part.iter().map(|(id, token)| format!("{id} {token}")).collect();
        format!("TASK.MACK s {} {}", part.len(), pairs.join(" "))
    });
    client.must("MULTI");
    client.must("PID.EVICT s a");
    for words in acks {
        client.must(&words);
    }
    let replies = client.call("EXEC");
    for part in &replies.items()[1..] {
        let stale = part.items().iter().filter(|reply| reply.text() == "STALE").count();
        assert_eq!(stale, 1_000);
    }
    wait_until("all are ready", || client.counts("s") == "ready 3000");
    assert_eq!(client.stat("s", "lost_total"), 3_000);
    let ids: Vec<String> = claims.into_iter().map(|(id, _)| id).collect();
    let mut ready = client.listed("s", "ready");
    ready.sort();
    assert_eq!(ready, ids);
    for id in [&ids[0], &ids[1_500], &ids[2_999]] {
        assert_eq!(
            client.get("s", id, "attempt losses worker"),
            "attempt 1, losses 1, worker null"
        );
    }
}

#[test]
fn a_member_lost_too_often_leaves_its_task_dead() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET s max-lost 1");
    client.schedule("s x ID t");
    for expected in ["ready 1", "dead 1"] {
        client.register("s a 12 TTL 0");
        client.claim("s a LEASE 600000");
        client.must("PID.EVICT s a");
        assert_eq!(client.counts("s"), expected);
    }
}

#[test]
fn who_is_quiet_in_one_queue_only_waits_on_for_the_others() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 TTL 0");
    let mut waiting = server.waiter("TASK.MCLAIM 2 s other a BLOCK 0");
    client.must("HB.SIGNAL s a quiet");
    client.schedule("s x ID of-s");
    assert!(waiting.is_silent());
    assert_eq!(client.counts("s"), "ready 1");
    client.schedule("other x ID of-other");
    assert_eq!(waiting.receive().ids(), ["of-other"]);
    // Tasks in the queue do not end its wait either.
    let mut waiting = server.waiter("TASK.MCLAIM 2 s other a BLOCK 0");
    assert!(waiting.is_silent());
    client.must("HB.SIGNAL s a none");
    assert_eq!(waiting.receive().ids(), ["of-s"]);
}

#[test]
fn a_member_costs_the_same_however_many_queues_follow_its_service() {
    let server = Server::start();
    let mut client = server.client();
    let mut cost = |service: &str| {
        let mut process = server.client();
        process.must(&format!("HB.BEAT {service} w TTL 60000 BIND"));
        client.must(&format!("TASK.MSCHEDULE {service} 300{}", " x".repeat(300)));
        process.must(&format!("TASK.CLAIM {service} w COUNT 300 BIND"));
        let id = client.listed(service, "claimed").remove(0);
        client.must(&format!("TASK.CANCEL {service} {id}"));
        client.cpu_of(|client| {
            for _ in 0..300 {
                let beat = client.must(&format!("HB.BEAT {service} w"));
                assert_eq!(beat.field("cancelled"), format!("['{id}']").as_str());
            }
            drop(process);
            wait_until("its claims are lost", || client.stat(service, "lost_total") == 300);
        })
    };
    let alone = cost("s");
    let followers = (0..5_000).map(|n| format!("TASK.CONFIG SET {{t}}{n} service t"));
    let mut operator = server.client();
    operator.pipeline(followers);
    wait_until("they are measured", || {
        operator.info("steward_sums_age_ms") == "0" && operator.info("steward_timer_backlog") == "0"
    });
    let followed = cost("t");
    assert!(
        followed < 5.0 * alone + 0.02,
        "{followed} s, and {alone} s without followers"
    );
}
