//! TASK.QUEUES STATS: the numbers of all queues in one call, the same as TASK.STATS shows of each.

use crate::support::history::History;
use crate::support::{Client, Server, Value, unix_ms, wait_until};

/// The list, by the names of its queues, and what TASK.STATS shows of each: in one transaction, so that nothing happens
/// in between.
#[track_caller]
fn both(client: &mut Client) -> Vec<(Value, Value, Value)> {
    loop {
        let names = client.must("TASK.QUEUES COUNT 1000").names();
        client.must("MULTI");
        client.must("TASK.QUEUES COUNT 1000");
        client.must("TASK.QUEUES COUNT 1000 STATS");
        for name in &names {
            client.must(&format!("TASK.STATS {name}"));
            client.must(&format!("TASK.STATS {name} KINDS"));
        }
        let replies = client.must("EXEC");
        let page = replies.item(1);
        assert_eq!(page.item(0).text(), "0");
        let mut listed = page.item(1).items().to_vec();
        listed.sort_by_key(|queue| queue.field("queue").text());
        let shown: Vec<String> = listed.iter().map(|queue| queue.field("queue").text()).collect();
        assert_eq!(shown, replies.item(0).names());
        // Others may have come or gone meanwhile.
        if shown == names {
            let stats = replies.items()[2..].chunks(2);
            let all = listed.into_iter().zip(stats);
            return all
                .map(|(listed, stats)| (listed, stats[0].clone(), stats[1].clone()))
                .collect();
        }
    }
}

/// Fails the test unless both are the same.
#[track_caller]
fn check(client: &mut Client) -> usize {
    let all = both(client);
    for (listed, stats, kinds) in &all {
        let Value::Map(fields) = stats else {
            panic!("{stats} is no map")
        };
        let Value::Map(shown) = listed else {
            panic!("{listed} is no map")
        };
        assert_eq!(shown.len(), fields.len() + 2);
        for ((field, expected), (name, found)) in fields.iter().zip(&shown[1..]) {
            assert_eq!(name.text(), field.text());
            match (field.text().as_str(), expected, found) {
                ("oldest_ready_ms", Value::Int(expected), Value::Int(found)) => {
                    assert!((0..5_000).contains(&(expected - found)), "{listed} {stats}");
                }
                // The pause ended in between.
                ("paused_until", Value::Null, Value::Int(found)) if *found <= unix_ms() => {}
                (field, ..) => assert_eq!(found, expected, "{field} of {listed}"),
            }
        }
        assert_eq!(listed.field("kinds"), kinds);
    }
    all.len()
}

fn populate(client: &mut Client) {
    for words in [
        "q x ID a KIND mail",
        "q x ID b PRIORITY 2 RETAIN 600000",
        "q x ID c TO w",
        "q x ID d DELAY 600000",
        "q x ID e AFTER 1 d",
        "q x ID f GROUP g",
        "q x ID g GROUP g",
        "p x ID a KIND mail",
    ] {
        client.must(&format!("TASK.SCHEDULE {words}"));
    }
    client.must("TASK.CONFIG SET set lease 7000");
    client.must("TASK.PAUSE paused");
    client.must("TASK.PAUSE p FOR 600000");
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q {id} {token}"));
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q {id} {token} DEAD"));
    client.claim("q w");
}

#[test]
fn a_list_shows_what_stats_shows_whatever_happens() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.call("TASK.QUEUES STATS"), "['0', []]");
    populate(&mut client);
    let page = client.must("TASK.QUEUES MATCH q STATS");
    let stats = page.item(1).item(0);
    let tasks = ["scheduled", "ready", "claimed", "blocked", "done", "dead"];
    let counts = tasks.map(|state| stats.field(&format!("{state}_tasks")).int());
    assert_eq!(counts, [1, 1, 1, 2, 1, 1], "{stats}");
    assert_eq!(stats.field("kinds").items().len(), 1);
    assert_eq!(check(&mut client), 4);
    let mut history = History::new(51);
    for _ in 0..60 {
        history.run(&mut client, 10);
        assert!(check(&mut client) >= 4);
    }
}

#[test]
fn a_list_counts_what_others_change() {
    let server = Server::start();
    let mut client = server.client();
    client.must("CONFIG SET steward.timer no");
    populate(&mut client);
    check(&mut client);
    for words in [
        "RPUSH task:{q}:ready:5 nobody",
        "LPOP task:{q}:ready:5",
        "HSET task:{q} paused_until -1",
        "HDEL task:{q} paused_until",
        "ZREM task:{q}:scheduled d",
        "DEL task:{q}:dead",
        "PEXPIRE task:{q}:done 1",
        "RENAME task:{q}:blocked task:{new}:blocked",
        "COPY task:{q}:claimed task:{copy}:claimed",
        "ZADD task:{foreign}:scheduled 1 a",
        "DEL task:{p}:ready:5 task:{p}",
        "MOVE task:{q}:claimed 1",
    ] {
        client.must(words);
        check(&mut client);
    }
    wait_until("the done one has expired", || {
        !client.keys().contains(&"task:{q}:done".into())
    });
    check(&mut client);
    let names = client.must("TASK.QUEUES STATS").item(1).items().len();
    assert_eq!(names, client.must("TASK.QUEUES").names().len());
    client.must("SELECT 1");
    assert_eq!(check(&mut client), 1);
}

#[test]
fn a_list_is_of_the_database_that_is_there_now() {
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client);
    client.must("SELECT 1");
    client.schedule("other x");
    client.must("SWAPDB 0 1");
    assert_eq!(check(&mut client), 4);
    client.must("SELECT 0");
    assert_eq!(check(&mut client), 1);
    client.must("FLUSHDB");
    assert_eq!(client.call("TASK.QUEUES STATS"), "['0', []]");
    client.schedule("other x");
    assert_eq!(check(&mut client), 1);
    client.must("DEBUG RELOAD");
    // Valkey 8.1 leaves a client in the last database that a module was notified of: docs/operating/limits.md.
    client.must("SELECT 0");
    assert_eq!(check(&mut client), 1);
    client.must("SELECT 1");
    assert_eq!(check(&mut client), 4);
    client.must("FLUSHALL");
    assert_eq!(client.call("TASK.QUEUES STATS"), "['0', []]");
}

#[test]
fn a_replica_lists_what_it_has() {
    for diskless in ["disabled", "swapdb"] {
        let server = Server::builder().set("steward.timer", "no").listening().start();
        let mut client = server.client();
        let replica = Server::builder()
            .listening()
            .set("repl-diskless-load", diskless)
            .start();
        let mut there = replica.client();
        there.schedule("own x");
        there.schedule("q x ID gone");
        check(&mut there);
        populate(&mut client);
        there.must(&format!("REPLICAOF 127.0.0.1 {}", server.port()));
        replica.follows(&server);
        wait_until("it is in step", || there.digest() == client.digest());
        assert_eq!(check(&mut there), 4);
        wait_until("INFO counts no other", || there.info("steward_queues") == "4");
        let mut history = History::new(52);
        for _ in 0..10 {
            history.run(&mut client, 20);
            wait_until("it is in step", || there.digest() == client.digest());
            check(&mut there);
            check(&mut client);
        }
    }
}

#[test]
fn a_list_has_only_what_its_reader_may_read() {
    let server = Server::start();
    let mut admin = server.client();
    populate(&mut admin);
    admin.must("ACL SETUSER reader on nopass resetkeys %R~q %W~p -@all +task.queues +pid.services");
    let mut reader = server.client();
    reader.must("AUTH reader x");
    let page = reader.must("TASK.QUEUES STATS");
    let names: Vec<String> = page
        .item(1)
        .items()
        .iter()
        .map(|queue| queue.field("queue").text())
        .collect();
    assert_eq!(names, ["q"]);
    admin.must("HB.BEAT q m TTL 60000 CAMPAIGN");
    admin.must("HB.BEAT p m TTL 60000 CAMPAIGN");
    assert_eq!(
        reader.call("PID.SERVICES STATS"),
        "['0', [{service: 'q', members: 1, leaders: 1}]]"
    );
}

#[test]
fn a_list_is_the_same_in_both_protocols_and_in_a_script() {
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client);
    let page = client.must("TASK.QUEUES MATCH q STATS");
    let flat = server.client_resp2().must("TASK.QUEUES MATCH q STATS");
    let script = client.call_args(&["EVAL", "return redis.call('TASK.QUEUES', 'MATCH', 'q', 'STATS')", "0"]);
    for other in [flat.item(1).item(0), script.item(1).item(0)] {
        for field in ["queue", "claimed_tasks", "acked_total", "since_at", "paused_until"] {
            assert_eq!(other.field(field), page.item(1).item(0).field(field));
        }
        assert_eq!(other.field("kinds").item(0).field("kind").text(), "mail");
    }
}

#[test]
fn pages_of_a_list_have_each_queue_once() {
    let server = Server::start();
    let mut client = server.client();
    client.pipeline((0..300).map(|n| format!("TASK.SCHEDULE queue{n} x")));
    client.pipeline((0..300).map(|n| format!("PID.REGISTER service{n} m 1")));
    for (list, field) in [("TASK.QUEUES", "queue"), ("PID.SERVICES", "service")] {
        let (mut names, mut cursor) = (Vec::new(), "0".to_string());
        loop {
            let page = client.must(&format!("{list} COUNT 70 CURSOR {cursor} STATS"));
            assert!(page.item(1).items().len() <= 75);
            names.extend(page.item(1).items().iter().map(|one| one.field(field).text()));
            cursor = page.item(0).text();
            if cursor == "0" {
                break;
            }
        }
        let mut expected: Vec<String> = (0..300).map(|n| format!("{field}{n}")).collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
    }
}
