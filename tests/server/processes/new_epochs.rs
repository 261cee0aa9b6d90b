//! Epochs over loads and promotions that have lost the last writes: a leader gets a new one when it shows itself.

use crate::support::{Client, Server, wait_until};

/// What HB.FENCED answers under this epoch: OK, or FENCED.
#[track_caller]
fn fenced(client: &mut Client, epoch: i64) -> String {
    match client.call(&format!("HB.FENCED s {epoch} SET x 1")).to_string() {
        ok if ok == "+OK" => "OK".into(),
        refused => refused.split(' ').next().unwrap().trim_start_matches('-').into(),
    }
}

#[test]
fn a_lost_grant_of_another_is_no_larger_than_the_next_epoch_of_the_old_leader() {
    let mut server = Server::builder().set("steward.timer", "no").listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    let (a, b) = (client.register("s a 1 TTL 60000"), client.register("s b 2 TTL 60000"));
    client.campaign(&format!("s a {a}"));
    client.campaign(&format!("s b {b}"));
    let first = client.epoch("s");
    wait_until("the replica has it", || there.digest() == client.digest());
    // The replica is cut off, and the lead changes hands.
    there.must("REPLICAOF 127.0.0.1 1");
    assert_eq!(client.call(&format!("HB.RESIGN s a {a}")), "'b'");
    let lost = client.epoch("s");
    server.kill_9();
    there.must("REPLICAOF NO ONE");
    there.must("CONFIG SET steward.timer yes");
    let since = there.must("HB.LEADER s").field("since_at").int();
    assert_eq!(there.leader("s"), format!("a {first}"));
    assert_eq!(fenced(&mut there, first), "OK");
    // What the old leader calls as a member only does not change it, nor do others.
    there.must("TASK.CLAIM s a");
    there.must(&format!("HB.WITHDRAW s a {a}"));
    there.must("HB.SIGNAL s a reload");
    assert_eq!(there.beat("s", "b", b), "candidate");
    assert_eq!(there.epoch("s"), first);
    let beat = there.must(&format!("HB.BEAT s a TOKEN {a}"));
    let now = beat.field("epoch").int();
    assert!(
        now > lost,
        "{now} is no more than {lost}, which an external store may have seen"
    );
    assert_eq!(
        (fenced(&mut there, first), fenced(&mut there, now)),
        ("FENCED".into(), "OK".into())
    );
    assert_eq!(there.must("HB.LEADER s").field("since_at").int(), since);
    // Only once.
    assert_eq!(there.beat("s", "a", a), "leader");
    assert_eq!(there.epoch("s"), now);
    assert_eq!(there.events("s").last().unwrap(), &format!("leader a epoch={now}"));
    let leaders = there
        .events("s")
        .iter()
        .filter(|line| line.starts_with("leader "))
        .count();
    assert_eq!(leaders, 2);
}

#[test]
fn each_call_of_a_leader_brings_a_new_epoch_after_a_restart_and_nothing_else_does() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    let token = client.must("PID.REGISTER s a 1 TTL 0 EXCLUSIVE").field("token").int();
    let mut epoch = client.epoch("s");
    for call in [
        format!("HB.BEAT s a TOKEN {token}"),
        format!("HB.CAMPAIGN s a {token}"),
        format!("PID.REGISTER s a 1 EXCLUSIVE TOKEN {token}"),
    ] {
        server.kill_9();
        server.start_again(&[]);
        let mut client = server.client();
        client.must("PID.LIST s");
        client.let_pass(200);
        assert_eq!(
            client.epoch("s"),
            epoch,
            "a holder without a TTL keeps it until it calls"
        );
        assert_eq!(fenced(&mut client, epoch), "OK");
        let reply = client.must(&call);
        let now = reply.field("epoch").int();
        assert!(now > epoch, "{call}: {reply}");
        assert_eq!((client.epoch("s"), fenced(&mut client, epoch)), (now, "FENCED".into()));
        epoch = now;
    }
}

#[test]
fn a_planned_failover_leaves_no_moment_without_a_valid_epoch() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    let token = client.register("s a 1 TTL 60000");
    client.campaign(&format!("s a {token}"));
    let epoch = client.epoch("s");
    wait_until("the replica has it", || there.digest() == client.digest());
    client.must("FAILOVER");
    wait_until("the replica leads", || there.info("role") == "master");
    assert_eq!(fenced(&mut there, epoch), "OK");
    let next = there.must(&format!("HB.BEAT s a TOKEN {token}")).field("epoch").int();
    assert_eq!(fenced(&mut there, next), "OK");
    wait_until("both are the same", || there.digest() == client.digest());
}
