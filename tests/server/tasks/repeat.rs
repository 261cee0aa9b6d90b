//! Recurring tasks: each occurrence once, on time, whatever happens to the server or its clock.

use crate::support::clock::{Clock, HOUR, assert_shows};
use crate::support::rig::Rig;
use crate::support::{Client, Server, Stream, Value, unix_ms, wait_until};

const MINUTE: i64 = 60_000;

/// TASK.REPEAT; returns when it is next due.
#[track_caller]
pub(super) fn repeat(client: &mut Client, words: &str) -> i64 {
    client.must(&format!("TASK.REPEAT {words}")).int()
}

/// When the ready occurrences were due, in the order of their list.
#[track_caller]
pub(super) fn ready(client: &mut Client, queue: &str) -> Vec<i64> {
    let ids = client.listed(queue, "ready");
    ids.iter()
        .map(|id| id.rsplit_once(':').unwrap().1.parse().unwrap())
        .collect()
}

/// When the only recurring task of a queue comes next.
#[track_caller]
fn next_of(client: &mut Client, queue: &str) -> i64 {
    let shown = client.must(&format!("TASK.REPEATS {queue}"));
    shown.item(1).item(0).field("next_at").int()
}

/// The events of a queue: `type id reason`.
#[track_caller]
fn events(client: &mut Client, queue: &str) -> Vec<String> {
    let entries = client.must(&format!("XRANGE task:{{{queue}}}:events - +"));
    let line = |entry: &Value| {
        let fields = entry.item(1);
        [1, 3, 9].map(|at| fields.item(at).text()).join(" ")
    };
    entries.items().iter().map(line).collect()
}

/// Waits until the timer has served the queue once more.
#[track_caller]
fn let_the_timer_pass(client: &mut Client, queue: &str) {
    let mark = client.schedule(&format!("{queue} x DELAY 20"));
    wait_until("the timer has passed", || {
        client.get(queue, &mark, "state") == "state 'ready'"
    });
    client.must(&format!("TASK.CANCEL {queue} {mark}"));
}

#[test]
fn a_page_of_what_recurs_is_bounded() {
    let server = Server::start();
    let mut client = server.client();
    client.pipeline((0..300).map(|n| format!("TASK.REPEAT q r{n:03} p EVERY 3600000")));
    let page = client.must("TASK.REPEATS q COUNT 1000 OWNER nobody");
    assert_eq!(page.item(1), "[]");
    assert_ne!(page.item(0), "'0'");
    let page = client.must("TASK.REPEATS q COUNT 1000");
    assert_eq!(page.item(1).items().len(), 256);
    let page = client.must(&format!("TASK.REPEATS q COUNT 1000 CURSOR {}", page.item(0).text()));
    assert_eq!(
        (page.item(0), page.item(1).items().len()),
        (&Value::Bulk(b"0".into()), 44)
    );
}

#[test]
fn an_occurrence_reaches_a_waiting_client_when_it_is_due() {
    let server = Server::start();
    let mut client = server.client();
    let payload = b"any \0\xff\r\n bytes".as_slice();
    let words: [&[u8]; 8] = [b"TASK.REPEAT", b"q", b"tick", payload, b"EVERY", b"200", b"LIMIT", b"2"];
    let due = client.call_args(&words).int();
    assert!((150..=250).contains(&(due - unix_ms())) || due < unix_ms());
    for due in [due, due + 200] {
        let claim = client.must("TASK.CLAIM q w BLOCK 0");
        assert!(unix_ms() >= due);
        assert_eq!(claim.ids(), [format!("tick:{due}")]);
        assert_eq!(claim.item(0).field("payload").bytes(), payload);
        let token = claim.item(0).field("token").int();
        client.must(&format!("TASK.ACK q tick:{due} {token}"));
    }
    wait_until("the timer rests", || client.call("TASK.REPEATS q") == "['0', []]");
    wait_until("nothing is left but the worker", || {
        client.keys() == ["task:{q}:workers"]
    });
}

#[test]
fn what_recurs_is_shown() {
    let server = Server::start();
    let mut client = server.client();
    let start = unix_ms() + HOUR;
    let end = start + 9 * HOUR;
    let words = format!(
        "q n p EVERY {HOUR} START {start} END {end} LIMIT 3 MISFIRE all within 60000 OVERLAP skip LEASE 9 PRIORITY 1"
    );
    assert_eq!(repeat(&mut client, &words), start);
    assert_eq!(
        client.call("TASK.REPEATS q").to_string(),
        format!(
            "['0', [{{name: 'n', rule: 'EVERY {HOUR}', next_at: {start}, last_at: null, fired_total: 0, limit: 3, start_at: {start}, end_at: {end}, \
             misfire: 'ALL', within_ms: 60000, overlap: 'SKIP', owner: null, payload: 'p', options: ['PRIORITY', '1', 'LEASE', '9']}}]]"
        )
    );
    let cron: [&str; 8] = [
        "TASK.REPEAT",
        "q",
        "m",
        "p",
        "CRON",
        "0 9 * * MON",
        "TZ",
        "Europe/Paris",
    ];
    let due = client.call_args(&cron).int();
    assert!(due > unix_ms() && due % MINUTE == 0);
    let page = client.call("TASK.REPEATS q COUNT 1");
    assert_eq!(page.item(1).item(0).field("name"), "'n'");
    let page = client.call(&format!("TASK.REPEATS q COUNT 1 CURSOR {}", page.item(0).text()));
    assert_eq!(page.item(1).item(0).field("rule"), "'CRON 0 9 * * MON TZ Europe/Paris'");
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['q']]");
    assert_eq!(client.call("TASK.UNREPEAT q m"), "1");
    assert_eq!(client.call("TASK.DROP q"), "0");
    wait_until("its keys are gone", || client.keys().is_empty());
}

#[test]
fn the_moments_of_the_next_occurrences_are_shown() {
    let server = Server::start();
    let mut client = server.client();
    let upcoming = |client: &mut Client, words: &str| {
        let page = client.must(&format!("TASK.REPEATS q {words}"));
        let moments = page.item(1).item(0).field("upcoming_at");
        moments.items().iter().map(Value::int).collect::<Vec<_>>()
    };
    // Midnight in Paris, whose clock is put back in the night after.
    let start = 1_824_847_200_000;
    let days = [9, 34, 58, 82].map(|hours| start + hours * HOUR);
    let mut daily = |more: &str| {
        let rest = format!("TZ Europe/Paris START {start} {more}");
        let words = ["TASK.REPEAT", "q", "n", "p", "CRON", "0 9 * * *"];
        client.call_args(&words.into_iter().chain(rest.split_whitespace()).collect::<Vec<_>>());
        upcoming(&mut client, "NEXT 4 COUNT 1")
    };
    assert_eq!(daily(""), days);
    assert_eq!(daily("LIMIT 2"), days[..2]);
    assert_eq!(daily(&format!("END {}", days[2])), days[..3]);
    repeat(&mut client, &format!("q m p EVERY {HOUR} START {start}"));
    let page = client.must("TASK.REPEATS q NEXT 1000");
    assert_eq!((page.item(1).items().len(), page.item(0).text() == "0"), (1, false));
    assert_eq!(page.item(1).item(0).field("upcoming_at").items().len(), 1_000);
}

#[test]
fn what_is_sent_to_replicas() {
    let mut rig = Rig::start("yes");
    let start = unix_ms() + 100;
    let words = format!("TASK.REPEAT q n p EVERY {HOUR} START {start} MISFIRE SKIP WITHIN {HOUR} LEASE 77");
    let definition = format!(
        "\"rule\":\"EVERY {HOUR}\",\"made_at\":MS,\"start_at\":MS,\"misfire\":\"SKIP\",\"within_ms\":{HOUR},\"overlap\":\"ALLOW\",\"options\":[\"LEASE\",\"77\"]"
    );
    assert_eq!(
        rig.sent(&words),
        [format!(
            "q: hset repeat-payloads [n p]; hset repeats [n {{{definition},\"fired_total\":0,\"seen_until\":0}}]; zadd repeat-due [MS n]"
        )]
    );
    let none: [&str; 0] = [];
    assert_eq!(rig.sent(&words), none, "the same again");
    wait_until("it is due", || rig.client.counts("q") == "ready 1");
    assert_eq!(
        rig.rest(),
        [format!(
            "q: hset x:n:MS [options {{\"lease\":77}}]; rpush ready:5 [n:MS]; set t:n:MS waiting p=5 flags=1 fence=F due=MS 'p'; \
             hset repeats [n {{{definition},\"fired_total\":1,\"seen_until\":MS,\"last_at\":MS}}]; zadd repeat-due [MS n]"
        )]
    );
    assert_eq!(
        rig.sent("TASK.UNREPEAT q n"),
        ["q: hdel repeats [n]; hdel repeat-payloads [n]; zrem repeat-due [n]"]
    );
    assert_eq!(rig.sent("TASK.UNREPEAT q n"), none);
}

#[test]
fn a_server_that_was_down_leaves_what_passed_to_misfire() {
    let clock = Clock::new();
    let mut server = clock.server().append_always().start();
    let mut client = server.client();
    let rules = ["SKIP", "ONCE", "ALL", "WITHIN"];
    let due = rules.map(|rule| {
        let start = unix_ms() + HOUR;
        let misfire = match rule {
            "WITHIN" => format!("ALL WITHIN {}", 2 * HOUR),
            rule => rule.to_string(),
        };
        repeat(
            &mut client,
            &format!("{rule} n p EVERY {HOUR} MISFIRE {misfire} START {start}"),
        )
    });
    server.kill_9();
    clock.step(5 * HOUR + MINUTE);
    // Everything is done once: after the second start there is nothing left.
    for start in ["first", "second"] {
        server.start_again(&[]);
        let mut client = server.client();
        for (rule, due) in rules.into_iter().zip(due) {
            let all: Vec<i64> = (0..5).map(|n| due + n * HOUR).collect();
            let (made, missed) = match rule {
                "SKIP" => (&all[..0], Some("5")),
                "ONCE" => (&all[4..], Some("4")),
                "WITHIN" => (&all[3..], Some("3")),
                _ => (&all[..], None),
            };
            let next = due + 5 * HOUR;
            wait_until("it goes on", || next_of(&mut client, rule) == next);
            let_the_timer_pass(&mut client, rule);
            assert_eq!(ready(&mut client, rule), made, "{rule} after the {start} start");
            let seen: Vec<String> = events(&mut client, rule)
                .into_iter()
                .filter(|event| event.starts_with("missed"))
                .collect();
            let wanted: Vec<String> = missed.map(|missed| format!("missed n {missed}")).into_iter().collect();
            assert_eq!(seen, wanted, "{rule} after the {start} start");
        }
        server.kill_9();
    }
}

#[test]
fn a_stepped_clock_brings_nothing_twice() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    let due = repeat(&mut client, &format!("q n p EVERY {HOUR} MISFIRE ALL"));
    for (step, came) in [
        (90, vec![due]),
        (0, vec![]),
        (90, vec![]),
        (150, vec![due + HOUR]),
        (-600, vec![]),
        (150, vec![]),
    ] {
        clock.step(step * MINUTE);
        assert_shows(&mut client, step * MINUTE);
        wait_until("the timer has seen the step", || ready(&mut client, "q") == came);
        let_the_timer_pass(&mut client, "q");
        assert_eq!(ready(&mut client, "q"), came, "{step} minutes");
        // Gone, so that only the definition knows that it was there.
        for due in came {
            client.must(&format!("TASK.CANCEL q n:{due}"));
        }
    }
    let shown = client.call("TASK.REPEATS q");
    assert_eq!(shown.item(1).item(0).field("fired_total").int(), 2);
    assert_eq!(shown.item(1).item(0).field("next_at").int(), due + 2 * HOUR);
}

#[test]
fn full_memory_makes_misfires_and_no_tasks() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    let due = repeat(&mut client, &format!("q n p EVERY {HOUR} MISFIRE ALL"));
    client.schedule(&format!("q x ID plain DELAY {HOUR}"));
    client.must("CONFIG SET maxmemory 1");
    assert_eq!(client.call("TASK.REPEAT q m p EVERY 5").code(), "OOM");
    clock.step(3 * HOUR + MINUTE);
    wait_until("what was scheduled is ready", || client.counts("q") == "ready 1");
    assert_eq!(client.listed("q", "ready"), ["plain"]);
    assert_eq!(
        client.call("TASK.REPEATS q").item(1).item(0).field("next_at").int(),
        due
    );
    client.must("CONFIG SET maxmemory 0");
    client.must("TASK.CANCEL q plain");
    wait_until("they come late", || client.counts("q") == "ready 3");
    assert_eq!(ready(&mut client, "q"), [due, due + HOUR, due + 2 * HOUR]);
    client.must("CONFIG SET maxmemory 1");
    assert_eq!(client.call("TASK.UNREPEAT q n"), "1");
}

#[test]
fn a_promoted_replica_goes_on_with_what_recurs() {
    let mut server = Server::builder().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    repeat(&mut client, "q n p EVERY 50 MISFIRE ALL");
    wait_until("some came", || client.stat("q", "ready_tasks") >= 3);
    assert_eq!(there.call("TASK.REPEAT q m p EVERY 50").code(), "READONLY");
    wait_until("the replica has them", || there.stat("q", "ready_tasks") >= 3);
    server.kill_9();
    let had = there.stat("q", "ready_tasks");
    there.must("REPLICAOF NO ONE");
    wait_until("more come", || there.stat("q", "ready_tasks") >= had + 3);
    there.must("TASK.UNREPEAT q n");
    let came = ready(&mut there, "q");
    let even: Vec<i64> = (0..).map(|n| came[0] + n * 50).take(came.len()).collect();
    assert_eq!(came, even, "each once, none left out");
}

#[test]
fn many_clients_that_ask_for_the_same_get_each_occurrence_once() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for client in &mut clients {
        client.send("TASK.REPEAT q n p EVERY 300 LIMIT 3 MISFIRE ALL");
    }
    let due: Vec<i64> = clients.iter_mut().map(|client| client.receive().int()).collect();
    assert!(due.iter().all(|other| *other == due[0]), "{due:?}");
    let client = &mut clients[0];
    wait_until("the limit is reached", || client.call("TASK.REPEATS q") == "['0', []]");
    assert_eq!(ready(client, "q"), [due[0], due[0] + 300, due[0] + 600]);
}

#[test]
fn definitions_that_were_made_nonsense_of_stop_nothing() {
    let server = Server::start();
    let mut client = server.client();
    for name in ["a", "b", "c", "fine"] {
        repeat(&mut client, &format!("q {name} p EVERY 100 LIMIT 4"));
    }
    client.must("HSET task:{q}:repeats a nonsense");
    client.must("HDEL task:{q}:repeats b");
    client.must("HDEL task:{q}:repeat-payloads c");
    client.must("ZADD task:{q}:repeat-due -inf nobody 5 a:b");
    wait_until("the others go on", || client.stat("q", "ready_tasks") >= 4);
    assert!(server.log().contains("queue q: passed over a recurring task"));
    let skipped: Vec<String> = events(&mut client, "q")
        .into_iter()
        .filter(|event| event.starts_with("skipped"))
        .collect();
    let mut sorted = skipped.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        ["a", "a:b", "b", "c", "nobody"].map(|name| format!("skipped {name} unreadable"))
    );
    client.must("SET task:{q}:repeats x");
    for words in ["TASK.REPEAT q n p EVERY 5", "TASK.UNREPEAT q n"] {
        assert_eq!(client.call(words).code(), "WRONGTYPE", "{words}");
    }
    client.must("TASK.DROP q");
    wait_until("all its keys are gone", || client.keys().is_empty());
}

#[test]
fn a_missed_thousand_does_not_hold_up_others() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    let cron = [
        "TASK.REPEAT",
        "q",
        "n",
        "p",
        "CRON",
        "* * * * * *",
        "TZ",
        "Europe/Paris",
        "MISFIRE",
        "ALL",
    ];
    client.must("CONFIG SET steward.timer no");
    client.call_args(&cron).int();
    clock.step(2 * HOUR);
    assert_shows(&mut client, 2 * HOUR);
    let mut stream = Stream::of(&server);
    client.must("CONFIG SET steward.timer yes");
    // More come meanwhile, one each second.
    wait_until("all are there", || client.stat("q", "ready_tasks") >= 1_000);
    // One record for each slice of the timer, between which clients are served.
    let slices = stream
        .take()
        .iter()
        .filter(|record| record.contains("rpush ready"))
        .count();
    assert!(slices > 1, "all were made in {slices} slice");
    assert_eq!(events(&mut client, "q"), ["missed n more than 1000"]);
    let came = ready(&mut client, "q");
    assert!(came.windows(2).all(|pair| pair[1] - pair[0] == 1_000));
}
