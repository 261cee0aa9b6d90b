//! Waiting clients and targeted tasks.

use super::schedule;
use crate::task::tests::world::{Came, World, queue, words};
use crate::waiting::Granted;

/// The ids granted to waiting clients since the last call, with the answers' tickets.
pub(super) fn granted(world: &mut World) -> Vec<(u64, String)> {
    let answers = world.answered.drain(..);
    answers
        .flat_map(|answer| answer.granted.into_iter().map(move |granted| (answer.ticket, granted)))
        .map(|(ticket, granted)| match granted {
            Granted::Claim { id, .. } => (ticket, String::from_utf8(id.to_vec()).unwrap()),
            Granted::Member { .. } => panic!("a member"),
        })
        .collect()
}

#[test]
fn the_client_of_its_worker_gets_it_wherever_it_stands_in_the_line() {
    let mut world = World::new();
    let wait = |world: &mut World, connection, worker: &str| match world
        .run(Some(connection), &words(&format!("TASK.CLAIM q {worker} BLOCK 0")))
    {
        Ok(Came::Waits(ticket)) => ticket,
        other => panic!("{other:?}"),
    };
    let (a, b, c) = (
        wait(&mut world, 1, "a"),
        wait(&mut world, 2, "b"),
        wait(&mut world, 3, "c"),
    );
    let second = wait(&mut world, 4, "b");
    schedule(&mut world, &["nobody TO x"]);
    assert_eq!(granted(&mut world), []);
    schedule(&mut world, &["one TO b"]);
    assert_eq!(granted(&mut world), [(b, "one".into())]);
    schedule(&mut world, &["two TO b"]);
    assert_eq!(granted(&mut world), [(second, "two".into())]);
    schedule(&mut world, &["late TO c DELAY 5"]);
    world.pass(5);
    assert_eq!(granted(&mut world), [(c, "late".into())]);
    schedule(&mut world, &["plain"]);
    assert_eq!(granted(&mut world), [(a, "plain".into())]);
    let queue = world.state.known_queue(&queue("q")).unwrap();
    assert!(queue.workers_to_serve.is_empty(), "{:?}", queue.workers_to_serve);
}

#[test]
fn what_a_pause_or_a_limit_keeps_back_is_handed_over_at_its_end() {
    for (begin, end) in [
        ("TASK.PAUSE q", "TASK.RESUME q"),
        ("TASK.PAUSE q FOR 10", ""),
        ("TASK.CONFIG SET q concurrency 1", "TASK.CONFIG SET q concurrency 9"),
        ("TASK.CONFIG SET q rate 1/10", ""),
        ("HB.SIGNAL q b quiet", "HB.SIGNAL q b none"),
    ] {
        for waits_first in [true, false] {
            let mut world = World::new();
            for member in ["a", "b"] {
                world.say(&format!("HB.BEAT q {member} TTL 60000"));
            }
            schedule(&mut world, &["held"]);
            assert!(!world.say(begin).starts_with('-'), "{begin}");
            world.say("TASK.CLAIM q other LEASE 100000");
            world.hear(2, "TASK.CLAIM q a BLOCK 0");
            // In two queues, so that a client that is quiet in one goes on waiting.
            let wait = |world: &mut World| world.hear(3, "TASK.MCLAIM 2 q r b BLOCK 0");
            if waits_first {
                assert_eq!(wait(&mut world), "(waits)", "{begin}");
            }
            schedule(&mut world, &["mine TO b"]);
            if !waits_first {
                assert_eq!(wait(&mut world), "(waits)", "{begin}");
            }
            schedule(&mut world, &["nobody TO c"]);
            let before: Vec<String> = granted(&mut world).into_iter().map(|(_, id)| id).collect();
            assert!(!before.contains(&"mine".to_string()), "{begin}: {before:?}");
            if !end.is_empty() {
                world.say(end);
            }
            world.pass(10);
            let mut after: Vec<String> = granted(&mut world).into_iter().map(|(_, id)| id).collect();
            if after == ["held"] {
                // After the pause, one was there for the first in line.
                after.clear();
            }
            after.retain(|id| id != "held");
            assert_eq!(after, ["mine"], "{begin} {waits_first}");
        }
    }
}

#[test]
fn a_claim_that_passes_over_ids_does_not_wait_for_what_is_for_others() {
    let mut world = World::new();
    for n in 0..1_100 {
        world.say(&format!("TASK.SCHEDULE q p ID t{n}"));
    }
    world.say("TASK.SCHEDULE q p ID other TO x");
    let ids: Vec<String> = (0..1_100).map(|n| format!("t{n}")).collect();
    // More cancelled tasks at the head than one claim passes over.
    for ids in ids.chunks(1_000) {
        world.say(&format!("TASK.CANCEL q {}", ids.join(" ")));
    }
    for _ in 0..3 {
        let came = world.hear(5, "TASK.CLAIM q w");
        assert!(["none", "(waits)"].contains(&came.as_str()), "{came}");
        world.tick();
        assert_eq!(world.state.waiting.count(&queue("q")), 0, "nobody waits for ever");
    }
    world.places();
}
