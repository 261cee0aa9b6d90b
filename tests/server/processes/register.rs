//! All outcomes of PID.REGISTER.

use crate::support::{Server, Value, unix_ms, wait_until};

/// The reply for a member that is there now.
fn there(status: &str, token: i64, epoch: &str, ttl: i64) -> String {
    format!("{{status: '{status}', token: {token}, epoch: {epoch}, ttl_ms: {ttl}, holder: null, retry_ms: null}}")
}

#[test]
fn a_member_is_registered_and_resumed_with_its_token() {
    let server = Server::start();
    let mut client = server.client();
    let reply = client.call("PID.REGISTER s a 12 HOST h START 100 BOOT b1");
    let token = reply.field("token").int();
    assert_eq!(reply, there("registered", token, "null", 15_000));
    assert!((1..=1 << 53).contains(&token), "{token}");
    let mut other = server.client();
    let resume = format!("PID.REGISTER s a 13 HOST h2 START 101 BOOT b2 TTL 500000 META 1 k v TOKEN {token}");
    assert_eq!(other.call(&resume), there("resumed", token, "null", 500_000));
    let now = "pid host start boot ttl_ms meta";
    let updated = "pid 13, host 'h2', start '101', boot 'b2', ttl_ms 500000, meta {k: 'v'}";
    assert_eq!(client.member("s", "a", now), updated);
    let again = format!("PID.REGISTER s a 13 HOST h2 START 101 BOOT b2 TOKEN {token}");
    assert_eq!(client.call(&again), there("resumed", token, "null", 500_000));
    assert_eq!(
        client.member("s", "a", now),
        updated,
        "TTL and META that are not given stay"
    );
    assert_eq!(client.events("s"), ["up a reason=registered"], "a return is no event");
}

#[test]
fn in_resp2_the_map_is_flat_with_the_same_fields() {
    let server = Server::start();
    let mut client = server.client_resp2();
    let reply = client.call("PID.REGISTER s a 12 HOST h TTL 0");
    let token = reply.field("token").int();
    assert_eq!(
        reply,
        format!(
            "['status', 'registered', 'token', {token}, 'epoch', null, 'ttl_ms', 0, 'holder', null, 'retry_ms', null]"
        )
    );
    assert_eq!(
        client.call("PID.REGISTER s a 13 HOST h TTL 0"),
        "['status', 'held', 'token', null, 'epoch', null, 'ttl_ms', null, \
         'holder', ['member', 'a', 'pid', 12, 'host', 'h', 'remaining_ms', null], 'retry_ms', null]"
    );
}

#[test]
fn a_living_predecessor_holds_the_name() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 HOST h TTL 60000");
    let digest = client.digest();
    let held = client.call("PID.REGISTER s a 13 HOST h");
    let left = held.field("retry_ms").int();
    assert!((50_000..=60_000).contains(&left), "{left}");
    assert_eq!(
        held,
        format!(
            "{{status: 'held', token: null, epoch: null, ttl_ms: null, \
             holder: {{member: 'a', pid: 12, host: 'h', remaining_ms: {left}}}, retry_ms: {left}}}"
        )
    );
    assert_eq!(client.digest(), digest);
    assert_eq!(client.member("s", "a", "pid"), "pid 12");
}

#[test]
fn a_wrong_token_is_fenced_and_that_of_a_member_that_has_gone_is_none() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12");
    let digest = client.digest();
    for wrong in [0, token - 1, token + 1] {
        let refused = client.call(&format!("PID.REGISTER s a 13 TOKEN {wrong}"));
        assert_eq!(refused, "-FENCED epoch=0 leader=", "{wrong}");
    }
    let gone = format!("PID.REGISTER s b 13 TOKEN {token}");
    assert_eq!(client.call(&gone), "-NOMEMBER no member b in service s");
    assert_eq!(client.digest(), digest);
}

#[test]
fn a_silent_predecessor_is_replaced() {
    let server = Server::start();
    let mut client = server.client();
    let mut process = server.client();
    let old = process.register("s a 12 HOST h START 100 BIND GRACE 60000");
    let held = client.call("PID.REGISTER s a 12 HOST h START 200");
    assert_eq!(held.field("status"), "'held'", "its connection is open");
    drop(process);
    wait_until("it is silent", || client.member("s", "a", "state") == "state 'grace'");
    let reply = client.call("PID.REGISTER s a 12 HOST h START 200 TTL 60000");
    let token = reply.field("token").int();
    assert_eq!(reply, there("replaced", token, "null", 60_000));
    assert!(token > old);
    // The same pid with another start is another process.
    assert_eq!(
        client.member("s", "a", "pid start state"),
        "pid 12, start '200', state 'up'"
    );
    assert_eq!(client.call(&format!("HB.BEAT s a TOKEN {old}")).code(), "FENCED");
    assert_eq!(
        client.call(&format!("PID.REGISTER s a 12 TOKEN {old}")).code(),
        "FENCED"
    );
    assert_eq!(
        client.events("s"),
        [
            "up a reason=registered",
            "down a reason=replaced",
            "up a reason=replaced"
        ]
    );
}

#[test]
fn a_recycled_pid_is_not_taken_for_the_old_process() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 HOST h START 100 BOOT b TTL 0");
    let held = client.call("PID.REGISTER s a 12 HOST h START 200 BOOT b TTL 0");
    assert_eq!(held.field("status"), "'held'");
    assert_eq!(client.member("s", "a", "pid start"), "pid 12, start '100'");
}

#[test]
fn a_reboot_ends_the_old_members_of_its_host() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 1 HOST h BOOT b1 TTL 0");
    client.register("s b 2 HOST h BOOT b1 TTL 60000");
    client.register("s elsewhere 3 HOST h2 BOOT b1 TTL 0");
    client.register("s unknown 4 HOST h TTL 0");
    let reply = client.call("PID.REGISTER s a 1 HOST h BOOT b2 TTL 0");
    assert_eq!(reply, there("registered", reply.field("token").int(), "null", 0));
    assert_eq!(client.members("s"), ["a", "elsewhere", "unknown"]);
    assert_eq!(client.member("s", "a", "boot"), "boot 'b2'");
    let events = client.events("s").split_off(4);
    assert_eq!(
        events,
        ["down a reason=reboot", "down b reason=reboot", "up a reason=registered"]
    );
}

#[test]
fn a_reboot_is_seen_by_a_new_name_too() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 1 HOST h BOOT b1 TTL 0");
    client.register("s b 2 HOST h BOOT b2 TTL 0");
    assert_eq!(client.members("s"), ["b"]);
    let events = client.events("s").split_off(1);
    assert_eq!(events, ["down a reason=reboot", "up b reason=registered"]);
}

#[test]
fn without_a_ttl_a_member_is_a_pid_file() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 HOST h TTL 0");
    client.let_pass(300);
    assert_eq!(
        client.member("s", "a", "state ttl_ms remaining_ms"),
        "state 'up', ttl_ms 0, remaining_ms null"
    );
    assert_eq!(
        client.call("PID.REGISTER s a 13 HOST h TTL 0"),
        "{status: 'held', token: null, epoch: null, ttl_ms: null, \
         holder: {member: 'a', pid: 12, host: 'h', remaining_ms: null}, retry_ms: null}"
    );
    assert_eq!(client.call("PID.DEREGISTER s a PID 12"), "1");
    let reply = client.call("PID.REGISTER s a 13 HOST h TTL 0");
    assert_eq!(reply.field("status"), "'registered'");
}

#[test]
fn a_member_nobody_hears_of_is_down_after_its_ttl() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 TTL 100");
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    assert_eq!(client.events("s"), ["up a reason=registered", "down a reason=ttl"]);
    let reply = client.call("PID.REGISTER s a 12");
    assert_eq!(reply.field("status"), "'registered'");
}

#[test]
fn meta_is_shown_and_replaced_as_a_whole() {
    let server = Server::start();
    let mut client = server.client();
    let largest = "x".repeat(4_096);
    let token = client.register(&format!("s a 12 META 3 port 80 text %s\"\\é long {largest}"));
    let shown = format!("meta {{long: '{largest}', port: '80', text: '%s\"\\é'}}");
    assert_eq!(client.member("s", "a", "meta"), shown);
    assert_eq!(client.call("PID.GET s a port"), "'80'");
    client.register(&format!("s a 12 TOKEN {token} META 1 port 81"));
    assert_eq!(client.member("s", "a", "meta"), "meta {port: '81'}");
    assert_eq!(client.call("PID.GET s a text port"), "[null, '81']");
}

#[test]
fn a_record_is_json_that_anybody_can_read() {
    let server = Server::start();
    let mut client = server.client();
    let mut record = |member: &str| client.call_args(&["HGET", "proc:{s}:members", member]).text();
    let mut process = server.client();
    let token = process.register("s full 12 HOST h START 100 BOOT b TTL 500 BIND GRACE 70 META 2 k v \" \\");
    process.must("HB.SIGNAL s full quiet");
    process.must("HB.BEAT s plain");
    // The server's own SHA-256 of the token: a reader of the key cannot act as the member.
    process.must(&format!("ACL SETUSER hash >{token}"));
    let user = process.must("ACL GETUSER hash");
    let hash = user.field("passwords").item(0).text();
    let json: serde_json::Value = serde_json::from_str(&record("full")).unwrap();
    let at = |name: &str| json[name].as_i64().unwrap();
    // Order and signal_order count in µs, each larger than all before: they show which came first.
    for (name, per_ms) in [("registered_at", 1), ("order", 1_000), ("signal_order", 1_000)] {
        let age = unix_ms() - at(name) / per_ms;
        assert!((0..60_000).contains(&age), "{name} {}", at(name));
    }
    assert!(at("order") < at("signal_order"));
    let expected = serde_json::json!({
        "pid": 12, "host": "h", "start": "100", "boot": "b", "ttl_ms": 500, "bind": true, "grace_ms": 70,
        "token": hash, "order": at("order"), "registered_at": at("registered_at"), "signal": "quiet", "signal_order": at("signal_order"),
        "meta": {"k": "v", "\"": "\\"},
    });
    assert_eq!(json, expected);
    let json: serde_json::Value = serde_json::from_str(&record("plain")).unwrap();
    let (order, registered) = (json["order"].as_i64().unwrap(), json["registered_at"].as_i64().unwrap());
    assert_eq!(
        json,
        serde_json::json!({"ttl_ms": 15_000, "order": order, "registered_at": registered})
    );
}

#[test]
fn a_service_has_no_more_members_than_the_setting_allows() {
    let server = Server::builder().set("steward.max-members", "2").start();
    let mut client = server.client();
    let token = client.register("s a 1");
    client.must("HB.BEAT s b");
    let digest = client.digest();
    for words in ["PID.REGISTER s c 3", "HB.BEAT s c", "PID.REGISTER s c 3 EXCLUSIVE"] {
        assert_eq!(client.call(words).code(), "SERVICEFULL", "{words}");
    }
    assert_eq!(client.digest(), digest);
    client.register("other c 3");
    client.must(&format!("PID.REGISTER s a 1 TOKEN {token}"));
    client.must("HB.BEAT s b");
    assert_eq!(client.call("PID.EVICT s b"), "1");
    client.register("s c 3");
}

#[test]
fn when_memory_is_full_nobody_new_is_let_in_and_all_others_go_on() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 1 TTL 60000");
    client.must("HB.BEAT s b TTL 200");
    client.must("CONFIG SET maxmemory 1");
    for words in ["PID.REGISTER s c 3", "HB.BEAT s c", "PID.REGISTER s c 3 EXCLUSIVE"] {
        assert_eq!(client.call(words).code(), "OOM", "{words}");
    }
    client.must(&format!("PID.REGISTER s a 2 META 1 k v TOKEN {token}"));
    client.must(&format!("HB.BEAT s a TOKEN {token} TTL 50000 STATUS fine"));
    client.must(&format!("HB.CAMPAIGN s a {token}"));
    client.must("HB.SIGNAL s a quiet");
    wait_until("b is down", || client.members("s") == ["a"]);
    client.must(&format!("HB.RESIGN s a {token}"));
    client.must("PID.EVICT s a");
    assert_eq!(client.call("PID.GET s a"), Value::Null);
}
