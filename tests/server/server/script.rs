//! Transactions and scripts: several commands in one step.

use crate::support::{Server, Value, wait_until};

/// A whole life of a task, with the reply of each step.
const LIFE: &str = "
    local q = KEYS[1]
    local id = redis.call('TASK.SCHEDULE', q, 'x', 'ID', 'a')
    local claim = redis.call('TASK.CLAIM', q, 'w')[1]
    redis.call('TASK.EXTEND', q, id, claim[4], 'PROGRESS', 'half')
    local failed = redis.call('TASK.FAIL', q, id, claim[4], 'DELAY', '0')
    local again = redis.call('TASK.CLAIM', q, 'w')[1]
    local stale = redis.pcall('TASK.ACK', q, id, claim[4])
    local ok = redis.call('TASK.ACK', q, id, again[4])
    return {id, failed, again[6], stale.err, ok}";

#[test]
fn a_whole_life_in_one_script() {
    let server = Server::builder().append_always().start();
    let mut client = server.client();
    let lived = client.call_args(&["EVAL", LIFE, "1", "q"]);
    let stale = "STALE this token holds no claim: the task is now claimed with another token";
    assert_eq!(
        lived,
        format!(
            "['a', ['state', 'ready', 'due_at', {}, 'attempt', 1], 2, '{stale}', +OK]",
            lived.item(1).item(3)
        )
    );
    assert_eq!(client.counts("q"), "");
}

#[test]
fn a_script_that_fails_half_way_keeps_what_it_did() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    let script = "redis.call('TASK.SCHEDULE', KEYS[1], 'x', 'ID', 'a'); \
                  redis.call('TASK.SCHEDULE', KEYS[1], 'x', 'ID', 'b'); \
                  return redis.call('TASK.SCHEDULE', KEYS[1], 'y', 'ID', 'b')";
    assert!(client.call_args(&["EVAL", script, "1", "q"]).is_error());
    assert_eq!(waiting.receive().ids(), ["a"]);
    assert_eq!(client.counts("q"), "ready 1 claimed 1");
    let digest = client.digest();
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    assert_eq!(server.client().digest(), digest);
}

#[test]
fn a_transaction_sees_its_own_steps_and_serves_who_waits() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    client.must("MULTI");
    for words in [
        "TASK.SCHEDULE q x ID a",
        "TASK.SCHEDULE q x ID b",
        "TASK.CLAIM q w2",
        "TASK.GET q nobody",
    ] {
        assert_eq!(client.call(words), "+QUEUED");
    }
    let replies = client.call("EXEC");
    assert_eq!(
        (replies.item(2).ids(), replies.item(3)),
        (vec!["b".to_string()], &Value::Null)
    );
    assert_eq!(waiting.receive().ids(), ["a"]);
}

#[test]
fn a_script_without_writes_may_look_and_nothing_else() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let digest = client.digest();
    let script = "return redis.call('TASK.GET', KEYS[1], 'a')[4]";
    assert_eq!(client.call_args(&["EVAL_RO", script, "1", "q"]), "'ready'");
    let claim = "return redis.call('TASK.CLAIM', KEYS[1], 'w')";
    assert!(client.call_args(&["EVAL_RO", claim, "1", "q"]).is_error());
    let maps = "redis.setresp(3); return redis.call('TASK.GET', KEYS[1], 'a')['map']['state']";
    assert_eq!(client.call_args(&["EVAL", maps, "1", "q"]), "'ready'");
    assert_eq!(client.digest(), digest);
}

#[test]
fn what_follows_a_wait_on_the_same_connection_waits_too() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM q w BLOCK 0");
    waiting.send("ECHO behind");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    assert!(waiting.is_silent());
    client.schedule("q x ID a");
    assert_eq!(waiting.receive().ids(), ["a"]);
    assert_eq!(waiting.receive(), "'behind'");
    // A client that wants no replies waits and claims like any other.
    waiting.send("CLIENT REPLY OFF");
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    client.schedule("q x ID b");
    waiting.send("CLIENT REPLY ON");
    assert_eq!(waiting.receive(), "+OK");
    assert_eq!(client.get("q", "b", "worker"), "worker 'w'");
}

#[test]
fn members_come_lead_and_go_in_one_step_and_a_refusal_stops_nothing_else() {
    let server = Server::builder().append_always().start();
    let mut client = server.client();
    client.must("MULTI");
    for words in [
        "PID.REGISTER s a 7 TTL 60000",
        "PID.REGISTER s a 8",
        "HB.BEAT s b",
        "HB.BEAT s a",
        "PID.LIST s COUNT 0",
        "PID.EVICT s b",
        "HB.LEADER s",
    ] {
        assert_eq!(client.call(words), "+QUEUED");
    }
    let replies = client.call("EXEC");
    let shown = |at: usize| replies.item(at).to_string();
    assert_eq!(
        [
            replies.item(0).field("status").text(),
            replies.item(1).field("status").text()
        ],
        ["registered", "held"]
    );
    assert_eq!(shown(3), "-FENCED TOKEN is missing: epoch=0 leader=");
    assert_eq!(shown(4), "-BADARG COUNT must be an integer from 1 to 1000");
    assert_eq!((shown(5), shown(6)), ("1".into(), "null".into()));
    let script = "local s = KEYS[1]; \
                  local token = redis.call('PID.REGISTER', s, 'c', '9', 'TTL', '60000')[4]; \
                  local lead = redis.call('HB.CAMPAIGN', s, 'c', token); \
                  local late = redis.pcall('HB.CHECK', s, '5').err; \
                  local resigned = redis.call('HB.RESIGN', s, 'c', token); \
                  return {lead[2], late == string.format('FENCED epoch=%.0f leader=c', lead[4]), resigned, \
                          redis.call('PID.DEREGISTER', s, 'c', 'TOKEN', token)}";
    let lived = client.call_args(&["EVAL", script, "1", "s"]);
    assert_eq!(lived, "['leader', 1, null, 1]");
    assert_eq!(client.members("s"), ["a"]);
    let digest = client.digest();
    let mut server = server;
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    assert_eq!(server.client().digest(), digest);
}
