//! TASK.EXPLAIN on a server: what the server itself refuses, and that it only reads.

use crate::support::rig::Rig;
use crate::support::{Client, Server, Value, wait_until};

/// The causes, in order.
#[track_caller]
fn causes(client: &mut Client, words: &str) -> Vec<String> {
    let reply = client.must(&format!("TASK.EXPLAIN {words}"));
    reply.items().iter().map(|cause| cause.field("cause").text()).collect()
}

#[track_caller]
fn text(client: &mut Client, cause: &str) -> String {
    let reply = client.must("TASK.EXPLAIN q");
    let found = reply.items().iter().find(|found| found.field("cause").text() == cause);
    found
        .unwrap_or_else(|| panic!("no {cause} in {reply}"))
        .field("text")
        .text()
}

#[test]
fn what_the_server_refuses_is_told_in_its_own_words() {
    let server = Server::builder().listening().start();
    let mut client = server.client();
    assert_eq!(causes(&mut client, "q"), ["empty"]);
    client.must("CONFIG SET min-replicas-to-write 1");
    assert!(text(&mut client, "writes-refused").starts_with("NOREPLICAS"));
    client.must("CONFIG SET min-replicas-to-write 0");
    client.must("CLIENT PAUSE 60000 WRITE");
    assert!(text(&mut client, "writes-refused").contains("CLIENT PAUSE"));
    client.must("CLIENT UNPAUSE");
    client.must("CONFIG SET steward.timer no");
    client.must("CONFIG SET maxmemory 1");
    assert_eq!(causes(&mut client, "q"), ["memory-full", "timer-held", "empty"]);
    client.must("CONFIG SET maxmemory 0");
    client.must("CONFIG SET steward.timer yes");
    client.schedule("q x");
    let replica = server.replica();
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
    assert!(text(&mut there, "writes-refused").starts_with("READONLY"));
    assert_eq!(causes(&mut there, "q"), ["writes-refused", "unclaimed"]);
    assert_eq!(causes(&mut client, "q"), ["unclaimed"]);
}

#[test]
fn it_tells_who_holds_the_places_and_until_when() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q concurrency 1");
    client.schedule("q x");
    client.schedule("q y");
    client.claim("q w LEASE 3600000");
    let _waiting = server.waiter("TASK.CLAIM q v BLOCK 0");
    let told = client.must("TASK.EXPLAIN q v");
    let until = told.item(0).field("until_at").int();
    assert_eq!(
        told.to_string(),
        format!("[{{cause: 'concurrency', text: 'concurrency 1 is reached: w has 1', until_at: {until}}}]")
    );
    let left = until - crate::support::unix_ms();
    assert!((3_500_000..=3_600_000).contains(&left), "{left}");
    client.must("TASK.PAUSE q");
    let told = client.must("TASK.EXPLAIN q");
    assert_eq!(told.item(0).field("until_at"), &Value::Null);
    assert_eq!(causes(&mut client, "q"), ["paused", "concurrency"]);
}

#[test]
fn it_only_reads_and_bad_input_is_refused() {
    let mut rig = Rig::start("yes");
    rig.sent("TASK.SCHEDULE q p ID a DELAY 3600000");
    let none: [&str; 0] = [];
    for words in ["TASK.EXPLAIN q", "TASK.EXPLAIN q w v", "TASK.EXPLAIN never w"] {
        assert_eq!(rig.sent(words), none, "{words}");
    }
    let client = &mut rig.client;
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['q']]");
    client.must("ACL SETUSER reader on nopass %R~q -@all +task.explain");
    client.must("AUTH reader x");
    assert_eq!(causes(client, "q"), ["scheduled"]);
    client.must("AUTH default x");
    for (words, code) in [("TASK.EXPLAIN", "ERR"), ("TASK.EXPLAIN q \u{7}", "BADNAME")] {
        assert_eq!(client.call(words).code(), code, "{words}");
    }
    client.must("SET task:{wrong} x");
    assert_eq!(client.call("TASK.EXPLAIN wrong").code(), "WRONGTYPE");
    client.must("MULTI");
    client.must("TASK.EXPLAIN q");
    assert_eq!(client.must("EXEC").item(0).item(0).field("cause").text(), "scheduled");
}

#[test]
fn only_so_many_words_are_explained_or_shown() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s m 1");
    let words: Vec<String> = (0..1_001).map(|n| format!("w{n}")).collect();
    let (most, many) = (words[..1_000].join(" "), words.join(" "));
    for (call, what) in [("TASK.EXPLAIN q", "workers"), ("PID.GET s m", "fields")] {
        client.must(&format!("{call} {most}"));
        assert_eq!(
            client.call(&format!("{call} {many}")),
            format!("-BADARG {what} must be at most 1000 a call, not 1001")
        );
    }
}
