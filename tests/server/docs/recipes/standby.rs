//! A standby that takes over: with a lock that is renewed, and with a leader that has an epoch.

use super::{HELD, folder, hold, let_go, list, recipe, spawn};
use crate::support::{Folder, Server, Session, wait_until};

pub(super) const RECIPE: &str = "## A standby that takes over";

/// Has pages written that name their writer.
fn add_write_page(folder: &Folder) {
    let write_page = format!("#!/bin/sh\n{HELD}echo \"page $1 by $IS\"\n");
    folder.add("write_page", &write_page);
}

fn is_by(page: &str, name: &str) -> bool {
    page.ends_with(&format!(" by {name}"))
}

/// Whether each page is there once, from page 1 to the last.
fn is_whole(pages: &[String]) -> bool {
    let mut number = 0;
    pages.iter().all(|page| {
        number += 1;
        page.starts_with(&format!("page {number} by "))
    })
}

#[test]
fn by_hand_the_standby_takes_over_and_a_late_holder_writes_its_page_again() {
    let [by_hand, _] = recipe(RECIPE);
    let server = Server::builder().plain().start();
    let folder = folder(&server, &by_hand);
    add_write_page(&folder);
    let mut client = server.client();
    let mut pages = || list(&mut client, "report:pages");

    let _one = spawn(&folder, &["report.sh", "one"], ("IS", "one"));
    wait_until("one writes", || pages().len() > 1);
    let _two = spawn(&folder, &["report.sh", "two"], ("IS", "two"));
    hold(&folder, "one");
    wait_until("two writes", || pages().iter().any(|page| is_by(page, "two")));
    assert!(is_whole(&pages()));
    // What goes wrong.
    let_go(&folder, "one");
    wait_until("one adds the page that it was at", || !is_whole(&pages()));
}

#[test]
fn with_steward_each_page_is_there_once_whoever_is_late_or_dies() {
    let [_, with_steward] = recipe(RECIPE);
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica();
    let folder = folder(&server, &with_steward);
    add_write_page(&folder);
    let (mut client, mut there) = (server.client(), replica.client());
    let key = "{report}pages";

    let one = spawn(&folder, &["report.sh", "one"], ("IS", "one"));
    wait_until("the replica has a page", || !list(&mut there, key).is_empty());
    let two = spawn(&folder, &["report.sh", "two"], ("IS", "two"));
    wait_until("two stands by", || {
        client.member("report", "two", "role") == "role 'candidate'"
    });
    let mut session = Session::at(&server);
    session.let_be("4711", &one.id().to_string());
    session.let_be("6380", &replica.port().to_string());
    session.run(&with_steward.blocks("console").concat());

    hold(&folder, "one");
    wait_until("two writes", || {
        list(&mut client, key).iter().any(|page| is_by(page, "two"))
    });
    let_go(&folder, "one");
    // By then its late page was refused.
    wait_until("one stands by", || {
        client.member("report", "one", "role") == "role 'candidate'"
    });
    let written = list(&mut client, key);
    assert!(is_whole(&written), "{written:?}");
    drop(two);
    wait_until("one goes on", || is_by(list(&mut client, key).last().unwrap(), "one"));

    let epoch = client.epoch("report");
    let written = list(&mut client, key);
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    assert!(list(&mut client, key).starts_with(&written));
    let kept = list(&mut client, key).len();
    wait_until("it goes on after the restart", || list(&mut client, key).len() > kept);
    assert!(client.leader("report").starts_with("one "));
    assert!(client.epoch("report") > epoch, "a new one with its next beat");
    drop(one);
    let written = list(&mut client, key);
    assert!(is_whole(&written), "{written:?}");
    wait_until("the replica has them all", || list(&mut there, key) == written);
}
