//! TASK.HISTORY: counts that outlive the server.

use crate::support::clock::{Clock, HOUR, assert_shows};
use crate::support::cluster::Pair;
use crate::support::{Client, cluster, unix_ms, wait_until};

/// More than a minute, ms: then what happened is written.
const MINUTE: i64 = 61_000;

/// The sum of a number over all buckets.
fn sum(client: &mut Client, queue: &str, field: &str) -> i64 {
    let history = client.must(&format!("TASK.HISTORY {queue} DAYS 400"));
    history.items().iter().map(|bucket| bucket.field(field).int()).sum()
}

/// How many tasks were scheduled, acknowledged, failed, lost and died.
fn counts(client: &mut Client, queue: &str) -> [i64; 5] {
    let fields = ["scheduled", "acked", "failed", "lost", "dead"];
    fields.map(|field| sum(client, queue, &format!("{field}_total")))
}

/// Some tasks, of which one is acknowledged, two fail and one is left.
#[track_caller]
fn populate(client: &mut Client, queue: &str) {
    client.must(&format!("TASK.MSCHEDULE {queue} 2 x x ATTEMPTS 1 KIND mail"));
    client.must(&format!("TASK.MSCHEDULE {queue} 2 x x PRIORITY 9"));
    for _ in 0..2 {
        let (id, token) = client.claim(&format!("{queue} w"));
        client.must(&format!("TASK.FAIL {queue} {id} {token}"));
    }
    let (id, token) = client.claim(&format!("{queue} w"));
    client.must(&format!("TASK.ACK {queue} {id} {token}"));
}

/// What `populate` does.
const POPULATED: [i64; 5] = [4, 1, 2, 0, 2];

/// Asserts that the only kind of task has what `populate` does, and what happened to it.
#[track_caller]
fn assert_kinds(client: &mut Client, queue: &str) {
    let kinds = client.must(&format!("TASK.HISTORY {queue} DAYS 400 KINDS"));
    let found = ["acked_total", "failed_total", "dead_total"]
        .map(|field| kinds.items().iter().map(|kind| kind.field(field).int()).sum::<i64>());
    assert_eq!(found, [0, 2, 2], "{kinds}");
    assert!(
        kinds.items().iter().all(|kind| kind.field("kind") == "'mail'"),
        "{kinds}"
    );
}

/// Lets a minute pass after what happened.
pub(super) fn pass_a_minute(clock: &mut (Clock, i64), client: &mut Client) {
    // So that it is noticed now.
    client.info("steward_queues");
    clock.1 += MINUTE;
    clock.0.step(clock.1);
}

fn is_written(client: &mut Client, queue: &str) -> bool {
    client.must(&format!("EXISTS task:{{{queue}}}:history")) == "1"
}

#[test]
fn it_is_the_same_on_a_replica_and_after_a_restart() {
    for preamble in ["yes", "no"] {
        let mut clock = (Clock::new(), 0);
        let builder = clock.0.server().append_always().listening();
        let mut server = builder.set("aof-use-rdb-preamble", preamble).start();
        let replica = server.replica_with(clock.0.server());
        let (mut client, mut there) = (server.client(), replica.client());
        populate(&mut client, "q");
        assert_eq!(counts(&mut client, "q"), POPULATED, "at once");
        assert_kinds(&mut client, "q");
        assert!(!is_written(&mut client, "q"), "the minute is not over");
        assert_eq!(counts(&mut there, "q"), [0; 5]);
        pass_a_minute(&mut clock, &mut client);
        wait_until("it is written", || is_written(&mut client, "q"));
        wait_until("the replica has it", || there.digest() == client.digest());
        client.must("BGREWRITEAOF");
        wait_until("the rewrite is over", || client.info("aof_rewrite_in_progress") == "0");
        client.must("TASK.MSCHEDULE q 3 x x x");
        pass_a_minute(&mut clock, &mut client);
        let now = [7, 1, 2, 0, 2];
        wait_until("it is written again", || {
            there.digest() == client.digest() && counts(&mut there, "q") == now
        });
        assert_kinds(&mut there, "q");
        let digest = client.digest();
        server.kill_9();
        server.start_again(&[("steward.timer", "no")]);
        let mut client = server.client();
        assert_eq!(client.digest(), digest, "preamble {preamble}");
        client.must("CONFIG SET steward.timer yes");
        assert_eq!(counts(&mut client, "q"), now);
        assert_kinds(&mut client, "q");
        // Either goes on where it was.
        there.must("REPLICAOF NO ONE");
        for client in [&mut client, &mut there] {
            let stored = "DEBUG DIGEST-VALUE task:{q}:history";
            let before = client.must(stored);
            client.schedule("q x");
            pass_a_minute(&mut clock, client);
            assert_eq!(counts(client, "q"), [8, 1, 2, 0, 2]);
            wait_until("it is written", || client.must(stored) != before);
        }
    }
}

#[test]
fn a_snapshot_brings_it_back() {
    let mut clock = (Clock::new(), 0);
    let mut server = clock.0.server().start();
    let mut client = server.client();
    populate(&mut client, "q");
    pass_a_minute(&mut clock, &mut client);
    wait_until("it is written", || is_written(&mut client, "q"));
    let digest = client.digest();
    client.save();
    client.must("DEBUG RELOAD");
    assert_eq!(counts(&mut client, "q"), POPULATED);
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    let mut client = server.client();
    assert_eq!(client.digest(), digest);
    assert_eq!(counts(&mut client, "q"), POPULATED);
    assert_kinds(&mut client, "q");
}

#[test]
fn the_short_way_counts_too() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    // The first claim makes the worker known.
    for run in [0, 5_000, 7_000] {
        client.schedule("q x");
        let (id, token) = client.claim("q w");
        clock.step(run);
        client.must(&format!("TASK.ACK q {id} {token}"));
        clock.step(0);
    }
    assert_eq!(counts(&mut client, "q"), [3, 3, 0, 0, 0]);
    let run = sum(&mut client, "q", "run_total_ms");
    assert!((12_000..13_000).contains(&run), "{run}");
}

#[test]
fn nothing_is_written_while_memory_is_full_or_the_timer_is_held() {
    for (setting, held, free) in [
        ("maxmemory", "1", "0"),
        ("steward.timer", "no", "yes"),
        ("min-replicas-to-write", "1", "0"),
    ] {
        let mut clock = (Clock::new(), 0);
        let server = clock.0.server().start();
        let mut client = server.client();
        populate(&mut client, "q");
        client.info("steward_queues");
        client.must(&format!("CONFIG SET {setting} {held}"));
        pass_a_minute(&mut clock, &mut client);
        assert_shows(&mut client, clock.1);
        let until = unix_ms() + 300;
        while unix_ms() < until {
            assert!(!is_written(&mut client, "q"), "{setting}");
        }
        assert_eq!(counts(&mut client, "q"), POPULATED);
        client.must(&format!("CONFIG SET {setting} {free}"));
        // The timer comes to the queue.
        client.must("TASK.CONFIG SET q lease 70000");
        wait_until("it is written", || is_written(&mut client, "q"));
        assert_eq!(counts(&mut client, "q"), POPULATED);
    }
}

#[test]
fn a_full_history_is_small() {
    let mut clock = (Clock::new(), 0);
    let server = clock.0.server().start();
    let mut client = server.client();
    let now = unix_ms();
    // A thousand tasks a second, each of which runs for a second, and a backlog of a million.
    let number = |mut number: u64| {
        let mut packed = Vec::new();
        while number > 0x7f {
            packed.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        packed.push(number as u8);
        packed
    };
    let hours = (0..48).map(|ago| ((now / HOUR - ago).to_string(), 3_600));
    let days = (0..400).map(|ago| (format!("-{}", now / (24 * HOUR) - ago), 86_400));
    for (field, seconds) in hours.chain(days) {
        let tasks = 1_000 * seconds;
        let mut numbers = vec![tasks, tasks, tasks / 100, tasks / 1_000, tasks / 1_000];
        numbers.extend([tasks * 1_000, 1_000_000]);
        let packed: Vec<u8> = numbers.into_iter().flat_map(number).collect();
        client.call_args::<&[u8]>(&[b"HSET", b"task:{q}:history", field.as_bytes(), &packed]);
    }
    populate(&mut client, "q");
    clock.1 += HOUR;
    clock.0.step(clock.1);
    pass_a_minute(&mut clock, &mut client);
    wait_until("it is written", || {
        sum(&mut client, "q", "scheduled_total") % 1_000 == 4
    });
    assert!(["448", "447"].contains(&client.must("HLEN task:{q}:history").to_string().as_str()));
    assert_eq!(client.must("OBJECT ENCODING task:{q}:history"), "'listpack'");
    let used = client.must("MEMORY USAGE task:{q}:history").int();
    assert!(used < 16_384, "{used}");
    assert_eq!(client.must("TASK.HISTORY q").items().len(), 48);
}

#[test]
fn a_history_alone_is_no_queue_and_goes_in_time() {
    // An hour begins: soon after its end the history would be gone.
    let mut clock = (Clock::new(), HOUR - unix_ms() % HOUR);
    clock.0.step(clock.1);
    let server = clock.0.server().set("steward.events-retain", "1000").start();
    let mut client = server.client();
    client.schedule("q x ID a DELAY 60000");
    client.must("TASK.CANCEL q a");
    pass_a_minute(&mut clock, &mut client);
    wait_until("it is all that is left", || client.keys() == ["task:{q}:history"]);
    assert_eq!(client.call("TASK.QUEUES"), "['0', []]");
    assert_eq!(client.info("steward_queues"), "0");
    assert_eq!(counts(&mut client, "q"), [1, 0, 0, 0, 0]);
    // Under another name it is another one's.
    client.must("COPY task:{q}:history task:{r}:history");
    assert_eq!(counts(&mut client, "r"), [1, 0, 0, 0, 0]);
    client.must("RENAME task:{q}:history task:{s}:history");
    assert_eq!(counts(&mut client, "q"), [0; 5]);
    clock.1 += 2 * HOUR;
    clock.0.step(clock.1);
    wait_until("they are gone", || client.keys().is_empty());
}

#[test]
fn it_goes_with_its_queue() {
    let mut clock = (Clock::new(), 0);
    let server = clock.0.server().start();
    let mut client = server.client();
    for end in ["TASK.DROP q", "FLUSHALL"] {
        for when in ["written", "not written"] {
            populate(&mut client, "q");
            if when == "written" {
                pass_a_minute(&mut clock, &mut client);
                wait_until("it is written", || is_written(&mut client, "q"));
                populate(&mut client, "q");
            }
            client.info("steward_queues");
            client.must(end);
            assert_eq!(counts(&mut client, "q"), [0; 5], "{end}");
            let other = format!("other-{}", clock.1);
            client.schedule(&format!("{other} x"));
            pass_a_minute(&mut clock, &mut client);
            wait_until("another one is written", || is_written(&mut client, &other));
            assert!(!is_written(&mut client, "q"), "{end} {when}");
            assert_eq!(client.must("EXISTS task:{q}:kind-history"), "0", "{end} {when}");
            assert_eq!(client.must("TASK.HISTORY q KINDS"), "[]", "{end} {when}");
        }
    }
}

#[test]
fn a_key_of_another_type_is_an_error_and_holds_nothing_up() {
    let mut clock = (Clock::new(), 0);
    let server = clock.0.server().start();
    let mut client = server.client();
    client.must("SET task:{q}:history x");
    populate(&mut client, "q");
    client.schedule("q x DELAY 30000");
    assert_eq!(client.call("TASK.HISTORY q").code(), "WRONGTYPE");
    pass_a_minute(&mut clock, &mut client);
    wait_until("the timer works", || client.counts("q") == "ready 2 dead 2");
    assert_eq!(client.call("GET task:{q}:history"), "'x'");
    client.must("DEL task:{q}:history");
    client.schedule("q x");
    pass_a_minute(&mut clock, &mut client);
    wait_until("it is written", || is_written(&mut client, "q"));
    for words in ["q HOURS 49", "q DAYS 0", "q HOURS 1 DAYS 1", "q x", "{q"] {
        assert!(client.call(&format!("TASK.HISTORY {words}")).is_error(), "{words}");
    }
}

#[test]
fn the_number_of_histories_is_a_setting() {
    let mut clock = (Clock::new(), 0);
    let server = clock.0.server().set("steward.history-queues", "2").start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET own history yes");
    client.must("TASK.CONFIG SET none history no");
    let queues = ["none", "a", "b", "c", "own"];
    for queue in queues {
        client.schedule(&format!("{queue} x"));
    }
    pass_a_minute(&mut clock, &mut client);
    let written = |client: &mut Client| queues.map(|queue| is_written(client, queue));
    wait_until("those are written", || {
        written(&mut client) == [false, true, true, false, true]
    });
    client.must("TASK.CONFIG SET a history no");
    wait_until("it is removed", || !is_written(&mut client, "a"));
    client.must("CONFIG SET steward.history-queues 0");
    wait_until("the others are removed", || {
        written(&mut client) == [false, false, false, false, true]
    });
    assert!(client.call("CONFIG SET steward.history-queues -1").is_error());
}

#[test]
fn in_a_cluster_each_queue_has_its_own_in_its_slot() {
    let mut clock = (Clock::new(), 0);
    let server = clock.0.server().cluster().start();
    let mut client = server.client();
    client.must("CLUSTER ADDSLOTSRANGE 0 16383");
    wait_until("the cluster is up", || {
        client.must("CLUSTER INFO").text().contains("cluster_state:ok")
    });
    for queue in ["a", "b", "{app}mail"] {
        client.schedule(&format!("{queue} x"));
    }
    pass_a_minute(&mut clock, &mut client);
    for key in ["task:{a}:history", "task:{b}:history", "task:{app}mail:history"] {
        wait_until("it is written", || client.must(&format!("EXISTS {key}")) == "1");
    }
    let pair = Pair::start();
    let [mut first, _] = pair.clients();
    let far = cluster::name_of(&mut first, 1);
    assert_eq!(first.call(&format!("TASK.HISTORY {far} DAYS 1")).code(), "MOVED");
}
