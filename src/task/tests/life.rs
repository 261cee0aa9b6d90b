//! Unit tests of a task's life: each transition, then long random ones.

use super::world::{Came, START, World};
use crate::reply::Reply;

/// Whatever a task asks for: the hash of unique keys is the only other one that is asked for a field.
#[test]
fn an_acknowledgement_reads_the_options_of_a_task_once() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q x ID a RETAIN 1000 UNIQUE k GROUP g TO w REPLY {q}r");
    let (id, token) = world.claim("TASK.CLAIM q w").expect("a task");
    let before = world.keys.field_reads;
    assert_eq!(world.say(&format!("TASK.ACK q {id} {token}")), "OK");
    assert_eq!(
        world.keys.field_reads - before,
        3,
        "options, unique key, progress for the reply"
    );
}

#[test]
fn a_task_is_claimed_once_and_acknowledged() {
    let mut world = World::new();
    assert_eq!(world.say("TASK.SCHEDULE q hello ID a"), "a");
    assert_eq!(world.say("TASK.SCHEDULE q other ID a"), "-DUPLICATE ready a");
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(id, "a");
    assert_eq!(world.claim("TASK.CLAIM q w"), None);
    assert_eq!(
        world.say(&format!("TASK.ACK q a {}", token + 1)),
        "-STALE this token holds no claim: the task is now claimed with another token"
    );
    assert_eq!(world.say(&format!("TASK.ACK q a {token}")), "OK");
    assert_eq!(world.say(&format!("TASK.ACK q a {token}")), "-NOTASK no such task");
    let keys: Vec<String> = world
        .keys
        .keys
        .keys()
        .map(|key| String::from_utf8(key.clone()).unwrap())
        .collect();
    assert_eq!(keys, ["task:{q}:workers"]);
}

#[test]
fn a_due_task_becomes_ready_at_its_time() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID late DELAY 50");
    world.say("TASK.SCHEDULE q p ID early DELAY 20");
    world.pass(19);
    assert_eq!(world.claim("TASK.CLAIM q w"), None);
    world.pass(1);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "early");
    world.pass(30);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "late");
    assert_eq!(world.state.lateness.max(), Some(0));
}

#[test]
fn a_failed_task_waits_and_dies_after_its_attempts() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a ATTEMPTS 2 BACKOFF FIXED 100");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(
        world.say(&format!("TASK.FAIL q a {token} ERROR boom")),
        format!("{{state=scheduled due_at={} attempt=1}}", START + 100)
    );
    world.pass(100);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(
        world.say(&format!("TASK.FAIL q a {token}")),
        "{state=dead due_at=null attempt=2}"
    );
    assert!(world.say("TASK.GET q a").contains("state=dead"));
    assert!(world.say("TASK.GET q a").contains("error=boom"));
    assert_eq!(world.say("TASK.RETRY q a nobody"), "1");
    assert!(world.say("TASK.GET q a").contains("state=ready kind=null created"));
    assert!(world.say("TASK.GET q a").contains("attempt=0 max_attempts=2"));
}

#[test]
fn a_lost_lease_puts_the_task_at_the_head_and_uses_an_attempt() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    let (_, first) = world.claim("TASK.CLAIM q w LEASE 10").unwrap();
    world.claim("TASK.CLAIM q w LEASE 10").unwrap();
    world.pass(10);
    assert_eq!(
        world.say(&format!("TASK.ACK q a {first}")),
        "-STALE this token holds no claim: the task is now ready"
    );
    let order: Vec<String> = (0..3).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect();
    assert_eq!(order, ["a", "b", "c"]);
    assert!(world.say("TASK.GET q a").contains("attempt=2"));
    assert!(world.say("TASK.GET q a").contains("losses=1"));
}

#[test]
fn a_task_that_is_lost_too_often_is_dead() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q max-lost 1 lease 5");
    world.say("TASK.SCHEDULE q p ID a");
    for place in ["ready", "dead"] {
        world.claim("TASK.CLAIM q w").unwrap();
        world.pass(5);
        assert_eq!(world.places()["a"], place);
    }
}

#[test]
fn a_released_task_keeps_its_attempt() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID b");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say(&format!("TASK.RELEASE q a {token}")), "OK");
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "a");
    assert!(world.say("TASK.GET q a").contains("attempt=1"));
    assert!(world.say("TASK.GET q a").contains("deliveries=2"));
}

#[test]
fn a_cancelled_task_is_never_run_again() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    world.say("TASK.SCHEDULE q p ID later DELAY 5");
    let (_, token) = world.claim("TASK.CLAIM q w LEASE 10").unwrap();
    assert_eq!(world.say("TASK.CANCEL q a b later nobody"), "3");
    assert_eq!(world.say("TASK.CANCEL q a b"), "0");
    assert_eq!(
        world.say(&format!("TASK.EXTEND q a {token}")),
        "-CANCELLED the task was cancelled: stop, then ACK or RELEASE it"
    );
    assert!(world.say("TASK.STATS q").contains("ready_tasks=1 claimed_tasks=1"));
    world.pass(10);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "c");
}

#[test]
fn a_task_that_comes_back_takes_the_place_its_id_still_has() {
    let mut world = World::new();
    for id in ["a", "b"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    assert_eq!(world.say("TASK.RESCHEDULE q a DELAY 10"), (START + 10).to_string());
    assert_eq!(world.places()["a"], "scheduled");
    world.pass(10);
    assert_eq!(world.places()["a"], "ready");
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "a");
    assert_eq!(world.say("TASK.RESCHEDULE q b PRIORITY 0"), START.to_string());
    world.say("TASK.SCHEDULE q p ID c PRIORITY 1");
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "b");
}

#[test]
fn waiting_clients_are_served_in_order_of_arrival() {
    let mut world = World::new();
    let mut tickets = Vec::new();
    for worker in ["one", "two", "three"] {
        let argv: Vec<&[u8]> = vec![b"TASK.MCLAIM", b"2", b"q", b"r", worker.as_bytes(), b"BLOCK", b"0"];
        match world.run(Some(7), &argv).unwrap() {
            Came::Waits(ticket) => tickets.push(ticket),
            Came::Reply(reply) => panic!("{reply:?}"),
        }
    }
    world.say("TASK.SCHEDULE r p ID a");
    world.say("TASK.SCHEDULE q p ID b DELAY 5");
    world.pass(5);
    let served: Vec<(u64, String)> = world
        .answered
        .iter()
        .map(|answer| {
            let id = answer.granted[0].task().to_vec();
            (answer.ticket, String::from_utf8(id).unwrap())
        })
        .collect();
    assert_eq!(served, [(tickets[0], "a".into()), (tickets[1], "b".into())]);
    assert_eq!(world.state.waiting.total(), 1);
}

#[test]
fn a_paused_queue_hands_out_nothing_until_its_time() {
    let mut world = World::new();
    world.say("TASK.PAUSE q FOR 10");
    world.say("TASK.SCHEDULE q p ID a");
    assert_eq!(world.say("TASK.CLAIM q w BLOCK 0"), "(waits)");
    world.pass(9);
    assert!(world.answered.is_empty());
    world.pass(1);
    assert_eq!(world.answered.len(), 1);
    assert!(world.say("TASK.STATS q").contains("paused_until=null"));
}

#[test]
fn a_claim_leaves_a_flood_of_cancelled_ids_to_the_tick() {
    let mut world = World::new();
    let ids: Vec<String> = (0..3_000).map(|number| format!("x{number}")).collect();
    for id in &ids {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    world.say("TASK.SCHEDULE q p ID live");
    for some in ids.chunks(100) {
        world.say(&format!("TASK.CANCEL q {}", some.join(" ")));
    }
    assert!(world.say("TASK.STATS q").contains("ready_tasks=1 "));
    assert_eq!(world.say("TASK.CLAIM q w"), "(waits)");
    assert_eq!(world.say("TASK.CLAIM q w2"), "(waits)");
    world.tick();
    let replies: Vec<bool> = world
        .answered
        .iter()
        .map(|answer| answer.reply != Ok(Reply::NullArray))
        .collect();
    assert_eq!(replies, [true, false]);
    assert_eq!(world.places().len(), 1);
}

#[test]
fn a_script_gets_the_live_task_behind_any_number_of_cancelled_ids() {
    let mut world = World::new();
    for number in 0..1_500 {
        world.say(&format!("TASK.SCHEDULE q p ID x{number}"));
    }
    world.say("TASK.SCHEDULE q p ID live");
    for number in 0..1_500 {
        world.say(&format!("TASK.CANCEL q x{number}"));
    }
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "live");
}

#[test]
fn one_call_cancels_or_retries_at_most_a_thousand() {
    let mut world = World::new();
    for command in ["CANCEL", "RETRY"] {
        let line = format!("TASK.{command} q{}", " x".repeat(1_000));
        assert_eq!(world.say(&line), "0");
        assert_eq!(
            world.say(&format!("{line} x")),
            "-BADARG ids must be at most 1000 a call, not 1001"
        );
    }
}

#[test]
fn leases_begin_anew_after_a_restart() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.claim("TASK.CLAIM q w LEASE 1000").unwrap();
    world.pass(900);
    world.restart();
    world.tick();
    world.pass(900);
    assert_eq!(world.places()["a"], "claimed");
    assert!(
        world
            .say("TASK.WORKERS q")
            .contains("worker=w state=null claimed_tasks=1")
    );
    world.pass(100);
    assert_eq!(world.places()["a"], "ready");
}

#[test]
fn claims_of_a_closed_connection_are_back_in_order() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    world.say("TASK.CLAIM q w COUNT 2 BIND");
    assert!(world.state.disconnected(1, world.steady, 1_000));
    world.tick();
    let order: Vec<String> = (0..3).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect();
    assert_eq!(order, ["a", "b", "c"]);
    assert!(world.say("TASK.GET q a").contains("attempt=2"));
}

#[test]
fn acknowledging_can_claim_the_next_in_one_go() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID b");
    let (_, token) = world.claim("TASK.CLAIM q w LEASE 77").unwrap();
    let reply = world.say(&format!("TASK.ACK q a {token} NEXT"));
    assert!(reply.starts_with("[{id=b token="), "{reply}");
    assert!(
        world
            .say("TASK.GET q b")
            .contains("worker=w lease_ms=77 remaining_ms=77")
    );
    let token = world.state.fence;
    assert_eq!(world.say(&format!("TASK.ACK q b {token} NEXT")), "none");
}

#[test]
fn dead_tasks_stay_within_their_limits() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q dead-limit 2 dead-retain 100");
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.FAIL q {id} {token} DEAD"));
        world.pass(1);
    }
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["b", "c"]);
    world.pass(98);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["c"]);
    world.pass(1);
    assert!(world.places().is_empty());
}

#[test]
fn unused_worker_numbers_are_freed() {
    let mut world = World::new();
    world.module.history_queues = 0;
    world.say("TASK.SCHEDULE q p ID a");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q a {token}"));
    for _ in 0..4 {
        world.pass(60_000);
    }
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
    assert_eq!(world.say("TASK.WORKERS q"), "[0, []]");
}

#[test]
fn pages_of_ready_tasks_miss_nothing_that_stays() {
    let mut world = World::new();
    for number in 0..50 {
        world.say(&format!("TASK.SCHEDULE q p ID t{number:02} PRIORITY {}", number % 2));
    }
    for reverse in ["", " REV"] {
        let mut cursor = "0".to_string();
        let mut seen = Vec::new();
        for page in 0.. {
            let reply = world.say(&format!("TASK.LIST q ready COUNT 7 CURSOR {cursor}{reverse}"));
            seen.extend(reply.split("{id=").skip(1).map(|rest| rest[..3].to_string()));
            cursor = reply[1..reply.find(", ").unwrap()].to_string();
            if cursor == "0" {
                break;
            }
            assert!(page < 40);
            world.claim("TASK.CLAIM q w");
            world.say(&format!("TASK.SCHEDULE q p ID n{}{page} PRIORITY 1", seen.len()));
        }
        for (id, place) in world.places() {
            assert!(
                place != "ready" || id.starts_with('n') || seen.contains(&id),
                "{id} {reverse}"
            );
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{reverse} {seen:?}");
    }
}

#[test]
fn many_lost_claims_are_back_in_claim_order() {
    let mut world = World::new();
    for number in 0..100 {
        world.say(&format!("TASK.SCHEDULE q p ID t{number:03}"));
    }
    world.say("TASK.CLAIM q w COUNT 50 LEASE 10");
    world.say("TASK.CLAIM q w COUNT 50 LEASE 10");
    world.pass(10);
    let order: Vec<String> = (0..100).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect();
    assert!(order.is_sorted(), "{order:?}");
}
