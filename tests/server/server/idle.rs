//! The server becomes idle, whatever odd state the keys are in.

use std::time::Duration;

use crate::support::{Client, Server, wait_until};

/// Fails the test when the server is busy although there is nothing to do.
#[track_caller]
fn rests(client: &mut Client, what: &str) {
    let mut last = 0.0;
    // Once all work is done, an interval costs next to nothing.
    wait_until(&format!("the server rests: {what}"), || {
        let before = client.cpu();
        std::thread::sleep(Duration::from_millis(300));
        last = client.cpu() - before;
        last < 0.03
    });
}

#[test]
fn tasks_in_the_far_future_cost_nothing() {
    let server = Server::start();
    let mut client = server.client();
    for delay in [2_147_484_000_i64, 4_294_968_000, 3_153_600_000_000, 2_147_483_647_000] {
        client.schedule(&format!("q x DELAY {delay}"));
    }
    client.schedule("q x ID held");
    client.claim("q w LEASE 1728000000");
    rests(&mut client, "far tasks");
    assert_eq!(client.counts("q"), "scheduled 4 claimed 1");
}

#[test]
fn odd_keys_are_no_work_for_ever() {
    let cases: &[(&str, &[&str])] = &[
        (
            "too many stale ids counted",
            &["TASK.SCHEDULE q x", "HSET task:{q} ghosts:5 1000 ghosts:0 7"],
        ),
        (
            "stale ids counted in lists that are not there",
            &["HSET task:{q} ghosts:1 1 ghosts:2 -5 ghosts:3 x"],
        ),
        ("a pause that is over", &["HSET task:{q} paused_until 1000"]),
        ("a pause that is none", &["HSET task:{q} paused_until nonsense"]),
        ("drops that never were", &["HSET task:{q} drops 5", "TASK.SCHEDULE q x"]),
        ("drops that are none", &["HSET task:{q} drops nonsense"]),
        (
            "a drop of a later number",
            &["HSET task:{q} drops 9999999999999999", "TASK.STATS q"],
        ),
        (
            "an index of a drop nobody knows",
            &["RPUSH task:{q}:drop:7:ready:5 a b", "ZADD task:{q}:drop:7:dead 1 a"],
        ),
        (
            "a drop's index of another type",
            &["HSET task:{q} drops 7", "SET task:{q}:drop:7:ready:5 x"],
        ),
        (
            "scheduled ghosts",
            &["ZADD task:{q}:scheduled -inf a 0 b 1.5 c inf d 9e300 e"],
        ),
        (
            "claimed ghosts",
            &["ZADD task:{q}:claimed -inf a 0 b 1.5 c inf d 9e300 e"],
        ),
        ("dead ghosts", &["ZADD task:{q}:dead -inf a 0 b 1.5 c inf d 9e300 e"]),
        ("ready ghosts", &["RPUSH task:{q}:ready:5 a a b c"]),
        (
            "a scheduled set that is none",
            &["TASK.SCHEDULE q x DELAY 50", "SET task:{q}:scheduled x"],
        ),
        (
            "a claimed set that is none",
            &["TASK.SCHEDULE q x", "TASK.CLAIM q w LEASE 50", "SET task:{q}:claimed x"],
        ),
        (
            "a dead set that is none",
            &[
                "SET task:{q}:dead x",
                "TASK.SCHEDULE q x ATTEMPTS 1",
                "TASK.CLAIM q w LEASE 50",
            ],
        ),
        (
            "a ready list that is none",
            &["SET task:{q}:ready:5 x", "TASK.SCHEDULE q x DELAY 50"],
        ),
        (
            "a ready list that is none, for a lost lease",
            &["TASK.SCHEDULE q x", "TASK.CLAIM q w LEASE 50", "SET task:{q}:ready:5 x"],
        ),
        (
            "workers that are none",
            &["SET task:{q}:workers x", "TASK.SCHEDULE q x"],
        ),
        (
            "a queue hash that is none",
            &["SET task:{q} x", "TASK.SCHEDULE q x DELAY 50"],
        ),
        (
            "worker numbers that are none",
            &[
                "HSET task:{q}:workers x y 99999999999 z 0 a 1 w",
                "TASK.SCHEDULE q x",
                "TASK.CLAIM q w",
            ],
        ),
        (
            "recurring tasks that are none",
            &[
                "TASK.REPEAT q n x EVERY 50",
                "HSET task:{q}:repeats n x",
                "ZADD task:{q}:repeat-due -inf a 0 b inf c",
            ],
        ),
        (
            "recurring tasks of another type",
            &["TASK.REPEAT q n x EVERY 50", "SET task:{q}:repeats x"],
        ),
        (
            "moments of recurring tasks of another type",
            &["TASK.REPEAT q n x EVERY 50", "SET task:{q}:repeat-due x"],
        ),
        (
            "a ready list that is none, for a recurring task",
            &["SET task:{q}:ready:5 x", "TASK.REPEAT q n x EVERY 50"],
        ),
        (
            "a record of another type",
            &[
                "TASK.SCHEDULE q x ID a DELAY 50",
                "DEL task:{q}:t:a",
                "SADD task:{q}:t:a x",
            ],
        ),
        (
            "a record of a later version",
            &["TASK.SCHEDULE q x ID a DELAY 50", "SETRANGE task:{q}:t:a 0 2"],
        ),
        (
            "a record in another state",
            &["TASK.SCHEDULE q x ID a DELAY 50", "SETRANGE task:{q}:t:a 1 c"],
        ),
        (
            "a claim whose record waits",
            &[
                "TASK.SCHEDULE q x ID a",
                "TASK.CLAIM q w LEASE 50",
                "SETRANGE task:{q}:t:a 1 w",
            ],
        ),
    ];
    for (what, commands) in cases {
        let server = Server::start();
        let mut client = server.client();
        for words in *commands {
            client.call(words);
        }
        rests(&mut client, what);
        client.schedule("other x DELAY 5");
        wait_until("the timer works for others", || client.counts("other") == "ready 1");
        for words in [
            "TASK.STATS q",
            "TASK.CLAIM q w COUNT 10",
            "TASK.LIST q ready",
            "TASK.LIST q dead",
            "TASK.DROP q FORCE",
        ] {
            assert!(!client.call(words).to_string().contains("internal"), "{what}: {words}");
        }
        rests(&mut client, what);
    }
}

#[test]
fn waiting_clients_cost_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting: Vec<Client> = (0..300).map(|_| server.client()).collect();
    for (n, waiting) in waiting.iter_mut().enumerate() {
        waiting.send(&format!("TASK.CLAIM q{} w BLOCK 100000", n % 3));
    }
    wait_until("they wait", || client.info("steward_waiting_clients") == "300");
    client.must("TASK.PAUSE q0");
    client.schedule("q0 x");
    rests(&mut client, "waiting clients");
}
