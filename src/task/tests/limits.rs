//! A queue's limits: never more claims than they allow, and no client waits longer than they require.

use std::collections::BTreeSet;

use crate::task::tests::walk::Dice;
use crate::task::tests::world::{Came, START, World, queue, show};
use crate::time::Ms;

/// The payloads granted to waiting clients since the last call, in order.
fn served(world: &mut World) -> Vec<String> {
    let answered = std::mem::take(&mut world.answered);
    let replies = answered.into_iter().map(|answer| show(&answer.reply.unwrap()));
    replies
        .map(|reply| {
            reply
                .split("payload=")
                .nth(1)
                .map_or(reply.clone(), |rest| rest.replace("}]", ""))
        })
        .collect()
}

/// A world with limits and tasks with the payloads and ids `1`, `2` and so on.
fn limited(settings: &str, tasks: usize) -> World {
    let mut world = World::new();
    assert_eq!(world.say(&format!("TASK.CONFIG SET q {settings}")), "OK");
    for number in 1..=tasks {
        world.say(&format!("TASK.SCHEDULE q {number} ID {number}"));
    }
    world
}

/// Puts clients in line, each for one task.
fn wait(world: &mut World, connections: std::ops::Range<u64>) {
    for connection in connections {
        assert_eq!(
            world.hear(connection, &format!("TASK.CLAIM q w{connection} BLOCK 0")),
            "(waits)"
        );
    }
}

#[test]
fn no_more_tasks_are_claimed_at_once_than_concurrency() {
    let mut world = limited("concurrency 2", 9);
    assert_eq!(world.say("TASK.CLAIM q w COUNT 9").matches("id=").count(), 2);
    assert_eq!(world.say("TASK.CLAIM q w"), "none");
    assert_eq!(world.claim("TASK.CLAIM q w"), None, "nor from a script");
    let stats = world.say("TASK.STATS q");
    assert!(stats.contains("ready_tasks=7 claimed_tasks=2 "), "{stats}");
    world.say("TASK.CONFIG SET q concurrency 0");
    assert_eq!(world.say("TASK.CLAIM q w COUNT 9").matches("id=").count(), 7);
}

#[test]
fn each_slot_that_is_freed_serves_one_waiting_client_in_the_same_unit() {
    let mut world = limited("concurrency 2 lease 1000", 9);
    let (_, first) = world.claim("TASK.CLAIM q w").unwrap();
    let (_, second) = world.claim("TASK.CLAIM q w").unwrap();
    wait(&mut world, 1..9);
    assert_eq!(world.say(&format!("TASK.ACK q 1 {first}")), "OK");
    assert_eq!(served(&mut world), ["3"]);
    assert_eq!(world.say(&format!("TASK.MACK q 2 2 {second} 9 1")), "[OK, STALE]");
    assert_eq!(served(&mut world), ["4"]);
    world.say(&format!("TASK.FAIL q 3 {} DELAY 500", token(&world, "3")));
    assert_eq!(served(&mut world), ["5"]);
    world.say(&format!("TASK.RELEASE q 4 {} DELAY 500", token(&world, "4")));
    assert_eq!(served(&mut world), ["6"]);
    // Both leases run out: lost tasks come first again.
    world.pass(1_000);
    assert_eq!(served(&mut world), ["5", "6"]);
    assert_eq!(world.say("TASK.CONFIG SET q concurrency 4"), "OK");
    assert_eq!(served(&mut world), ["7", "8"]);
    assert_eq!(world.places().values().filter(|place| **place == "claimed").count(), 4);
}

/// The token of a claimed task, read from its record: only its worker gets it in a reply.
fn token(world: &World, id: &str) -> u64 {
    let key = queue("q").task(id.as_bytes()).to_vec();
    match &world.keys.keys[&key] {
        crate::keyspace::fake::Value::String(text) => crate::task::header::Header::read(text).unwrap().fence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_closed_connection_and_a_dead_member_free_their_slots() {
    let mut world = limited("concurrency 2", 6);
    assert!(world.hear(71, "TASK.CLAIM q bound BIND").contains("id=1"));
    world.say("PID.REGISTER q member 5 TTL 200");
    assert!(world.hear(72, "TASK.CLAIM q member LEASE MEMBER").contains("id=2"));
    wait(&mut world, 1..5);
    world.state.disconnected(71, world.steady, 1_000);
    world.tick();
    assert_eq!(served(&mut world), ["1"]);
    world.pass(199);
    assert_eq!(served(&mut world), [""; 0]);
    world.pass(1);
    assert_eq!(served(&mut world), ["2"]);
    assert_eq!(world.state.waiting.count(&queue("q")), 2);
}

#[test]
fn a_claimed_task_that_was_deleted_by_hand_frees_its_slot_when_its_claim_ends() {
    let mut world = limited("concurrency 3", 6);
    world.say("PID.REGISTER q member 5 TTL 200");
    assert!(world.hear(72, "TASK.CLAIM q member LEASE MEMBER").contains("id=1"));
    assert!(world.hear(71, "TASK.CLAIM q bound BIND").contains("id=2"));
    assert!(world.hear(73, "TASK.CLAIM q other LEASE 300").contains("id=3"));
    for id in ["1", "2", "3"] {
        world.keys.keys.remove(&queue("q").task(id.as_bytes()).to_vec());
    }
    wait(&mut world, 1..5);
    world.state.disconnected(71, world.steady, 1_000);
    world.tick();
    assert_eq!(served(&mut world), ["4"]);
    world.pass(200);
    assert_eq!(served(&mut world), ["5"]);
    world.pass(100);
    assert_eq!(served(&mut world), ["6"]);
}

#[test]
fn a_cancelled_claim_holds_its_slot_until_it_ends() {
    let mut world = limited("concurrency 1 lease 100", 4);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    wait(&mut world, 1..4);
    world.say("TASK.CANCEL q 1");
    world.tick();
    assert_eq!(served(&mut world), [""; 0]);
    assert_eq!(world.say(&format!("TASK.ACK q 1 {token}")), "OK");
    assert_eq!(served(&mut world), ["2"]);
    world.say("TASK.CANCEL q 2");
    world.pass(99);
    assert_eq!(served(&mut world), [""; 0]);
    world.pass(1);
    assert_eq!(served(&mut world), ["3"]);
}

#[test]
fn ack_next_takes_the_slot_it_freed_before_those_that_wait() {
    let mut world = limited("concurrency 1", 3);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    wait(&mut world, 1..2);
    let next = world.say(&format!("TASK.ACK q 1 {token} NEXT"));
    assert!(next.contains("id=2"), "{next}");
    assert_eq!(served(&mut world), [""; 0]);
    // A worker that was told to take no more leaves the slot to others.
    world.say("PID.REGISTER q w 5");
    world.say("HB.SIGNAL q w quiet");
    let token = token_of(&next);
    assert_eq!(world.say(&format!("TASK.ACK q 2 {token} NEXT")), "none");
    assert_eq!(served(&mut world), ["3"]);
}

fn token_of(reply: &str) -> i64 {
    let rest = reply.split("token=").nth(1).unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_claimed_set_counts_after_a_restart() {
    let mut world = limited("concurrency 2 lease 1000", 5);
    world.claim("TASK.CLAIM q w").unwrap();
    world.claim("TASK.CLAIM q w").unwrap();
    world.restart();
    wait(&mut world, 1..4);
    world.tick();
    assert_eq!(served(&mut world), [""; 0]);
    world.pass(1_000);
    assert_eq!(served(&mut world), ["1", "2"]);
}

#[test]
fn a_limited_queue_counts_as_empty_for_mclaim() {
    let mut world = limited("concurrency 1", 3);
    world.say("TASK.SCHEDULE r free ID r1");
    world.claim("TASK.CLAIM q w").unwrap();
    let from_free = world.say("TASK.MCLAIM 2 q r w COUNT 5");
    assert!(
        from_free.contains("queue=r") && !from_free.contains("queue=q"),
        "{from_free}"
    );
    // A client that waits in both is served by whichever has room first.
    assert_eq!(world.hear(1, "TASK.MCLAIM 2 q r w1 BLOCK 0"), "(waits)");
    assert_eq!(world.hear(2, "TASK.MCLAIM 2 r q w2 BLOCK 0"), "(waits)");
    world.say("TASK.SCHEDULE r free ID r2");
    assert_eq!(served(&mut world), ["free"]);
    let first = token(&world, "1");
    world.say(&format!("TASK.ACK q 1 {first}"));
    assert_eq!(served(&mut world), ["2"]);
}

#[test]
fn ten_claims_a_second_are_ten_in_any_second() {
    let mut world = limited("rate 10/1000", 100);
    let mut at: Vec<Ms> = Vec::new();
    let mut connection = 0;
    for ms in 0..3_000 {
        // Some client always waits.
        while world.state.waiting.count(&queue("q")) < 3 {
            connection += 1;
            match world.run(Some(connection), &[b"TASK.CLAIM", b"q", b"w", b"BLOCK", b"0"]) {
                Ok(Came::Waits(_)) => {}
                _ => at.push(ms),
            }
        }
        at.extend(served(&mut world).iter().map(|_| ms));
        if ms < 2_999 {
            world.pass(1);
            at.extend(served(&mut world).iter().map(|_| ms + 1));
        }
    }
    let tens = |start: Ms| std::iter::repeat_n(start, 10);
    let expected: Vec<Ms> = tens(0).chain(tens(1_000)).chain(tens(2_000)).collect();
    assert_eq!(at, expected);
}

#[test]
fn a_claim_is_refused_exactly_when_its_window_is_full() {
    for seed in 0..30 {
        let mut dice = Dice(seed);
        let mut world = limited("rate 4/100", 400);
        let mut at: Vec<Ms> = Vec::new();
        for _ in 0..300 {
            world.pass(dice.roll(30) as Ms);
            let now = world.steady.0;
            let wanted = 1 + dice.roll(3);
            let free = 4 - at.iter().filter(|moment| **moment > now - 100).count();
            let got = world
                .say(&format!("TASK.CLAIM q w COUNT {wanted}"))
                .matches("id=")
                .count();
            assert_eq!(got, wanted.min(free), "seed {seed}");
            at.extend(std::iter::repeat_n(now, got));
        }
        assert!(at.windows(5).all(|five| five[4] - five[0] >= 100), "seed {seed}");
    }
}

#[test]
fn what_a_refilled_window_lets_in_goes_to_those_that_wait_and_only_then_to_one_that_comes() {
    let mut world = limited("rate 2/100", 9);
    assert_eq!(world.say("TASK.CLAIM q w COUNT 5").matches("id=").count(), 2);
    wait(&mut world, 1..2);
    // The moment has come, but the timer has not run yet.
    world.wall = world.wall.after(100);
    world.steady = world.steady.after(100);
    assert!(world.hear(9, "TASK.CLAIM q w9").contains("id=4"));
    assert_eq!(served(&mut world), ["3"]);
    assert_eq!(world.hear(9, "TASK.CLAIM q w9"), "none");
}

#[test]
fn every_claim_counts_for_the_rate_and_a_restart_forgets_them() {
    let mut world = limited("rate 2/1000", 9);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.RELEASE q 1 {token}"));
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say(&format!("TASK.ACK q 1 {token} NEXT")), "none");
    wait(&mut world, 1..2);
    world.say("TASK.CONFIG SET q rate 3/1000");
    assert_eq!(served(&mut world), ["2"]);
    assert_eq!(world.say("TASK.CLAIM q w"), "none");
    world.restart();
    assert_eq!(world.say("TASK.CLAIM q w COUNT 9").matches("id=").count(), 3);
    wait(&mut world, 2..3);
    world.say("TASK.CONFIG SET q rate 0");
    assert_eq!(served(&mut world), ["6"]);
}

#[test]
fn a_limited_queue_that_nobody_waits_in_wakes_nobody() {
    let mut world = limited("rate 1/100 lease 1000000", 3);
    world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say("TASK.CLAIM q w"), "none");
    world.pass(100);
    let context = world.context();
    let next = world.state.names.next(&context);
    assert!(next.is_some_and(|wait| wait > 1_000), "{next:?}");
}

#[test]
fn one_that_does_not_wait_is_told_that_the_queue_has_become_full_while_it_was_swept() {
    let mut world = limited("concurrency 2", 1_100);
    world.claim("TASK.CLAIM q w").unwrap();
    for number in 2..1_100 {
        world.say(&format!("TASK.CANCEL q {number}"));
    }
    assert_eq!(world.hear(5, "TASK.CLAIM q w"), "(waits)", "for the sweep");
    world.say("TASK.CONFIG SET q concurrency 1");
    assert_eq!(served(&mut world), ["none"]);
}

#[test]
fn a_paused_queue_stays_paused_within_its_limits() {
    let mut world = limited("rate 1/100 concurrency 5", 3);
    world.claim("TASK.CLAIM q w").unwrap();
    wait(&mut world, 1..3);
    world.say("TASK.PAUSE q FOR 250");
    world.pass(100);
    assert_eq!(served(&mut world), [""; 0]);
    world.pass(150);
    assert_eq!(served(&mut world), ["2"]);
    world.pass(99);
    assert_eq!(served(&mut world), [""; 0]);
    world.pass(1);
    assert_eq!(served(&mut world), ["3"]);
}

#[test]
fn a_limit_that_others_write_is_noticed() {
    let mut world = limited("concurrency 1", 5);
    world.claim("TASK.CLAIM q w").unwrap();
    wait(&mut world, 1..5);
    let key = queue("q").queue().to_vec();
    let field = |world: &mut World, value: &str| {
        let crate::keyspace::fake::Value::Hash(fields) = world.keys.keys.get_mut(&key).unwrap() else {
            panic!("no hash");
        };
        fields.insert(b"concurrency".to_vec(), value.as_bytes().to_vec());
        world.state.touched(&queue("q"), crate::names::Touched::Queue);
        world.tick();
    };
    field(&mut world, "2");
    assert_eq!(served(&mut world), ["2"]);
    field(&mut world, "nonsense");
    assert_eq!(served(&mut world), ["3", "4", "5"]);
}

#[test]
fn a_full_queue_takes_no_more_but_what_is_in_it_goes_its_way() {
    let full = "-QUEUEFULL the queue would exceed its max-length of 4 tasks that wait, are claimed or blocked";
    let mut world = limited("max-length 4 attempts 1", 2);
    assert_eq!(world.say("TASK.MSCHEDULE q 3 a b c"), full);
    assert_eq!(world.say("TASK.SCHEDULE q 3 ID 3 DELAY 5000"), "3");
    let (_, one) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say("TASK.SCHEDULE q 4 ID 4"), "4");
    assert_eq!(world.say("TASK.SCHEDULE q 5 ID 5"), full);
    assert_eq!(world.say("TASK.SCHEDULE q 5 ID 5 DELAY 9"), full);
    assert_eq!(world.say("TASK.SCHEDULE q 4 ID 4"), "4", "it was accepted before");
    assert_eq!(world.say(&format!("TASK.RELEASE q 1 {one}")), "OK");
    let (_, one) = world.claim("TASK.CLAIM q w").unwrap();
    assert!(world.say(&format!("TASK.FAIL q 1 {one}")).contains("state=dead"));
    // Dead letters do not count, but they may be retried.
    assert_eq!(world.say("TASK.SCHEDULE q 5 ID 5"), "5");
    assert_eq!(world.say("TASK.RETRY q 1"), "1");
    assert_eq!(world.say("TASK.SCHEDULE q 6"), full);
    world.say("TASK.CANCEL q 3 4");
    assert_eq!(world.say("TASK.SCHEDULE q 6 ID 6"), "6");
    assert_eq!(world.say("TASK.SCHEDULE q 7"), full);
    world.restart();
    assert_eq!(world.say("TASK.SCHEDULE q 7"), full);
    world.say("TASK.CONFIG SET q max-length 0");
    assert_eq!(world.say("TASK.MSCHEDULE q 2 7 8").matches(',').count(), 1);
}

/// Any history: the limits are kept at every step, and at rest no client waits for a task that they allow.
#[test]
fn no_random_history_breaks_a_limit_or_lets_anybody_wait_in_vain() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut world = limited("concurrency 3 rate 5/100 lease 60 max-length 12", 0);
        let (mut limit, mut connection) = (3, 0);
        let mut known: BTreeSet<(String, u64)> = BTreeSet::new();
        let mut at: Vec<Ms> = Vec::new();
        for _ in 0..300 {
            let claimed_before = world.state.totals.claimed;
            match dice.roll(12) {
                0..=3 => {
                    world.say("TASK.SCHEDULE q p");
                }
                4..=6 => {
                    connection += 1;
                    world.hear(
                        connection,
                        &format!("TASK.CLAIM q w COUNT {} BLOCK 0", 1 + dice.roll(3)),
                    );
                }
                7 => {
                    limit = 1 + dice.roll(4);
                    world.say(&format!("TASK.CONFIG SET q concurrency {limit}"));
                }
                8 => world.pass(dice.roll(40) as Ms),
                _ => {
                    let claimed: Vec<String> = world
                        .places()
                        .into_iter()
                        .filter(|(_, place)| *place == "claimed")
                        .map(|(id, _)| id)
                        .collect();
                    if let Some(id) = claimed.get(dice.roll(claimed.len().max(1))) {
                        let token = token(&world, id);
                        known.insert((id.clone(), token));
                        let end = ["ACK", "ACK", "RELEASE", "FAIL"][dice.roll(4)];
                        let next = if end == "ACK" && dice.roll(2) == 0 { " NEXT" } else { "" };
                        world.say(&format!("TASK.{end} q {id} {token}{next}"));
                        if dice.roll(4) == 0 {
                            world.say(&format!("TASK.CANCEL q {id}"));
                        }
                    }
                }
            }
            let now = world.steady.0;
            at.extend(std::iter::repeat_n(
                now,
                (world.state.totals.claimed - claimed_before) as usize,
            ));
            let claimed = world.places().values().filter(|place| **place == "claimed").count();
            let stays = at.iter().filter(|moment| **moment > now - 100).count();
            assert!(
                claimed <= 4 && stays <= 5,
                "seed {seed}: {claimed} claimed, {stays} of late"
            );
            let ready = world.places().values().filter(|place| **place == "ready").count();
            if world.state.waiting.count(&queue("q")) > 0 && ready > 0 {
                assert!(claimed >= limit || stays == 5, "seed {seed}: somebody waits in vain");
            }
            assert!(world.places().len() <= 12, "seed {seed}");
        }
        assert!(at.windows(6).all(|six| six[5] - six[0] >= 100), "seed {seed}");
        assert!(world.wall.0 > START && !known.is_empty());
    }
}
