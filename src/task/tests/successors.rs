//! Unit tests: what is kept of acknowledgements that claimed the next task.

use super::world::World;
use crate::names::Name;

#[test]
fn no_more_acknowledgements_are_kept_than_claims_live() {
    let mut world = World::new();
    for number in 0..40 {
        world.say(&format!("TASK.SCHEDULE q p ID t{number}"));
    }
    let queue = Name::new(0, b"q").unwrap();
    let kept = |world: &World| world.state.known_queue(&queue).unwrap().successors.count();
    let (mut id, mut token) = world.claim("TASK.CLAIM q w LEASE 1000").unwrap();
    for number in 1..30 {
        let reply = world.say(&format!("TASK.ACK q {id} {token} NEXT"));
        assert!(reply.contains(&format!("id=t{number} ")), "{reply}");
        (id, token) = (format!("t{number}"), world.state.fence as i64);
        assert_eq!(kept(&world), 1);
    }
    world.pass(1_000);
    assert_eq!(kept(&world), 0, "its lease is over");
    for end in ["TASK.FAIL q", "TASK.RELEASE q", "TASK.ACK q"] {
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        let reply = world.say(&format!("TASK.ACK q {id} {token} NEXT"));
        assert_eq!(kept(&world), 1, "{reply}");
        let id = reply.split("id=").nth(1).unwrap().split(' ').next().unwrap();
        world.say(&format!("{end} {id} {}", world.state.fence));
        assert_eq!(kept(&world), 0, "{end}");
    }
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q {id} {token} NEXT"));
    world.say("TASK.DROP q FORCE");
    assert_eq!(kept(&world), 0);
}
