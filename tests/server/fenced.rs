//! HB.FENCED: a command that runs only while an epoch leads.

use crate::support::{Client, Server, Stream, Value};

/// Makes `a` lead service `s` and replies the epoch.
#[track_caller]
fn lead(client: &mut Client) -> i64 {
    client.must("HB.BEAT s a TTL 60000 CAMPAIGN").field("epoch").int()
}

#[test]
fn the_reply_of_the_command_passes_through() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    let epoch = lead(&mut client);
    client.must("HSET h f v");
    client.must("ZADD z 1.5 m");
    for words in [
        "SET k v",
        "GET k",
        "GET none",
        "INCR n",
        "HGETALL h",
        "ZSCORE z m",
        "ZRANGE z 0 -1 WITHSCORES",
        "LRANGE none 0 -1",
        "SET k w NX",
        "LPUSH k x",
        "GET",
        "NOSUCHCOMMAND",
        "HELLO",
        "PID.GET s a role",
        "HB.CHECK s 5",
        "HB.LEADER s",
    ] {
        for client in [&mut client, &mut two] {
            let fenced = client.call(&format!("HB.FENCED s {epoch} {words}"));
            if words == "HELLO" {
                assert!(fenced.is_error(), "{fenced}");
                continue;
            }
            let plain = client.call(words);
            match words {
                "INCR n" => assert_eq!(fenced.int() + 1, plain.int()),
                "NOSUCHCOMMAND" | "GET" => assert!(fenced.is_error(), "{fenced}"),
                _ => assert_eq!(fenced, plain, "{words}"),
            }
        }
    }
}

#[test]
fn a_late_epoch_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let old = lead(&mut client);
    client.must("PID.EVICT s a");
    let nobody = client.call(&format!("HB.FENCED s {old} SET k v"));
    assert_eq!(nobody, "-FENCED epoch=0 leader=");
    let now = lead(&mut client);
    let digest = client.digest();
    let mut stream = Stream::of(&server);
    for late in [old, 0, now + 1] {
        for words in ["SET k v", "TASK.SCHEDULE s x", "MULTI", "GET k", "HB.SIGNAL s * stop"] {
            let refused = client.call(&format!("HB.FENCED s {late} {words}"));
            if words == "MULTI" {
                assert!(refused.is_error(), "{refused}");
            } else {
                assert_eq!(refused, format!("-FENCED epoch={now} leader=a"), "{late} {words}");
            }
        }
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(stream.take(), Vec::<String>::new());
    assert_eq!(client.call(&format!("HB.FENCED s {now} SET k v")), "+OK");
}

#[test]
fn tasks_and_scripts_run_inside() {
    let server = Server::builder().append_always().start();
    let mut client = server.client();
    let epoch = lead(&mut client);
    let mut fenced = |words: &str| client.call(&format!("HB.FENCED s {epoch} {words}"));
    assert_eq!(fenced("TASK.SCHEDULE s x ID one"), "'one'");
    let claim = fenced("TASK.CLAIM s w BLOCK 0");
    assert_eq!(claim.ids(), ["one"]);
    let token = claim.item(0).field("token").int();
    assert_eq!(fenced("TASK.CLAIM s w BLOCK 0"), Value::Null, "nobody waits inside");
    assert_eq!(fenced("PID.AWAIT s nobody UP BLOCK 0"), Value::Null);
    assert_eq!(fenced(&format!("TASK.ACK s one {token}")), "+OK");
    assert_eq!(fenced("HB.SIGNAL s a quiet"), "1");
    let script = "redis.call('TASK.SCHEDULE', KEYS[1], 'x', 'ID', 'two'); return redis.call('INCR', KEYS[2])";
    let epoch = epoch.to_string();
    let eval = ["HB.FENCED", "s", &epoch, "EVAL", script, "2", "s", "n"];
    assert_eq!(client.call_args(&eval), "1");
    assert_eq!(client.call("TASK.GET s two").field("state"), "'ready'");
    assert_eq!(client.call("GET n"), "'1'");
    let digest = client.digest();
    let mut server = server;
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    assert_eq!(server.client().digest(), digest);
}

#[test]
fn what_waits_or_changes_the_connection_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    let epoch = lead(&mut client);
    client.must("RPUSH l x");
    let digest = client.digest();
    for words in [
        "MULTI".to_string(),
        "EXEC".into(),
        "DISCARD".into(),
        "WATCH k".into(),
        "UNWATCH".into(),
        "BLPOP l 0".into(),
        "BRPOPLPUSH l m 0".into(),
        "WAIT 1 0".into(),
        "SUBSCRIBE c".into(),
        "PSUBSCRIBE c".into(),
        "UNSUBSCRIBE c".into(),
        "MONITOR".into(),
        format!("HB.FENCED s {epoch} SET k v"),
        format!("hb.fenced s {epoch} SET k v"),
    ] {
        let refused = client.call(&format!("HB.FENCED s {epoch} {words}"));
        assert_eq!(refused.code(), "BADARG", "{words}: {refused}");
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call("PING"), "+PONG");
    assert_eq!(client.call("SET k v"), "+OK", "no transaction was opened");
}

#[test]
fn the_callers_rights_hold() {
    let server = Server::start();
    let mut admin = server.client();
    let epoch = lead(&mut admin);
    admin.must("SET secret 1");
    admin.must("SET mine 1");
    admin.must("ACL SETUSER leader on nopass resetkeys ~s ~mine +hb.fenced +get +set +eval +task.schedule -incr");
    let mut user = server.client();
    user.must("AUTH leader any");
    let mut fenced = |words: &str| user.call(&format!("HB.FENCED s {epoch} {words}"));
    assert_eq!(fenced("GET mine"), "'1'");
    assert_eq!(fenced("TASK.SCHEDULE s x ID t"), "'t'");
    let digest = admin.digest();
    for words in [
        "GET secret",
        "SET secret 2",
        "INCR mine",
        "TASK.SCHEDULE other x",
        "TASK.CLAIM s w",
        "HB.SIGNAL s * stop",
        "FLUSHALL",
        "ACL WHOAMI",
        "CONFIG GET maxmemory",
    ] {
        assert_eq!(fenced(words).code(), "NOPERM", "{words}");
    }
    let epoch = epoch.to_string();
    for script in [
        "return redis.call('INCR', KEYS[1])",
        "return redis.call('TASK.CLAIM', 's', 'w')",
    ] {
        let refused = user.call_args(&["HB.FENCED", "s", &epoch, "EVAL", script, "1", "mine"]);
        assert!(refused.is_error(), "{refused}");
    }
    let refused = user.call_args(&[
        "HB.FENCED",
        "s",
        &epoch,
        "EVAL",
        "return redis.call('GET', 'secret')",
        "0",
    ]);
    assert!(refused.is_error(), "{refused}");
    assert_eq!(admin.digest(), digest);
    assert_eq!(user.call(&format!("HB.FENCED other {epoch} GET mine")).code(), "NOPERM");
}

#[test]
fn it_is_one_step_in_a_transaction_and_in_a_script() {
    let server = Server::start();
    let mut client = server.client();
    let epoch = lead(&mut client);
    client.must("MULTI");
    for words in [
        format!("HB.FENCED s {epoch} SET k 1"),
        format!("HB.FENCED s {} SET k 2", epoch + 1),
        format!("HB.FENCED s {epoch} TASK.SCHEDULE s x ID t"),
        "PID.EVICT s a".into(),
        format!("HB.FENCED s {epoch} SET k 3"),
    ] {
        assert_eq!(client.call(&words), "+QUEUED");
    }
    assert_eq!(
        client.call("EXEC"),
        format!("[+OK, -FENCED epoch={epoch} leader=a, 't', 1, -FENCED epoch=0 leader=]")
    );
    assert_eq!(client.call("GET k"), "'1'");
    let epoch = lead(&mut client).to_string();
    let script = "local ok = redis.call('HB.FENCED', KEYS[1], ARGV[1], 'INCRBY', KEYS[2], '5'); \
                  local late = redis.pcall('HB.FENCED', KEYS[1], '5', 'INCRBY', KEYS[2], '5'); \
                  return {ok, late.err, redis.call('GET', KEYS[2])}";
    assert_eq!(
        client.call_args(&["EVAL", script, "2", "s", "n", &epoch]),
        format!("[5, 'FENCED epoch={epoch} leader=a', '5']")
    );
}

#[test]
fn other_clients_see_its_writes_as_those_of_any_command() {
    let server = Server::start();
    let mut client = server.client();
    let epoch = lead(&mut client);
    let mut popping = server.waiter("BLPOP l 0");
    let mut claiming = server.waiter("TASK.CLAIM s w BLOCK 0");
    let mut watching = server.client();
    watching.must("WATCH k");
    let mut stream = Stream::of(&server);
    client.must(&format!("HB.FENCED s {epoch} SET k v"));
    assert_eq!(stream.take(), ["SET k v"]);
    client.must(&format!("HB.FENCED s {epoch} RPUSH l x"));
    assert_eq!(popping.receive(), "['l', 'x']");
    client.must(&format!("HB.FENCED s {epoch} TASK.SCHEDULE s x ID t"));
    assert_eq!(claiming.receive().ids(), ["t"]);
    watching.must("MULTI");
    watching.must("GET k");
    assert_eq!(watching.call("EXEC"), Value::Null);
}
