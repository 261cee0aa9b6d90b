//! Unit tests of PURGE with IDS.

use crate::task::tests::world::World;

#[test]
fn those_of_these_tasks_go_that_are_in_the_state() {
    let mut world = World::new();
    for words in [
        "scheduled DELAY 50 UNIQUE k EXPIRE 9",
        "ready",
        "first GROUP g TO w",
        "blocked GROUP g",
        "child AFTER 1 ready",
        "heir AFTER 1 child ONFAIL RUN",
    ] {
        world.say(&format!("TASK.SCHEDULE q p ID {words}"));
    }
    for id in ["dead", "done", "claimed"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} PRIORITY 0 RETAIN 50"));
        let (_, token) = world.claim("TASK.CLAIM q other").unwrap();
        match id {
            "dead" => _ = world.say(&format!("TASK.FAIL q dead {token} DEAD")),
            "done" => _ = world.say(&format!("TASK.ACK q done {token}")),
            _ => {}
        }
    }
    let all = "9 scheduled ready first blocked child dead done claimed nobody";
    for (state, gone, left) in [
        ("dead", "1", 8),
        ("done", "1", 7),
        // The next in the group of the purged one goes on.
        ("blocked", "2", 5),
        ("scheduled", "1", 4),
        ("ready", "2", 2),
    ] {
        assert_eq!(
            world.say(&format!("TASK.PURGE q {state} IDS {all}")),
            format!("[0, {gone}]"),
            "{state}"
        );
        assert_eq!(world.places().len(), left, "{state}");
    }
    let places = world.places();
    assert_eq!((places["claimed"], places["heir"]), ("claimed", "ready"));
    assert_eq!(world.say("TASK.SCHEDULE q p ID scheduled UNIQUE k"), "scheduled");
    assert_eq!(
        world.say("TASK.PURGE q dead IDS 1 a OLDER 5"),
        "-BADARG IDS contradicts OLDER: give one of them"
    );
    assert_eq!(
        world.say("TASK.PURGE q dead COUNT 5 IDS 1 a"),
        "-BADARG IDS contradicts COUNT: give one of them"
    );
    assert!(
        world
            .say("TASK.PURGE q claimed IDS 1 claimed")
            .starts_with("-BADARG state must be")
    );
}
