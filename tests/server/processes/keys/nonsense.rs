//! Records, candidates and leaders that make no sense.

use super::goes_on;
use crate::support::history::History;
use crate::support::{Client, Random, Server, Value, wait_until};

/// Values to put into the hash of members.
const RECORDS: [&str; 22] = [
    "",
    "not JSON",
    "null",
    "7",
    "[]",
    "\"text\"",
    "{}",
    "{",
    "{\"pid\":-1}",
    "{\"pid\":1e308,\"ttl_ms\":1e308}",
    "{\"pid\":99999999999999999999999999999999,\"ttl_ms\":300}",
    "{\"pid\":1,\"ttl_ms\":-5}",
    "{\"pid\":1,\"ttl_ms\":9223372036854775807,\"grace_ms\":9223372036854775807,\"bind\":true}",
    "{\"pid\":1,\"ttl_ms\":18446744073709551615,\"registered_at\":18446744073709551615}",
    "{\"pid\":\"12\",\"ttl_ms\":\"x\",\"bind\":\"yes\"}",
    "{\"pid\":1,\"ttl_ms\":300,\"meta\":7}",
    "{\"pid\":1,\"ttl_ms\":300,\"meta\":{\"k\":{\"deep\":[[[[]]]]}}}",
    "{\"pid\":1,\"ttl_ms\":300,\"token\":\"zz\",\"signal\":7,\"signal_order\":\"x\"}",
    "{\"pid\":1,\"ttl_ms\":300,\"order\":-9223372036854775808}",
    "{\"pid\":1,\"pid\":2,\"ttl_ms\":300,\"unknown\":true}",
    "{\"ttl_ms\":0,\"bind\":true,\"exclusive\":true}",
    "\u{1}\u{2}{\"pid\":1}",
];

/// Every command on the service and on this member; none may fail unexpectedly.
#[track_caller]
fn all_answer(client: &mut Client, member: &str, what: &str) {
    let calls = [
        "PID.LIST s COUNT 1000",
        "PID.GET s {m}",
        "PID.GET s {m} pid meta remaining_ms idle_ms state nothing",
        "PID.SERVICES",
        "PID.AWAIT s {m} DOWN",
        "PID.AWAIT s {m} UP",
        "HB.LEADER s",
        "HB.CHECK s 5",
        "HB.FENCED s 5 SET x 1",
        "HB.SIGNAL s * stop",
        "HB.SIGNAL s {m} none",
        "HB.BEAT s {m}",
        "HB.BEAT s {m} TOKEN 5",
        "HB.CAMPAIGN s {m} 5",
        "HB.WITHDRAW s {m} 5",
        "HB.RESIGN s {m} 5",
        "PID.REGISTER s {m} 7 TTL 60000",
        "PID.REGISTER s {m} 7 TTL 60000 TOKEN 5",
        "PID.REGISTER s {m} 7 TTL 10000 EXCLUSIVE",
        "TASK.CLAIM s {m} LEASE MEMBER",
        "TASK.WORKERS s",
        "PID.DEREGISTER s {m} PID 6",
        "PID.EVICT s {m}",
    ];
    for call in calls {
        let call = call.replace("{m}", member);
        let reply = client.call(&call);
        if let Value::Error(text) = &reply {
            let known = ["FENCED ", "NOMEMBER ", "BADARG "]
                .iter()
                .any(|code| text.starts_with(code));
            assert!(known, "{what}: {call}: {text}");
        }
    }
}

#[test]
fn records_of_members_that_make_no_sense_are_survived() {
    let server = Server::builder().append_always().start();
    let mut client = server.client();
    for record in RECORDS {
        let token = client.register("s good 1 TTL 60000");
        client.must(&format!("HB.CAMPAIGN s good {token}"));
        for member in ["odd", "odder"] {
            let set = client.call_args(&["HSET", "proc:{s}:members", member, record]);
            assert_eq!(set, "1");
        }
        all_answer(&mut client, "odd", record);
        assert_eq!(client.beat("s", "good", token), "leader", "{record}");
        client.must("PID.EVICT s good");
        client.must("DEL proc:{s}:members");
    }
    goes_on(&mut client, "nonsense");
}

#[test]
fn a_service_full_of_nonsense_is_loaded() {
    let mut server = Server::builder()
        .append_always()
        .set("steward.reclaim-window", "0")
        .start();
    let mut client = server.client();
    for (n, record) in RECORDS.iter().enumerate() {
        client.call_args(&["HSET", "proc:{s}:members", &format!("odd{n}"), record]);
        client.must(&format!("ZADD proc:{{s}}:candidates {n} odd{n}"));
    }
    client.must("HSET proc:{s} leader nobody epoch x since_at y");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    for (n, record) in RECORDS.iter().enumerate() {
        all_answer(&mut client, &format!("odd{n}"), record);
    }
    client.must("DEL proc:{s} proc:{s}:members proc:{s}:candidates");
    goes_on(&mut client, "a load of nonsense");
}

#[test]
fn candidates_that_make_no_sense_never_lead() {
    let server = Server::start();
    let mut client = server.client();
    let first = client.register("s first 1 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s first {first}"));
    let second = client.register("s second 2 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s second {second}"));
    client.must("HB.BEAT s tokenless TTL 60000");
    client.must("ZADD proc:{s}:candidates -inf ghost 0 ghost2 inf ghost3 0.5 ghost4 -9e300 ghost5");
    for n in 0..3_000 {
        client.send(&format!("ZADD proc:{{s}}:candidates -{n} none{n}"));
    }
    for _ in 0..3_000 {
        client.receive();
    }
    client.must(&format!("HB.RESIGN s first {first}"));
    wait_until("the only real candidate leads", || {
        client.leader("s").starts_with("second ")
    });
    client.must("PID.EVICT s second");
    assert_eq!(
        client.leader("s"),
        "nobody",
        "there is no other candidate that is a member with a token"
    );
    goes_on(&mut client, "candidates");
}

#[test]
fn a_leader_that_is_no_member_is_put_away_and_epochs_grow_all_the_same() {
    for (leader, epoch) in [
        ("ghost", "5"),
        ("ghost", "99999999999999999999999"),
        ("ghost", "-7"),
        ("ghost", "nonsense"),
        ("ghost", "9007199254740993"),
        ("ghost", "9223372036854775807"),
        ("ghost", "18446744073709551615"),
        ("\u{1}", "6"),
    ] {
        let server = Server::start();
        let mut client = server.client();
        let token = client.register("s a 1 TTL 60000");
        client.call_args(&["HSET", "proc:{s}", "leader", leader, "epoch", epoch, "since_at", "x"]);
        let campaign = format!("HB.CAMPAIGN s a {token} BLOCK 20000");
        assert_eq!(client.call(&campaign).field("role"), "'leader'", "{leader} {epoch}");
        let now = client.epoch("s");
        if let Ok(stored @ 0..9_007_199_254_740_991) = epoch.parse::<i64>() {
            assert!(now > stored, "{now}");
        }
        assert_eq!(client.call(&format!("HB.CHECK s {now}")), "+OK");
        assert_eq!(client.call(&format!("HB.RESIGN s a {token}")), Value::Null);
        goes_on(&mut client, leader);
    }
}

#[test]
fn a_leader_written_by_hand_leads_when_it_is_a_member() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 1 TTL 60000");
    let other = client.register("s b 2 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s a {token}"));
    client.must(&format!("HB.CAMPAIGN s b {other}"));
    let epoch = client.epoch("s") + 1;
    client.must(&format!("HSET proc:{{s}} leader b epoch {epoch}"));
    assert_eq!(client.call(&format!("HB.CHECK s {}", epoch - 1)).code(), "FENCED");
    wait_until("b leads", || client.beat("s", "b", other) == "leader");
    assert_ne!(client.beat("s", "a", token), "leader");
    client.must("PID.EVICT s b");
    assert!(!client.leader("s").starts_with("b "));
}

#[test]
fn a_life_among_keys_that_somebody_else_changes_goes_on() {
    let server = Server::builder()
        .set("steward.lease", "50")
        .set("steward.ttl", "150")
        .start();
    let mut client = server.client();
    let mut history = History::with_members(51, server.socket()).among_vandals();
    let mut random = Random::new(52);
    let mut dumps = Vec::new();
    for _ in 0..300 {
        history.run(&mut client, 8);
        let keys = client.keys();
        if keys.is_empty() {
            continue;
        }
        let (key, other) = (random.pick(&keys).clone(), random.pick(&keys).clone());
        match random.below(12) {
            0..=1 => drop(client.must(&format!("DEL {key}"))),
            2 => drop(client.call(&format!("RENAME {key} {other}"))),
            3 => drop(client.call(&format!("COPY {key} {other} REPLACE"))),
            4 => drop(client.must(&format!("SET {key} junk"))),
            5 => drop(client.call(&format!("HSET {key} w1 junk leader w2 epoch 7"))),
            6 => drop(client.call(&format!("ZADD {key} 1 w1 2 ghost"))),
            7 => drop(client.call(&format!("HDEL {key} w1 w2 leader"))),
            8 => drop(client.call(&format!("PEXPIRE {key} 5"))),
            // One that expires may be gone by now.
            9 => {
                if let Value::Bulk(dump) = client.call(&format!("DUMP {key}")) {
                    dumps.push(dump);
                }
            }
            10 if !dumps.is_empty() => {
                let dump = random.pick(&dumps);
                client.call_args(&[b"RESTORE".as_slice(), key.as_bytes(), b"0", dump, b"REPLACE"]);
            }
            _ if random.once_in(9) => drop(client.must(["FLUSHALL", "SWAPDB 0 1", "DEBUG RELOAD"][random.below(3)])),
            _ => {}
        }
    }
    client.must("FLUSHALL");
    client.must("CONFIG SET steward.reclaim-window 0");
    goes_on(&mut client, "vandals");
}
