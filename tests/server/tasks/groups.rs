//! GROUP: one at a time and in order, without holding up other groups.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::support::{Client, Server, Value, places, wait_until};

const GROUPS: usize = 4;
const OF_EACH: usize = 30;

/// What the workers did: for each group, who is running a task, and what was done.
#[derive(Default)]
struct Journal {
    at_work: BTreeMap<String, String>,
    done: BTreeMap<String, Vec<String>>,
}

/// The first task of a claim, if there is any.
fn first(claim: &Value) -> Option<&Value> {
    match claim {
        Value::Null => None,
        tasks => tasks.items().first(),
    }
}

/// Claims and works until nothing is left; every now and then it crashes and starts again.
fn work(server: &Server, worker: &str, journal: &Mutex<Journal>, seed: usize) {
    let mut client = server.client();
    for round in seed.. {
        let claim = client.must(&format!("TASK.CLAIM q {worker} BIND FULL BLOCK 50"));
        let Some(task) = first(&claim) else {
            if client.counts("q").is_empty() {
                return;
            }
            continue;
        };
        let (id, token, group) = (task.field("id").text(), task.field("token"), task.field("group").text());
        let before = journal.lock().unwrap().at_work.insert(group.clone(), id.clone());
        assert_eq!(before, None, "{id}: of a group one runs at a time");
        if round % 7 == 3 {
            // Like a killed process: the server only sees its connection close.
            journal.lock().unwrap().at_work.remove(&group);
            client = server.client();
            continue;
        }
        let mut journal = journal.lock().unwrap();
        journal.at_work.remove(&group);
        journal.done.entry(group).or_default().push(id.clone());
        client.must(&format!("TASK.ACK q {id} {token}"));
    }
}

#[test]
fn the_tasks_of_a_group_are_done_in_order_under_crashes_of_their_workers() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q max-lost 1000 attempts 1000");
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for n in 0..OF_EACH {
        for group in 0..GROUPS {
            let (id, group) = (format!("g{group}-{n:02}"), format!("g{group}"));
            let priority = (n * 7) % 10;
            client.schedule(&format!("q x ID {id} GROUP {group} PRIORITY {priority}"));
            expected.entry(group).or_default().push(id);
        }
    }
    assert_eq!(
        client.counts("q"),
        format!("ready {GROUPS} blocked {}", GROUPS * (OF_EACH - 1))
    );
    let journal = Mutex::new(Journal::default());
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let (server, journal) = (&server, &journal);
            scope.spawn(move || work(server, &format!("w{worker}"), journal, worker));
        }
    });
    assert_eq!(journal.into_inner().unwrap().done, expected);
    assert!(client.stat("q", "lost_total") > 0);
    let left = client.keys();
    let left: Vec<&String> = left
        .iter()
        .filter(|key| key.contains(":group:") || key.contains(":t:"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Claims and acknowledges all that is ready, one after the other; returns the ids.
#[track_caller]
fn drain(client: &mut Client) -> Vec<String> {
    let mut done = Vec::new();
    loop {
        let claim = client.must("TASK.CLAIM q w");
        let Some(task) = first(&claim) else {
            return done;
        };
        let (id, token) = (task.field("id").text(), task.field("token"));
        client.must(&format!("TASK.ACK q {id} {token}"));
        done.push(id);
    }
}

#[test]
fn turns_and_the_line_outlive_a_crash_of_the_server_and_a_failover() {
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    for id in ["a", "b", "c", "d"] {
        client.schedule(&format!("q x ID {id} GROUP g BACKOFF FIXED 3600000"));
    }
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q a {token}"));
    wait_until("the replica has it", || there.digest() == client.digest());
    assert_eq!(there.counts("q"), "scheduled 1 blocked 3");
    there.must("REPLICAOF NO ONE");
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        places::check(client, "q");
        assert_eq!(
            client.call("TASK.CLAIM q w"),
            "null",
            "it is the turn of a, which waits"
        );
        client.must("TASK.RESCHEDULE q a DELAY 0");
        assert_eq!(drain(client), ["a", "b", "c", "d"]);
        assert_eq!(client.counts("q"), "");
    }
}

#[test]
fn who_waits_is_served_when_a_turn_ends_and_when_the_limit_is_raised() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c", "d"] {
        client.schedule(&format!("q x ID {id} GROUP g"));
    }
    let (_, token) = client.claim("q w");
    let mut waiting: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for (n, waiter) in waiting.iter_mut().enumerate() {
        waiter.send(&format!("TASK.CLAIM q w{n} BLOCK 0"));
        wait_until("it waits", || client.stat("q", "waiting_clients") == n as i64 + 1);
    }
    client.must(&format!("TASK.ACK q a {token}"));
    assert_eq!(waiting[0].receive().item(0).field("id").text(), "b");
    assert!(waiting[1].is_silent());
    client.must("TASK.CONFIG SET q group-limit 2");
    assert_eq!(waiting[1].receive().item(0).field("id").text(), "c");
    assert!(waiting[2].is_silent());
    assert_eq!(client.must("TASK.GET q b").field("group").text(), "g");
    assert_eq!(client.listed("q", "blocked"), ["d"]);
    assert_eq!(client.call("ZRANGE task:{q}:group:g 0 1"), "['b', 'c']");
    assert_eq!(client.call("TASK.PURGE q blocked"), "['0', 1]");
    places::check(&mut client, "q");
}

#[test]
fn groups_of_a_queue_that_is_dropped_go_with_it() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..500 {
        client.schedule(&format!("q x ID t{n} GROUP g{}", n % 5));
    }
    client.claim("q w");
    assert_eq!(client.call("TASK.DROP q FORCE"), "500");
    assert_eq!(client.schedule("q x ID t7 GROUP g2"), "t7");
    wait_until("it can be claimed", || client.counts("q") == "ready 1");
    wait_until("all is swept", || {
        !client.keys().iter().any(|key| key.contains(":drop:"))
    });
    places::check(&mut client, "q");
    client.must("TASK.DROP q");
    wait_until("nothing is left", || client.keys().is_empty());
}

#[test]
fn a_group_stands_still_while_its_first_task_waits_for_its_backoff() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a GROUP g BACKOFF FIXED 3600000");
    client.schedule("q x ID b GROUP g");
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q {id} {token}"));
    assert_eq!(client.must("TASK.CLAIM q w"), Value::Null);
    assert_eq!(client.counts("q"), "scheduled 1 blocked 1");
    client.must("TASK.RESCHEDULE q a DELAY 0");
    wait_until("it is its turn still", || client.listed("q", "ready") == ["a"]);
}

#[test]
fn with_hold_run_a_group_goes_on_and_who_waited_comes_next_even_after_a_crash_or_a_failover() {
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    client.must("TASK.CONFIG SET q group-hold run");
    for id in ["a", "b", "c"] {
        client.schedule(&format!("q x ID {id} GROUP g BACKOFF FIXED 3600000"));
    }
    let (_, token) = client.claim("q w");
    let mut waiting = server.waiter("TASK.CLAIM q w BLOCK 0");
    client.must(&format!("TASK.FAIL q a {token}"));
    let token = waiting.receive().item(0).field("token").int();
    wait_until("the replica has it", || there.digest() == client.digest());
    there.must("REPLICAOF NO ONE");
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        assert_eq!(client.counts("q"), "scheduled 1 claimed 1 blocked 1");
        places::check(client, "q");
        client.must("TASK.RESCHEDULE q a DELAY 0");
        assert_eq!(client.counts("q"), "claimed 1 blocked 2");
        client.must(&format!("TASK.ACK q b {token}"));
        assert_eq!(drain(client), ["a", "c"]);
        assert_eq!(client.counts("q"), "");
    }
}
