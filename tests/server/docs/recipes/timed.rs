//! Tasks at a time: a sorted set that every worker polls, and tasks with a due time.

use std::collections::BTreeSet;

use super::{HELD, folder, hold, recipe, spawn, times};
use crate::support::{Document, Folder, Server, Session, Value, unix_ms, wait_until};

pub(super) const RECIPE: &str = "## Tasks at a time";

/// A folder in which each ring of a bell is logged, with the server's time.
fn ringing(server: &Server, half: &Document) -> Folder {
    let folder = folder(server, half);
    let ring =
        format!("#!/bin/sh\n{HELD}echo \"$1\" >>rung\necho \"$1 $(redis-cli TIME | paste -s -d ' ' -)\" >>when\n");
    folder.add("ring", &ring);
    folder
}

/// Fails the test unless all of these rang, and none twice.
#[track_caller]
fn assert_rang(folder: &Folder, bells: &BTreeSet<String>) {
    let rung = folder.lines("rung");
    assert_eq!(&rung.iter().cloned().collect::<BTreeSet<_>>(), bells);
    assert_eq!(rung.len(), bells.len(), "none twice");
}

#[test]
fn by_hand_each_is_run_by_one_of_the_workers_that_ask_and_lost_when_that_one_dies() {
    let [by_hand, _] = recipe(RECIPE);
    let server = Server::builder().plain().start();
    let folder = ringing(&server, &by_hand);
    let mut client = server.client();
    let mut session = Session::at(&server);
    let now = unix_ms() / 1_000;
    session.let_be("1795247853", &now.to_string());
    session.run(&by_hand.blocks("console").concat());
    let mut bells = BTreeSet::from(["wake ann".to_string()]);
    for number in 0..20 {
        client.must(&format!("HSET bells:payload b{number} bell-{number}"));
        client.must(&format!("ZADD bells {} b{number}", now + number % 3));
        bells.insert(format!("bell-{number}"));
    }
    let names = ["one", "two", "three"];
    let workers = names.map(|name| spawn(&folder, &["worker.sh"], ("IS", name)));
    wait_until("all have rung", || client.must("HLEN bells:payload") == "0");
    assert_rang(&folder, &bells);
    drop(workers);

    // What goes wrong.
    hold(&folder, "four");
    let four = spawn(&folder, &["worker.sh"], ("IS", "four"));
    client.must("HSET bells:payload b lost");
    client.must("ZADD bells 1 b");
    wait_until("it has it", || client.must("ZCARD bells") == "0");
    drop(four);
    assert_eq!(times(&folder, "rung", "lost"), 0);
    assert_eq!(client.must("ZSCORE bells b"), Value::Null, "nobody will find it");
}

#[test]
fn with_steward_each_is_run_by_one_of_the_workers_that_wait_and_by_another_when_that_one_dies() {
    let [_, with_steward] = recipe(RECIPE);
    let server = Server::start();
    let folder = ringing(&server, &with_steward);
    let mut client = server.client();
    let mut session = Session::at(&server);
    let soon = unix_ms() + 60_000;
    session.let_be("1795247853000", &soon.to_string());
    session.let_be("1795247913000", &(soon + 60_000).to_string());
    session.run(&with_steward.blocks("console").concat());

    let names = ["one", "two", "three", "four", "five"];
    let workers = names.map(|name| spawn(&folder, &["worker.sh", name], ("IS", name)));
    wait_until("all wait", || client.stat("bells", "waiting_clients") == 5);
    let now = unix_ms();
    let mut bells = BTreeSet::new();
    for number in 0..40 {
        // Some at the same moment.
        let due = now + 200 + number / 4 * 100;
        client.schedule(&format!("bells {due}-{number} ID b{number} AT {due}"));
        bells.insert(format!("{due}-{number}"));
    }
    wait_until("all are done", || client.stat("bells", "acked_total") == 40);
    assert_rang(&folder, &bells);
    for line in folder.lines("when") {
        let words: Vec<i64> = line.split([' ', '-']).map(|word| word.parse().unwrap()).collect();
        let [due, _, seconds, micros] = words[..] else {
            panic!("{line}")
        };
        assert!(seconds * 1_000 + micros / 1_000 >= due, "not before its time: {line}");
    }
    wait_until("all wait again", || client.stat("bells", "waiting_clients") == 5);
    // One call for each task, and the one that waits.
    let calls = client.info("cmdstat_task.claim");
    let calls: i64 = calls.split(['=', ',']).nth(1).unwrap().parse().unwrap();
    assert!(calls <= 45, "nobody polls: {calls}");
    drop(workers);

    client.must("TASK.CONFIG SET bells lease 2000");
    wait_until("nobody waits", || client.stat("bells", "waiting_clients") == 0);
    hold(&folder, "six");
    let six = spawn(&folder, &["worker.sh", "six"], ("IS", "six"));
    client.schedule("bells kept ID b");
    wait_until("it has it", || client.counts("bells") == "claimed 1");
    drop(six);
    let _seven = spawn(&folder, &["worker.sh", "seven"], ("IS", "seven"));
    wait_until("another does it", || client.stat("bells", "acked_total") == 41);
    assert_eq!(times(&folder, "rung", "kept"), 1);
}
