//! The worker that tasks are targeted at is gone.

use super::waiting::granted;
use super::{claimable, got, schedule};
use crate::keyspace::fake::Value;
use crate::task::tests::world::{World, queue};

/// A world in which `w` is a member with so many tasks targeted at it; and their ids.
fn owner(count: usize) -> (World, Vec<String>) {
    let mut world = World::new();
    world.say("PID.REGISTER q w 7 TTL 60000");
    let ids = own(&mut world, count, "");
    (world, ids)
}

fn own(world: &mut World, count: usize, options: &str) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let more = (count - ids.len()).min(1_000);
        let made = world.say(&format!("TASK.MSCHEDULE q {more}{} TO w{options}", " p".repeat(more)));
        ids.extend(made.trim_matches(['[', ']']).split(", ").map(str::to_string));
    }
    ids
}

fn release_fields(world: &World) -> Vec<String> {
    match world.keys.keys.get(b"task:{q}".as_slice()) {
        Some(Value::Hash(fields)) => fields
            .keys()
            .map(|field| String::from_utf8(field.clone()).unwrap())
            .filter(|field| field.starts_with("orphaned:"))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn however_its_membership_ends_its_tasks_are_for_everyone_in_the_same_unit() {
    for how in [
        "PID.EVICT q w",
        "PID.DEREGISTER q w PID 7",
        "TTL",
        "DISCONNECT",
        "DELETED",
    ] {
        let mut world = World::new();
        let bind = if how == "DISCONNECT" { " BIND" } else { "" };
        world.say(&format!("PID.REGISTER q w 7 TTL 1000{bind}"));
        schedule(
            &mut world,
            &[
                "b TO w PRIORITY 2",
                "held TO w",
                "a TO w PRIORITY 7",
                "c TO w PRIORITY 7",
            ],
        );
        world.pass(1);
        schedule(&mut world, &["later TO w DELAY 5000", "plain PRIORITY 7", "dead TO w"]);
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.FAIL q b {token} DEAD"));
        world.claim("TASK.CLAIM q w LEASE 600000").unwrap();
        assert_eq!(world.places()["held"], "claimed");
        match how {
            "TTL" => world.pass(1_000),
            "DISCONNECT" => {
                world.state.disconnected(1, world.steady, world.module.ttl);
                world.tick();
            }
            "DELETED" => {
                world.keys.keys.remove(b"proc:{q}:members".as_slice());
                world.state.touched(&queue("q"), crate::names::Touched::Service);
                world.tick();
            }
            line => assert_eq!(world.say(line), "1"),
        }
        assert_eq!(world.places()["held"], "ready", "{how}");
        assert!(!world.keys.keys.contains_key(b"task:{q}:to:w".as_slice()), "{how}");
        assert_eq!(release_fields(&world), Vec::<String>::new());
        for id in ["held", "a", "b", "later"] {
            assert_eq!(got(&mut world, id, "to"), "null", "{how} {id}");
        }
        assert_eq!(claimable(&mut world, "v"), ["held", "dead", "plain", "a", "c"], "{how}");
        world.say("TASK.RETRYALL q");
        world.pass(5_000);
        assert_eq!(claimable(&mut world, "v"), ["b", "later"], "{how}");
    }
}

#[test]
fn a_process_that_takes_its_name_keeps_its_tasks() {
    let mut world = World::new();
    world.say("PID.REGISTER q w 7 TTL 0 BIND GRACE 60000");
    schedule(&mut world, &["a TO w", "held TO w"]);
    world.claim("TASK.CLAIM q w LEASE 600000").unwrap();
    world.state.disconnected(1, world.steady, world.module.ttl);
    world.tick();
    let came = world.hear(2, "PID.REGISTER q w 8 TTL 0");
    assert!(came.contains("status=replaced"), "{came}");
    world.places();
    assert_eq!(world.claim("TASK.CLAIM q v"), None);
    assert_eq!(claimable(&mut world, "w"), ["a", "held"]);
}

#[test]
fn a_queue_of_another_service_hears_of_its_members_only() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q service {q}crew");
    world.say("HB.BEAT q w");
    world.say("HB.BEAT {q}crew w");
    schedule(&mut world, &["a TO w"]);
    world.say("PID.EVICT q w");
    assert_eq!(world.claim("TASK.CLAIM q v"), None);
    world.say("PID.EVICT {q}crew w");
    assert_eq!(claimable(&mut world, "v"), ["a"]);
}

#[test]
fn clients_that_wait_get_what_was_for_one_that_died() {
    let (mut world, _) = owner(0);
    for connection in 3..6 {
        world.hear(connection, &format!("TASK.CLAIM q v{connection} BLOCK 0"));
    }
    schedule(&mut world, &["a TO w", "b TO w"]);
    world.claim("TASK.CLAIM q w LEASE 600000").unwrap();
    assert_eq!(granted(&mut world), []);
    world.say("PID.EVICT q w");
    let ids: Vec<String> = granted(&mut world).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["a", "b"]);
    world.places();
}

#[test]
fn of_very_many_a_thousand_go_at_once_and_the_rest_in_slices_over_a_restart() {
    for restart_after in [0, 1, 7] {
        let (mut world, ids) = owner(1_500);
        let later = own(&mut world, 300, " DELAY 50");
        world.say("TASK.CLAIM q w COUNT 100 LEASE 600000");
        world.tick();
        world.say("PID.EVICT q w");
        world.places();
        assert!(world.say("TASK.STATS q").contains("ready_tasks=1500 claimed_tasks=0 "));
        assert_eq!(release_fields(&world), ["orphaned:w"]);
        let got_now = world.say("TASK.CLAIM q v COUNT 1000").matches("id=").count();
        assert_eq!(got_now, 1_000);
        for _ in 0..restart_after {
            world.slice();
        }
        world.restart();
        // It comes back and gets something new meanwhile.
        world.say("PID.REGISTER q w 8 TTL 60000");
        schedule(&mut world, &["new TO w PRIORITY 9", "later TO w DELAY 50"]);
        // No reply shows a target that is gone, whether the timer is done or not.
        assert_eq!(got(&mut world, &ids[1_499], "to"), "null");
        assert_eq!(got(&mut world, "new", "to"), "w");
        world.say(&format!("TASK.RESCHEDULE q {} DELAY 60", later[0]));
        world.say(&format!("TASK.RESCHEDULE q {} PRIORITY 0", ids[1_499]));
        world.places();
        world.say(&format!("TASK.RESCHEDULE q {} DELAY 60", ids[1_498]));
        world.places();
        world.tick();
        assert_eq!(release_fields(&world), Vec::<String>::new());
        world.places();
        let rest = claimable(&mut world, "v");
        assert_eq!(rest.first(), ids.last());
        assert!(!rest.contains(&"new".to_string()));
        assert_eq!(rest.len() + got_now, 1_499);
        assert_eq!(claimable(&mut world, "w"), ["new"]);
        world.pass(60);
        assert_eq!(claimable(&mut world, "v").len(), 301);
        assert_eq!(claimable(&mut world, "w"), ["later"]);
    }
}

#[test]
fn one_that_came_back_claims_what_was_its_own_as_anybody_may() {
    let (mut world, _) = owner(1_200);
    world.say("PID.EVICT q w");
    world.say("PID.REGISTER q w 8 TTL 60000");
    assert_eq!(world.say("TASK.CLAIM q v COUNT 1000").matches("id=").count(), 1_000);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(got(&mut world, &id, "to"), "null");
    world.say(&format!("TASK.RELEASE q {id} {token}"));
    assert_eq!(world.claim("TASK.CLAIM q v").unwrap().0, id);
    world.places();
    // One that is targeted at it again is its own, though it was among the earlier ones.
    let (mut world, _) = owner(1_200);
    world.say("TASK.SCHEDULE q p ID u TO w UNIQUE k PRIORITY 9");
    world.say("PID.EVICT q w");
    world.say("PID.REGISTER q w 8 TTL 60000");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE TO w"), "u");
    world.places();
    world.tick();
    assert_eq!(claimable(&mut world, "v").len(), 1_200);
    assert_eq!(claimable(&mut world, "w"), ["u"]);
}

#[test]
fn fences_of_a_server_whose_clock_was_ahead_do_not_matter() {
    for count in [5, 1_200] {
        let (mut world, ids) = owner(count);
        // A replica whose clock is behind took over.
        world.wall.0 -= 60_000;
        world.restart();
        world.state.fence = 0;
        world.tick();
        world.say("PID.EVICT q w");
        world.say("PID.REGISTER q w 8 TTL 60000");
        world.say("TASK.SCHEDULE q p ID new TO w");
        world.tick();
        assert_eq!(claimable(&mut world, "v"), ids);
        assert_eq!(claimable(&mut world, "w"), ["new"]);
    }
}

#[test]
fn what_a_key_of_another_type_holds_up_goes_on_when_it_is_repaired() {
    let (mut world, ids) = owner(3);
    let list = b"task:{q}:ready:3".to_vec();
    world.keys.keys.insert(list.clone(), Value::String(b"?".to_vec()));
    world.say("PID.EVICT q w");
    assert_eq!(release_fields(&world), ["orphaned:w"]);
    assert_eq!(got(&mut world, &ids[0], "to"), "null");
    world.tick();
    world.keys.keys.remove(&list);
    world.state.touched(&queue("q"), crate::names::Touched::Queue);
    world.tick();
    assert_eq!(claimable(&mut world, "v"), ids);
    assert_eq!(release_fields(&world), Vec::<String>::new());
    assert!(!world.keys.keys.contains_key(b"task:{q}".as_slice()));
}

#[test]
fn a_worker_that_is_no_member_keeps_its_tasks() {
    let mut world = World::new();
    schedule(&mut world, &["a TO w"]);
    world.pass(1_000_000);
    world.say("PID.EVICT q w");
    assert_eq!(world.claim("TASK.CLAIM q v"), None);
    assert_eq!(claimable(&mut world, "w"), ["a"]);
}
