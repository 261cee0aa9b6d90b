//! HB.BEAT.

use crate::support::{Client, Server, Stream, Value, wait_until};

/// The reply to a beat of a member without any special news.
const PLAIN: &str =
    "{role: 'member', epoch: null, leader: null, ttl_ms: 15000, signal: null, cancelled: [], token: null}";

#[test]
fn a_beat_makes_the_member_and_later_ones_keep_it_alive() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    assert_eq!(client.call("HB.BEAT s a"), PLAIN);
    assert_eq!(client.call("HB.BEAT s a"), PLAIN);
    assert_eq!(
        two.call("HB.BEAT s a"),
        "['role', 'member', 'epoch', null, 'leader', null, 'ttl_ms', 15000, 'signal', null, 'cancelled', [], 'token', null]"
    );
    client.must("HB.BEAT s b TTL 300");
    client.must("HB.BEAT the-clock marker TTL 1200");
    while client.call("PID.GET the-clock marker") != Value::Null {
        client.must("HB.BEAT s b");
    }
    client.call("PID.AWAIT s b DOWN BLOCK 0");
    assert_eq!(
        client.events("s"),
        ["up a reason=registered", "up b reason=registered", "down b reason=ttl"]
    );
}

#[test]
fn a_campaigning_beat_makes_a_token_and_the_member_needs_it_from_then_on() {
    let server = Server::start();
    let mut client = server.client();
    let reply = client.call("HB.BEAT s a TTL 60000 CAMPAIGN");
    let (token, epoch) = (reply.field("token").int(), reply.field("epoch").int());
    assert_eq!(
        reply,
        format!(
            "{{role: 'leader', epoch: {epoch}, leader: 'a', ttl_ms: 60000, signal: null, cancelled: [], token: {token}}}"
        )
    );
    client.must("HB.BEAT s b");
    let reply = client.call("HB.BEAT s b CAMPAIGN PRIORITY 7");
    let second = reply.field("token").int();
    assert_eq!(
        reply,
        format!(
            "{{role: 'candidate', epoch: {epoch}, leader: 'a', ttl_ms: 15000, signal: null, cancelled: [], token: {second}}}"
        )
    );
    assert_ne!(token, second);
    for words in ["HB.BEAT s a", "HB.BEAT s b"] {
        let refused = format!("-FENCED TOKEN is missing: epoch={epoch} leader=a");
        assert_eq!(client.call(words), refused, "{words}");
    }
    assert_eq!(
        client.call(&format!("HB.BEAT s b TOKEN {second}")),
        format!(
            "{{role: 'candidate', epoch: {epoch}, leader: 'a', ttl_ms: 15000, signal: null, cancelled: [], token: null}}"
        )
    );
    assert_eq!(
        client.call(&format!("HB.BEAT s a TOKEN {token} CAMPAIGN")),
        format!(
            "{{role: 'leader', epoch: {epoch}, leader: 'a', ttl_ms: 60000, signal: null, cancelled: [], token: null}}"
        )
    );
}

#[test]
fn a_registered_member_beats_with_its_token_only() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12");
    let other = client.register("s b 13");
    assert_eq!(client.call(&format!("HB.BEAT s a TOKEN {token}")), PLAIN);
    let digest = client.digest();
    for words in ["HB.BEAT s a", "HB.BEAT s a CAMPAIGN"] {
        assert_eq!(
            client.call(words),
            "-FENCED TOKEN is missing: epoch=0 leader=",
            "{words}"
        );
    }
    let wrong = client.call(&format!("HB.BEAT s a TOKEN {other}"));
    assert_eq!(wrong, "-FENCED epoch=0 leader=");
    assert_eq!(
        client.call(&format!("HB.BEAT s gone TOKEN {token}")),
        "-NOMEMBER no member gone in service s"
    );
    assert_eq!(client.digest(), digest);
    // A member made without a token has no valid one.
    client.must("HB.BEAT s plain");
    assert_eq!(client.call(&format!("HB.BEAT s plain TOKEN {token}")).code(), "FENCED");
}

#[test]
fn beats_with_a_wrong_token_keep_nobody_alive() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12 TTL 300");
    wait_until("a is down", || {
        let wrong = client
            .call(&format!("HB.BEAT s a TOKEN {}", token + 1))
            .code()
            .to_string();
        assert!(["FENCED", "NOMEMBER"].contains(&wrong.as_str()));
        wrong == "NOMEMBER"
    });
    assert_eq!(client.events("s"), ["up a reason=registered", "down a reason=ttl"]);
}

#[test]
fn a_beat_changes_the_ttl_when_another_is_given() {
    let server = Server::start();
    let mut client = server.client();
    client.must("HB.BEAT s a TTL 60000");
    assert_eq!(client.call("HB.BEAT s a").field("ttl_ms"), "60000");
    assert_eq!(client.call("HB.BEAT s a TTL 100").field("ttl_ms"), "100");
    let record = client.call("HGET proc:{s}:members a").text();
    assert!(record.contains("\"ttl_ms\":100,"), "{record}");
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    // And upwards, in time.
    client.must("HB.BEAT s b TTL 500");
    client.must("HB.BEAT s b TTL 60000");
    client.let_pass(1_000);
    assert_eq!(client.member("s", "b", "ttl_ms"), "ttl_ms 60000");
}

#[test]
fn a_beat_without_news_writes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12");
    client.must(&format!("HB.CAMPAIGN s a {token}"));
    client.must("HB.BEAT s b TTL 500 STATUS one");
    let mut stream = Stream::of(&server);
    let (digest, changes) = (client.digest(), client.info("rdb_changes_since_last_save"));
    for _ in 0..100 {
        client.must(&format!("HB.BEAT s a TOKEN {token} TTL 15000 STATUS busy CAMPAIGN"));
        client.must("HB.BEAT s b STATUS two");
        client.must("HB.BEAT s b TTL 500");
    }
    assert_eq!(stream.take(), Vec::<String>::new());
    assert_eq!(
        (client.digest(), client.info("rdb_changes_since_last_save")),
        (digest, changes)
    );
}

#[test]
fn a_status_is_shown_and_stays_until_another_comes_in_memory_only() {
    let server = Server::start();
    let mut client = server.client();
    client.call_args(&["HB.BEAT", "s", "a", "STATUS", "42 % done"]);
    client.must("HB.BEAT s a");
    assert_eq!(client.call("PID.GET s a status"), "'42 % done'");
    let listed = client.call("PID.LIST s");
    assert_eq!(listed.item(1).item(0).field("status"), "'42 % done'");
    let record = client.call("HGET proc:{s}:members a").text();
    assert!(!record.contains("done"), "{record}");
    client.must("HB.BEAT s a STATUS idle");
    assert_eq!(client.call("PID.GET s a status"), "'idle'");
}

#[test]
fn a_beat_lists_the_cancelled_tasks_its_member_holds() {
    let server = Server::start();
    let mut client = server.client();
    client.must("HB.BEAT s a TTL 60000");
    for id in ["x", "y", "z"] {
        client.schedule(&format!("s p ID {id}"));
    }
    let claims = client.call("TASK.CLAIM s a COUNT 3 LEASE 60000");
    client.must("TASK.CANCEL s x z");
    let cancelled = |client: &mut Client| {
        let reply = client.must("HB.BEAT s a");
        let mut ids: Vec<String> = reply.field("cancelled").items().iter().map(Value::text).collect();
        ids.sort();
        ids.join(" ")
    };
    assert_eq!(cancelled(&mut client), "x z");
    assert_eq!(client.call("HB.BEAT s b").field("cancelled"), "[]");
    let token = |at: usize| claims.item(at).field("token").int();
    client.must(&format!("TASK.ACK s x {}", token(0)));
    assert_eq!(cancelled(&mut client), "z");
    client.must(&format!("TASK.RELEASE s z {}", token(2)));
    assert_eq!(cancelled(&mut client), "");
    assert_eq!(client.counts("s"), "claimed 1");
}

#[test]
fn beats_work_in_transactions_and_scripts() {
    let server = Server::start();
    let mut client = server.client();
    client.must("MULTI");
    client.must("HB.BEAT s a");
    client.must("PID.GET s a state");
    client.must("PID.EVICT s a");
    client.must("PID.GET s a state");
    assert_eq!(client.call("EXEC"), format!("[{PLAIN}, 'up', 1, null]"));
    let script = "local beat = redis.call('HB.BEAT', KEYS[1], 'b', 'CAMPAIGN'); \
                  local again = redis.call('HB.BEAT', KEYS[1], 'b', 'TOKEN', beat[14]); \
                  return {beat[2], again[2], redis.pcall('HB.BEAT', KEYS[1], 'b').err}";
    let epoch = client.call_args(&["EVAL", script, "1", "s"]);
    let now = client.epoch("s");
    let refused = format!("FENCED TOKEN is missing: epoch={now} leader=b");
    assert_eq!(epoch, format!("['leader', 'leader', '{refused}']"));
}

#[test]
fn cancelled_tasks_are_told_after_a_restart_and_for_every_queue_of_the_service() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET {app}q service {app}s");
    client.must("HB.BEAT {app}s a TTL 60000");
    for queue in ["{app}q", "{app}s", "{app}r"] {
        client.schedule(&format!("{queue} p ID of-{}", &queue[5..]));
        client.claim(&format!("{queue} a LEASE 600000"));
        client.must(&format!("TASK.CANCEL {queue} of-{}", &queue[5..]));
    }
    let cancelled = |client: &mut Client| {
        let reply = client.must("HB.BEAT {app}s a");
        let mut ids: Vec<String> = reply.field("cancelled").items().iter().map(Value::text).collect();
        ids.sort();
        ids.join(" ")
    };
    assert_eq!(cancelled(&mut client), "of-q of-s");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    wait_until("the claims are known again", || cancelled(&mut client) == "of-q of-s");
}
