//! Steps of the system clock: due times follow it, leases do not.

use crate::support::clock::{Clock, HOUR, assert_shows};
use crate::support::{Client, Value, unix_ms, wait_until};

#[test]
fn a_step_forward_makes_due_what_is_due_and_ends_no_lease() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    client.schedule("q x ID held");
    let (_, token) = client.claim("q w LEASE 600000");
    client.schedule(&format!("q x ID soon AT {}", unix_ms() + HOUR / 2));
    client.schedule(&format!("q x ID later AT {}", unix_ms() + 3 * HOUR));
    assert_eq!(client.counts("q"), "scheduled 2 claimed 1");
    clock.step(HOUR);
    assert_shows(&mut client, HOUR);
    wait_until("the task of the skipped hour is ready", || {
        client.counts("q") == "scheduled 1 ready 1 claimed 1"
    });
    assert_eq!(client.listed("q", "ready"), ["soon"]);
    assert!((500_000..=600_000).contains(&client.call("TASK.GET q held").field("remaining_ms").int()));
    assert_eq!(client.call(&format!("TASK.ACK q held {token}")), "+OK");
    let due = client.must("TASK.SCHEDULE q x ID new DELAY 5000");
    assert_eq!(due, "'new'");
    let due = client.call("TASK.GET q new").field("due_at").int();
    assert!(due > unix_ms() + HOUR, "a delay counts from the new time");
}

#[test]
fn a_step_back_freezes_nothing() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    client.schedule("q x ID held");
    let (_, token) = client.claim("q w LEASE 300");
    clock.step(-HOUR);
    assert_shows(&mut client, -HOUR);
    client.schedule("q x ID soon DELAY 100 PRIORITY 9");
    wait_until("the lease ends and the task is due", || client.counts("q") == "ready 2");
    assert_eq!(client.call(&format!("TASK.ACK q held {token}")).code(), "STALE");
    let (_, newer) = client.claim("q w LEASE 100");
    assert!(newer > token, "fences grow, whatever the clock says");
    let (first, second) = (client.schedule("q x"), client.schedule("q x"));
    assert!(first < second);
    wait_until("another lease ends", || client.counts("q") == "ready 4");
    clock.step(0);
    client.schedule("q x DELAY 50");
    wait_until("time goes on", || client.counts("q") == "ready 5");
}

/// The server reads the clock once for all timers that are due: one that is armed after a step back counts as due too.
#[test]
fn a_step_back_while_the_timer_works_starves_no_client() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    let ready = |client: &mut Client| client.call("TASK.STATS q").field("ready_tasks").int();
    for _ in 0..50 {
        client.must(&format!(
            "TASK.MSCHEDULE q 1000 {} DELAY 1000",
            "x ".repeat(1_000).trim()
        ));
    }
    wait_until("the timer works", || ready(&mut client) > 0);
    clock.step_when_read(-HOUR);
    assert_shows(&mut client, -HOUR);
    assert_eq!(client.must("PING"), "+PONG");
    clock.step(0);
    wait_until("all are ready", || ready(&mut client) == 50_000);
}

#[test]
fn a_step_forward_ends_the_durations_that_are_kept_as_a_moment() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    let half = HOUR / 2;
    client.schedule(&format!("q x ID failed BACKOFF FIXED {half}"));
    client.schedule(&format!("q x ID kept RETAIN {half}"));
    for end in ["FAIL", "ACK"] {
        let (id, token) = client.claim("q w");
        client.must(&format!("TASK.{end} q {id} {token}"));
    }
    client.schedule(&format!("q x ID waits EXPIRE {half}"));
    let once = format!("TASK.SCHEDULE r x UNIQUE key FOR {half}");
    client.must(&once);
    client.must(&format!("TASK.PAUSE r FOR {half}"));
    assert_eq!(client.counts("q"), "scheduled 1 ready 1 done 1");
    assert_eq!(client.call(&once).code(), "DUPLICATE");
    assert_eq!(client.must("TASK.CLAIM r w"), Value::Null);
    clock.step(HOUR);
    assert_shows(&mut client, HOUR);
    wait_until("it is retried, forgotten, and dropped", || {
        client.counts("q") == "ready 1"
    });
    assert_eq!(client.listed("q", "ready"), ["failed"]);
    wait_until("the pause is over", || client.must("TASK.CLAIM r w") != Value::Null);
    client.must(&once);
}
