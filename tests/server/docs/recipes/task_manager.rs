//! A task manager: lists and a reaper, and a queue whose workers are members.

use super::{HELD, folder, hold, is_held, let_go, list, recipe, spawn, times};
use crate::support::{Client, Document, Folder, Process, Server, Session, wait_until};

pub(super) const RECIPE: &str = "## A task manager";

/// A folder in which finished work is logged.
fn working(server: &Server, half: &Document) -> Folder {
    let folder = folder(server, half);
    folder.add("do_job", &format!("#!/bin/sh\n{HELD}echo \"$1\" >>done\n"));
    folder
}

/// A worker on this host.
fn worker(folder: &Folder, host: &str) -> Process {
    spawn(folder, &["worker.sh"], ("ON", host))
}

/// What was done, in order of the pages.
fn done(folder: &Folder) -> Vec<String> {
    let mut done = folder.lines("done");
    done.sort();
    done
}

#[test]
fn by_hand_a_reaper_gives_back_what_a_dead_worker_held_and_what_a_late_one_does_still() {
    let [by_hand, _] = recipe(RECIPE);
    let server = Server::builder().plain().start();
    let folder = working(&server, &by_hand);
    let mut client = server.client();
    let has_one = |client: &mut Client, host: &str, worker: &Process| {
        list(client, &format!("jobs:doing:{host}-{}", worker.id())).len() == 1
    };

    let _reaper = spawn(&folder, &["reaper.sh"], ("ON", "r1"));
    Session::at(&server).run(&by_hand.blocks("console").concat());
    hold(&folder, "a3");
    let a3 = worker(&folder, "a3");
    wait_until("it has a job", || has_one(&mut client, "a3", &a3));
    drop(a3);
    let b1 = worker(&folder, "b1");
    wait_until("all are done", || client.must("HLEN jobs:payload") == "0");
    assert_eq!(done(&folder), ["page 1", "page 2", "page 3"]);

    // What goes wrong.
    drop(b1);
    hold(&folder, "c1");
    let c1 = worker(&folder, "c1");
    client.must("HSET jobs:payload 4 late");
    client.must("LPUSH jobs:ready 4");
    wait_until("it is at the job", || is_held(&folder, "c1"));
    c1.signal("-STOP");
    let _b2 = worker(&folder, "b2");
    wait_until("another does it", || times(&folder, "done", "late") == 1);
    c1.signal("-CONT");
    let_go(&folder, "c1");
    wait_until("it is done again", || times(&folder, "done", "late") == 2);
}

#[test]
fn with_steward_a_killed_workers_task_is_done_by_another_and_a_late_one_is_refused() {
    let [_, with_steward] = recipe(RECIPE);
    let server = Server::start();
    let folder = working(&server, &with_steward);
    let mut client = server.client();
    let mut session = Session::at(&server);
    let [create, look, look_back] = &with_steward.blocks("console")[..] else {
        panic!("three sessions")
    };

    session.run(create);
    hold(&folder, "a3");
    let a3 = worker(&folder, "a3");
    wait_until("it has a task", || client.counts("jobs") == "ready 2 claimed 1");
    session.let_be("4711", &a3.id().to_string());
    session.let_vary("205");
    session.run(look);
    drop(a3);
    let b1 = worker(&folder, "b1");
    wait_until("all are done", || client.stat("jobs", "acked_total") == 3);
    assert_eq!(done(&folder), ["page 1", "page 2", "page 3"]);
    session.run(look_back);

    drop(b1);
    // Otherwise the next task goes to its old connection, which the server does not yet know to be closed.
    wait_until("its client is gone", || client.stat("jobs", "waiting_clients") == 0);
    hold(&folder, "c1");
    let c1 = worker(&folder, "c1");
    client.schedule("jobs late");
    wait_until("it is at the task", || is_held(&folder, "c1"));
    c1.signal("-STOP");
    let _b2 = worker(&folder, "b2");
    wait_until("another does it", || client.stat("jobs", "acked_total") == 4);
    let_go(&folder, "c1");
    c1.signal("-CONT");
    wait_until("it has done it too", || times(&folder, "done", "late") == 2);
    wait_until("both wait for more", || client.stat("jobs", "waiting_clients") == 2);
    assert_eq!(client.stat("jobs", "acked_total"), 4);
}

#[test]
fn with_steward_a_worker_acknowledges_what_it_did_while_the_server_was_away_or_it_was_told_to_end() {
    let [_, with_steward] = recipe(RECIPE);
    let mut server = Server::builder().append_always().start();
    let folder = working(&server, &with_steward);
    hold(&folder, "a3");
    let mut a3 = worker(&folder, "a3");
    server.client().schedule("jobs x");
    wait_until("it is at the task", || is_held(&folder, "a3"));
    server.kill_9();
    let_go(&folder, "a3");
    wait_until("it is done", || done(&folder) == ["x"]);
    server.start_again(&[]);
    let mut client = server.client();
    wait_until("it is acknowledged", || client.stat("jobs", "acked_total") == 1);

    hold(&folder, "a3");
    client.schedule("jobs y");
    wait_until("it is at the task", || client.counts("jobs") == "claimed 1");
    a3.signal_alone("-TERM");
    client.schedule("jobs later");
    let_go(&folder, "a3");
    wait_until("it ends", || a3.has_ended());
    assert_eq!(done(&folder), ["x", "y"]);
    assert_eq!(client.counts("jobs"), "ready 1");
}
