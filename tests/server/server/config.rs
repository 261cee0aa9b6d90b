//! The module's settings: `steward.*` in redis.conf and CONFIG.

use crate::support::{Server, wait_until};

/// Name, default, smallest and largest value.
const NUMBERS: [(&str, &str, &str, &str); 10] = [
    ("steward.lease", "30000", "1", "1728000000"),
    ("steward.attempts", "25", "1", "46655"),
    ("steward.max-payload", "1048576", "1", "536870912"),
    ("steward.timer-slice", "1000", "100", "100000"),
    ("steward.ttl", "15000", "100", "86400000"),
    ("steward.reclaim-window", "60000", "0", "60000"),
    ("steward.max-members", "100000", "1", "1000000"),
    ("steward.events", "1000", "10", "1000000"),
    ("steward.events-retain", "86400000", "1000", "3153600000000"),
    ("steward.history-queues", "1000", "0", "1000000"),
];

#[test]
fn every_setting_has_its_default_and_its_range() {
    let server = Server::start();
    let mut client = server.client();
    for (name, default, min, max) in NUMBERS {
        assert_eq!(
            client.call(&format!("CONFIG GET {name}")),
            format!("{{{name}: '{default}'}}")
        );
        let below = (min.parse::<i64>().unwrap() - 1).to_string();
        let above = (max.parse::<i64>().unwrap() + 1).to_string();
        for bad in [below.as_str(), above.as_str(), "many", "-1", "99999999999999999999"] {
            assert!(
                client.call(&format!("CONFIG SET {name} {bad}")).is_error(),
                "{name} {bad}"
            );
            assert_eq!(
                client.call(&format!("CONFIG GET {name}")),
                format!("{{{name}: '{default}'}}")
            );
        }
        let refused = client.call(&format!("CONFIG SET {name} {above}")).to_string();
        assert!(
            refused.contains(min) && refused.contains(max),
            "names the range: {refused}"
        );
        for good in [min, max, default] {
            assert_eq!(client.call(&format!("CONFIG SET {name} {good}")), "+OK");
            assert_eq!(
                client.call(&format!("CONFIG GET {name}")),
                format!("{{{name}: '{good}'}}")
            );
        }
    }
    assert_eq!(client.call("CONFIG GET steward.timer"), "{steward.timer: 'yes'}");
    assert!(client.call("CONFIG SET steward.timer perhaps").is_error());
    assert_eq!(
        client
            .call("CONFIG GET steward.*")
            .to_string()
            .matches("steward.")
            .count(),
        NUMBERS.len() + 1
    );
}

#[test]
fn settings_come_from_the_file_and_are_written_back() {
    let mut server = Server::builder()
        .set("steward.lease", "4321")
        .set("steward.timer", "no")
        .start();
    let mut client = server.client();
    assert_eq!(client.call("CONFIG GET steward.lease"), "{steward.lease: '4321'}");
    assert_eq!(client.call("CONFIG GET steward.timer"), "{steward.timer: 'no'}");
    client.must("CONFIG SET steward.lease 99 steward.attempts 3");
    client.must("CONFIG REWRITE");
    let written = std::fs::read_to_string(server.dir().join("redis.conf")).unwrap();
    for line in ["steward.lease 99", "steward.attempts 3", "steward.timer no"] {
        assert!(written.lines().any(|written| written == line), "{line} in\n{written}");
    }
    server.kill_9();
    server.start_again_as_written();
    assert_eq!(
        server.client().call("CONFIG GET steward.attempts"),
        "{steward.attempts: '3'}"
    );
}

#[test]
fn a_setting_out_of_range_in_the_file_stops_the_start_and_says_why() {
    let outcome = std::panic::catch_unwind(|| {
        Server::builder().set("steward.lease", "0").start();
    });
    let message = outcome.expect_err("it does not start");
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("steward.lease"), "{message}");
}

#[test]
fn settings_apply_to_what_comes_after() {
    let server = Server::start();
    let mut client = server.client();
    client.must("CONFIG SET steward.max-payload 4");
    assert_eq!(client.call("TASK.SCHEDULE q 1234 ID a"), "'a'");
    let refused = "-TOOBIG payload is larger than steward.max-payload: at most 4 bytes";
    assert_eq!(client.call("TASK.SCHEDULE q 12345"), refused);
    assert_eq!(client.call("TASK.MSCHEDULE q 2 1 12345"), refused);
    assert_eq!(client.counts("q"), "ready 1");
    client.must("CONFIG SET steward.attempts 1 steward.lease 20");
    client.claim("q w");
    wait_until("its only attempt is lost", || client.counts("q") == "dead 1");
}

#[test]
fn a_queues_setting_out_of_range_is_refused_with_the_range() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q lease 5");
    let digest = client.digest();
    for (words, error) in [
        ("lease 0", "-BADARG lease must be an integer from 1 to 1728000000 ms"),
        (
            "attempts 1000001",
            "-BADARG attempts must be an integer from 1 to 46655",
        ),
        ("max-lost -1", "-BADARG max-lost must be an integer from 0 to 1000"),
        (
            "dead-limit x",
            "-BADARG dead-limit must be an integer from 0 to 1000000000",
        ),
        (
            "lease 7 dead-retain 3153600000001",
            "-BADARG dead-retain must be an integer from 0 to 3153600000000 ms",
        ),
        ("group-hold no", "-BADARG group-hold must be end or run"),
        (
            "dead-queue other",
            "-BADARG dead-queue must be the name of another queue in the queue's slot: q or {q}rest",
        ),
        (
            "events-level some",
            "-BADARG events-level must be problems or ends or all",
        ),
        ("history maybe", "-BADARG history must be auto or no or yes"),
        (
            "colour red",
            "-BADARG field must be lease or attempts or backoff or retain or concurrency or rate or group-limit or group-hold or max-length or max-lost or \
             dead-limit or dead-retain or dead-queue or events or events-level or history or service",
        ),
        (
            "service other",
            "-BADARG service must be the name of a service in the queue's slot: q or {q}rest, without brace or colon in rest",
        ),
        (
            "backoff LINEAR",
            "-BADARG backoff must be FIXED|EXPONENTIAL base-ms [MAX ms] [JITTER percent], 0 to 3153600000000 ms, \
             0 to 100 percent",
        ),
    ] {
        assert_eq!(client.call(&format!("TASK.CONFIG SET q {words}")), error);
    }
    assert!(
        client.call("TASK.CONFIG SET q lease 7 lease 8").is_error(),
        "a field twice"
    );
    assert!(
        client.call("TASK.CONFIG SET q lease 7 attempts").is_error(),
        "a field without value"
    );
    assert!(client.call("TASK.CONFIG GET q colour").is_error(), "an unknown field");
    assert_eq!(client.digest(), digest);
}

#[test]
fn a_timeout_that_would_close_the_connections_of_busy_workers_is_told() {
    let server = Server::builder().set("timeout", "300").start();
    let mut client = server.client();
    assert_eq!(client.info("steward_client_timeout_ms"), "300000");
    wait_until("it is in the log", || server.log().contains("set timeout 0"));
    client.must("CONFIG SET timeout 0");
    assert_eq!(client.info("steward_client_timeout_ms"), "0");
}

#[test]
fn an_eviction_policy_that_could_take_our_keys_is_told() {
    let server = Server::start();
    let mut client = server.client();
    let unsafe_now = |client: &mut crate::support::Client| client.info("steward_eviction_unsafe");
    assert_eq!(unsafe_now(&mut client), "0");
    client.must("CONFIG SET maxmemory 1gb maxmemory-policy allkeys-lru");
    assert_eq!(unsafe_now(&mut client), "1");
    wait_until("it is in the log", || server.log().contains("may evict tasks"));
    client.must("CONFIG SET maxmemory-policy volatile-lru");
    assert_eq!(unsafe_now(&mut client), "0");
}
