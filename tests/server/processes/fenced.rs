//! HB.FENCED: a command that runs only while an epoch leads.

use crate::support::{Client, Server, Stream, Value};

/// Makes `a` lead service `s` and returns the epoch.
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
fn commands_of_ours_run_inside() {
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
    let digest = client.digest();
    let mut server = server;
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    assert_eq!(server.client().digest(), digest);
}

#[test]
fn a_script_is_refused_and_looks_for_itself_instead() {
    let server = Server::start();
    let mut client = server.client();
    let epoch = lead(&mut client).to_string();
    let mut stream = Stream::of(&server);
    for command in ["EVAL", "eval", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"] {
        let refused = client.call_args(&["HB.FENCED", "s", &epoch, command, "return 1", "0"]);
        let expected = format!("-BADARG {command} is not allowed inside HB.FENCED");
        assert_eq!(refused, expected);
    }
    let script = "redis.call('HB.CHECK', KEYS[1], ARGV[1]); return redis.call('INCR', KEYS[2])";
    let mut check = |epoch: &str| client.call_args(&["EVAL", script, "2", "s", "n", epoch]);
    let late = check("5").to_string();
    assert!(late.starts_with(&format!("-FENCED epoch={epoch} leader=a")), "{late}");
    assert_eq!(check(&epoch), "1");
    assert_eq!(stream.take(), ["INCR n"]);
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
        "SUBSCRIBE c".into(),
        "PSUBSCRIBE c".into(),
        "UNSUBSCRIBE c".into(),
        "MONITOR".into(),
        "WAIT 1 1".into(),
        "wait 0 0".into(),
        "EVAL return(1) 0".into(),
        "EVAL_RO return(1) 0".into(),
        "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0".into(),
        "FCALL f 0".into(),
        "SCRIPT FLUSH".into(),
        "AUTH user password".into(),
        "RESET".into(),
        "steward s x".into(),
        format!("HB.FENCED s {epoch} SET k v"),
        format!("hb.fenced s {epoch} SET k v"),
    ] {
        let refused = client.call(&format!("HB.FENCED s {epoch} {words}"));
        assert_eq!(refused.code(), "BADARG", "{words}: {refused}");
    }
    // Some servers refuse it, on the others it does not wait.
    for words in ["BLPOP none 0", "BRPOPLPUSH none l 0", "XREAD BLOCK 0 STREAMS none $"] {
        let reply = client.call(&format!("HB.FENCED s {epoch} {words}"));
        let waited_not = [Value::Null, Value::NullArray, Value::Int(0)].contains(&reply);
        assert!(waited_not || reply.code() == "BADARG", "{words}: {reply}");
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
    admin.must("ACL SETUSER leader on nopass resetkeys ~s ~mine +hb.fenced +get +set +task.schedule -incr");
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
    ] {
        assert_eq!(fenced(words).code(), "NOPERM", "{words}");
    }
    for words in ["ACL WHOAMI", "CONFIG GET maxmemory"] {
        assert!(fenced(words).is_error(), "{words}");
    }
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

#[test]
fn a_script_is_fenced_when_it_checks_first() {
    let server = Server::start();
    let mut client = server.client();
    let epoch = lead(&mut client).to_string();
    let script = "redis.call('HB.CHECK', KEYS[1], ARGV[1]); \
                  redis.call('TASK.SCHEDULE', KEYS[1], 'x', 'ID', 't'); return redis.call('INCR', KEYS[2])";
    assert_eq!(client.call_args(&["EVAL", script, "2", "s", "n", &epoch]), "1");
    client.must("PID.EVICT s a");
    let digest = client.digest();
    let late = client.call_args(&["EVAL", script, "2", "s", "n", &epoch]);
    assert!(late.to_string().starts_with("-FENCED epoch=0 leader="), "{late}");
    assert_eq!(client.digest(), digest);
}

#[test]
fn nothing_is_bound_to_a_command_inside() {
    let server = Server::start();
    let mut client = server.client();
    let epoch = lead(&mut client);
    client.schedule("s x ID t");
    for words in ["TASK.CLAIM s w BIND", "PID.REGISTER s b 1 BIND", "HB.BEAT s b BIND"] {
        let refused = client.call(&format!("HB.FENCED s {epoch} {words}"));
        assert!(refused.to_string().starts_with("-BADARG BIND"), "{words}: {refused}");
    }
    assert_eq!(
        (client.counts("s"), client.members("s")),
        ("ready 1".into(), vec!["a".into()])
    );
}
