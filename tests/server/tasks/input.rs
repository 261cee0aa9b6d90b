//! Bad input: an error that names the argument and its range, without writes or replication.

use crate::support::{Client, Server, Stream};

/// A task of each state on queue `q`: a ready, b claimed, c scheduled, d dead. Returns b's token.
#[track_caller]
fn populate(client: &mut Client) -> i64 {
    for id in ["d", "b", "a"] {
        client.schedule(&format!("q x ID {id}"));
    }
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q d {token} DEAD"));
    client.schedule("q x ID c DELAY 3600000");
    client.claim("q w LEASE 3600000").1
}

#[test]
fn every_bad_argument_is_named_with_its_range() {
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client);
    let digest = client.digest();
    let mut stream = Stream::of(&server);
    let long = "x".repeat(257);
    let delay = "must be an integer from 0 to 3153600000000 ms";
    let lease = "must be an integer from 1 to 1728000000 ms";
    let at = "must be an integer from 100000000000 to 100000000000000 unix ms, not seconds";
    let count = "must be an integer from 1 to 1000";
    let token = "must be an integer from 0 to 9007199254740991";
    let queue_braces = "queue has braces and is not {tag}rest with both parts non-empty and no brace or colon in rest";
    let cases: &[(String, String)] = &[
        ("TASK.SCHEDULE q x DELAY -1".into(), format!("BADARG DELAY {delay}")),
        (
            "TASK.SCHEDULE q x DELAY 3153600000001".into(),
            format!("BADARG DELAY {delay}"),
        ),
        ("TASK.SCHEDULE q x DELAY 1.5".into(), format!("BADARG DELAY {delay}")),
        (
            "TASK.SCHEDULE q x DELAY".into(),
            "BADARG DELAY is missing its value".into(),
        ),
        (
            "TASK.SCHEDULE q x DELAY 1 DELAY 1".into(),
            "BADARG DELAY is given twice".into(),
        ),
        (
            "TASK.SCHEDULE q x DELAY 1 AT 1700000000000".into(),
            "BADARG AT contradicts DELAY: give one of them".into(),
        ),
        ("TASK.SCHEDULE q x AT 1700000000".into(), format!("BADARG AT {at}")),
        ("TASK.SCHEDULE q x AT 100000000000001".into(), format!("BADARG AT {at}")),
        (
            "TASK.SCHEDULE q x PRIORITY 10".into(),
            "BADARG PRIORITY must be an integer from 0 to 9".into(),
        ),
        (
            "TASK.SCHEDULE q x PRIORITY -1".into(),
            "BADARG PRIORITY must be an integer from 0 to 9".into(),
        ),
        (
            "TASK.SCHEDULE q x ATTEMPTS 0".into(),
            "BADARG ATTEMPTS must be an integer from 1 to 46655".into(),
        ),
        ("TASK.SCHEDULE q x LEASE 0".into(), format!("BADARG LEASE {lease}")),
        (
            "TASK.SCHEDULE q x LEASE 1728000001".into(),
            format!("BADARG LEASE {lease}"),
        ),
        (
            "TASK.SCHEDULE q x EXPIRE 0".into(),
            "BADARG EXPIRE must be an integer from 1 to 3153600000000 ms".into(),
        ),
        (
            "TASK.SCHEDULE q x UNIQUE k FOR 0".into(),
            "BADARG FOR must be an integer from 1 to 3153600000000 ms".into(),
        ),
        (
            "TASK.SCHEDULE q x UNIQUE".into(),
            "BADARG key is missing its value".into(),
        ),
        (
            "TASK.SCHEDULE q x REPLACE".into(),
            "BADARG REPLACE is an option of UNIQUE, which is not given".into(),
        ),
        (
            "TASK.SCHEDULE q x UNIQUE k DELAY 1 REPLACE".into(),
            "BADARG REPLACE must follow UNIQUE directly: UNIQUE key [FOR ms | UNTIL CLAIM] [REPLACE [KEEP]]".into(),
        ),
        (
            "TASK.MSCHEDULE q 1 x UNIQUE k".into(),
            "BADARG unknown argument UNIQUE".into(),
        ),
        (
            "TASK.SCHEDULE q x BACKOFF".into(),
            "BADARG kind is missing its value".into(),
        ),
        (
            "TASK.SCHEDULE q x BACKOFF LINEAR 5".into(),
            "BADARG kind must be FIXED or EXPONENTIAL".into(),
        ),
        (
            "TASK.SCHEDULE q x BACKOFF FIXED".into(),
            "BADARG base-ms is missing its value".into(),
        ),
        (
            "TASK.SCHEDULE q x BACKOFF FIXED x".into(),
            format!("BADARG base-ms {delay}"),
        ),
        (
            "TASK.SCHEDULE q x BACKOFF FIXED 5 MAX -1".into(),
            format!("BADARG MAX {delay}"),
        ),
        (
            "TASK.SCHEDULE q x BACKOFF FIXED 5 JITTER 101".into(),
            "BADARG JITTER must be an integer from 0 to 100 percent".into(),
        ),
        (
            "TASK.SCHEDULE q x MAX 5".into(),
            "BADARG MAX is an option of BACKOFF, which is not given".into(),
        ),
        (
            "TASK.SCHEDULE q x COLOUR k".into(),
            "BADARG unknown argument COLOUR".into(),
        ),
        (
            "TASK.SCHEDULE q x COLOUR k".into(),
            "BADARG unknown argument COLOUR".into(),
        ),
        (
            "TASK.SCHEDULE q x COLOUR 5".into(),
            "BADARG unknown argument COLOUR".into(),
        ),
        ("TASK.SCHEDULE q x foo".into(), "BADARG unknown argument foo".into()),
        ("TASK.LIST q ready dead".into(), "BADARG state is given twice".into()),
        (
            "TASK.PURGE q dead COUNT 5 DONE".into(),
            "BADARG state is given twice".into(),
        ),
        (
            format!("TASK.SCHEDULE q x ID {long}"),
            "BADNAME id must be 1 to 256 bytes long".into(),
        ),
        ("TASK.SCHEDULE q x ID *".into(), "BADNAME id must not be *".into()),
        ("TASK.SCHEDULE q y ID a".into(), "DUPLICATE ready a".into()),
        ("TASK.SCHEDULE a{b x".into(), format!("BADNAME {queue_braces}")),
        ("TASK.SCHEDULE {a} x".into(), format!("BADNAME {queue_braces}")),
        ("TASK.SCHEDULE {a}b:c x".into(), format!("BADNAME {queue_braces}")),
        ("TASK.SCHEDULE * x".into(), "BADNAME queue must not be *".into()),
        (
            format!("TASK.SCHEDULE {long} x"),
            "BADNAME queue must be 1 to 256 bytes long".into(),
        ),
        ("TASK.MSCHEDULE q 0 x".into(), format!("BADARG numtasks {count}")),
        ("TASK.MSCHEDULE q 1001 x".into(), format!("BADARG numtasks {count}")),
        (
            "TASK.MSCHEDULE q 2 x".into(),
            "BADARG payload is missing its value".into(),
        ),
        ("TASK.MSCHEDULE q 1 x ID a".into(), "BADARG unknown argument ID".into()),
        ("TASK.CLAIM q w COUNT 0".into(), format!("BADARG COUNT {count}")),
        ("TASK.CLAIM q w COUNT 1001".into(), format!("BADARG COUNT {count}")),
        (
            "TASK.CLAIM q w LEASE MEMBERS".into(),
            format!("BADARG LEASE {lease} or MEMBER"),
        ),
        (
            "TASK.CLAIM q w LEASE MEMBER".into(),
            "NOMEMBER no member w in service q (setting service of queue q)".into(),
        ),
        (
            "TASK.CLAIM q w BLOCK -1".into(),
            "BADARG BLOCK must be an integer from 0 to 1728000000 ms".into(),
        ),
        ("TASK.CLAIM q w FULL FULL".into(), "BADARG FULL is given twice".into()),
        (
            format!("TASK.CLAIM q {long}"),
            "BADNAME worker must be 1 to 256 bytes long".into(),
        ),
        ("TASK.CLAIM q *".into(), "BADNAME worker must not be *".into()),
        (
            "TASK.MCLAIM 0 q w".into(),
            "BADARG numqueues must be an integer from 1 to 100".into(),
        ),
        (
            "TASK.MCLAIM 101 q w".into(),
            "BADARG numqueues must be an integer from 1 to 100".into(),
        ),
        ("TASK.MCLAIM 2 q w".into(), "BADARG worker is missing its value".into()),
        ("TASK.MCLAIM 2 q a{b w".into(), format!("BADNAME {queue_braces}")),
        ("TASK.ACK q b token".into(), format!("BADARG token {token}")),
        ("TASK.ACK q b -1".into(), format!("BADARG token {token}")),
        ("TASK.ACK q b 9007199254740992".into(), format!("BADARG token {token}")),
        (
            "TASK.ACK q b 5 COLOUR x".into(),
            "BADARG unknown argument COLOUR".into(),
        ),
        ("TASK.ACK q b 5 NEXT NEXT".into(), "BADARG NEXT is given twice".into()),
        ("TASK.MACK q 2 b 5 a".into(), "BADARG token is missing its value".into()),
        ("TASK.MACK q 1 b 5 a 5".into(), "BADARG unknown argument a".into()),
        (
            "TASK.FAIL q b 5 DELAY 1 DEAD".into(),
            "BADARG DEAD contradicts DELAY: give one of them".into(),
        ),
        ("TASK.FAIL q b 5 DELAY x".into(), format!("BADARG DELAY {delay}")),
        (
            "TASK.FAIL q b 5 ERROR".into(),
            "BADARG ERROR is missing its value".into(),
        ),
        ("TASK.RELEASE q b 5 DELAY -5".into(), format!("BADARG DELAY {delay}")),
        ("TASK.EXTEND q b 5 LEASE 0".into(), format!("BADARG LEASE {lease}")),
        (
            "TASK.EXTEND q b 5 PROGRESS".into(),
            "BADARG PROGRESS is missing its value".into(),
        ),
        ("TASK.RESCHEDULE q c AT 1700000000".into(), format!("BADARG AT {at}")),
        (
            "TASK.RESCHEDULE q c PRIORITY x".into(),
            "BADARG PRIORITY must be an integer from 0 to 9".into(),
        ),
        (
            "TASK.LIST q limbo".into(),
            "BADARG state must be scheduled or ready or blocked or claimed or done or dead".into(),
        ),
        ("TASK.LIST q ready COUNT 0".into(), format!("BADARG COUNT {count}")),
        ("TASK.QUEUES COUNT 1001".into(), format!("BADARG COUNT {count}")),
        (
            "TASK.PAUSE q FOR 0".into(),
            "BADARG FOR must be an integer from 1 to 3153600000000 ms".into(),
        ),
        (
            "TASK.PURGE q claimed".into(),
            "BADARG state must be scheduled or ready or blocked or done or dead".into(),
        ),
        ("TASK.SCHEDULE q x RETAIN -1".into(), format!("BADARG RETAIN {delay}")),
        (
            "TASK.SCHEDULE q x REPLY other".into(),
            "BADARG REPLY must be the name of a queue in the queue's slot: q or {q}rest".into(),
        ),
        (
            "TASK.RESULT q a BLOCK -1".into(),
            "BADARG BLOCK must be an integer from 0 to 1728000000 ms".into(),
        ),
        (
            "TASK.MRESULT q 1001 a".into(),
            "BADARG numids must be an integer from 1 to 1000".into(),
        ),
        ("TASK.MRESULT q 2 a".into(), "BADARG id is missing its value".into()),
        ("TASK.PURGE q dead OLDER -1".into(), format!("BADARG OLDER {delay}")),
        ("TASK.RETRYALL q COUNT 0".into(), format!("BADARG COUNT {count}")),
        ("TASK.DROP q HARD".into(), "BADARG unknown argument HARD".into()),
        (
            "TASK.DROP q".into(),
            "BUSYQUEUE tasks are claimed, 1 in all: wait, or use FORCE".into(),
        ),
    ];
    for (words, error) in cases {
        assert_eq!(client.call(words), format!("-{error}"), "{words}");
    }
    for words in [
        "TASK.LIST q ready CURSOR x",
        "TASK.LIST q ready WORKER w",
        "TASK.LIST q dead CURSOR -1",
    ] {
        assert_eq!(client.call(words).code(), "BADARG", "{words}");
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(stream.take(), Vec::<String>::new());
}

#[test]
fn a_record_of_effects_is_refused_from_a_client() {
    let server = Server::start();
    let mut client = server.client();
    let refused = "-ERR steward carries effects from a primary or an append-only file and is not for clients";
    let record = [b"steward".as_slice(), b"q", b"1R5\x01\x01a"];
    assert_eq!(client.call_args(&record), refused);
    client.must("MULTI");
    client.call_args(&record);
    assert_eq!(client.call("EXEC").item(0), &refused);
    let script = "return redis.pcall('steward', KEYS[1], '1X5').err";
    let refused = client.call_args(&["EVAL", script, "1", "q"]).text();
    assert!(
        refused.contains("not for clients") || refused.contains("not allowed from script"),
        "{refused}"
    );
    assert_eq!(client.keys(), Vec::<String>::new());
}
