//! Targeted tasks whose keys somebody else changed.

use super::{claim_all, claimable, schedule};
use crate::keyspace::fake::Value;
use crate::names::Touched;
use crate::task::tests::world::{World, queue};

#[test]
fn sets_that_somebody_edited_hold_nothing_up() {
    let mut world = World::new();
    schedule(&mut world, &["a TO w", "b TO w", "c TO w DELAY 50", "d", "e TO v"]);
    let set = |ids: &[(&str, i64)]| {
        Value::SortedSet(ids.iter().map(|(id, score)| (id.as_bytes().to_vec(), *score)).collect())
    };
    // Foreign ids, one that is not ready, one of another worker.
    let own = set(&[("a", 3), ("c", 4), ("d", 5), ("e", 6), ("nobody", 7)]);
    world.keys.keys.insert(b"task:{q}:to:w".to_vec(), own);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "a");
    // The sets are gone, or one of them: each is found again.
    world.keys.keys.remove(b"task:{q}:to:w".as_slice());
    world.state.touched(&queue("q"), Touched::Queue);
    world.tick();
    assert_eq!(claim_all(&mut world, "v"), ["e", "d"]);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "b");
    // The record is deleted.
    let mut world = World::new();
    schedule(&mut world, &["a TO w", "b TO w"]);
    world.keys.keys.remove(b"task:{q}:t:a".as_slice());
    assert_eq!(claimable(&mut world, "w"), ["b"]);
    assert!(world.say("TASK.STATS q").contains("ready_tasks=0 "));
    // The options are deleted: it is for everyone.
    let mut world = World::new();
    schedule(&mut world, &["a TO w"]);
    world.keys.keys.remove(b"task:{q}:x:a".as_slice());
    world.state.touched(&queue("q"), Touched::Queue);
    world.tick();
    assert_eq!(world.claim("TASK.CLAIM q v").unwrap().0, "a");
}

#[test]
fn a_key_of_another_type_is_told_and_changes_nothing() {
    for key in ["task:{q}:targeted", "task:{q}:to:w"] {
        let mut world = World::new();
        world.keys.keys.insert(key.into(), Value::String(b"?".to_vec()));
        for line in [
            "TASK.SCHEDULE q p TO w",
            "TASK.SCHEDULE q p TO w DELAY 5",
            "TASK.MSCHEDULE q 2 p p TO w",
        ] {
            assert!(world.say(line).starts_with("-WRONGTYPE"), "{line}");
        }
        assert_eq!(world.say("TASK.SCHEDULE q p ID plain"), "plain");
        assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "plain", "{key}");
    }
    // Targeted tasks cannot be found there, so they are for everyone.
    let mut world = World::new();
    schedule(&mut world, &["a TO w DELAY 5"]);
    world
        .keys
        .keys
        .insert(b"task:{q}:to:w".to_vec(), Value::String(b"?".to_vec()));
    world.pass(5);
    assert_eq!(claim_all(&mut world, "v"), ["a"]);
}
