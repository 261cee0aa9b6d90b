//! TASK.LIST and TASK.WORKERS: pages that are stable under change.

use std::collections::BTreeSet;

use crate::support::{Client, Random, Server, Value, unix_ms};

/// All ids of a state in pages of `count`; `between` runs after each page.
#[track_caller]
fn walk(client: &mut Client, words: &str, count: usize, mut between: impl FnMut(&mut Client)) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = "0".to_string();
    for _ in 0..1_000 {
        let page = client.must(&format!("TASK.LIST {words} CURSOR {cursor} COUNT {count}"));
        assert!(page.item(1).items().len() <= count);
        ids.extend(page.item(1).ids());
        cursor = page.item(0).text();
        if cursor == "0" {
            return ids;
        }
        between(client);
    }
    panic!("a walk without end: {words}");
}

#[test]
fn a_page_shows_tasks_as_get_does() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q work ID a DELAY 3600000");
    let task = client.call("TASK.GET q a").to_string();
    assert_eq!(
        client.call("TASK.LIST q scheduled PAYLOADS"),
        format!("['0', [{task}]]")
    );
    let without = task.replace("payload: 'work'", "payload: null");
    assert_eq!(client.call("TASK.LIST q scheduled"), format!("['0', [{without}]]"));
    for state in ["ready", "claimed", "dead"] {
        assert_eq!(client.call(&format!("TASK.LIST q {state}")), "['0', []]");
        assert_eq!(client.call(&format!("TASK.LIST nobody {state}")), "['0', []]");
    }
}

#[test]
fn every_state_is_listed_in_order_forwards_and_backwards() {
    let server = Server::start();
    let mut client = server.client();
    let due = unix_ms() + 3_600_000;
    let mut expected: Vec<String> = Vec::new();
    for n in 0..25 {
        client.schedule(&format!("q x ID s{n:02} AT {}", due + n / 3));
        client.schedule(&format!("ready x ID s{n:02} PRIORITY {}", n / 10));
        client.schedule(&format!("dead x ID s{n:02}"));
        let (_, token) = client.claim("dead w");
        client.must(&format!("TASK.FAIL dead s{n:02} {token} DEAD"));
        expected.push(format!("s{n:02}"));
    }
    let reversed: Vec<String> = expected.iter().rev().cloned().collect();
    for (queue, state) in [("q", "scheduled"), ("ready", "ready")] {
        for count in [1, 7, 25, 1_000] {
            assert_eq!(
                walk(&mut client, &format!("{queue} {state}"), count, |_| ()),
                expected,
                "{state} by {count}"
            );
            assert_eq!(
                walk(&mut client, &format!("{queue} {state} REV"), count, |_| ()),
                reversed,
                "{state} by {count}"
            );
        }
    }
    // Tasks that died in the same millisecond are in the order of their ids, which is the same here.
    assert_eq!(walk(&mut client, "dead dead", 4, |_| ()), expected);
    assert_eq!(walk(&mut client, "dead dead REV", 4, |_| ()), reversed);
}

#[test]
fn claims_are_listed_for_all_workers_or_for_one() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..30 {
        client.schedule(&format!("q x ID t{n:02}"));
        client.claim(&format!("q w{} LEASE {}", n % 3, 100_000 + n));
    }
    let all: Vec<String> = (0..30).map(|n| format!("t{n:02}")).collect();
    assert_eq!(walk(&mut client, "q claimed", 7, |_| ()), all);
    let mine: Vec<String> = (0..30).filter(|n| n % 3 == 1).map(|n| format!("t{n:02}")).collect();
    assert_eq!(walk(&mut client, "q claimed WORKER w1", 3, |_| ()), mine);
    assert_eq!(client.call("TASK.LIST q claimed WORKER nobody"), "['0', []]");
    let page = |client: &mut Client, words: &str| {
        let page = client.must(&format!("TASK.WORKERS q {words}"));
        let shown = page.items()[1].items().iter().map(|worker| {
            assert!((0..60_000).contains(&worker.field("oldest_claim_ms").int()));
            let [name, state, claimed] = ["worker", "state", "claimed_tasks"].map(|field| worker.field(field));
            format!("{name} {state} {claimed}")
        });
        (page.items()[0].text(), shown.collect::<Vec<_>>())
    };
    let (first, last) = (["'w0' null 10", "'w1' null 10"], ["'w2' null 10"]);
    let is = |(cursor, shown): (String, Vec<String>), wanted: &str, workers: &[&str]| {
        assert_eq!(
            (&cursor[..], shown),
            (wanted, workers.iter().map(ToString::to_string).collect())
        );
    };
    is(page(&mut client, ""), "0", &[&first[..], &last].concat());
    is(page(&mut client, "COUNT 2"), ">w1", &first);
    is(page(&mut client, "COUNT 2 CURSOR >w1"), "0", &last);
    is(page(&mut client, "CURSOR >w11"), "0", &last);
    for words in ["CURSOR w1", "CURSOR 1", "COUNT 0", "COUNT 1001"] {
        assert_eq!(
            client.call(&format!("TASK.WORKERS q {words}")).code(),
            "BADARG",
            "{words}"
        );
    }
}

#[test]
fn a_walk_meets_every_task_that_stays_whatever_comes_and_goes() {
    let server = Server::start();
    let mut client = server.client();
    let mut random = Random::new(3);
    let due = unix_ms() + 3_600_000;
    for state in ["scheduled", "ready"] {
        let mut stays = BTreeSet::new();
        let mut goes = Vec::new();
        for n in 0..200 {
            let when = if state == "scheduled" {
                format!("AT {}", due + n / 5)
            } else {
                String::new()
            };
            client.schedule(&format!("{state} x ID t{n} {when}"));
            if n % 3 == 0 {
                goes.push(format!("t{n}"))
            } else {
                stays.insert(format!("t{n}"));
            }
        }
        let mut fresh = 0;
        let met = walk(&mut client, &format!("{state} {state}"), 10, |client| {
            for _ in 0..3 {
                if !goes.is_empty() {
                    let gone = goes.swap_remove(random.below(goes.len()));
                    client.must(&format!("TASK.CANCEL {state} {gone}"));
                }
                fresh += 1;
                let when = if state == "scheduled" {
                    format!("AT {}", due + random.below(40) as i64)
                } else {
                    String::new()
                };
                client.schedule(&format!("{state} x ID new{fresh} {when}"));
            }
        });
        let met_once: BTreeSet<String> = met.iter().cloned().collect();
        assert_eq!(met.len(), met_once.len(), "{state}: nothing is met twice");
        let missed: Vec<&String> = stays.difference(&met_once).collect();
        assert_eq!(missed, Vec::<&String>::new(), "{state}");
    }
}

#[test]
fn a_cursor_of_any_position_begins_somewhere() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    for position in ["9223372036854775807", "9223372036854775000", "20000", "2"] {
        // The id is looked for near its position; not found there, the page begins with the list.
        for (order, all) in [("", ["a", "b"]), ("REV", ["b", "a"])] {
            let page = client.must(&format!("TASK.LIST q ready {order} CURSOR 5:{position}:gone"));
            assert_eq!(page.item(0), &Value::Bulk(b"0".into()));
            assert_eq!(page.item(1).ids(), all, "{order} from {position}");
        }
    }
}

#[test]
fn a_reply_ends_with_the_task_that_fills_a_mebibyte() {
    let server = Server::start();
    let mut client = server.client();
    let payload = "x".repeat(400 * 1024);
    for n in 0..5 {
        client.schedule(&format!("q {payload} ID t{n}"));
    }
    let page = client.must("TASK.LIST q ready PAYLOADS COUNT 1000");
    assert_eq!(page.item(1).items().len(), 3);
    assert_ne!(page.item(0), &Value::Bulk(b"0".into()));
    assert_eq!(client.must("TASK.LIST q ready COUNT 1000").item(1).items().len(), 5);
    assert_eq!(client.call("TASK.CLAIM q w COUNT 1000").ids(), ["t0", "t1", "t2"]);
    client.must(&format!("CONFIG SET steward.max-payload {}", 4 << 20));
    client.schedule(&format!("big {} ID whole", "x".repeat(3 << 20)));
    assert_eq!(client.call("TASK.CLAIM big w COUNT 2").ids(), ["whole"]);
}

#[test]
fn a_live_task_behind_many_that_do_not_count_is_listed() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    client.schedule("q x ID first");
    for _ in 0..25 {
        let ids = client.must(&format!("TASK.MSCHEDULE q 1000{}", " x".repeat(1_000)));
        let ids: Vec<String> = ids.items().iter().map(Value::text).collect();
        client.must(&format!("TASK.CANCEL q {}", ids.join(" ")));
    }
    client.schedule("q x ID last");
    assert_eq!(walk(&mut client, "q ready", 10, |_| ()), ["first", "last"]);
    assert_eq!(walk(&mut client, "q ready REV", 10, |_| ()), ["last", "first"]);
    let mut cursor = "0".to_string();
    let mut purged = Vec::new();
    for _ in 0..3 {
        let step = client.must(&format!("TASK.PURGE q ready CURSOR {cursor}"));
        cursor = step.item(0).text();
        purged.push((step.item(1).int(), cursor == "0"));
    }
    assert_eq!(purged, [(1, false), (0, false), (1, true)], "10,000 ids a step");
    assert_eq!(client.counts("q"), "");
}

/// Sends a step until its cursor is 0; returns how many tasks were changed in all.
#[track_caller]
fn step_through(client: &mut Client, words: &str) -> i64 {
    let mut changed = 0;
    let mut cursor = "0".to_string();
    for _ in 0..1_000 {
        let step = client.must(&format!("{words} CURSOR {cursor}"));
        changed += step.item(1).int();
        cursor = step.item(0).text();
        if cursor == "0" {
            return changed;
        }
    }
    panic!("steps without end: {words}");
}

#[test]
fn a_filter_finds_every_task_page_by_page_and_a_step_changes_those() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..2_500 {
        let kind = if n % 100 == 7 { "needle" } else { "hay" };
        client.schedule(&format!("q {kind}-{n} ID t{n:04} DELAY 3600000"));
        client.schedule(&format!("q {kind}-{n} ID r{n:04} PRIORITY {}", n / 100 % 10));
    }
    for state in ["scheduled", "ready"] {
        let words = format!("q {state} MATCH needle-*");
        let found = walk(&mut client, &words, 100, |_| ());
        assert_eq!(found.len(), 25, "{state}");
        let page = client.must(&format!("TASK.LIST {words}"));
        assert_eq!(page.item(1).items().len(), 10, "1,000 are looked at: {state}");
        assert_eq!(
            step_through(&mut client, &format!("TASK.CANCELALL {words} COUNT 300")),
            25
        );
        assert_eq!(walk(&mut client, &words, 1_000, |_| ()), Vec::<String>::new());
    }
    assert_eq!(client.counts("q"), "scheduled 2475 ready 2475");
    assert_eq!(step_through(&mut client, "TASK.PURGE q ready MATCH *7"), 225);
    assert_eq!(step_through(&mut client, "TASK.PURGE q ready"), 2_250);
    assert_eq!(step_through(&mut client, "TASK.CANCELALL q scheduled"), 2_475);
    assert_eq!(client.counts("q"), "");
}

#[test]
fn a_pattern_is_matched_with_any_bytes_and_with_the_error() {
    let server = Server::start();
    let mut client = server.client();
    let payload: &[u8] = b"a\0\xff\r\nz";
    client.call_args(&[b"TASK.SCHEDULE".as_slice(), b"q", payload, b"ID", b"bytes"]);
    client.schedule("q x ID failed");
    let pattern: &[u8] = b"*\xff\r*";
    let page = client.call_args(&[b"TASK.LIST".as_slice(), b"q", b"ready", b"MATCH", pattern]);
    assert_eq!(page.item(1).ids(), ["bytes"]);
    for _ in 0..2 {
        let claim = client.call("TASK.CLAIM q w");
        let claim = claim.item(0);
        let (id, token) = (claim.field("id").text(), claim.field("token").int());
        client.must(&format!("TASK.FAIL q {id} {token} ERROR {id}-broke DEAD"));
    }
    assert_eq!(
        client.call("TASK.LIST q dead MATCH *led-broke").item(1).ids(),
        ["failed"]
    );
    assert_eq!(client.call("TASK.RETRYALL q MATCH *led-broke"), "['0', 1]");
    assert_eq!(client.listed("q", "ready"), ["failed"]);
    assert_eq!(
        client.call("TASK.LIST q ready ATTEMPTED").item(1).ids(),
        Vec::<String>::new()
    );
    assert_eq!(client.call("TASK.LIST q dead ATTEMPTED").item(1).ids(), ["bytes"]);
}

#[test]
fn a_pattern_costs_as_much_as_what_it_is_compared_with() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule(&format!("q {} ID a", "a".repeat(1 << 20)));
    client.schedule(&format!("failed x USED 25 DEAD {}", "a".repeat(4_096)));
    // Wherever it begins, it differs only at its end.
    let hostile = format!("*{}b", "a".repeat(254));
    let mut cost = |pattern: &str| {
        client.cpu_of(|client| {
            for state in ["q ready", "failed dead"] {
                let page = client.must(&format!("TASK.LIST {state} MATCH {pattern}"));
                assert_eq!(page.item(1).ids(), Vec::<String>::new());
            }
        })
    };
    let (plain, hostile) = (cost("*b"), cost(&hostile));
    assert!(
        hostile < 40.0 * plain + 0.1,
        "{hostile} s, and {plain} s of a plain one"
    );
}
