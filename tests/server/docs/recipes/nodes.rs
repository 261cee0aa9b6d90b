//! Jobs for chosen nodes: a list for each node, and targeted tasks.

use std::fs::File;

use super::{HELD, folder, hold, list, recipe, spawn};
use crate::support::{Document, Folder, Process, Server, Session, wait_until};

pub(super) const RECIPE: &str = "## Jobs for chosen nodes";

const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

/// A folder in which a result names its worker.
fn running(server: &Server, half: &Document) -> Folder {
    let folder = folder(server, half);
    folder.add("run_job", &format!("#!/bin/sh\n{HELD}echo \"$1 by $IS\"\n"));
    folder
}

fn node(folder: &Folder, name: &str) -> Process {
    spawn(folder, &["node.sh", name], ("IS", name))
}

/// A master with a job for all nodes, which writes the results into a file of that name.
fn master(folder: &Folder, job: &str) -> Process {
    let words = ["master.sh", job, NODES[0], NODES[1], NODES[2]];
    let file = File::create(folder.path().join(job)).unwrap();
    Process::spawn(folder.program(&words, ("IS", "master")).stdout(file))
}

#[test]
fn by_hand_each_node_does_its_job_and_a_node_that_dies_takes_it_along() {
    let [by_hand, _] = recipe(RECIPE);
    let server = Server::builder().plain().start();
    let folder = running(&server, &by_hand);
    let mut client = server.client();

    let _nodes = ["node-1", "node-3"].map(|name| node(&folder, name));
    let node_2 = node(&folder, "node-2");
    let mut asking = master(&folder, "count");
    wait_until("the master has them all", || asking.has_ended());
    let mut results = folder.lines("count");
    results.sort();
    assert_eq!(results, NODES.map(|name| format!("count by {name}")));

    // What goes wrong.
    hold(&folder, "node-2");
    let _asking = master(&folder, "lost");
    wait_until("the others are done", || folder.lines("lost").len() == 2);
    wait_until("it has the job", || list(&mut client, "jobs:node-2").is_empty());
    drop(node_2);
    let keys = client.keys();
    assert_eq!(keys, ["jobs:batches"], "the job is nowhere");
}

#[test]
fn with_steward_each_node_does_its_job_and_another_does_that_of_a_node_that_dies() {
    let [_, with_steward] = recipe(RECIPE);
    let server = Server::start();
    let folder = running(&server, &with_steward);
    let mut client = server.client();
    Session::at(&server).run(&with_steward.blocks("console").concat());

    let _nodes = ["node-1", "node-3"].map(|name| node(&folder, name));
    let node_2 = node(&folder, "node-2");
    let mut asking = master(&folder, "count");
    wait_until("the master has them all", || asking.has_ended());
    assert_eq!(
        folder.lines("count"),
        NODES.map(|name| format!("done\tcount by {name}\t"))
    );

    hold(&folder, "node-2");
    let mut asking = master(&folder, "sum");
    wait_until("the others are done", || client.stat("jobs", "acked_total") == 6);
    wait_until("it has the task", || client.stat("jobs", "claimed_tasks") == 1);
    drop(node_2);
    wait_until("the master has them all", || asking.has_ended());
    let results = folder.lines("sum");
    let by_another = ["node-1", "node-3"].map(|name| format!("done\tsum by {name}\t"));
    assert_eq!([&results[0], &results[2]], [&by_another[0], &by_another[1]]);
    assert!(by_another.contains(&results[1]), "{results:?}");
}
