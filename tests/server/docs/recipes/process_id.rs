//! A process id that all hosts know: with a key that is set repeatedly, and with a member.

use super::{folder, recipe, spawn};
use crate::support::{Client, Folder, Process, Server, Session, Value, wait_until};

pub(super) const RECIPE: &str = "## A process id that all hosts know";

/// The daemon.
const BILLING: &str = "#!/bin/sh\nPATH=${PATH#*:} exec sleep 600\n";

/// Starts the daemon on a host and waits until this command prints its number.
#[track_caller]
fn start(folder: &Folder, host: &str, client: &mut Client, number: &str) -> Process {
    let daemon = spawn(folder, &["start-billing"], ("ON", host));
    wait_until("its number is known", || knows(client, number, &daemon));
    daemon
}

fn knows(client: &mut Client, number: &str, daemon: &Process) -> bool {
    let known = client.must(number).to_string();
    known.trim_matches('\'') == daemon.id().to_string()
}

#[test]
fn by_hand_the_key_goes_after_the_process_and_a_second_start_writes_over_it() {
    let [by_hand, _] = recipe(RECIPE);
    let server = Server::builder().plain().start();
    let folder = folder(&server, &by_hand);
    folder.add("billing", BILLING);
    let mut client = server.client();
    let number = "GET pid:billing:a3";

    let mut first = start(&folder, "a3", &mut client, number);
    let mut session = Session::at(&server);
    session.let_be("4711", &first.id().to_string());
    session.run(&by_hand.blocks("console").concat());
    // What goes wrong.
    let second = start(&folder, "a3", &mut client, number);
    drop(second);
    wait_until("the first is back", || knows(&mut client, number, &first));

    first.kill_alone();
    wait_until("the key is removed", || client.must(number) == Value::Null);
    // Including the loop, as when the host fails.
    let daemon = start(&folder, "a3", &mut client, number);
    let gone = daemon.id().to_string();
    drop(daemon);
    assert_eq!(client.must(number), format!("'{gone}'"));
    wait_until("the key expires", || client.must(number) == Value::Null);
}

#[test]
fn with_steward_a_second_start_is_refused_and_an_end_is_told() {
    let [_, with_steward] = recipe(RECIPE);
    let server = Server::start();
    let folder = folder(&server, &with_steward);
    folder.add("billing", BILLING);
    let mut client = server.client();

    let a3 = start(&folder, "a3", &mut client, "PID.GET billing a3 pid");
    let mut b1 = start(&folder, "b1", &mut client, "PID.GET billing b1 pid");
    let second = folder.program(&["start-billing"], ("ON", "a3")).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).starts_with("billing runs on a3 already"));

    let mut session = Session::at(&server);
    session.let_be("4711", &a3.id().to_string());
    session.let_be("815", &b1.id().to_string());
    let [runs, burns] = &with_steward.blocks("console")[..] else {
        panic!("two sessions")
    };
    session.run(runs);
    drop(a3);
    session.run(burns);

    client.must("PID.EVICT billing b1");
    wait_until("it has registered again", || {
        knows(&mut client, "PID.GET billing b1 pid", &b1)
    });
    b1.kill_alone();
    wait_until("it is taken off", || client.members("billing").is_empty());
    assert_eq!(client.events("billing").last().unwrap(), "down b1 reason=left");
}
