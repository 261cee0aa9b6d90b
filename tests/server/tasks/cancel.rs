//! Cancelled tasks: never run, never counted, never visited.

use std::time::{Duration, Instant};

use crate::support::{Server, Value, wait_until};

#[test]
fn waiting_tasks_are_cancelled_at_once() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c"] {
        client.schedule(&format!("q x ID {id}"));
    }
    client.schedule("q x ID later DELAY 3600000");
    assert_eq!(client.call("TASK.CANCEL q b later nobody b"), "2");
    assert_eq!(client.counts("q"), "ready 2");
    assert_eq!(client.get("q", "b", "state"), "gone");
    assert_eq!(client.listed("q", "ready"), ["a", "c"]);
    assert_eq!(client.call("TASK.CLAIM q w COUNT 9").ids(), ["a", "c"]);
    assert_eq!(client.stat("q", "cancelled_total"), 2);
    assert_eq!(client.call("TASK.CLAIM q w"), Value::Null);
    wait_until("nothing of them is left", || {
        !client
            .keys()
            .iter()
            .any(|key| key.ends_with(":b") || key.ends_with("later"))
    });
}

#[test]
fn a_cancelled_id_that_is_used_again_is_a_new_task_in_its_own_place() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c"] {
        client.schedule(&format!("q old ID {id}"));
    }
    client.must("TASK.CANCEL q a b");
    client.schedule("q new ID a PRIORITY 7");
    assert_eq!(client.counts("q"), "ready 2");
    assert_eq!(client.call("TASK.CLAIM q w COUNT 9").ids(), ["c", "a"]);
    client.schedule("q new ID b");
    let claimed = client.call("TASK.CLAIM q w COUNT 9");
    assert_eq!(
        (claimed.ids(), claimed.item(0).field("payload").text()),
        (vec!["b".to_string()], "new".into())
    );
}

#[test]
fn a_claimed_task_is_cancelled_when_its_claim_ends() {
    for (end, answer) in [("ACK", "+OK"), ("RELEASE", "+OK"), ("FAIL", "{state")] {
        let server = Server::start();
        let mut client = server.client();
        client.schedule("q x ID a");
        let (_, token) = client.claim("q w");
        assert_eq!(client.call("TASK.CANCEL q a"), "1");
        assert_eq!(client.call("TASK.CANCEL q a"), "0");
        assert_eq!(client.get("q", "a", "state cancelled"), "state 'claimed', cancelled 1");
        let extended = client.call(&format!("TASK.EXTEND q a {token}"));
        assert_eq!(
            extended,
            "-CANCELLED the task was cancelled: stop, then ACK or RELEASE it"
        );
        let reply = client.call(&format!("TASK.{end} q a {token}"));
        assert!(reply.to_string().starts_with(answer), "{end}: {reply}");
        assert_eq!(
            (client.counts("q").as_str(), client.get("q", "a", "state").as_str()),
            ("", "gone"),
            "{end}"
        );
    }
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.claim("q w LEASE 200");
    client.must("TASK.CANCEL q a");
    wait_until("its lease has ended", || client.counts("q").is_empty());
    assert_eq!(client.get("q", "a", "state"), "gone");
}

#[test]
fn dead_tasks_are_not_cancelled() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q a {token} DEAD"));
    assert_eq!(client.call("TASK.CANCEL q a"), "0");
    assert_eq!(client.counts("q"), "dead 1");
}

#[test]
fn reschedule_moves_a_ready_task_without_a_trace() {
    // Without the timer, which would remove the ghosts.
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for id in ["a", "b", "c"] {
        client.schedule(&format!("q x ID {id}"));
    }
    client.must("TASK.RESCHEDULE q b DELAY 3600000");
    assert_eq!(client.counts("q"), "scheduled 1 ready 2");
    assert_eq!(client.listed("q", "ready"), ["a", "c"]);
    client.must("TASK.RESCHEDULE q a PRIORITY 9");
    assert_eq!(client.listed("q", "ready"), ["c", "a"]);
    // It becomes ready in the place of its ghost.
    client.must("TASK.RESCHEDULE q b DELAY 0");
    assert_eq!(client.listed("q", "ready"), ["b", "c", "a"]);
    assert_eq!(client.counts("q"), "ready 3");
    assert_eq!(client.call("TASK.CLAIM q w COUNT 9").ids(), ["b", "c", "a"]);
}

#[test]
fn counts_are_exact_also_after_a_restart() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    for n in 0..300 {
        client.schedule(&format!("q x ID t{n} PRIORITY {}", n % 3));
    }
    for n in (0..300).filter(|n| n % 5 != 0) {
        client.must(&format!("TASK.CANCEL q t{n}"));
    }
    for n in (0..300).step_by(10) {
        client.must(&format!("TASK.RESCHEDULE q t{n} PRIORITY 8"));
    }
    assert_eq!(client.counts("q"), "ready 60");
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    let mut client = server.client();
    assert_eq!(client.counts("q"), "ready 60");
    client.must("CONFIG SET steward.timer yes");
    let claimed = client.call("TASK.CLAIM q w COUNT 1000").ids();
    assert_eq!(claimed.len(), 60);
    assert!(claimed[..30].iter().all(|id| id.ends_with('5')) && claimed[30..].iter().all(|id| id.ends_with('0')));
    wait_until("the lists are empty", || {
        !client.keys().iter().any(|key| key.contains(":ready:"))
    });
    assert_eq!(client.counts("q"), "claimed 60");
}

/// Repeats the ghost of one cancelled ready task, as if a thousand more had been cancelled.
const LEFT_BEHIND: &str = "
    local left = redis.call('GET', 'task:{q}:t:first')
    local ids, records = {}, {}
    for n = ARGV[1], ARGV[1] + 999 do
        ids[#ids + 1] = n
        records[#records + 1] = 'task:{q}:t:' .. n
        records[#records + 1] = left
    end
    redis.call('MSET', unpack(records))
    redis.call('RPUSH', 'task:{q}:ready:5', unpack(ids))
    return redis.call('HINCRBY', 'task:{q}', 'ghosts:5', 1000)";

#[test]
fn a_million_cancelled_ids_before_a_live_one_are_passed_over() {
    const MANY: usize = 1_000_000;
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    client.schedule("q x ID first");
    client.must("TASK.CANCEL q first");
    for from in (1..MANY).step_by(1_000) {
        assert!(client.call_args(&["EVAL", LEFT_BEHIND, "0", &from.to_string()]).int() > 0);
    }
    client.schedule("q live ID live");
    assert_eq!(client.counts("q"), "ready 1");
    client.must("CONFIG SET steward.timer yes");
    let (mut waiting, mut other) = (server.client(), server.client());
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the live one is claimed", || {
        let start = Instant::now();
        other.must("PING");
        assert!(start.elapsed() < Duration::from_secs(2), "others are served meanwhile");
        !waiting.is_silent()
    });
    assert_eq!(waiting.receive().ids(), ["live"]);
    assert_eq!(client.counts("q"), "claimed 1");
    wait_until("no record of them is left", || client.call("DBSIZE").int() <= 4);
}

#[test]
fn a_claim_that_must_not_wait_still_finds_what_lives_behind_cancelled_ids() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for _ in 0..3 {
        let ids = client.must(&format!("TASK.MSCHEDULE q 1000{}", " x".repeat(1_000)));
        let ids: Vec<String> = ids.items().iter().map(Value::text).collect();
        client.must(&format!("TASK.CANCEL q {}", ids.join(" ")));
    }
    client.schedule("q live ID live");
    client.must("MULTI");
    client.must("TASK.CLAIM q w");
    assert_eq!(client.call("EXEC").item(0).ids(), ["live"]);
}

#[test]
fn one_call_takes_at_most_a_thousand_ids() {
    let server = Server::start();
    let mut client = server.client();
    for command in ["CANCEL", "RETRY"] {
        let ids = " x".repeat(100_000);
        assert_eq!(
            client.call(&format!("TASK.{command} q{ids}")),
            "-BADARG ids must be at most 1000 a call, not 100000"
        );
    }
}

#[test]
fn the_header_of_a_cancelled_ready_task_stays_until_its_place_comes_up() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.call_args(&["TASK.SCHEDULE", "q", &"x".repeat(1_000), "ID", "b"]);
    client.schedule("q x ID c");
    client.must("TASK.CANCEL q b");
    assert_eq!(client.must("STRLEN task:{q}:t:b"), "56");
    assert_eq!(client.call("TASK.CLAIM q w COUNT 2").ids(), ["a", "c"]);
    assert_eq!(client.must("EXISTS task:{q}:t:b"), "0");
}

#[test]
fn a_cancelled_task_is_kept_with_its_reason_over_a_restart_until_its_id_is_used_again() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.schedule("q x ID a RETAIN 3600000");
    client.schedule("q x ID b RETAIN 3600000 PRIORITY 0");
    client.schedule("q x ID c AFTER 1 a RETAIN 3600000");
    let (_, token) = client.claim("q w");
    let mut waiting = server.client();
    waiting.send("TASK.RESULT q b BLOCK 0");
    wait_until("it waits", || client.info("steward_waiting_clients") == "1");
    client.call_args(&["TASK.CANCEL", "q", "a", "b", "REASON", "eve \u{fc}\n"]);
    assert_eq!(waiting.receive().field("error").bytes(), "eve \u{fc}\n".as_bytes());
    client.must(&format!("TASK.RELEASE q b {token}"));
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    assert_eq!(client.counts("q"), "done 3");
    for (id, error) in [
        ("a", "eve \u{fc}\n"),
        ("b", "eve \u{fc}\n"),
        ("c", "after a: eve \u{fc}\n"),
    ] {
        let result = client.must(&format!("TASK.RESULT q {id}"));
        assert_eq!(result.field("state").text(), "cancelled");
        assert_eq!(result.field("error").bytes(), error.as_bytes());
    }
    assert_eq!(client.call("TASK.RETRY q a b c"), "0");
    client.schedule("q y ID a");
    assert_eq!(client.counts("q"), "ready 1 done 2");
    assert_eq!(
        client.get("q", "a", "state error kept_until"),
        "state 'ready', error null, kept_until null"
    );
}
