//! Unit tests of TASK.REPEAT for a name that recurs already: what is due stays due, and the phase is kept.

use super::recurring::{events, fired};
use super::world::{START, World};
use crate::time::Ms;

/// A recurring task whose moment passes while the timer stands still: due at 1000, now 1500.
fn overdue(words: &str) -> World {
    let mut world = World::new();
    world.say(&format!("TASK.REPEAT q n v1 {words}"));
    stand_still(&mut world, 1500);
    world
}

fn stand_still(world: &mut World, ms: Ms) {
    world.wall = world.wall.after(ms);
    world.steady = world.steady.after(ms);
}

/// The payload of the occurrence that was due so long after the start.
fn payload(world: &mut World, due: Ms) -> String {
    let task = world.say(&format!("TASK.GET q n:{}", START + due));
    task.split_once("payload=").unwrap().1.trim_end_matches('}').to_string()
}

#[test]
fn two_versions_that_alternate_faster_than_the_period_do_not_stop_it() {
    for start in ["", " START 1800000000500"] {
        let mut world = World::new();
        let mut wanted: Vec<Ms> = (1..=7).map(|n| n * 1000).collect();
        if !start.is_empty() {
            wanted = (0..7).map(|n| 500 + n * 1000).collect();
        }
        for _ in 0..12 {
            for other in [
                "v1 EVERY 1000",
                "v2 EVERY 1000 PRIORITY 5",
                "v3 EVERY 1000 OVERLAP ALLOW",
            ] {
                world.say(&format!("TASK.REPEAT q n {other}{start}"));
                world.pass(200);
            }
        }
        assert_eq!(fired(&world), wanted, "{start}");
    }
}

#[test]
fn what_is_due_is_made_with_the_new_payload_and_by_the_new_misfire() {
    // Another rule, zone or START begins a phase of its own, after what is due.
    for (words, next) in [
        ("EVERY 1000", 2000),
        ("EVERY 1000 PRIORITY 5 LEASE 7", 2000),
        ("EVERY 1000 LIMIT 9", 2000),
        ("EVERY 1000 END 1800000009000", 2000),
        ("EVERY 700", 2200),
        ("EVERY 1000 START 1800000003000", 3000),
    ] {
        let mut world = overdue("EVERY 1000");
        let due = world.say(&format!("TASK.REPEAT q n v2 {words}"));
        assert_eq!(due, (START + 1000).to_string(), "{words}");
        world.restart();
        world.tick();
        assert_eq!(fired(&world), [1000], "{words}");
        assert_eq!(payload(&mut world, 1000), "v2", "{words}");
        world.pass(next - 1501);
        assert_eq!(fired(&world), [1000], "{words}");
        world.pass(1);
        assert_eq!(fired(&world), [1000, next], "{words}");
        assert_eq!(events(&world), Vec::<String>::new(), "{words}");
    }
}

#[test]
fn missed_occurrences_are_left_to_the_new_misfire() {
    for (misfire, made, missed) in [
        ("SKIP", vec![], vec!["missed n 3"]),
        ("ONCE", vec![30_000], vec!["missed n 2"]),
        ("ALL", vec![10_000, 20_000, 30_000], vec![]),
    ] {
        for (rule, next) in [("EVERY 10000", 40_000), ("EVERY 90000", 125_000)] {
            let mut world = World::new();
            world.say("TASK.REPEAT q n v1 EVERY 10000");
            stand_still(&mut world, 35_000);
            world.say(&format!("TASK.REPEAT q n v2 {rule} MISFIRE {misfire}"));
            world.tick();
            assert_eq!(fired(&world), made, "{rule} {misfire}");
            assert_eq!(events(&world), missed, "{rule} {misfire}");
            world.pass(next - 35_000);
            assert_eq!(fired(&world).last(), Some(&next), "{rule} {misfire}");
            assert_eq!(fired(&world).len(), made.len() + 1, "{rule} {misfire}");
        }
    }
}

#[test]
fn a_thousand_of_a_rule_that_was_replaced_come_in_slices() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n v1 EVERY 1000");
    stand_still(&mut world, 1_000_000);
    world.say("TASK.REPEAT q n v2 EVERY 70000 MISFIRE ALL");
    let mut slices = 0;
    while world.slice() {
        slices += 1;
    }
    assert!(slices >= 8, "{slices}");
    let mut wanted: Vec<Ms> = (1..=1000).map(|n| n * 1000).collect();
    assert_eq!(fired(&world), wanted);
    world.pass(70_000);
    wanted.push(1_070_000);
    assert_eq!(fired(&world), wanted);
}

#[test]
fn of_rules_that_replace_each_other_while_time_stands_still_the_first_goes_on() {
    for (end, made) in [("", vec![10_000, 20_000]), (" END 1800000012000", vec![10_000])] {
        let mut world = World::new();
        world.say(&format!("TASK.REPEAT q n v1 EVERY 10000{end}"));
        stand_still(&mut world, 15_000);
        world.say("TASK.REPEAT q n v2 EVERY 7000");
        stand_still(&mut world, 10_000);
        world.say("TASK.REPEAT q n v3 EVERY 9000 MISFIRE ALL");
        world.tick();
        assert_eq!(fired(&world), made, "{end}");
        world.pass(9_000);
        assert_eq!(fired(&world).last(), Some(&34_000), "{end}");
    }
}

#[test]
fn the_limit_counts_on_until_it_or_the_phase_changes() {
    for (words, came) in [
        ("EVERY 1000 LIMIT 3", vec![1000, 2000, 3000]),
        ("EVERY 1000 LIMIT 2", vec![1000, 2000, 3000, 4000]),
        ("EVERY 1000 LIMIT 1", vec![1000, 2000, 3000]),
        // The third is what the replaced rule has left of its limit.
        ("EVERY 700 LIMIT 1", vec![1000, 2000, 3000, 5200]),
    ] {
        let mut world = World::new();
        world.say("TASK.REPEAT q n v1 EVERY 1000 LIMIT 3");
        world.pass(1000);
        world.pass(1000);
        stand_still(&mut world, 2500);
        world.say(&format!("TASK.REPEAT q n v2 {words} MISFIRE ALL"));
        for _ in 0..20 {
            world.pass(100);
        }
        assert_eq!(fired(&world), came, "{words}");
        assert_eq!(world.say("TASK.REPEATS q"), "[0, []]", "{words}");
    }
}

#[test]
fn what_is_due_must_be_within_a_new_end() {
    let mut world = overdue("EVERY 1000");
    let before = world.keys.clone();
    assert!(
        world
            .say("TASK.REPEAT q n v2 EVERY 1000 END 1800000000999")
            .starts_with("-BADARG END must leave an occurrence")
    );
    assert_eq!(world.keys.keys, before.keys);
    world.say("TASK.REPEAT q n v2 EVERY 1000 END 1800000001400");
    world.tick();
    assert_eq!(fired(&world), [1000]);
    assert_eq!(world.say("TASK.REPEATS q"), "[0, []]");
}

#[test]
fn overlap_is_of_the_new_definition_and_sees_the_old_ones_task() {
    for rule in ["EVERY 1000", "EVERY 800"] {
        let mut world = World::new();
        world.say("TASK.REPEAT q n v1 EVERY 1000");
        world.pass(1000);
        stand_still(&mut world, 1000);
        world.say(&format!("TASK.REPEAT q n v2 {rule} OVERLAP SKIP"));
        world.tick();
        assert_eq!(fired(&world), [1000], "{rule}");
        assert_eq!(
            events(&world),
            [format!("skipped n:{} overlap", START + 2000)],
            "{rule}"
        );
        world.pass(800);
        assert_eq!(fired(&world), [1000], "{rule}: still alive");
    }
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_twice_with_a_new_payload() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n v1 EVERY 1000");
    for _ in 0..3 {
        world.pass(1000);
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.ACK q {id} {token}"));
    }
    world.wall = world.wall.after(-2500);
    assert_eq!(world.say("TASK.REPEAT q n v2 EVERY 1000"), (START + 4000).to_string());
    for _ in 0..6 {
        world.pass(500);
    }
    assert_eq!(fired(&world), Vec::<Ms>::new());
    world.pass(500);
    assert_eq!(fired(&world), [4000]);
}

#[test]
fn what_is_removed_is_not_due_any_more() {
    let mut world = overdue("EVERY 1000");
    world.say("TASK.UNREPEAT q n");
    assert_eq!(world.say("TASK.REPEAT q n v2 EVERY 1000"), (START + 2500).to_string());
    world.tick();
    assert_eq!(fired(&world), Vec::<Ms>::new());
}
