//! Unit tests of records of a later version: their ids keep their places.

use crate::keyspace::fake::Value;
use crate::names::Touched;
use crate::task::index::later::RETRY;
use crate::task::tests::world::{World, queue};

/// Changes the version of a task's record.
fn set_version(world: &mut World, id: &str, version: u8) {
    match world.keys.keys.get_mut(format!("task:{{q}}:t:{id}").as_bytes()) {
        Some(Value::String(record)) => record[0] = version,
        other => panic!("no record of {id}: {other:?}"),
    }
    world.state.touched(&queue("q"), Touched::Task);
}

fn later(world: &mut World, ids: &[&str]) {
    ids.iter().for_each(|id| set_version(world, id, b'2'));
}

/// Makes the records readable again, and lets the timer deal with them.
fn back(world: &mut World, ids: &[&str]) {
    ids.iter().for_each(|id| set_version(world, id, b'1'));
    world.pass(RETRY);
    world.places();
}

fn claimable(world: &mut World) -> Vec<String> {
    std::iter::from_fn(|| world.claim("TASK.CLAIM q w"))
        .map(|(id, _)| id)
        .collect()
}

#[test]
fn a_scheduled_task_becomes_ready_when_its_record_can_be_read() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a DELAY 300");
    later(&mut world, &["a"]);
    world.pass(100 * RETRY);
    assert!(world.say("TASK.STATS q").contains("scheduled_tasks=1 ready_tasks=0"));
    assert!(world.say("TASK.GET q a").starts_with("-ERR the record of this task"));
    back(&mut world, &["a"]);
    assert_eq!(claimable(&mut world), ["a"]);
}

#[test]
fn a_ready_list_keeps_them_in_order_and_hands_out_the_others() {
    let mut world = World::new();
    for id in ["a", "b", "c", "d"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    later(&mut world, &["a", "c"]);
    assert_eq!(claimable(&mut world), ["b", "d"]);
    let writes = world.keys.writes;
    assert_eq!(claimable(&mut world), [""; 0]);
    assert_eq!(world.keys.writes, writes, "the list counts as empty");
    world.say("TASK.SCHEDULE q p ID e");
    assert_eq!(claimable(&mut world), ["e"]);
    back(&mut world, &["a", "c"]);
    assert_eq!(claimable(&mut world), ["a", "c"]);
}

#[test]
fn very_many_of_them_keep_nobody_waiting_for_the_timer() {
    let mut world = World::new();
    let ids: Vec<String> = (0..2_500).map(|n| format!("t{n:04}")).collect();
    for id in &ids {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
        set_version(&mut world, id, b'2');
    }
    assert_eq!(world.say("TASK.CLAIM q w"), "(waits)", "for the timer");
    world.tick();
    assert_eq!(world.answered.len(), 1);
    assert_eq!(world.say("TASK.CLAIM q w"), "none");
    world.say("TASK.SCHEDULE q p ID new");
    assert_eq!(world.say("TASK.CLAIM q w"), "(waits)");
    world.tick();
    assert_eq!(world.answered.len(), 2);
    assert!(world.say("TASK.GET q new").contains("state=claimed"));
    for id in &ids {
        set_version(&mut world, id, b'1');
    }
    world.pass(RETRY);
    let mut all = claimable(&mut world);
    all.sort();
    assert_eq!(all, ids);
}

#[test]
fn a_client_that_waits_gets_it_though_the_timer_came_in_between() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    later(&mut world, &["a"]);
    assert_eq!(world.say("TASK.CLAIM q w BLOCK 0"), "(waits)");
    set_version(&mut world, "a", b'1');
    world.pass(1);
    assert!(world.answered.is_empty());
    world.pass(RETRY);
    assert_eq!(world.answered.len(), 1);
    world.places();
}

#[test]
fn ghosts_of_them_are_ghosts_still() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    for id in ["a", "b"] {
        world.say(&format!("TASK.RESCHEDULE q {id} DELAY 1000"));
    }
    later(&mut world, &["a", "b"]);
    world.say("TASK.SCHEDULE q p ID d PRIORITY 1");
    world.pass(500);
    assert_eq!(claimable(&mut world), ["d", "c"]);
    back(&mut world, &["a", "b"]);
    assert_eq!(claimable(&mut world).len(), 2);
    world.places();
}

#[test]
fn a_claim_lasts_until_its_record_can_be_read() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    let (_, token) = world.claim("TASK.CLAIM q w LEASE 50").unwrap();
    later(&mut world, &["a"]);
    world.pass(10 * RETRY);
    assert!(world.say("TASK.STATS q").contains("claimed_tasks=1"));
    assert!(
        world
            .say(&format!("TASK.ACK q a {token}"))
            .starts_with("-ERR the record")
    );
    world.restart();
    world.pass(10 * RETRY);
    assert!(world.say("TASK.STATS q").contains("claimed_tasks=1"));
    back(&mut world, &["a"]);
    assert_eq!(claimable(&mut world), ["a"]);
}

#[test]
fn dead_letters_done_tasks_and_those_that_expire_stay() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} ATTEMPTS 1"));
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.FAIL q {id} {token}"));
        world.pass(1);
    }
    world.say("TASK.SCHEDULE q p ID done RETAIN 50");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q done {token}"));
    world.say("TASK.SCHEDULE q p ID old EXPIRE 50");
    later(&mut world, &["a", "done", "old"]);
    world.say("TASK.CONFIG SET q dead-limit 1");
    world.pass(10 * RETRY);
    assert_eq!(world.say("TASK.PURGE q dead"), "[0, 0]");
    assert_eq!(world.say("TASK.PURGE q done"), "[0, 0]");
    assert_eq!(world.say("TASK.PURGE q ready"), "[0, 0]");
    let stats = world.say("TASK.STATS q");
    assert!(
        stats.contains("ready_tasks=1 ") && stats.contains("done_tasks=1 dead_tasks=1 "),
        "{stats}"
    );
    back(&mut world, &["a", "done", "old"]);
    assert_eq!(world.say("TASK.RETRY q a"), "1");
    assert_eq!(world.places().into_keys().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_dependent_hears_of_its_parents_end_when_it_can_be_read() {
    let mut world = World::new();
    for words in ["top", "other", "child AFTER 2 top other", "second AFTER 1 top"] {
        world.say(&format!("TASK.SCHEDULE q p ID {words}"));
    }
    later(&mut world, &["child", "other"]);
    world.pass(RETRY);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(id, "top");
    world.say(&format!("TASK.ACK q top {token}"));
    world.pass(10 * RETRY);
    assert_eq!(claimable(&mut world), ["second"]);
    set_version(&mut world, "child", b'1');
    world.pass(RETRY);
    assert!(
        world.say("TASK.GET q child").contains("state=blocked"),
        "its other parent is not known to have ended"
    );
    back(&mut world, &["other"]);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(id, "other");
    world.say(&format!("TASK.ACK q other {token}"));
    assert_eq!(claimable(&mut world), ["child"]);
}

#[test]
fn it_keeps_its_unique_key_and_its_turn() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k GROUP g");
    world.say("TASK.SCHEDULE q p ID b GROUP g");
    later(&mut world, &["a"]);
    world.pass(10 * RETRY);
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE unknown a");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE"), "-DUPLICATE unknown a");
    assert!(world.say("TASK.GET q b").contains("state=blocked"));
    back(&mut world, &["a"]);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(id, "a");
    world.say(&format!("TASK.ACK q a {token}"));
    assert_eq!(claimable(&mut world), ["b"]);
}

#[test]
fn its_worker_gets_it_when_it_can_be_read() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a TO w");
    world.say("TASK.SCHEDULE q p ID b TO w");
    later(&mut world, &["a"]);
    assert_eq!(claimable(&mut world), ["b"]);
    world.pass(RETRY);
    assert_eq!(claimable(&mut world), [""; 0]);
    back(&mut world, &["a"]);
    assert_eq!(claimable(&mut world), ["a"]);
}

#[test]
fn children_that_cannot_be_read_hold_up_no_others() {
    for done in [true, false] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a");
        let ids: Vec<String> = (0..400).map(|n| format!("c{n:03}")).collect();
        for id in &ids {
            world.say(&format!("TASK.SCHEDULE q p ID {id} AFTER 1 a"));
        }
        // A second parent with one child: its turn comes as well.
        world.say("TASK.SCHEDULE q p ID b");
        world.say("TASK.SCHEDULE q p ID last AFTER 1 b ONFAIL RUN");
        let unreadable: Vec<&str> = ids[..300].iter().map(String::as_str).collect();
        later(&mut world, &unreadable);
        let count = world.say("TASK.CANCEL q b");
        assert_eq!(count, "1");
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        match done {
            true => _ = world.say(&format!("TASK.ACK q a {token}")),
            false => _ = world.say(&format!("TASK.FAIL q a {token} DEAD")),
        }
        let mut slices = 0;
        while world.slice() {
            slices += 1;
            assert!(slices < 20, "it rests");
        }
        let ready = if done { 101 } else { 1 };
        let stats = world.say("TASK.STATS q");
        assert!(stats.contains(&format!("ready_tasks={ready} ")), "{stats}");
        unreadable.iter().for_each(|id| set_version(&mut world, id, b'1'));
        world.pass(RETRY);
        let ready = if done { 401 } else { 1 };
        let stats = world.say("TASK.STATS q");
        assert!(
            stats.contains(&format!("ready_tasks={ready} claimed_tasks=0 blocked_tasks=0 ")),
            "{stats}"
        );
        world.places();
    }
}

#[test]
fn a_drop_leaves_them_to_a_server_that_can_read_them() {
    let mut world = World::new();
    let ids: Vec<String> = (0..300).map(|n| format!("t{n:03}")).collect();
    for (n, id) in ids.iter().enumerate() {
        let when = if n % 2 == 0 { "" } else { " DELAY 99" };
        world.say(&format!("TASK.SCHEDULE q p ID {id}{when}"));
    }
    let unreadable: Vec<&str> = ids[..200].iter().map(String::as_str).collect();
    later(&mut world, &unreadable);
    assert_eq!(world.say("TASK.DROP q"), "300");
    world.say("TASK.SCHEDULE q p ID new");
    assert_eq!(world.say("TASK.DROP q"), "1");
    let mut slices = 0;
    while world.slice() {
        slices += 1;
        assert!(slices < 20, "it rests");
    }
    let records = |world: &World| {
        world
            .keys
            .keys
            .keys()
            .filter(|key| key.starts_with(b"task:{q}:t:"))
            .count()
    };
    assert_eq!(records(&world), 200);
    world.say("TASK.SCHEDULE q p ID other");
    unreadable.iter().for_each(|id| set_version(&mut world, id, b'1'));
    assert_eq!(
        world.say(&format!("TASK.GET q {}", ids[0])),
        "null",
        "it is not there for anybody"
    );
    world.pass(RETRY);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["other"]);
    assert_eq!(world.keys.keys.len(), 2, "{:?}", world.keys.keys.keys());
}
