//! Tasks that are sent again with their ids.

use crate::support::Server;
use crate::support::rig::Rig;

#[test]
fn a_task_sent_again_is_there_once_and_counts_as_a_write() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE q x ID a");
    let digest = rig.client.digest();
    for again in ["TASK.SCHEDULE q x ID a DELAY 5", "TASK.MSCHEDULE q 1 x IDS a"] {
        assert_eq!(rig.sent(again), ["q:"], "an empty record");
    }
    assert_eq!(rig.client.call("TASK.SCHEDULE q y ID a"), "-DUPLICATE ready a");
    assert_eq!(rig.client.call("TASK.MSCHEDULE q 2 z y IDS b a"), "-DUPLICATE ready a");
    assert_eq!(rig.rest(), Vec::<String>::new());
    assert_eq!(rig.client.digest(), digest);
    let sent = rig.sent("TASK.MSCHEDULE q 2 x z IDS a b");
    assert_eq!(sent, ["q: rpush ready:5 [b]; set t:b waiting p=5 fence=F due=MS 'z'"]);
}

#[test]
fn a_wait_after_a_task_sent_again_is_true() {
    let server = Server::builder().append_always().listening().start();
    let mut client = server.client();
    let replica = server.replica_with(Server::builder());
    client.schedule("q x ID a");
    let mut other = server.client();
    assert_eq!(other.schedule("q x ID a"), "a");
    assert_eq!(other.call("WAIT 1 0"), "1");
    assert_eq!(replica.client().counts("q"), "ready 1");
    let mut server = server;
    server.kill_9();
    server.start_again(&[]);
    assert_eq!(server.client().schedule("q x ID a"), "a");
}

#[test]
fn a_full_server_takes_what_it_has() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q xx ID a");
    client.must("CONFIG SET maxmemory 1 steward.max-payload 1");
    assert_eq!(client.schedule("q xx ID a"), "a");
    assert_eq!(client.call("TASK.MSCHEDULE q 1 xx IDS a"), "['a']");
    for new in ["TASK.SCHEDULE q x ID b", "TASK.MSCHEDULE q 2 xx x IDS a b"] {
        assert_eq!(client.call(new).code(), "OOM", "{new}");
    }
    assert_eq!(client.counts("q"), "ready 1");
}

#[test]
fn ids_with_spaces_are_told_apart_from_the_state() {
    let server = Server::start();
    let mut client = server.client();
    client.call_args(&["TASK.SCHEDULE", "q", "x", "ID", "ann 7"]);
    let refused = client.call_args(&["TASK.MSCHEDULE", "q", "2", "y", "z", "IDS", "b", "ann 7"]);
    assert_eq!(refused, "-DUPLICATE ready ann 7");
    assert_eq!(client.counts("q"), "ready 1");
}
