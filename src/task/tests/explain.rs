//! Unit tests of TASK.EXPLAIN.

use super::world::{START, World, queue};

/// The causes, with their texts and ends.
fn explain(world: &mut World, words: &str) -> String {
    let writes = world.keys.writes;
    let reply = world.say(&format!("TASK.EXPLAIN {words}"));
    assert_eq!(world.keys.writes, writes, "it only reads");
    reply
}

fn cause(cause: &str, text: &str, until: Option<i64>) -> String {
    let until = until.map_or("null".into(), |until| (START + until).to_string());
    format!("{{cause={cause} text={text} until_at={until}}}")
}

#[track_caller]
fn is(world: &mut World, words: &str, causes: &[String]) {
    assert_eq!(explain(world, words), format!("[{}]", causes.join(", ")), "{words}");
}

/// A world in which a worker waits for the tasks of `q`.
fn waiting() -> World {
    let mut world = World::new();
    world.say("TASK.CLAIM q w BLOCK 0");
    world
}

#[test]
fn every_cause_is_told_alone_while_a_worker_waits() {
    for (steps, text) in [
        (vec![], cause("empty", "no task waits", None)),
        (
            vec!["TASK.PAUSE q", "TASK.SCHEDULE q p"],
            cause("paused", "paused until TASK.RESUME", None),
        ),
        (
            vec!["TASK.PAUSE q FOR 50", "TASK.SCHEDULE q p"],
            cause("paused", "paused for a time, or until TASK.RESUME", Some(50)),
        ),
        (
            vec![
                "TASK.SCHEDULE q p",
                "TASK.CLAIM q w LEASE 90 BLOCK 0",
                "TASK.CLAIM q w LEASE 90 BLOCK 0",
                "TASK.CONFIG SET q concurrency 1",
                "TASK.SCHEDULE q p",
            ],
            cause("concurrency", "concurrency 1 is reached: w has 1", Some(30_000)),
        ),
        (
            vec![
                "TASK.CONFIG SET q rate 1/70",
                "TASK.SCHEDULE q p",
                "TASK.CLAIM q w BLOCK 0",
                "TASK.SCHEDULE q p",
            ],
            cause("rate", "rate 1/70 is reached", Some(70)),
        ),
        (
            vec!["TASK.SCHEDULE q p DELAY 20", "TASK.SCHEDULE q p DELAY 10"],
            cause("scheduled", "2 tasks are not due yet", Some(10)),
        ),
        (
            vec!["TASK.SCHEDULE q p TO other"],
            cause("targeted", "1 task is ready for one worker alone (TO)", None),
        ),
        (
            vec![
                "HB.BEAT q w",
                "TASK.CLAIM q w BLOCK 0",
                "HB.SIGNAL q w quiet",
                "TASK.CLAIM q w BLOCK 0",
                "TASK.SCHEDULE q p",
            ],
            cause(
                "quiet",
                "the workers that wait for tasks are told to be quiet (HB.SIGNAL)",
                None,
            ),
        ),
        (
            vec![
                "TASK.CONFIG SET q service {q}s",
                "TASK.SCHEDULE q p DELAY 1",
                "TASK.PAUSE q",
            ],
            [
                cause("paused", "paused until TASK.RESUME", None),
                cause("members-down", "service {q}s has no members", None),
                cause("scheduled", "1 task is not due yet", Some(1)),
            ]
            .join(", "),
        ),
    ] {
        let mut world = waiting();
        for step in &steps {
            assert!(!world.say(step).starts_with('-'), "{step}");
        }
        is(&mut world, "q", &[text]);
    }
}

#[test]
fn ready_tasks_need_somebody_who_waits() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p");
    is(
        &mut world,
        "q",
        &[cause("unclaimed", "1 task is ready, and no client waits for one", None)],
    );
    world.say("TASK.PAUSE q");
    world.say("TASK.CLAIM q w BLOCK 0");
    let paused = cause("paused", "paused until TASK.RESUME", None);
    is(&mut world, "q w", std::slice::from_ref(&paused));
    let other = cause("unclaimed", "1 task is ready, and other does not wait for one", None);
    is(&mut world, "q w other", &[paused, other]);
}

#[test]
fn attempts_that_failed_are_told_from_tasks_for_later() {
    let mut world = waiting();
    world.say("TASK.SCHEDULE q p ID a");
    let token = world.answered[0].granted[0].clone();
    let crate::waiting::Granted::Claim { token, .. } = token else {
        panic!("{token:?}")
    };
    world.say(&format!("TASK.FAIL q a {token} DELAY 500"));
    let backoff = cause(
        "backoff",
        "1 task is not due yet after an attempt that failed",
        Some(500),
    );
    is(&mut world, "q", &[backoff]);
    world.say("TASK.SCHEDULE q p DELAY 900");
    is(
        &mut world,
        "q",
        &[cause("scheduled", "2 tasks are not due yet", Some(500))],
    );
    world.say("TASK.SCHEDULE q p ID b AFTER 1 a");
    let blocked = "1 task is blocked, by a group or until others end (AFTER)";
    is(
        &mut world,
        "q",
        &[
            cause("scheduled", "2 tasks are not due yet", Some(500)),
            cause("blocked", blocked, None),
        ],
    );
}

#[test]
fn what_the_server_refuses_comes_first() {
    let mut world = waiting();
    world.keys.refusal = Some("NOREPLICAS Not enough good replicas to write.".into());
    world.full = true;
    world.module.timer = false;
    is(
        &mut world,
        "q",
        &[
            cause("writes-refused", "NOREPLICAS Not enough good replicas to write.", None),
            cause(
                "memory-full",
                "used memory is above maxmemory: no tasks are added",
                None,
            ),
            cause(
                "timer-held",
                "steward.timer is no: nothing becomes due or expires",
                None,
            ),
            cause("empty", "no task waits", None),
        ],
    );
}

#[test]
fn a_worker_is_explained_as_a_member() {
    let mut world = waiting();
    let empty = cause("empty", "no task waits", None);
    is(&mut world, "q w", std::slice::from_ref(&empty));
    is(&mut world, "never w", std::slice::from_ref(&empty));
    assert!(world.state.known_queue(&queue("never")).is_none());
    world.hear(7, "PID.REGISTER q m 12 TTL 0 BIND GRACE 60000");
    is(
        &mut world,
        "q w m",
        &[
            cause("no-member", "w is no member of service q: no LEASE MEMBER", None),
            empty.clone(),
        ],
    );
    world.say("HB.SIGNAL q m stop");
    is(
        &mut world,
        "q m",
        &[cause("quiet", "m is told to be quiet (HB.SIGNAL)", None), empty.clone()],
    );
    let steady = world.steady;
    world.state.disconnected(7, steady, 1_000);
    is(
        &mut world,
        "q",
        &[
            cause(
                "members-down",
                "the members of service q have lost their connections",
                None,
            ),
            empty.clone(),
        ],
    );
    world.say("PID.EVICT q m");
    is(
        &mut world,
        "q",
        &[cause("members-down", "service q has no members", None), empty],
    );
}

#[test]
fn the_holders_of_the_places_are_named_most_claims_first() {
    let mut world = World::new();
    for n in 0..10 {
        world.say(&format!("TASK.SCHEDULE q p ID t{n}"));
    }
    for n in 0..7 {
        world.say(&format!("TASK.CLAIM q w{n} LEASE {}", 100 + n));
    }
    world.say("TASK.CLAIM q w6 LEASE MEMBER");
    world.say("TASK.CLAIM q w6 LEASE 5000");
    world.say("TASK.CONFIG SET q concurrency 3");
    let text = "concurrency 3 is reached: w6 has 2, w0 has 1, w1 has 1, w2 has 1, w3 has 1, 2 others";
    let concurrency = cause("concurrency", text, Some(100));
    let unclaimed = cause("unclaimed", "2 tasks are ready, and no client waits for one", None);
    is(&mut world, "q", &[concurrency, unclaimed.clone()]);
    // A process that has not granted them does not know when they end.
    world.restart();
    is(&mut world, "q", &[cause("concurrency", text, None), unclaimed]);
}
