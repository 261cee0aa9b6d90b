//! One member: GET, AWAIT, and the ways to leave.

use crate::support::{Server, Value, unix_ms};

#[test]
fn get_shows_everything_known_but_the_token() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    let reply = process
        .must("PID.REGISTER s a 12 HOST h START 100 BOOT b TTL 60000 BIND GRACE 70 EXCLUSIVE META 2 port 80 zone x");
    let (token, epoch) = (reply.field("token").int(), reply.field("epoch").int());
    client.must("HB.SIGNAL s a drain");
    process.must(&format!("HB.BEAT s a TOKEN {token} STATUS busy"));
    let shown = client.call("PID.GET s a");
    let at = |name: &str| shown.field(name).int();
    assert!(
        (50_000..=60_000).contains(&at("remaining_ms")) && (0..10_000).contains(&at("idle_ms")),
        "{shown}"
    );
    assert!(
        (unix_ms() - 60_000..=unix_ms()).contains(&at("registered_at")),
        "{shown}"
    );
    assert_eq!(
        shown,
        format!(
            "{{member: 'a', pid: 12, host: 'h', start: '100', boot: 'b', state: 'up', role: 'leader', \
             position: null, epoch: {epoch}, ttl_ms: 60000, remaining_ms: {}, idle_ms: {}, connections: 1, grace_ms: 70, signal: 'drain', status: 'busy', \
             registered_at: {}, meta: {{port: '80', zone: 'x'}}}}",
            at("remaining_ms"),
            at("idle_ms"),
            at("registered_at")
        )
    );
}

#[test]
fn what_is_unknown_is_null_in_both_protocols() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.must("HB.BEAT s a TTL 60000");
    let shown = client.call("PID.GET s a");
    let at = |name: &str| shown.field(name).int();
    assert_eq!(
        shown,
        format!(
            "{{member: 'a', pid: null, host: null, start: null, boot: null, state: 'up', role: 'member', position: null, epoch: null, \
             ttl_ms: 60000, remaining_ms: {}, idle_ms: {}, connections: 0, grace_ms: 0, signal: null, status: null, registered_at: {}, meta: {{}}}}",
            at("remaining_ms"),
            at("idle_ms"),
            at("registered_at")
        )
    );
    let shown = two.call("PID.GET s a");
    let at = |name: &str| shown.field(name).int();
    assert_eq!(
        shown,
        format!(
            "['member', 'a', 'pid', null, 'host', null, 'start', null, 'boot', null, 'state', 'up', 'role', 'member', \
             'position', null, 'epoch', null, 'ttl_ms', 60000, 'remaining_ms', {}, 'idle_ms', {}, 'connections', 0, 'grace_ms', 0, 'signal', null, \
             'status', null, 'registered_at', {}, 'meta', []]",
            at("remaining_ms"),
            at("idle_ms"),
            at("registered_at")
        )
    );
    for words in [
        "PID.GET s b",
        "PID.GET nobody a",
        "PID.GET s b pid",
        "PID.GET s b pid host",
    ] {
        assert_eq!(client.call(words), Value::Null, "{words}");
    }
}

#[test]
fn get_with_fields_replies_bare_values() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 HOST h TTL 0 META 2 port 80 pid shadow");
    assert_eq!(client.call("PID.GET s a pid"), "12");
    assert_eq!(client.call("PID.GET s a host"), "'h'");
    assert_eq!(client.call("PID.GET s a port"), "'80'");
    assert_eq!(client.call("PID.GET s a colour"), Value::Null);
    assert_eq!(client.call("PID.GET s a start"), Value::Null);
    assert_eq!(
        client.call("PID.GET s a port colour pid role meta connections"),
        "['80', null, 12, 'member', {pid: 'shadow', port: '80'}, 0]"
    );
    assert_eq!(server.client_resp2().call("PID.GET s a pid start"), "[12, null]");
}

#[test]
fn await_tells_at_once_what_is_so() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.register("s a 1 TTL 0");
    for block in ["", " BLOCK 0"] {
        assert_eq!(client.call(&format!("PID.AWAIT s a UP{block}")), "1");
        assert_eq!(client.call(&format!("PID.AWAIT s b DOWN{block}")), "1");
    }
    for words in ["PID.AWAIT s a DOWN", "PID.AWAIT s b UP", "PID.AWAIT s b UP BLOCK 20"] {
        assert_eq!(client.call(words), Value::Null, "{words}");
    }
    assert_eq!(two.call("PID.AWAIT s b UP BLOCK 20"), Value::NullArray);
    client.must("MULTI");
    client.must("PID.AWAIT s b UP BLOCK 0");
    assert_eq!(client.call("EXEC"), "[null]");
    let script = "return redis.call('PID.AWAIT', KEYS[1], 'a', 'DOWN', 'BLOCK', '0')";
    assert_eq!(client.call_args(&["EVAL", script, "1", "s"]), Value::Null);
}

#[test]
fn all_that_wait_for_a_member_are_woken_when_it_comes_and_when_it_goes() {
    let server = Server::start();
    let mut client = server.client();
    let ways: [(&str, &str); 3] = [
        ("PID.REGISTER s a 1 TTL 0", "PID.EVICT s a"),
        ("HB.BEAT s a", "PID.DEREGISTER s a PID 1"),
        ("HB.BEAT s a TTL 100", "PING"),
    ];
    for (come, go) in ways {
        let mut waiting = [0, 1].map(|_| server.waiter("PID.AWAIT s a UP BLOCK 0"));
        let mut other = server.waiter("PID.AWAIT s b UP BLOCK 0");
        client.must(come);
        for client in &mut waiting {
            assert_eq!(client.receive(), "1", "{come}");
        }
        let mut waiting = server.client();
        waiting.send("PID.AWAIT s a DOWN BLOCK 0");
        if go.contains("DEREGISTER") {
            // A member without a pid matches none.
            assert_eq!(client.call(go), "0");
            assert_eq!(client.call("PID.EVICT s a"), "1");
        } else {
            client.must(go);
        }
        assert_eq!(waiting.receive(), "1", "{go}");
        assert!(other.is_silent());
    }
}

#[test]
fn a_member_leaves_by_its_token_or_its_pid() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12");
    let other = client.register("s b 13");
    let digest = client.digest();
    assert_eq!(client.call("PID.DEREGISTER s a PID 13"), "0");
    assert_eq!(client.call("PID.DEREGISTER s c PID 12"), "0");
    assert_eq!(client.call(&format!("PID.DEREGISTER s c TOKEN {token}")), "0");
    let wrong = format!("PID.DEREGISTER s a TOKEN {other}");
    assert_eq!(client.call(&wrong), "-FENCED epoch=0 leader=");
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "1");
    assert_eq!(client.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "0");
    assert_eq!(client.call("PID.DEREGISTER s b PID 13"), "1");
    assert_eq!(client.members("s"), Vec::<String>::new());
    assert_eq!(client.events("s")[2..], ["down a reason=left", "down b reason=left"]);
}

#[test]
fn an_operator_evicts_with_or_without_a_word() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12 TTL 0");
    client.register("s b 13 TTL 0");
    assert_eq!(client.call("PID.EVICT s a"), "1");
    assert_eq!(
        client.call_args(&["PID.EVICT", "s", "b", "REASON", "disk is full"]),
        "1"
    );
    assert_eq!(client.call("PID.EVICT s b"), "0");
    assert_eq!(client.call("PID.EVICT nobody b"), "0");
    assert_eq!(
        client.events("s")[2..],
        ["down a reason=evicted", "down b reason=disk is full"]
    );
    for words in [
        format!("HB.BEAT s a TOKEN {token}"),
        format!("HB.CAMPAIGN s a {token}"),
        format!("PID.REGISTER s a 12 TOKEN {token}"),
    ] {
        assert_eq!(client.call(&words), "-NOMEMBER no member a in service s", "{words}");
    }
}
