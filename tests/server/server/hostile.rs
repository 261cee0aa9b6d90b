//! Foreign values under our keys, and thousands of random calls: errors, and a server that keeps working.

use crate::support::{Client, Random, Server, wait_until};

/// Commands that put a value of a type at a key.
const VALUES: [(&str, &str); 6] = [
    ("string", "SET {k} junk"),
    ("list", "RPUSH {k} a junk"),
    ("hash", "HSET {k} a junk"),
    ("zset", "ZADD {k} 1 a 2 junk"),
    ("set", "SADD {k} a junk"),
    ("stream", "XADD {k} * a junk"),
];

/// Every command once, on queue `q`, as a user would.
const CALLS: [&str; 50] = [
    "TASK.STATS q",
    "TASK.EXPLAIN q w",
    "TASK.QUEUES",
    "TASK.WORKERS q",
    "TASK.GET q a",
    "TASK.LIST q scheduled",
    "TASK.LIST q ready",
    "TASK.LIST q claimed",
    "TASK.LIST q dead",
    "TASK.LIST q done",
    "TASK.RESULT q a",
    "TASK.MRESULT q 2 a b ANY",
    "TASK.CONFIG GET q",
    "TASK.SCHEDULE q x",
    "TASK.SCHEDULE q x ID a",
    "TASK.SCHEDULE q x DELAY 5",
    "TASK.MSCHEDULE q 2 x y",
    "TASK.CLAIM q w COUNT 3",
    "TASK.MCLAIM 2 q other w",
    "TASK.ACK q a 5",
    "TASK.MACK q 1 a 5",
    "TASK.MFAIL q 1 a 5",
    "TASK.MRELEASE q 1 a 5",
    "TASK.MEXTEND q 1 a 5",
    "TASK.FAIL q a 5",
    "TASK.RELEASE q a 5",
    "TASK.EXTEND q a 5",
    "TASK.CANCEL q a",
    "TASK.LIST q ready KIND x MATCH *a* ATTEMPTED",
    "TASK.CANCELALL q scheduled MATCH *a*",
    "TASK.CANCELALL q claimed WORKER w",
    "TASK.RESCHEDULE q a DELAY 7",
    "TASK.UNCLAIM q a",
    "TASK.EDIT q a PAYLOAD y",
    "TASK.BURY q a REASON x",
    "TASK.TRIGGER q a",
    "TASK.RETRYALL q",
    "TASK.PURGE q dead",
    "TASK.PURGE q done",
    "TASK.SCHEDULE q x GROUP g PRIORITY 7",
    "TASK.SCHEDULE q x AFTER 2 a live MISSINGOK",
    "TASK.SCHEDULE {q}s x AFTER 0 IN q 2 a live MISSINGOK",
    "TASK.SCHEDULE q x TO w PRIORITY 6",
    "TASK.MSCHEDULE q 2 x y TO v DELAY 5",
    "TASK.LIST q blocked",
    "TASK.CONFIG SET q group-limit 2",
    "TASK.PURGE q blocked COUNT 1",
    "TASK.PURGE q ready COUNT 1",
    "TASK.CONFIG SET q lease 500",
    "TASK.PAUSE q FOR 1",
];

#[test]
fn a_foreign_value_under_any_of_our_keys_is_an_error_or_passed_over() {
    let parts = [
        "",
        ":t:a",
        ":x:a",
        ":workers",
        ":scheduled",
        ":ready:5",
        ":claimed",
        ":dead",
        ":done",
        ":targeted",
        ":to:w",
        ":blocked",
        ":group:g",
        ":after:live",
        ":drop:5:ready:5",
    ];
    for part in parts {
        let server = Server::start();
        let mut client = server.client();
        for (kind, put) in VALUES {
            let key = put_foreign(&mut client, part, put);
            for call in CALLS {
                let reply = client.call(call);
                assert!(
                    !reply.to_string().contains("internal"),
                    "{kind} at {key}: {call}: {reply}"
                );
            }
            assert_eq!(client.call("PING"), "+PONG", "{kind} at {key}");
            client.schedule("elsewhere x DELAY 1");
            wait_until("the timer goes on", || client.counts("elsewhere") != "scheduled 1");
        }
    }
}

/// A live task in the queue, and a foreign value at the key of this part.
fn put_foreign(client: &mut Client, part: &str, put: &str) -> String {
    client.must("FLUSHALL");
    client.schedule("q x ID live GROUP g");
    let key = format!("task:{{q}}{part}");
    client.must(&format!("DEL {key}"));
    // The module's state of the keys is warm when the foreign value comes.
    for read in &CALLS[..9] {
        client.call(read);
    }
    client.must(&put.replace("{k}", &key));
    key
}

#[test]
fn an_error_of_a_wrong_type_has_changed_nothing() {
    let parts = [
        ":t:a",
        ":ready:5",
        ":ready:7",
        ":claimed",
        ":scheduled",
        ":dead",
        ":blocked",
        ":group:g",
        ":after:live",
        ":workers",
        "",
    ];
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for part in parts {
        for (kind, put) in VALUES {
            let key = put_foreign(&mut client, part, put);
            for call in CALLS {
                let before = client.digest();
                let reply = client.call(call);
                if reply.is_error() {
                    assert_eq!(client.digest(), before, "{kind} at {key}: {call}: {reply}");
                }
            }
        }
    }
}

#[test]
fn a_foreign_id_in_an_index_never_stops_the_timer() {
    let server = Server::start();
    let mut client = server.client();
    client.must("ZADD task:{q}:scheduled 1 ghost 2 wrong 3 torn 4 later");
    client.must("ZADD task:{q}:claimed 1 ghost 2 wrong 3 torn");
    client.must("ZADD task:{q}:dead 1 ghost 2 wrong");
    client.must("RPUSH task:{q}:ready:5 ghost wrong torn ghost");
    client.must("HSET task:{q}:t:wrong a b");
    client.must("SET task:{q}:t:torn short");
    client.must(&format!("SET task:{{q}}:t:later 9{}", "0".repeat(60)));
    client.schedule("q x ID live DELAY 20");
    wait_until("the live task is ready", || {
        client.listed("q", "ready").contains(&"live".to_string())
    });
    let claimed = client.call("TASK.CLAIM q w COUNT 100");
    assert_eq!(claimed.ids(), ["live"]);
    assert_ne!(client.info("steward_skipped_foreign_total"), "0");
    assert_eq!(client.call("GET task:{q}:t:torn"), "'short'");
    assert_eq!(client.call("TASK.GET q later").code(), "ERR");
    let lines = server.log().matches("passed over").count();
    assert_eq!(lines, 1, "told once a queue:\n{}", server.log());
}

/// What panics on request is the contract of the port, a command of debug builds.
#[cfg(debug_assertions)]
#[test]
fn a_panic_is_an_error_or_the_end_of_the_connection_and_never_half_a_reply() {
    // Its log would count as that of a crash.
    let server = Server::builder().set("logfile", "").start();
    let mut client = server.client();
    let refused = client.call("steward.contract q WORK");
    assert_eq!(refused, "-ERR internal error of steward, see the server log");
    assert_eq!(client.call("PING"), "+PONG");
    client.send("steward.contract q REPLY");
    // It may be closed by now.
    let _ = client.try_send("PING");
    assert!(client.try_receive().is_err());
    let mut client = server.client();
    assert_eq!(client.call("PING"), "+PONG");
    client.schedule("q x ID a");
    assert_eq!(client.call("TASK.CLAIM q w").ids(), ["a"]);
}

/// A random argument, often one that means something.
fn argument(random: &mut Random) -> Vec<u8> {
    const WORDS: [&str; 91] = [
        "q",
        "r",
        "a",
        "b",
        "w",
        "ID",
        "DELAY",
        "AT",
        "PRIORITY",
        "ATTEMPTS",
        "BACKOFF",
        "FIXED",
        "EXPONENTIAL",
        "MAX",
        "JITTER",
        "LEASE",
        "COUNT",
        "BLOCK",
        "BIND",
        "FULL",
        "NEXT",
        "ERROR",
        "DEAD",
        "PROGRESS",
        "MATCH",
        "CURSOR",
        "REV",
        "PAYLOADS",
        "WORKER",
        "FOR",
        "OLDER",
        "FORCE",
        "GET",
        "SET",
        "scheduled",
        "ready",
        "claimed",
        "dead",
        "done",
        "RETAIN",
        "GROUP",
        "AFTER",
        "TO",
        "MISSINGOK",
        "ONFAIL",
        "RUN",
        "UNIQUE",
        "REPLACE",
        "EXPIRE",
        "EVERY",
        "blocked",
        "group-limit",
        "group-hold",
        "events-level",
        "dead-queue",
        "ON",
        "DEAD",
        "ends",
        "all",
        "run",
        "REPLY",
        "RESULT",
        "ANY",
        "lease",
        "max-lost",
        "concurrency",
        "rate",
        "max-length",
        "10/1000",
        "MEMBER",
        "service",
        "TOKEN",
        "PID",
        "HOST",
        "BOOT",
        "TTL",
        "GRACE",
        "EXCLUSIVE",
        "META",
        "STATUS",
        "CAMPAIGN",
        "UP",
        "DOWN",
        "TO",
        "quiet",
        "none",
        "PING",
        "1700000000000",
        "{t}q",
        "*",
        "",
    ];
    const NUMBERS: [&str; 14] = [
        "0",
        "1",
        "2",
        "3",
        "5",
        "10",
        "-1",
        "1000",
        "1001",
        "9007199254740991",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999",
        "1e5",
    ];
    match random.below(10) {
        0..=4 => random.pick(&WORDS).as_bytes().to_vec(),
        5..=7 => random.pick(&NUMBERS).as_bytes().to_vec(),
        8 => (0..random.below(20)).map(|_| random.number() as u8).collect(),
        _ => random
            .pick(&["%s%n", "\0", "{", "}", "\r\n", "\u{7f}", "é"])
            .as_bytes()
            .to_vec(),
    }
}

#[test]
fn random_calls_are_answered_and_an_error_has_written_nothing() {
    let server = Server::builder()
        .append_always()
        .set("appendfsync", "no")
        .set("steward.timer", "no")
        .start();
    let mut client = server.client();
    let commands = client.must("COMMAND LIST FILTERBY MODULE steward");
    let mut commands: Vec<Vec<u8>> = commands.items().iter().map(|name| name.bytes().to_vec()).collect();
    commands.retain(|name| name != b"steward.contract");
    let mut random = Random::new(20_261_121);
    let written = |client: &mut Client| (client.digest(), client.info("aof_current_size"));
    let (mut errors, mut accepted) = (0, 0);
    let mut before = written(&mut client);
    for _ in 0..10_000 {
        let mut call = vec![random.pick(&commands).clone()];
        if random.once_in(2) {
            call.push(b"q".to_vec());
        }
        for _ in 0..random.below(8) {
            call.push(argument(&mut random));
        }
        // A wait would end only with another client's help.
        if call.iter().any(|word| word.eq_ignore_ascii_case(b"BLOCK")) {
            continue;
        }
        let reply = client.call_args(&call);
        let shown = || {
            call.iter()
                .map(|word| word.escape_ascii().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let after = written(&mut client);
        if reply.is_error() {
            errors += 1;
            assert_eq!(after, before, "{}: {reply}", shown());
            assert!(!reply.to_string().contains("internal"), "{}: {reply}", shown());
        } else {
            accepted += 1;
        }
        before = after;
    }
    assert!(errors > 1_000 && accepted > 300, "{errors} errors, {accepted} accepted");
}
