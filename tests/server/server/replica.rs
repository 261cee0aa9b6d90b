//! A replica shows the same as its primary, and survives misuse.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::{Random, Server, Value, wait_until};

#[test]
fn a_replica_shows_what_its_primary_shows_and_writes_nothing() {
    let server = Server::builder().set("steward.timer", "no").listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    client.must("TASK.CONFIG SET q lease 4000000 dead-limit 7");
    for n in 0..12 {
        client.schedule(&format!("q payload-{n} ID t{n:02} PRIORITY {}", n % 3));
    }
    client.schedule("q x ID far DELAY 3600000");
    client.must("TASK.CANCEL q t03 t04");
    for worker in ["w1", "w2", "w1"] {
        client.must(&format!("TASK.CLAIM q {worker} COUNT 2"));
    }
    let (id, token) = client.claim("q w3");
    client.must(&format!("TASK.FAIL q {id} {token} ERROR because DEAD"));
    client.must("TASK.PAUSE q");
    wait_until("the replica has it", || there.digest() == client.digest());
    let digest = there.digest();
    for read in [
        "TASK.LIST q scheduled PAYLOADS",
        "TASK.LIST q ready COUNT 100",
        "TASK.LIST q dead",
        "TASK.CONFIG GET q",
        "TASK.QUEUES",
        "TASK.GET q far",
        "TASK.HELP",
    ] {
        assert_eq!(there.call(read), client.call(read).to_string(), "{read}");
    }
    assert_eq!(there.counts("q"), client.counts("q"));
    assert_eq!(there.stat("q", "paused_until"), -1);
    // These fields depend on the server's clock.
    for words in ["q claimed COUNT 100", "q claimed WORKER w1", "q claimed WORKER w2"] {
        let ids = |list: Value| {
            let mut ids = list.item(1).ids();
            ids.sort();
            ids
        };
        let (here, shown) = (
            client.call(&format!("TASK.LIST {words}")),
            there.call(&format!("TASK.LIST {words}")),
        );
        assert_eq!(ids(shown), ids(here), "{words}");
    }
    let workers = |reply: Value| {
        let workers = reply.items()[1].items().iter();
        let held = workers.map(|worker| format!("{} {}", worker.field("worker"), worker.field("claimed_tasks")));
        held.collect::<Vec<String>>()
    };
    assert_eq!(
        workers(there.call("TASK.WORKERS q")),
        workers(client.call("TASK.WORKERS q"))
    );
    assert_eq!(there.digest(), digest);
    for words in [
        "TASK.SCHEDULE q x",
        "TASK.CLAIM q w BLOCK 10",
        "TASK.DROP q",
        "TASK.CONFIG SET q lease 5",
    ] {
        assert_eq!(there.call(words).code(), "READONLY", "{words}");
    }
}

#[test]
fn a_replica_of_a_replica_follows_too() {
    let server = Server::builder().listening().start();
    let middle = server.replica();
    let last = middle.replica();
    let (mut client, mut there) = (server.client(), last.client());
    let mut history = crate::support::history::History::new(31);
    history.run(&mut client, 600);
    client.must("CONFIG SET steward.timer no");
    wait_until("the last one has it all", || there.digest() == client.digest());
}

#[test]
fn a_replica_that_was_tampered_with_goes_on() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    there.must("CONFIG SET replica-read-only no");
    let mut history = crate::support::history::History::new(32);
    let mut random = Random::new(33);
    for _ in 0..60 {
        history.run(&mut client, 20);
        let keys = there.keys();
        if !keys.is_empty() {
            let key = random.pick(&keys).clone();
            there.must(&format!("DEL {key}"));
            match random.below(3) {
                0 => drop(there.call(&format!("SET {key} nonsense"))),
                1 => drop(there.call(&format!("SADD {key} nonsense"))),
                _ => {}
            }
        }
        // Writes to a writable replica stay there.
        there.call("TASK.SCHEDULE q own DELAY 1");
        there.call("TASK.CLAIM q own BLOCK 1");
    }
    let mark = client.schedule("mark x DELAY 3600000");
    wait_until("it still follows", || there.counts("mark") == "scheduled 1");
    assert_eq!(there.info("master_link_status"), "up");
    assert_eq!(there.get("mark", &mark, "state"), "state 'scheduled'");
}

#[test]
fn records_that_make_no_sense_are_survived() {
    let mut random = Random::new(34);
    let mut file = Vec::new();
    let mut append = |words: &[&[u8]]| append(&mut file, words);
    append(&[b"SELECT", b"0"]);
    append(&[b"steward", b"q", b"1R5\x02\x02a\x02b"]);
    append(&[b"steward", b"q", b"2R5\x01\x02c"]);
    append(&[b"steward", b"a{b", b"1R5\x01\x02c"]);
    append(&[b"steward", b"q"]);
    for _ in 0..3_000 {
        let mut record = vec![b'1'];
        for _ in 0..1 + random.below(6) {
            record.push(*random.pick(b"SHXMRLPEZYNABI?"));
            record.push(*random.pick(b"qwscdfb0599txDpmkv!"));
            for _ in 0..random.below(6) {
                let any = random.number() as u8;
                record.push(*random.pick(&[0, 1, 2, 3, b'a', b'b', 0x7f, 0x80, 0xff, any]));
            }
        }
        append(&[b"steward", b"q", &record]);
    }
    append(&[b"SET", b"end", b"reached"]);
    let mut server = stopped_with(&file);
    server.start_again(&[]);
    let mut client = server.client();
    assert_eq!(client.call("GET end"), "'reached'");
    let lines = server.log().matches("were not carried out in full").count();
    assert!(lines < 10, "{lines} lines");
    client.must("CONFIG SET steward.timer yes");
    client.schedule("fresh x DELAY 5");
    wait_until("the timer works", || client.counts("fresh") == "ready 1");
}

#[test]
fn operands_that_no_transaction_writes_are_malformed() {
    let fill = b"1R5\x04\x02a\x02b\x02c\x02d".as_slice();
    let event = |most: &[u8]| [b"1Iv\x01\x01".as_slice(), most, b"\x01\x04type\x01x"].concat();
    // Positions that do not ascend, and more entries than a stream counts.
    let malformed = [
        b"1E5\x03\x02\x02c\x01\x02b\x02\x02c".to_vec(),
        b"1E5\x02\x01\x02b\x01\x02b".to_vec(),
        event(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ];
    for effects in malformed {
        let mut file = Vec::new();
        append(&mut file, &[b"steward", b"q", fill]);
        append(&mut file, &[b"steward", b"q", &effects]);
        append(&mut file, &[b"SET", b"end", b"reached"]);
        let mut server = stopped_with(&file);
        server.start_again(&[]);
        let mut client = server.client();
        assert_eq!(client.call("GET end"), "'reached'", "{}", effects.escape_ascii());
        assert_eq!(client.call("LRANGE task:{q}:ready:5 0 -1"), "['a', 'b', 'c', 'd']");
        assert_eq!(
            client.info("unexpected_error_replies"),
            "1",
            "{}",
            effects.escape_ascii()
        );
        assert!(server.log().contains("they are malformed"));
    }
}

#[test]
fn effects_that_cannot_be_read_are_an_error_and_the_server_says_what_follows() {
    for effects in [b"2R5\x01\x01a", b"1R5\x02\x01a"] {
        let mut file = Vec::new();
        append(&mut file, &[b"steward", b"q", effects]);
        let mut server = stopped_with(&file);
        server.start_again(&[]);
        let mut client = server.client();
        assert_eq!(client.info("unexpected_error_replies"), "1");
        assert_eq!(client.counts("q"), "");
        assert!(server.log().contains("steward cannot read these effects"));

        let mut server = stopped_with(&file);
        // Without the final log lines, which the harness takes for a failure.
        let panics = [("propagation-error-behavior", "panic"), ("logfile", "")];
        let start = catch_unwind(AssertUnwindSafe(|| server.start_again(&panics)));
        assert!(start.is_err(), "it starts");
    }
}

/// Effects are absolute; a command would decide anew, with another clock, other ids and other settings.
#[test]
fn a_write_of_ours_in_a_file_or_a_stream_is_refused() {
    let writes: [&[&[u8]]; 3] = [
        &[b"TASK.SCHEDULE", b"q", b"x"],
        &[b"PID.REGISTER", b"s", b"m", b"1"],
        &[b"HB.BEAT", b"s", b"m"],
    ];
    let mut file = Vec::new();
    for write in writes {
        append(&mut file, write);
    }
    append(&mut file, &[b"SET", b"end", b"reached"]);
    let mut server = stopped_with(&file);
    server.start_again(&[]);
    let mut client = server.client();
    assert_eq!(client.call("GET end"), "'reached'");
    assert_eq!(client.must("DBSIZE"), "1");
    assert_eq!(client.info("unexpected_error_replies"), "3");
}

/// Appends a command to an append-only file.
fn append(file: &mut Vec<u8>, words: &[&[u8]]) {
    file.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        file.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        file.extend_from_slice(word);
        file.extend_from_slice(b"\r\n");
    }
}

/// A server that will load this append-only file, of the old kind, when it is restarted.
fn stopped_with(file: &[u8]) -> Server {
    let mut server = Server::builder()
        .set("appendonly", "yes")
        .set("steward.timer", "no")
        .start();
    server.client().must("CONFIG SET appendonly no");
    server.kill_9();
    std::fs::remove_dir_all(server.dir().join("appendonlydir")).unwrap();
    std::fs::write(server.dir().join("appendonly.aof"), file).unwrap();
    server
}
