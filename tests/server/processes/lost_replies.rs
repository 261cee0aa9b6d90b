//! Registrations and heartbeats that are sent again because their reply was lost.

use crate::support::{Server, Value};

const PROCESS: &str = "PID.REGISTER s a 12 HOST h START 100 BOOT b1";

#[test]
fn the_same_process_that_registers_again_gets_a_new_token() {
    let server = Server::start();
    let mut client = server.client();
    let lost = client.must(PROCESS).field("token").int();
    let reply = server.client().call(&format!("{PROCESS} TTL 60000"));
    let token = reply.field("token").int();
    assert!(token > lost);
    assert_eq!(
        reply,
        format!("{{status: 'resumed', token: {token}, epoch: null, ttl_ms: 60000, holder: null, retry_ms: null}}")
    );
    assert_eq!(client.beat("s", "a", lost), "FENCED");
    assert_eq!(client.events("s"), ["up a reason=registered"]);
    // Once the token was shown, its reply was not lost: another call is another's.
    assert_eq!(client.beat("s", "a", token), "member");
    let digest = client.digest();
    assert_eq!(client.call(PROCESS).field("status"), "'held'");
    assert_eq!(client.digest(), digest);
}

#[test]
fn all_four_must_be_given_and_equal() {
    let server = Server::start();
    let mut client = server.client();
    client.must(PROCESS);
    for other in [
        "PID.REGISTER s a 13 HOST h START 100 BOOT b1",
        "PID.REGISTER s a 12 HOST g START 100 BOOT b1",
        "PID.REGISTER s a 12 HOST h START 101 BOOT b1",
        "PID.REGISTER s a 12 HOST g START 100 BOOT b2",
        "PID.REGISTER s a 12 START 100 BOOT b1",
        "PID.REGISTER s a 12 HOST h BOOT b1",
        "PID.REGISTER s a 12 HOST h START 100",
    ] {
        assert_eq!(client.call(other).field("status"), "'held'", "{other}");
    }
    client.must("PID.REGISTER s b 12 HOST h START 100");
    let again = client.call("PID.REGISTER s b 12 HOST h START 100");
    assert_eq!(again.field("status"), "'held'");
}

#[test]
fn the_holder_that_registers_again_gets_a_new_epoch() {
    let server = Server::start();
    let mut client = server.client();
    let hold = format!("{PROCESS} TTL 0 EXCLUSIVE");
    let first = client.must(&hold);
    let since = client.must("HB.LEADER s").field("since_at").int();
    let again = client.must(&hold);
    assert_eq!(again.field("status"), "'resumed'");
    let [old, new] = [&first, &again].map(|reply| reply.field("epoch").int());
    assert!(old < new);
    assert_eq!(client.leader("s"), format!("a {new}"));
    assert_eq!(client.must("HB.LEADER s").field("since_at").int(), since);
    assert_eq!(
        client.call(&format!("HB.CHECK s {old}")),
        format!("-FENCED epoch={new} leader=a")
    );
    assert_eq!(
        client.events("s"),
        [
            "up a reason=registered".to_string(),
            format!("leader a epoch={old}"),
            format!("leader a epoch={new}"),
        ]
    );
    // Another host is held off, also if it waits.
    let other = "PID.REGISTER s b 12 HOST g START 100 BOOT b2 EXCLUSIVE BLOCK 50";
    assert_eq!(client.call(other), Value::Null);
}

#[test]
fn a_registration_is_repeated_over_a_restart_of_the_server() {
    let mut server = Server::builder().append_always().start();
    let hold = format!("{PROCESS} TTL 0 EXCLUSIVE");
    let epoch = server.client().must(&hold).field("epoch").int();
    server.kill_9();
    server.start_again(&[]);
    let again = server.client().must(&hold);
    assert_eq!(again.field("status"), "'resumed'");
    assert!(again.field("epoch").int() > epoch);
}

#[test]
fn a_campaigning_beat_without_the_token_is_repeated_until_the_token_was_shown() {
    let server = Server::start();
    let mut client = server.client();
    let beat = "HB.BEAT s m TTL 60000 CAMPAIGN";
    let mut last = (0, 0);
    let mut lost = Vec::new();
    for _ in 0..3 {
        let reply = server.client().must(beat);
        let now = (reply.field("token").int(), reply.field("epoch").int());
        assert_eq!(reply.field("role"), "'leader'");
        assert!(now.0 > last.0 && now.1 > last.1, "one epoch never has two holders");
        lost.push(last.0);
        last = now;
    }
    let refused = format!("-FENCED epoch={} leader=m", last.1);
    for token in &lost[1..] {
        assert_eq!(client.call(&format!("HB.BEAT s m TOKEN {token}")), refused);
    }
    // One that does not campaign has not lost a token.
    let missing = format!("-FENCED TOKEN is missing: epoch={} leader=m", last.1);
    assert_eq!(client.call("HB.BEAT s m"), missing);
    assert_eq!(client.beat("s", "m", last.0), "leader");
    assert_eq!(client.call(beat), missing, "two hosts with one name must not both lead");
    assert_eq!(client.epoch("s"), last.1);
}

#[test]
fn a_registered_process_keeps_its_token_whatever_beats_come_without_one() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12 HOST h START 100 BOOT b1");
    let refused = "-FENCED TOKEN is missing: epoch=0 leader=";
    assert_eq!(client.call("HB.BEAT s a CAMPAIGN"), refused);
    assert_eq!(client.beat("s", "a", token), "member");
}
