//! The reclaim window: after a load or a promotion no leader is appointed while its predecessor may still act.

use crate::support::builder::Builder;
use crate::support::{Client, Server, Value, unix_ms, wait_until};

fn lasting(window: i64) -> Builder {
    let window = window.to_string();
    Server::builder().append_always().set("steward.reclaim-window", &window)
}

/// Kills the server and starts it again; returns the moment of the start.
#[track_caller]
fn restart(server: &mut Server) -> i64 {
    server.kill_9();
    let begun = unix_ms();
    server.start_again(&[]);
    begun
}

/// The reply to a campaign in the window of `most` ms, without the remaining time.
#[track_caller]
fn must_wait(campaign: &Value, most: i64) {
    let reclaim = campaign.field("reclaim_ms").int();
    assert!((1..=most).contains(&reclaim), "{campaign}");
    assert_eq!(
        campaign,
        &format!("{{role: 'candidate', epoch: null, leader: null, position: 1, reclaim_ms: {reclaim}}}")
    );
}

/// Campaigns until it leads: on a bound connection each wait ends before the TTL.
#[track_caller]
fn wait_to_lead(client: &mut Client, campaign: &str) -> Value {
    let mut reply = Value::Null;
    wait_until("it leads", || {
        reply = client.must(campaign);
        reply != Value::Null
    });
    reply
}

#[test]
fn a_service_without_a_leader_record_gets_no_leader_before_the_window_is_over() {
    let mut server = lasting(60_000).start();
    let mut client = server.client();
    client.register("s b 1 TTL 400");
    let token = client.register("s a 1 TTL 900");
    let begun = restart(&mut server);
    let (mut client, mut waiting) = (server.client(), server.client());
    let held = client.call("PID.REGISTER s x 3 TTL 500 EXCLUSIVE");
    let retry = held.field("retry_ms").int();
    assert!((1..=900).contains(&retry), "the largest TTL of the service: {held}");
    assert_eq!(
        held,
        format!("{{status: 'held', token: null, epoch: null, ttl_ms: null, holder: null, retry_ms: {retry}}}")
    );
    assert_eq!(client.member("s", "x", "state"), "gone", "nothing was registered");
    must_wait(&client.call(&format!("HB.CAMPAIGN s a {token}")), 900);
    assert_eq!(client.info("steward_reclaiming_services"), "1");
    assert_eq!(client.leader("s"), "nobody");
    // Bound, so that each wait begins with a sign of life.
    waiting.must(&format!("HB.BEAT s a TOKEN {token} BIND"));
    let leads = wait_to_lead(&mut waiting, &format!("HB.CAMPAIGN s a {token} BLOCK 0"));
    let epoch = leads.field("epoch").int();
    assert_eq!(
        leads,
        format!("{{role: 'leader', epoch: {epoch}, leader: 'a', position: null, reclaim_ms: 0}}")
    );
    let took = unix_ms() - begun;
    assert!(took >= 900, "not after {took} ms");
    assert_eq!(client.leader("s"), format!("a {epoch}"));
    assert_eq!(client.info("steward_reclaiming_services"), "0");
}

#[test]
fn who_waits_to_register_as_the_only_one_gets_it_when_the_window_is_over() {
    let mut server = lasting(600).start();
    server.client().register("s a 1 TTL 60000");
    let begun = restart(&mut server);
    let mut client = server.client();
    let reply = client.call("PID.REGISTER s x 3 TTL 500 EXCLUSIVE BLOCK 0");
    let took = unix_ms() - begun;
    assert!(took >= 600, "not after {took} ms");
    assert_eq!(reply.field("status"), "'registered'");
    assert_eq!(client.leader("s"), format!("x {}", reply.field("epoch").int()));
}

#[test]
fn with_a_leader_record_there_is_no_window_and_the_next_one_leads_when_the_leader_is_dead() {
    let mut server = lasting(60_000).start();
    let mut client = server.client();
    let token = client.register("s old 1 TTL 700");
    client.must(&format!("HB.CAMPAIGN s old {token}"));
    let (epoch, next) = (client.epoch("s"), client.register("s next 2 TTL 60000"));
    let begun = restart(&mut server);
    let mut client = server.client();
    assert_eq!(client.leader("s"), format!("old {epoch}"));
    let held = client.call("PID.REGISTER s x 3 HOST h TTL 500 EXCLUSIVE");
    let retry = held.field("retry_ms").int();
    assert!((1..=700).contains(&retry), "{held}");
    assert_eq!(
        held,
        format!(
            "{{status: 'held', token: null, epoch: {epoch}, ttl_ms: null, \
             holder: {{member: 'old', pid: 1, host: null, remaining_ms: {retry}}}, retry_ms: {retry}}}"
        )
    );
    let campaign = client.call(&format!("HB.CAMPAIGN s next {next}"));
    let expected = format!("{{role: 'candidate', epoch: {epoch}, leader: 'old', position: 1, reclaim_ms: 0}}");
    assert_eq!(campaign, expected);
    assert_eq!(client.info("steward_reclaiming_services"), "0");
    let leads = client.call(&format!("HB.CAMPAIGN s next {next} BLOCK 0"));
    assert!(leads.field("epoch").int() > epoch);
    assert!(unix_ms() - begun >= 700, "the old one had a full TTL");
    assert_eq!(client.deaths("s"), ["old ttl"]);
}

/// A service whose leader record is lost, as in a failover that came before its replication; the tokens of
/// the old leader and of another member.
#[track_caller]
fn forgotten(server: &mut Server) -> (i64, i64) {
    let mut client = server.client();
    let old = client.register("s old 1 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s old {old}"));
    let other = client.register("s other 2 TTL 60000");
    client.must("DEL proc:{s} proc:{s}:candidates");
    restart(server);
    let mut client = server.client();
    must_wait(&client.call(&format!("HB.CAMPAIGN s other {other}")), 60_000);
    (old, other)
}

#[test]
fn the_window_ends_when_the_old_leader_leaves() {
    for (leave, reply) in [
        ("PID.DEREGISTER s old TOKEN {token}", "1"),
        ("PID.DEREGISTER s old PID 1", "1"),
        ("PID.EVICT s old", "1"),
        ("HB.RESIGN s old {token}", "'other'"),
    ] {
        let mut server = lasting(60_000).start();
        let (old, other) = forgotten(&mut server);
        let mut client = server.client();
        let leave = leave.replace("{token}", &old.to_string());
        assert_eq!(client.call(&leave), reply);
        let leads = client.call(&format!("HB.CAMPAIGN s other {other} BLOCK 20000"));
        assert_eq!(leads.field("role"), "'leader'", "{leave}");
        assert_eq!(client.info("steward_reclaiming_services"), "0");
    }
}

#[test]
fn who_came_after_the_restart_neither_ends_the_window_nor_makes_it_longer() {
    let mut server = lasting(60_000).start();
    server.client().register("s a 1 TTL 900");
    let begun = restart(&mut server);
    let mut client = server.client();
    let new = client.register("s new 2 TTL 60000");
    must_wait(&client.call(&format!("HB.CAMPAIGN s new {new}")), 900);
    let other = client.register("s other 3 TTL 60000");
    assert_eq!(client.call(&format!("PID.DEREGISTER s other TOKEN {other}")), "1");
    must_wait(&client.call(&format!("HB.CAMPAIGN s new {new}")), 900);
    assert_eq!(client.call(&format!("HB.RESIGN s new {new}")).code(), "FENCED");
    let leads = client.call(&format!("HB.CAMPAIGN s new {new} BLOCK 20000"));
    assert_eq!(leads.field("role"), "'leader'");
    assert!(unix_ms() - begun >= 900);
}

#[test]
fn a_window_of_nothing_is_off() {
    let mut server = lasting(0).start();
    let mut client = server.client();
    let token = client.register("s a 1 TTL 60000");
    restart(&mut server);
    let mut client = server.client();
    assert_eq!(client.campaign(&format!("s a {token}")), "leader");
    let reply = client.call("PID.REGISTER other x 1 TTL 86400000 EXCLUSIVE");
    assert_eq!(reply.field("status"), "'registered'");
    assert_eq!(client.info("steward_reclaiming_services"), "0");
}

#[test]
fn the_window_of_a_service_with_an_endless_member_is_the_longest() {
    let mut server = lasting(60_000).start();
    let mut client = server.client();
    let token = client.register("s a 1 TTL 5000");
    client.register("s file 2 TTL 0");
    restart(&mut server);
    let campaign = server.client().call(&format!("HB.CAMPAIGN s a {token}"));
    must_wait(&campaign, 60_000);
    assert!(campaign.field("reclaim_ms").int() > 50_000, "{campaign}");
}

#[test]
fn a_first_start_without_data_has_no_window() {
    let server = lasting(60_000).start();
    let mut client = server.client();
    let reply = client.call("PID.REGISTER s x 1 TTL 500 EXCLUSIVE");
    assert_eq!(reply.field("status"), "'registered'");
    let token = client.register("t a 1 TTL 500");
    assert_eq!(client.campaign(&format!("t a {token}")), "leader");
    assert_eq!(client.info("steward_reclaiming_services"), "0");
}

#[test]
fn a_service_of_which_nothing_was_stored_waits_for_the_default_ttl() {
    let mut server = lasting(60_000).set("steward.ttl", "800").start();
    server.client().must("SET something else");
    let begun = restart(&mut server);
    let mut client = server.client();
    let held = client.call("PID.REGISTER s x 1 TTL 500 EXCLUSIVE");
    assert_eq!(held.field("status"), "'held'");
    assert!((1..=800).contains(&held.field("retry_ms").int()), "{held}");
    let reply = client.call("PID.REGISTER s x 1 TTL 500 EXCLUSIVE BLOCK 20000");
    assert_eq!(reply.field("status"), "'registered'");
    assert!(unix_ms() - begun >= 800);
}

#[test]
fn a_promotion_opens_the_window_too() {
    let mut server = Server::builder().set("steward.timer", "no").listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    let token = client.register("s a 1 TTL 700");
    wait_until("the replica has it", || there.digest() == client.digest());
    server.kill_9();
    let begun = unix_ms();
    there.must("REPLICAOF NO ONE");
    must_wait(&there.call(&format!("HB.CAMPAIGN s a {token}")), 700);
    wait_until("a leads", || {
        there.must(&format!("HB.BEAT s a TOKEN {token}")).field("role") == "'leader'"
    });
    assert!(unix_ms() - begun >= 700 - 1, "two clocks in whole milliseconds");
}

#[test]
fn a_grant_that_a_failover_has_lost_is_not_doubled() {
    let mut server = Server::builder().set("steward.timer", "no").listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    let (a, b) = (client.register("s a 1 TTL 900"), client.register("s b 2 TTL 900"));
    wait_until("the replica has it", || there.digest() == client.digest());
    // The link is broken when the primary grants the lead.
    there.must("REPLICAOF 127.0.0.1 1");
    client.must(&format!("HB.CAMPAIGN s a {a}"));
    let lost = client.epoch("s");
    let promised = client.call("PID.REGISTER t x 3 TTL 900 EXCLUSIVE").field("epoch").int();
    server.kill_9();
    let begun = unix_ms();
    there.must("REPLICAOF NO ONE");
    must_wait(&there.call(&format!("HB.CAMPAIGN s b {b}")), 900);
    assert_eq!(
        there.call("PID.REGISTER t y 4 TTL 900 EXCLUSIVE").field("status"),
        "'held'"
    );
    for (service, epoch) in [("s", lost), ("t", promised)] {
        let fenced = there.call(&format!("HB.FENCED {service} {epoch} SET x 1"));
        assert_eq!(fenced, "-FENCED epoch=0 leader=");
    }
    // Bound, so that each wait begins with a sign of life.
    there.must(&format!("HB.BEAT s b TOKEN {b} BIND"));
    let leads = wait_to_lead(&mut there, &format!("HB.CAMPAIGN s b {b} BLOCK 20000"));
    assert!(leads.field("epoch").int() > lost, "{leads}");
    assert!(unix_ms() - begun >= 900 - 1, "two clocks in whole milliseconds");
}

/// A member that wants to resume as the holder waits like everyone else, and keeps its membership.
#[track_caller]
fn resumes(client: &mut Client, token: i64) -> Value {
    client.call(&format!("PID.REGISTER s a 1 TTL 700 EXCLUSIVE TOKEN {token}"))
}

#[test]
fn a_member_that_comes_back_as_the_only_one_is_held_like_everybody_else() {
    let mut server = lasting(60_000).start();
    let token = server.client().register("s a 1 TTL 700");
    restart(&mut server);
    let mut client = server.client();
    assert_eq!(resumes(&mut client, token).field("status"), "'held'");
    assert_eq!(client.beat("s", "a", token), "member");
    let mut reply = Value::Null;
    wait_until("the window is over", || {
        assert_ne!(client.beat("s", "a", token), "NOMEMBER");
        reply = resumes(&mut client, token);
        reply.field("status") == "'resumed'"
    });
    assert_eq!(reply.field("token").int(), token);
    assert_eq!(client.leader("s"), format!("a {}", reply.field("epoch").int()));
}
