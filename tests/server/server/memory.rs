//! Full memory, eviction and leaks.

use crate::support::{Client, Server, wait_until};

#[test]
fn when_memory_is_full_work_still_ends_and_returns() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..6 {
        client.schedule(&format!("q x ID t{n}"));
    }
    client.schedule("q x ID soon DELAY 200 PRIORITY 9");
    let claims = client.call("TASK.CLAIM q w COUNT 3");
    let words = |at: usize| format!("q t{at} {}", claims.item(at).field("token").int());
    client.must("CONFIG SET maxmemory 1");
    for words in ["TASK.SCHEDULE q x", "TASK.MSCHEDULE q 1 x"] {
        assert_eq!(client.call(words).code(), "OOM", "{words}");
    }
    client.must(&format!("TASK.ACK {}", words(0)));
    client.must(&format!("TASK.FAIL {} DEAD", words(1)));
    client.must(&format!("TASK.EXTEND {} LEASE 50 PROGRESS half", words(2)));
    wait_until("the timer moves what is due and lost", || {
        client.counts("q") == "ready 5 dead 1"
    });
    client.must("TASK.RETRY q t1");
    assert_eq!(client.call("TASK.CLAIM q w COUNT 9").ids().len(), 6);
    client.must("TASK.DROP q FORCE");
}

#[test]
fn tasks_that_are_evicted_are_passed_over() {
    let server = Server::start();
    let mut client = server.client();
    let used: u64 = client.info("used_memory").parse().unwrap();
    client.must(&format!(
        "CONFIG SET maxmemory {} maxmemory-policy allkeys-random",
        used + (2 << 20)
    ));
    let payload = "x".repeat(2_000);
    for n in 0..4_000 {
        client.send(&format!("TASK.SCHEDULE q{} {payload} DELAY {}", n % 7, n % 50));
    }
    for _ in 0..4_000 {
        client.receive();
    }
    assert_ne!(client.info("evicted_keys"), "0");
    for n in 0..7 {
        wait_until("all has come to rest", || {
            client.stat(&format!("q{n}"), "scheduled_tasks") == 0
        });
        while let crate::support::Value::Array(tasks) = client.must(&format!("TASK.CLAIM q{n} w COUNT 100")) {
            assert!(tasks.iter().all(|task| task.field("payload").text() == payload));
        }
    }
    client.must("CONFIG SET maxmemory 0");
    client.schedule("fresh x DELAY 5");
    wait_until("the timer goes on", || client.counts("fresh") == "ready 1");
}

/// Everything that can happen to a task, once.
fn turn(client: &mut Client, n: usize) {
    let queue = format!("q{}", n % 5);
    client.must(&format!("TASK.SCHEDULE {queue} payload ID t{n}"));
    let (_, token) = client.claim(&format!("{queue} w{}", n % 9));
    client.must(&format!("TASK.EXTEND {queue} t{n} {token} PROGRESS x"));
    client.must(&format!("TASK.FAIL {queue} t{n} {token} ERROR x DELAY 3600000"));
    client.must(&format!("TASK.RESCHEDULE {queue} t{n} DELAY 0"));
    let (_, token) = client.claim(&format!("{queue} w"));
    client.must(&format!("TASK.ACK {queue} t{n} {token}"));
    client.must(&format!("TASK.CLAIM {queue} w BLOCK 1"));
    assert!(client.call(&format!("TASK.ACK {queue} t{n} {token}")).is_error());
}

#[test]
fn finished_tasks_leave_no_memory_behind() {
    let server = Server::start();
    let mut client = server.client();
    let mut used = |from: usize, to: usize| -> i64 {
        for n in from..to {
            turn(&mut client, n);
        }
        client.must("MEMORY PURGE");
        client.info("used_memory_dataset").parse().unwrap()
    };
    let warm = used(0, 500);
    let after = used(500, 3_000);
    assert!(
        after - warm < 100_000,
        "{} bytes for 2,500 finished tasks",
        after - warm
    );
}

/// Everything that can happen to a member, once.
fn member_turn(server: &Server, client: &mut Client, n: usize) {
    // A queue keeps its workers for a while; a service forgets its members.
    let (service, member) = (format!("s{}", n % 5), format!("m{}", n % 9));
    client.must(&format!("HB.BEAT {service} unique{n}"));
    client.must(&format!("PID.EVICT {service} unique{n}"));
    let mut process = server.client();
    let token = process.register(&format!(
        "{service} {member} 7 HOST h{n} BOOT b TTL 60000 BIND META 1 k v"
    ));
    process.must(&format!("HB.CAMPAIGN {service} {member} {token}"));
    process.must(&format!("HB.SIGNAL {service} * go"));
    process.must(&format!("HB.BEAT {service} {member} TOKEN {token} STATUS busy"));
    client.schedule(&format!("{service} x"));
    process.must(&format!("TASK.CLAIM {service} {member} LEASE MEMBER"));
    client.must(&format!("PID.AWAIT {service} other UP BLOCK 1"));
    match n % 3 {
        0 => drop(process),
        1 => assert_eq!(client.call(&format!("PID.EVICT {service} {member}")), "1"),
        _ => assert_eq!(
            process.call(&format!("PID.DEREGISTER {service} {member} TOKEN {token}")),
            "1"
        ),
    }
    assert_eq!(client.call(&format!("PID.AWAIT {service} {member} DOWN BLOCK 0")), "1");
    let (id, token) = client.claim(&format!("{service} w"));
    client.must(&format!("TASK.ACK {service} {id} {token}"));
}

#[test]
fn members_that_have_gone_leave_no_memory_behind() {
    let server = Server::builder().set("steward.events", "10").start();
    let mut client = server.client();
    let mut used = |from: usize, to: usize| -> i64 {
        for n in from..to {
            member_turn(&server, &mut client, n);
        }
        client.must("MEMORY PURGE");
        client.info("used_memory_dataset").parse().unwrap()
    };
    let warm = used(0, 500);
    let after = used(500, 2_000);
    assert!(after - warm < 100_000, "{} bytes for 1,500 members", after - warm);
}
