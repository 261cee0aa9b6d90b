//! Many names: what they cost, that they are forgotten, and that a walk over them tells none that is hidden.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::support::{Client, Server, Value, wait_until};

fn used(client: &mut Client) -> i64 {
    // Without the sections of modules, so that nobody asks for the sums.
    let info = client.call("INFO memory").text();
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().parse().unwrap()
}

/// Waits until memory is no more than `most` bytes above what it was.
#[track_caller]
fn comes_back(client: &mut Client, before: i64, most: i64) {
    let mut now = 0;
    wait_until("memory comes back", || {
        now = used(client) - before;
        now < most
    });
}

/// Waits until every name was looked at.
fn settle(client: &mut Client) {
    wait_until("the sums are those of now", || {
        client.info("steward_sums_age_ms") == "0" && client.info("steward_timer_backlog") == "0"
    });
}

/// One queue each, with a task.
fn populate(client: &mut Client, from: usize, to: usize) {
    client.pipeline((from..to).map(|n| format!("TASK.SCHEDULE queue{n:06} x DELAY 3600000")));
    settle(client);
}

/// The memory in use once it has stopped falling: a queue is in line for ten seconds until it leaves memory.
fn rested(client: &mut Client) -> i64 {
    let (mut least, mut since) = (i64::MAX, Instant::now());
    wait_until("memory stops falling", || {
        let now = used(client);
        if now < least - 1_000 {
            (least, since) = (now, Instant::now());
        }
        since.elapsed().as_secs() >= 12
    });
    least
}

/// How many bytes of memory a name takes beyond its keys, which `populate` makes for the names of these numbers.
#[track_caller]
fn bytes_per_name(populate: impl Fn(&mut Client, usize, usize)) -> i64 {
    const FEW: usize = 4_000;
    const MANY: usize = 16_000;
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client, 0, FEW);
    let few = rested(&mut client);
    populate(&mut client, FEW, MANY);
    let many = rested(&mut client);
    client.must("CONFIG SET steward.timer no");
    wait_until("the module can go", || !client.call("MODULE UNLOAD steward").is_error());
    let keys = used(&mut client);
    client.must("FLUSHALL");
    let per_key = (keys - used(&mut client)) / MANY as i64;
    (many - few) / (MANY - FEW) as i64 - per_key
}

#[test]
fn a_name_that_has_keys_costs_some_hundred_bytes() {
    let bytes = bytes_per_name(populate);
    // About 300. The tables of the server, which grow by doubling, hide or add a hundred; a queue in memory has 2,000.
    assert!(bytes < 600, "{bytes}");
}

#[test]
fn a_name_without_keys_costs_nothing() {
    const MANY: usize = 8_000;
    // Less than 300 bytes each: the names of the keys of a thousand names stay cached.
    const MOST: i64 = 2_200_000;
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client, 0, 100);
    let before = used(&mut client);
    // Gone by themselves, as the timer notices although nothing else is due.
    let names = || (0..MANY).map(|n| format!("once{n}"));
    client.pipeline(names().map(|name| format!("TASK.SCHEDULE {name} x DELAY 3600000 ID a")));
    client.pipeline(names().map(|name| format!("DEL task:{{{name}}}:scheduled task:{{{name}}}:t:a")));
    comes_back(&mut client, before, MOST);
    wait_until("all are measured", || client.info("steward_queues") == "100");
    for how in ["FLUSHDB", "FLUSHALL"] {
        client.pipeline(names().map(|name| format!("TASK.SCHEDULE {name} x DELAY 3600000")));
        client.must(how);
        assert_eq!(client.info("steward_queues"), "0", "at once");
        comes_back(&mut client, before, MOST);
    }
    let all = 100 + 3 * MANY;
    assert_eq!(client.info("steward_scheduled_total"), all.to_string());
}

#[test]
fn a_dropped_queue_is_forgotten() {
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client, 0, 500);
    client.pipeline((100..500).map(|n| format!("TASK.DROP queue{n:06}")));
    wait_until("they are swept", || client.info("steward_queues") == "100");
    assert_eq!(client.keys().len(), 200);
}

#[test]
fn a_name_that_is_used_again_while_a_flush_is_cleaned_up_lives() {
    let server = Server::start();
    let mut client = server.client();
    populate(&mut client, 0, 5_000);
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM queue000007 w BLOCK 0");
    wait_until("it waits", || client.stat("queue000007", "waiting_clients") == 1);
    client.must("MULTI");
    client.must("FLUSHALL");
    client.must("TASK.SCHEDULE queue000007 x ID new DELAY 20");
    client.must("TASK.SCHEDULE queue000008 x ID other DELAY 20");
    client.must("EXEC");
    assert_eq!(waiting.receive().ids(), ["new"]);
    wait_until("its timer runs", || client.counts("queue000008") == "ready 1");
    settle(&mut client);
    assert_eq!(client.call("TASK.QUEUES").item(1).items().len(), 2);
    assert_eq!(client.info("steward_queues"), "2");
}

#[test]
fn claims_outlive_a_swap_of_their_database() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let mut worker = server.client();
    worker.must("TASK.CLAIM q w BIND LEASE 3600000");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w LEASE 300");
    client.must("SWAPDB 0 3");
    assert_eq!(client.counts("q"), "");
    client.schedule("q x ID c");
    client.must("SELECT 3");
    wait_until("the lease ends there", || client.counts("q") == "ready 1 claimed 1");
    assert_eq!(client.call(&format!("TASK.ACK q b {token}")).code(), "STALE");
    drop(worker);
    wait_until("the connection closed", || client.counts("q") == "ready 2");
    client.must("FLUSHDB");
    client.must("SWAPDB 3 0");
    assert_eq!(client.counts("q"), "ready 1");
    assert_eq!(client.claim("q w").0, "c");
}

#[test]
fn a_key_of_an_application_is_no_queue() {
    let server = Server::start();
    let mut client = server.client();
    for kind in ["task", "proc"] {
        client.must(&format!("SET {kind}:{{1}} x"));
        client.must(&format!("EXPIRE {kind}:{{1}} 1000"));
        client.must(&format!("RPUSH {kind}:{{2}} x"));
        client.must(&format!("RPUSH {kind}:{{3}}:comments x"));
        client.pipeline((4..100).map(|n| format!("HSET {kind}:{{{n}}} title x")));
    }
    settle(&mut client);
    for list in ["TASK.QUEUES", "PID.SERVICES"] {
        assert_eq!(client.call(&format!("{list} COUNT 1000")).item(1), &"[]", "{list}");
    }
    let count = |client: &mut Client| [client.info("steward_queues"), client.info("steward_services")];
    assert_eq!(count(&mut client), ["0", "0"]);
    client.must("HSET task:{7} lease 5");
    client.must("HSET proc:{8} epoch 5 signal quiet signal_order 5");
    settle(&mut client);
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['7']]");
    assert_eq!(client.call("PID.SERVICES"), "['0', ['8']]");
    assert_eq!(count(&mut client), ["1", "1"]);
}

#[test]
fn a_key_of_an_application_costs_nothing() {
    let bytes = bytes_per_name(|client, from, to| {
        client.pipeline((from..to).map(|n| format!("HSET task:{{{n}}} title x")));
        settle(client);
    });
    // A queue in memory takes more than a thousand.
    assert!(bytes <= 150, "{bytes}");
}

#[test]
fn the_sums_are_right_whoever_changes_the_keys_and_on_a_replica() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    client.pipeline((0..200).map(|n| format!("TASK.SCHEDULE q{n} x")));
    client.pipeline((0..200).map(|n| format!("TASK.SCHEDULE q{n} x DELAY 3600000")));
    client.pipeline((0..50).map(|n| format!("HB.BEAT s{n} m TTL 3600000")));
    client.pipeline((0..60).map(|n| format!("TASK.CLAIM q{n} w")));
    client.pipeline((100..150).map(|n| format!("DEL task:{{q{n}}}:scheduled task:{{q{n}}}:ready:5")));
    // Their end is an event, which stays.
    client.pipeline((0..10).map(|n| format!("DEL proc:{{s{n}}}:members")));
    for client in [&mut client, &mut there] {
        let mut info = |field: &str| client.info(&format!("steward_{field}"));
        wait_until("all is measured", || {
            let fields = [
                "queues",
                "ready_tasks",
                "scheduled_tasks",
                "claimed_tasks",
                "services",
                "members",
            ];
            fields.map(&mut info).join(" ") == "150 90 150 60 50 40"
        });
        let age = client.info("steward_oldest_ready_ms").parse::<i64>().unwrap();
        assert!((1..60_000).contains(&age), "{age}");
        settle(client);
    }
}

/// All pages of a walk, and how many calls they took.
fn walk(client: &mut Client, list: &str) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut cursor = "0".to_string();
    for calls in 1.. {
        let page = client.must(&format!("{list} CURSOR {cursor}"));
        names.extend(page.item(1).items().iter().map(Value::text));
        cursor = page.item(0).text();
        assert!(cursor.parse::<u64>().is_ok(), "a cursor tells no name: {cursor}");
        if cursor == "0" {
            return (names, calls);
        }
    }
    unreachable!()
}

#[test]
fn a_walk_meets_every_name_once_and_tells_none_that_is_hidden() {
    let server = Server::start();
    let mut client = server.client();
    client.pipeline((0..2_500).map(|n| format!("TASK.SCHEDULE hidden{n} x")));
    client.pipeline((0..20).map(|n| format!("TASK.SCHEDULE mine{n} x")));
    client.pipeline((0..2_500).map(|n| format!("PID.REGISTER hidden{n} m 1")));
    client.pipeline((0..20).map(|n| format!("PID.REGISTER mine{n} m 1")));
    client.must("ACL SETUSER reader on nopass resetkeys ~mine* -@all +task.queues +pid.services");
    let mut reader = server.client();
    reader.must("AUTH reader any");
    for list in ["TASK.QUEUES", "PID.SERVICES"] {
        let (names, calls) = walk(&mut reader, list);
        assert_eq!(names.len(), 20, "{list}: {names:?}");
        assert_eq!(BTreeSet::from_iter(names).len(), 20);
        assert!(calls >= 3, "each call is bounded");
        // Others come and go meanwhile.
        let mut cursor = "0".to_string();
        let mut met = Vec::new();
        for step in 0.. {
            let page = client.must(&format!("{list} COUNT 50 CURSOR {cursor}"));
            met.extend(page.item(1).items().iter().map(Value::text));
            client.schedule(&format!("new{step} x"));
            client.must(&format!("DEL task:{{hidden{step}}}:ready:5 task:{{hidden{step}}}:t:a"));
            cursor = page.item(0).text();
            if cursor == "0" {
                break;
            }
        }
        met.retain(|name| name.starts_with("mine"));
        assert_eq!(met.len(), 20);
        assert_eq!(BTreeSet::from_iter(met).len(), 20);
    }
}

#[test]
fn a_cursor_of_before_a_restart_is_refused() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.pipeline((0..50).map(|n| format!("TASK.SCHEDULE q{n} x")));
    let cursor = client.must("TASK.QUEUES COUNT 5").item(0).text();
    assert!(!client.call(&format!("TASK.QUEUES CURSOR {cursor}")).is_error());
    server.kill_9();
    server.start_again(&[]);
    let refused = server.client().call(&format!("TASK.QUEUES CURSOR {cursor}"));
    assert_eq!(
        refused,
        "-BADARG CURSOR must be 0 or what the last page replied, of this server since its start"
    );
}
