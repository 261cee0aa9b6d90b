//! Unit tests of AFTER.

use std::collections::BTreeMap;

use crate::names::Touched;
use crate::task::tests::walk::Dice;
use crate::task::tests::world::{World, got, queue};

/// The ids that can be claimed now, in order, with their tokens.
fn claim_all(world: &mut World) -> Vec<(String, i64)> {
    std::iter::from_fn(|| world.claim("TASK.CLAIM q w")).collect()
}

fn claimable(world: &mut World) -> Vec<String> {
    claim_all(world).into_iter().map(|(id, _)| id).collect()
}

fn schedule(world: &mut World, words: &[&str]) {
    for words in words {
        let reply = world.say(&format!("TASK.SCHEDULE q p ID {words}"));
        assert_eq!(reply, words.split(' ').next().unwrap());
    }
    world.places();
}

fn ack(world: &mut World, id: &str, token: i64) {
    assert_eq!(world.say(&format!("TASK.ACK q {id} {token}")), "OK");
    world.places();
}

#[test]
fn a_diamond_runs_in_its_order() {
    let mut world = World::new();
    schedule(
        &mut world,
        &[
            "top",
            "left AFTER 1 top",
            "right AFTER 1 top",
            "bottom AFTER 2 left right",
        ],
    );
    assert!(
        world
            .say("TASK.STATS q")
            .contains("ready_tasks=1 claimed_tasks=0 blocked_tasks=3 ")
    );
    assert!(world.say("TASK.GET q bottom").contains("state=blocked"));
    assert!(world.say("TASK.GET q bottom").contains("after=[left, right]"));
    let top = claim_all(&mut world);
    ack(&mut world, "top", top[0].1);
    let sides = claim_all(&mut world);
    assert_eq!(
        sides.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["left", "right"]
    );
    ack(&mut world, "right", sides[1].1);
    assert_eq!(world.places()["bottom"], "blocked");
    ack(&mut world, "left", sides[0].1);
    let bottom = claim_all(&mut world);
    ack(&mut world, "bottom", bottom[0].1);
    assert!(world.places().is_empty());
    world.tick();
    let left: Vec<_> = world
        .keys
        .keys
        .keys()
        .filter(|key| !key.ends_with(b"workers"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_does_not_succeed_takes_its_children_along_or_lets_them_run() {
    for how in ["FAIL", "LOSE", "CANCEL", "CANCEL CLAIMED", "EXPIRE", "PURGE"] {
        let mut world = World::new();
        world.say("TASK.CONFIG SET q max-lost 0");
        schedule(
            &mut world,
            &[
                "a EXPIRE 60 ATTEMPTS 1",
                "child AFTER 1 a",
                "grandchild AFTER 1 child",
                "stubborn AFTER 1 a ONFAIL RUN",
                "heir AFTER 1 stubborn",
            ],
        );
        match how {
            "CANCEL" => assert_eq!(world.say("TASK.CANCEL q a"), "1"),
            "PURGE" => assert_eq!(world.say("TASK.PURGE q ready"), "[0, 1]"),
            "EXPIRE" => world.pass(60),
            _ => {
                let token = claim_all(&mut world)[0].1;
                match how {
                    "FAIL" => _ = world.say(&format!("TASK.FAIL q a {token}")),
                    "LOSE" => world.pass(60_000),
                    _ => assert_eq!(world.say("TASK.CANCEL q a"), "1"),
                }
            }
        }
        let places = world.places();
        assert_eq!(places["stubborn"], "ready", "{how}");
        assert_eq!(places["heir"], "blocked", "{how}");
        assert!(
            !places.contains_key("child") && !places.contains_key("grandchild"),
            "{how}"
        );
        let cancelled = if how.starts_with("CANCEL") { 3 } else { 2 };
        assert!(
            world
                .say("TASK.STATS q")
                .contains(&format!("cancelled_total={cancelled} ")),
            "{how}"
        );
    }
}

#[test]
fn a_failure_that_is_tried_again_is_no_end() {
    let mut world = World::new();
    schedule(&mut world, &["a BACKOFF FIXED 5", "b AFTER 1 a"]);
    for _ in 0..3 {
        let token = claim_all(&mut world)[0].1;
        world.say(&format!("TASK.FAIL q a {token}"));
        assert_eq!(world.places()["b"], "blocked");
        world.pass(5);
    }
    let token = claim_all(&mut world)[0].1;
    ack(&mut world, "a", token);
    assert_eq!(claimable(&mut world), ["b"]);
}

#[test]
fn what_ended_before_counts_as_it_ended() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["kept RETAIN 1000", "gone", "dead ATTEMPTS 1", "cancelled"],
    );
    let tokens: BTreeMap<String, i64> = claim_all(&mut world).into_iter().collect();
    ack(&mut world, "kept", tokens["kept"]);
    ack(&mut world, "gone", tokens["gone"]);
    world.say(&format!("TASK.FAIL q dead {}", tokens["dead"]));
    world.say("TASK.CANCEL q cancelled");
    for (words, reply) in [
        ("AFTER 1 kept", "x"),
        (
            "AFTER 1 gone",
            "-NOTASK no task that AFTER can wait for: gone is unknown",
        ),
        ("AFTER 2 kept gone MISSINGOK", "x"),
        ("AFTER 1 dead", "-NOTASK no task that AFTER can wait for: dead is dead"),
        (
            "AFTER 1 dead MISSINGOK",
            "-NOTASK no task that AFTER can wait for: dead is dead",
        ),
        ("AFTER 1 dead ONFAIL RUN", "x"),
        (
            "AFTER 1 cancelled",
            "-NOTASK no task that AFTER can wait for: cancelled is cancelled",
        ),
        ("AFTER 1 cancelled ONFAIL RUN", "x"),
        ("AFTER 1 x", "-NOTASK no task that AFTER can wait for: x is unknown"),
    ] {
        assert_eq!(world.say(&format!("TASK.SCHEDULE q p ID x {words}")), reply, "{words}");
        if reply == "x" {
            assert_eq!(world.places()["x"], "ready", "{words}");
            world.say("TASK.CANCEL q x");
        }
    }
    assert_eq!(world.say("TASK.RETRY q dead"), "1");
    schedule(&mut world, &["x AFTER 1 dead"]);
    assert_eq!(world.places()["x"], "blocked");
}

#[test]
fn bad_input_is_refused() {
    let mut world = World::new();
    schedule(&mut world, &["a"]);
    for (words, error) in [
        ("AFTER", "BADARG numids is missing its value"),
        (
            "AFTER 0",
            "BADARG numids must be an integer from 1 to 1000, or 0 before IN",
        ),
        ("AFTER 1001 a", "BADARG numids must be an integer from 0 to 1000"),
        ("AFTER 2 a", "BADARG id is missing its value"),
        ("AFTER 1 a ONFAIL STOP", "BADARG ONFAIL must be CANCEL or RUN or WAIT"),
        ("AFTER 1 a AFTER 1 a", "BADARG AFTER is given twice"),
        (
            "AFTER 1 a UNIQUE k REPLACE",
            "BADARG AFTER contradicts REPLACE: give one of them",
        ),
        (
            "MISSINGOK",
            "BADARG MISSINGOK is an option of AFTER, which is not given",
        ),
        ("AFTER 1 *", "BADNAME id must not be *"),
    ] {
        assert_eq!(
            world.say(&format!("TASK.SCHEDULE q p {words}")),
            format!("-{error}"),
            "{words}"
        );
    }
    assert_eq!(
        world.say("TASK.SCHEDULE q p ID b AFTER 3 a a a"),
        "b",
        "each counts once"
    );
    let token = claim_all(&mut world)[0].1;
    ack(&mut world, "a", token);
    assert_eq!(world.places()["b"], "ready");
    assert!(
        world
            .say("TASK.REPEAT q r p EVERY 5 AFTER 1 b")
            .starts_with("-BADARG unknown argument AFTER")
    );
}

#[test]
fn delays_priorities_groups_and_times_to_be_claimed_in_begin_when_the_others_have_ended() {
    let mut world = World::new();
    schedule(
        &mut world,
        &[
            "a",
            "later AFTER 1 a DELAY 50",
            "first GROUP g AFTER 1 a",
            "second GROUP g AFTER 1 a PRIORITY 0",
            "brief AFTER 1 a EXPIRE 40 PRIORITY 9",
        ],
    );
    world.pass(20);
    let token = claim_all(&mut world)[0].1;
    world.pass(20);
    ack(&mut world, "a", token);
    let places = world.places();
    assert_eq!(
        (places["later"], places["first"], places["second"], places["brief"]),
        ("scheduled", "ready", "blocked", "ready")
    );
    assert!(world.say("TASK.STATS q").contains("oldest_ready_ms=0 "));
    world.pass(10);
    assert_eq!(world.places()["later"], "ready");
    world.pass(29);
    assert_eq!(world.places()["brief"], "ready");
    world.pass(1);
    assert!(!world.places().contains_key("brief"));
}

#[test]
fn ten_thousand_children_are_settled_in_slices_also_over_a_restart() {
    for done in [true, false] {
        let mut world = World::new();
        schedule(&mut world, &["a"]);
        for n in 0..10 {
            let more = if n == 0 { " ONFAIL RUN" } else { "" };
            let line = format!("TASK.MSCHEDULE q 1000{} AFTER 1 a{more}", " p".repeat(1_000));
            assert!(world.say(&line).starts_with('['));
        }
        let token = claim_all(&mut world)[0].1;
        let line = if done {
            format!("TASK.ACK q a {token}")
        } else {
            format!("TASK.FAIL q a {token} DEAD")
        };
        world.say(&line);
        let stats = world.say("TASK.STATS q");
        assert!(stats.contains("blocked_tasks=9872 "), "one step has its share: {stats}");
        world.slice();
        world.restart();
        // A new task with the id is not their parent.
        if done {
            assert_eq!(world.say("TASK.SCHEDULE q p ID a"), "a");
            assert_eq!(world.say("TASK.SCHEDULE q p ID other AFTER 1 a"), "other");
        }
        world.tick();
        let (ready, blocked) = if done { (10_001, 1) } else { (1_000, 0) };
        let stats = world.say("TASK.STATS q");
        let expected = format!("ready_tasks={ready} claimed_tasks=0 blocked_tasks={blocked} ");
        assert!(stats.contains(&expected), "{stats}");
    }
}

#[test]
fn a_chain_of_hundreds_goes_with_its_first() {
    let mut world = World::new();
    schedule(&mut world, &["t0"]);
    for n in 1..300 {
        world.say(&format!("TASK.SCHEDULE q p ID t{n} AFTER 1 t{}", n - 1));
    }
    world.say("TASK.CANCEL q t0");
    assert!(
        world.say("TASK.STATS q").contains("blocked_tasks=171 "),
        "one step has its share"
    );
    world.tick();
    assert!(world.places().is_empty());
}

#[test]
fn a_blocked_task_can_be_cancelled_purged_replaced_and_dropped() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["a", "b", "x AFTER 2 a b", "y AFTER 2 a b UNIQUE k", "z AFTER 1 x"],
    );
    assert_eq!(
        world.say("TASK.RESCHEDULE q x DELAY 5"),
        "-NOTASK not a task that waits: it is blocked"
    );
    assert_eq!(world.say("TASK.CANCEL q x"), "1");
    assert!(!world.places().contains_key("z"), "it waited for x");
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE DELAY 9"), "y");
    assert_eq!(world.places()["y"], "scheduled");
    assert_eq!(got(&mut world, "y", "after"), "null");
    schedule(&mut world, &["c AFTER 1 a", "d AFTER 1 b"]);
    assert!(world.say("TASK.LIST q blocked").contains("id=c "));
    assert_eq!(world.say("TASK.PURGE q blocked OLDER 1"), "[0, 0]");
    world.pass(1);
    assert_eq!(
        world.say("TASK.PURGE q blocked OLDER 1 COUNT 1"),
        "[1800000000000:c, 1]"
    );
    assert!(world.say("TASK.STATS q").contains("blocked_tasks=1 "));
    world.places();
    assert_eq!(world.say("TASK.DROP q"), "4");
    schedule(&mut world, &["b", "d AFTER 1 b"]);
    world.tick();
    assert_eq!(world.places().len(), 2);
    assert_eq!(world.say("TASK.DROP q"), "2");
    world.tick();
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}

#[test]
fn retrying_a_dead_parent_revives_no_child() {
    let mut world = World::new();
    schedule(&mut world, &["a", "b AFTER 1 a RETAIN 100"]);
    let token = claim_all(&mut world)[0].1;
    assert_eq!(world.hear(7, "TASK.RESULT q b BLOCK 0"), "(waits)");
    world.say(&format!("TASK.FAIL q a {token} DEAD"));
    assert!(format!("{:?}", world.answered).contains("cancelled"));
    assert_eq!(world.say("TASK.RETRY q a"), "1");
    assert_eq!(world.places()["a"], "ready");
    assert_eq!(got(&mut world, "b", "state"), "cancelled");
}

#[test]
fn a_claimed_parent_that_is_cancelled_has_ended_for_its_children() {
    let mut world = World::new();
    schedule(&mut world, &["a", "b AFTER 1 a ONFAIL RUN"]);
    let token = claim_all(&mut world)[0].1;
    world.say("TASK.CANCEL q a");
    assert_eq!(claimable(&mut world), ["b"]);
    ack(&mut world, "a", token);
}

#[test]
fn ack_next_takes_the_child_that_it_set_free() {
    let mut world = World::new();
    schedule(&mut world, &["a", "b AFTER 1 a"]);
    let token = claim_all(&mut world)[0].1;
    assert!(world.say(&format!("TASK.ACK q a {token} NEXT")).contains("id=b "));
    // Without NEXT, a client that has waited longer gets it.
    let mut world = World::new();
    schedule(&mut world, &["a", "b AFTER 1 a"]);
    let token = claim_all(&mut world)[0].1;
    world.hear(2, "TASK.CLAIM q w BLOCK 0");
    ack(&mut world, "a", token);
    assert_eq!(world.answered[0].granted[0].task(), b"b");
}

#[test]
fn a_parent_that_is_deleted_by_hand_did_not_succeed() {
    let mut world = World::new();
    schedule(&mut world, &["a", "b", "x AFTER 2 a b", "y AFTER 2 a b ONFAIL RUN"]);
    world.keys.keys.remove(&queue("q").task(b"a").to_vec());
    world.state.touched(&queue("q"), Touched::Task);
    world.tick();
    assert_eq!(world.say("TASK.GET q x"), "null");
    let token = claim_all(&mut world)[0].1;
    assert_eq!(world.say(&format!("TASK.ACK q b {token}")), "OK");
    assert_eq!(claimable(&mut world), ["y"]);
    // Deleted lines are rebuilt.
    let mut world = World::new();
    schedule(&mut world, &["a", "b", "x AFTER 2 a b"]);
    world.keys.keys.remove(&queue("q").after(b"a").to_vec());
    world.state.touched(&queue("q"), Touched::Queue);
    world.tick();
    world.places();
    for (id, token) in claim_all(&mut world) {
        ack(&mut world, &id, token);
    }
    assert_eq!(claimable(&mut world), ["x"]);
}

#[test]
fn a_later_task_of_a_parents_id_is_no_parent() {
    let mut world = World::new();
    schedule(&mut world, &["a", "b"]);
    schedule(&mut world, &["x AFTER 4 a b x later MISSINGOK", "y AFTER 1 b"]);
    let tokens: BTreeMap<String, i64> = claim_all(&mut world).into_iter().collect();
    ack(&mut world, "a", tokens["a"]);
    schedule(&mut world, &["a", "later", "z AFTER 2 a later"]);
    world.restart();
    world.tick();
    world.places();
    ack(&mut world, "b", tokens["b"]);
    let places = world.places();
    assert_eq!((places["x"], places["y"], places["z"]), ("ready", "ready", "blocked"));
}

/// Random graphs, worked on in any order with failures, cancels and restarts: no task runs before those it comes after,
/// and in the end nothing is left behind.
#[test]
fn no_random_graph_runs_out_of_order_or_hangs() {
    for seed in 0..40_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        world.say("TASK.CONFIG SET q attempts 3 max-lost 1000");
        let mut parents: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut acked: Vec<String> = Vec::new();
        for n in 0..40 {
            let mut of: Vec<String> = (0..dice.roll(4)).map(|_| format!("t{}", dice.roll(n + 1))).collect();
            of.retain(|id| world.places().contains_key(id));
            let mut after = String::new();
            if !of.is_empty() {
                after = format!(" AFTER {} {}", of.len(), of.join(" "));
            }
            let group = ["", " GROUP g"][dice.roll(2)];
            let reply = world.say(&format!("TASK.SCHEDULE q p ID t{n}{after}{group} BACKOFF FIXED 3"));
            if reply == format!("t{n}") {
                parents.insert(reply, of);
            }
            for _ in 0..dice.roll(3) {
                step(&mut world, &mut dice, &parents, &mut acked);
            }
        }
        for _ in 0..2_000 {
            step(&mut world, &mut dice, &parents, &mut acked);
            if world.places().values().all(|place| *place == "dead") {
                break;
            }
        }
        assert!(
            world.places().values().all(|place| *place == "dead"),
            "seed {seed}: {:?}",
            world.places()
        );
    }
}

fn step(world: &mut World, dice: &mut Dice, parents: &BTreeMap<String, Vec<String>>, acked: &mut Vec<String>) {
    if let Some((id, token)) = world.claim("TASK.CLAIM q w LEASE 5") {
        for parent in &parents[&id] {
            assert!(acked.contains(parent), "{id} runs before {parent}");
        }
        match dice.roll(8) {
            0 => _ = world.say(&format!("TASK.FAIL q {id} {token}")),
            1 => _ = world.say(&format!("TASK.CANCEL q {id}")),
            2 => {}
            _ => {
                ack(world, &id, token);
                acked.push(id);
            }
        }
    }
    if dice.roll(10) == 0 {
        world.restart();
    }
    world.pass(dice.roll(6) as i64);
    world.places();
}
