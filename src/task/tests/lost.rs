//! Unit tests of the error of tasks that died because their claims were lost.

use crate::task::tests::world::{World, got};

/// The error of the task `a`.
fn error_of(world: &mut World) -> String {
    let task = world.say("TASK.GET q a");
    let (_, rest) = task.split_once(" error=").unwrap();
    rest.split(" progress=").next().unwrap().to_string()
}

#[test]
fn it_says_how_often_and_how_the_last_one_was_lost() {
    for (how, error) in [
        ("lease", "lost 4 times, last: lease of w4 ran out"),
        ("connection", "lost 4 times, last: connection of w4 closed"),
        ("member", "lost 4 times, last: member w4 died"),
    ] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a");
        for n in 1..=4 {
            assert_eq!(error_of(&mut world), "null", "{how}");
            let worker = format!("w{n}");
            match how {
                "lease" => {
                    world.claim(&format!("TASK.CLAIM q {worker} LEASE 9")).unwrap();
                    world.pass(9);
                }
                "connection" => {
                    world.hear(1, &format!("TASK.CLAIM q {worker} BIND"));
                    world.state.disconnected(1, world.steady, 1_000);
                    world.tick();
                }
                _ => {
                    world.say(&format!("PID.REGISTER q {worker} 1 TTL 60000"));
                    world.claim(&format!("TASK.CLAIM q {worker} LEASE MEMBER")).unwrap();
                    world.say(&format!("PID.EVICT q {worker}"));
                }
            }
        }
        assert_eq!(got(&mut world, "a", "state"), "dead", "{how}");
        assert_eq!(error_of(&mut world), error);
        world.say("TASK.RETRY q a");
        assert_eq!(error_of(&mut world), error, "until there is another");
    }
}

#[test]
fn it_is_that_of_the_last_attempt() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a ATTEMPTS 2 BACKOFF FIXED 0");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} ERROR oops"));
    world.claim("TASK.CLAIM q w LEASE 9").unwrap();
    assert_eq!(error_of(&mut world), "oops");
    world.pass(9);
    assert_eq!(got(&mut world, "a", "state"), "dead");
    assert_eq!(error_of(&mut world), "lost once: lease of w ran out");
    assert!(
        world
            .say("TASK.RESULT q a")
            .contains("error=lost once: lease of w ran out ")
    );
}
