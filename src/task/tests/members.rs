//! Unit tests of queues whose workers are members of a service.

use super::walk::Dice;
use super::world::{World, queue};
use crate::keyspace::fake::Value;
use crate::names::Touched;
use crate::time::Steady;

/// A world with tasks `t0`, `t1`, ... in queue `q`.
fn tasks(count: usize) -> World {
    let mut world = World::new();
    for number in 0..count {
        world.say(&format!("TASK.SCHEDULE q p ID t{number}"));
    }
    world
}

fn order(world: &mut World, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| world.claim("TASK.CLAIM q next").unwrap().0)
        .collect()
}

fn score(world: &World, id: &str) -> i64 {
    match &world.keys.keys[b"task:{q}:claimed".as_slice()] {
        Value::SortedSet(claims) => claims[id.as_bytes()],
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_dead_member_held_is_ready_in_the_same_unit_in_claim_order() {
    let mut world = tasks(4);
    world.say("HB.BEAT q one");
    world.say("HB.BEAT q two");
    world.say("TASK.CLAIM q one");
    world.say("TASK.CLAIM q two");
    let (_, token) = world.claim("TASK.CLAIM q one").unwrap();
    let (_, other) = world.claim("TASK.CLAIM q two").unwrap();
    assert_eq!(world.say("PID.EVICT q one"), "1");
    assert_eq!(
        world.say(&format!("TASK.ACK q t2 {token}")),
        "-STALE this token holds no claim: the task is now ready"
    );
    assert_eq!(world.say(&format!("TASK.ACK q t3 {other}")), "OK");
    assert_eq!(order(&mut world, 2), ["t0", "t2"]);
    assert!(world.say("TASK.GET q t0").contains("attempt=2"));
    assert!(world.say("TASK.GET q t0").contains("losses=1"));
    assert_eq!(world.places()["t1"], "claimed");
}

#[test]
fn one_that_leaves_gives_back_without_an_attempt_and_those_that_wait_are_served() {
    let mut world = tasks(2);
    world.say("PID.REGISTER q w 7");
    world.say("TASK.CLAIM q w COUNT 2");
    assert_eq!(world.say("TASK.CLAIM q next BLOCK 0"), "(waits)");
    assert_eq!(world.say("PID.DEREGISTER q w PID 7"), "1");
    assert_eq!(world.answered[0].granted[0].task(), b"t0");
    assert!(world.say("TASK.GET q t0").contains("attempt=1"));
    assert!(world.say("TASK.GET q t0").contains("losses=0"));
}

#[test]
fn claims_lost_with_too_many_members_are_dead() {
    let mut world = tasks(1);
    world.say("TASK.CONFIG SET q max-lost 1");
    for place in ["ready", "dead"] {
        world.say("HB.BEAT q w");
        world.claim("TASK.CLAIM q w LEASE MEMBER").unwrap();
        world.say("PID.EVICT q w");
        assert_eq!(world.places()["t0"], place);
    }
}

#[test]
fn of_very_many_claims_all_are_fenced_and_the_rest_moves_in_slices() {
    let mut world = tasks(1_300);
    world.say("HB.BEAT q w TTL 60000");
    world.say("PID.REGISTER q x 7 TTL 60000");
    let (_, first) = world.claim("TASK.CLAIM q w").unwrap();
    for _ in 0..2 {
        world.say("TASK.CLAIM q w COUNT 600 LEASE MEMBER");
    }
    let (_, own) = world.claim("TASK.CLAIM q x").unwrap();
    world.say("PID.EVICT q w");
    assert!(world.say("TASK.STATS q").contains("ready_tasks=1098 claimed_tasks=202"));
    for command in ["ACK", "FAIL", "RELEASE", "EXTEND"] {
        assert_eq!(
            world.say(&format!("TASK.{command} q t0 {first}")),
            "-STALE this token holds no claim: the task is now on its way back"
        );
    }
    assert_eq!(world.say(&format!("TASK.MACK q 1 t0 {first}")), "[STALE]");
    assert!(world.say("TASK.GET q t0").contains("state=claimed"));
    assert_eq!(world.say(&format!("TASK.EXTEND q t1201 {own} LEASE 60000")), "60000");
    world.tick();
    assert!(world.state.known_queue(&queue("q")).unwrap().ended.is_empty());
    let expected: Vec<String> = (0..1_300)
        .filter(|number| *number != 1_201)
        .map(|number| format!("t{number}"))
        .collect();
    assert_eq!(order(&mut world, 1_299), expected);
    assert!(world.say("TASK.GET q t0").contains("losses=1"));
}

#[test]
fn members_that_went_before_the_claims_were_walked_hold_nothing() {
    let mut world = tasks(25);
    world.say("PID.REGISTER q w 7");
    world.say("HB.BEAT q v");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CLAIM q w COUNT 22");
    world.say("TASK.CLAIM q v");
    world.restart();
    assert_eq!(world.say("PID.DEREGISTER q w PID 7"), "1");
    assert!(world.say(&format!("TASK.ACK q t0 {token}")).starts_with("-STALE"));
    world.say("PID.REGISTER q w 8");
    world.say("TASK.CLAIM q w");
    world.tick();
    assert!(world.state.known_queue(&queue("q")).unwrap().revoked.is_empty());
    let places = world.places();
    let claimed: Vec<&String> = places.keys().filter(|id| places[*id] == "claimed").collect();
    assert_eq!(claimed, ["t23", "t24"]);
    assert!(world.say("TASK.GET q t0").contains("losses=0"));
}

#[test]
fn a_claim_may_last_as_long_as_its_member() {
    let mut world = tasks(2);
    assert_eq!(
        world.say("TASK.CLAIM q w LEASE MEMBER"),
        "-NOMEMBER no member w in service q (setting service of queue q)"
    );
    world.say("PID.REGISTER q still 7 TTL 0");
    assert_eq!(
        world.say("TASK.CLAIM q still LEASE MEMBER BLOCK 0"),
        "-BADARG LEASE MEMBER needs a worker that is a member with a TTL: this one has TTL 0"
    );
    world.say("PID.REGISTER q w 7 TTL 86400000");
    let shown = world.say("TASK.CLAIM q w LEASE member FULL");
    assert!(shown.contains("lease_ms=null"), "{shown}");
    let token = world.state.fence;
    let record = &world.keys.keys[b"task:{q}:t:t0".as_slice()];
    let Value::String(header) = record else { panic!() };
    assert_eq!(&header[23..29], b"zzzzzz");
    assert_eq!(score(&world, "t0"), Steady::NEVER.0);
    for shown in [world.say("TASK.GET q t0"), world.say("TASK.LIST q claimed")] {
        assert!(shown.contains("worker=w lease_ms=null remaining_ms=null"), "{shown}");
    }
    assert_eq!(world.say(&format!("TASK.EXTEND q t0 {token} PROGRESS 5")), "null");
    assert!(world.say("TASK.GET q t0").contains("progress=5"));
    assert_eq!(score(&world, "t0"), Steady::NEVER.0);
    world.pass(80_000_000);
    assert_eq!(world.places()["t0"], "claimed");

    world.say(&format!("TASK.ACK q t0 {token} NEXT"));
    let token = world.state.fence;
    assert!(
        world
            .say("TASK.GET q t1")
            .contains("worker=w lease_ms=null remaining_ms=null")
    );
    assert_eq!(world.say(&format!("TASK.EXTEND q t1 {token} LEASE 50")), "50");
    assert!(world.say("TASK.GET q t1").contains("lease_ms=50 remaining_ms=50"));
    world.pass(50);
    assert_eq!(world.places()["t1"], "ready");
}

#[test]
fn such_a_claim_ends_with_the_ttl_of_its_member_and_when_it_was_cancelled() {
    let mut world = tasks(2);
    world.say("HB.BEAT q w TTL 1000");
    world.say("TASK.CLAIM q w COUNT 2 LEASE MEMBER");
    world.say("TASK.CANCEL q t1");
    world.pass(999);
    assert_eq!(world.places().len(), 2);
    world.pass(1);
    assert_eq!(world.places().into_iter().collect::<Vec<_>>(), [("t0".into(), "ready")]);
}

#[test]
fn after_a_load_such_a_claim_lasts_if_its_member_is_there() {
    let mut world = tasks(3);
    world.say("HB.BEAT q stays TTL 9000");
    world.say("HB.BEAT q goes TTL 9000");
    world.say("TASK.CLAIM q stays LEASE MEMBER");
    world.say("TASK.CLAIM q goes COUNT 2 LEASE MEMBER");
    world.restart();
    world.tick();
    assert_eq!(score(&world, "t0"), Steady::NEVER.0);
    assert_eq!(world.places()["t1"], "claimed");
    world.restart();
    if let Some(Value::Hash(members)) = world.keys.keys.get_mut(b"proc:{q}:members".as_slice()) {
        members.remove(b"goes".as_slice());
    }
    world.tick();
    assert_eq!(world.places()["t0"], "claimed");
    assert_eq!(order(&mut world, 2), ["t1", "t2"]);
    assert!(world.say("TASK.GET q t1").contains("losses=1"));
}

#[test]
fn a_waiting_client_that_is_no_member_any_more_is_told_when_its_turn_comes() {
    let mut world = World::new();
    world.say("HB.BEAT q w");
    assert_eq!(world.say("TASK.CLAIM q w LEASE MEMBER BLOCK 0"), "(waits)");
    assert_eq!(world.say("TASK.CLAIM q v BLOCK 0"), "(waits)");
    world.say("PID.EVICT q w");
    world.say("TASK.SCHEDULE q p ID a");
    let told: Vec<String> = world
        .answered
        .iter()
        .map(|answer| match &answer.reply {
            Ok(_) => String::from_utf8_lossy(answer.granted[0].task()).into_owned(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        told,
        ["NOMEMBER no member w in service q (setting service of queue q)", "a"]
    );
}

#[test]
fn a_queue_follows_the_service_it_is_told_at_once() {
    let mut world = tasks(3);
    assert!(world.say("TASK.CONFIG GET q service").contains("service=q"));
    assert_eq!(world.say("TASK.CONFIG SET q service {q}crew"), "OK");
    assert_eq!(world.say("TASK.CONFIG GET q service"), "{service={q}crew}");
    world.say("HB.BEAT q w TTL 50000");
    world.say("HB.BEAT {q}crew w TTL 50000");
    world.say("TASK.CLAIM q w");
    world.say("TASK.CLAIM q w LEASE MEMBER");
    world.say("PID.EVICT q w");
    assert_eq!(world.places()["t0"], "claimed");
    world.say("PID.EVICT {q}crew w");
    assert_eq!(world.places()["t0"], "ready");
    assert_eq!(world.places()["t1"], "ready");

    world.say("HB.BEAT {q}crew w TTL 50000");
    world.say("TASK.CLAIM q w LEASE MEMBER");
    world.say("TASK.CLAIM q w");
    assert_eq!(world.say("TASK.CONFIG SET q service q lease 7000"), "OK");
    assert_eq!(world.say("TASK.CONFIG GET q service lease"), "{lease=7000 service=q}");
    world.tick();
    assert_eq!(world.places()["t0"], "ready", "nothing else would end it");
    assert_eq!(world.places()["t1"], "claimed");
    assert!(
        world
            .say("TASK.CONFIG SET q service other")
            .starts_with("-BADARG service must be")
    );
    assert_eq!(world.say("TASK.CONFIG SET q service q"), "OK");
    world.say("HB.BEAT q w");
    world.say("PID.EVICT q w");
    assert_eq!(world.places()["t1"], "ready");
}

#[test]
fn a_change_by_hand_of_the_service_is_found() {
    let mut world = tasks(1);
    world.say("HB.BEAT q w TTL 50000");
    world.say("TASK.CLAIM q w LEASE MEMBER");
    let fields = [(b"service".to_vec(), b"{q}crew".to_vec())].into();
    world.keys.keys.insert(b"task:{q}".to_vec(), Value::Hash(fields));
    world.state.touched(&queue("q"), Touched::Queue);
    world.tick();
    assert_eq!(world.places()["t0"], "ready");
}

#[test]
fn a_queue_with_a_foreign_key_is_passed_over_and_the_others_go_on() {
    let mut world = tasks(1);
    world.say("TASK.CONFIG SET {q}other service q");
    world.say("TASK.SCHEDULE {q}other p ID a");
    world.say("HB.BEAT q w TTL 50000");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CLAIM {q}other w");
    world
        .keys
        .keys
        .insert(b"task:{q}:dead".to_vec(), Value::String(b"?".to_vec()));
    let before = world.keys.keys[b"task:{q}:t:t0".as_slice()].clone();
    world.say("PID.EVICT q w");
    assert!(world.say("TASK.GET {q}other a").contains("state=ready"));
    assert_eq!(world.keys.keys[b"task:{q}:t:t0".as_slice()], before);
    assert_eq!(world.state.skipped_foreign, 1);
    assert!(world.say(&format!("TASK.ACK q t0 {token}")).starts_with("-STALE"));
    world.tick();
    world.keys.keys.remove(b"task:{q}:dead".as_slice());
    world.pass(1_000);
    assert_eq!(world.places()["t0"], "ready");
}

#[test]
fn a_quiet_worker_gets_nothing_however_long_it_waits() {
    let mut world = tasks(2);
    world.say("TASK.SCHEDULE r p ID r0");
    world.say("HB.BEAT q w");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("HB.SIGNAL q * quiet");
    assert_eq!(world.say("TASK.CLAIM q w"), "none");
    assert_eq!(world.say(&format!("TASK.ACK q t0 {token} NEXT")), "none");
    assert!(world.say("TASK.MCLAIM 2 q r w BLOCK 0").contains("id=r0"));
    for claim in ["CLAIM q w", "MCLAIM 1 q w", "MCLAIM 2 q r w"] {
        assert_eq!(world.say(&format!("TASK.{claim} BLOCK 0")), "(waits)");
    }
    assert!(world.say("TASK.CLAIM q other").contains("id=t1"));
    world.say("TASK.SCHEDULE q p");
    world.pass(1_000);
    assert_eq!(world.answered.len(), 0);
}

#[test]
fn a_signal_ends_the_waits_of_those_it_reaches_and_of_no_others() {
    let mut world = World::new();
    for member in ["a", "b"] {
        world.say(&format!("HB.BEAT q {member}"));
        world.say(&format!("TASK.CLAIM q {member} BLOCK 0"));
        world.say(&format!("HB.SIGNAL q {member} quiet"));
        assert_eq!(world.answered.len(), 1, "{member}");
        world.answered.clear();
        world.say(&format!("TASK.CLAIM q {member} BLOCK 0"));
    }
    for (signal, ended) in [("b none", 0), ("b stop", 1), ("* reload", 0), ("* stop", 1)] {
        world.say(&format!("HB.SIGNAL q {signal}"));
        assert_eq!(std::mem::take(&mut world.answered).len(), ended, "{signal}");
    }
}

#[test]
fn a_quiet_worker_that_waits_is_served_in_its_turn_when_it_may_work_again() {
    for end in [
        "HB.SIGNAL q w none",
        "HB.SIGNAL q * reload",
        "PID.EVICT q w",
        "PID.DROP q FORCE",
        "TASK.CONFIG SET q service {q}s",
        "",
    ] {
        let mut world = World::new();
        world.say("HB.BEAT q w");
        world.say("HB.SIGNAL q w quiet");
        world.say("TASK.CLAIM q w BLOCK 0");
        // It is passed over once.
        world.say("TASK.CLAIM q other BLOCK 0");
        world.say("TASK.SCHEDULE q p ID first");
        assert_eq!(world.answered.len(), 1, "{end}");
        world.say("TASK.CLAIM q other BLOCK 0");
        if end.is_empty() {
            // Another client deletes the members.
            world.keys.keys.remove(b"proc:{q}:members".as_slice());
            world.state.touched(&queue("q"), Touched::Service);
        } else {
            assert!(!world.say(end).starts_with('-'), "{end}");
        }
        world.pass(1_000);
        world.say("TASK.SCHEDULE q p ID second");
        let tickets: Vec<_> = world.answered.iter().map(|answer| answer.ticket).collect();
        assert_eq!(tickets, [2, 1], "{end}");
        assert_eq!(world.answered[1].granted[0].task(), b"second", "{end}");
    }
}

#[test]
fn a_client_that_is_quiet_in_one_of_its_queues_is_passed_over_there() {
    let mut world = World::new();
    world.say("HB.BEAT q w");
    world.say("HB.SIGNAL q w stop");
    assert_eq!(world.say("TASK.MCLAIM 2 q r w BLOCK 0"), "(waits)");
    assert_eq!(world.say("TASK.CLAIM q other BLOCK 0"), "(waits)");
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE r p ID b");
    let granted: Vec<&[u8]> = world.answered.iter().map(|answer| answer.granted[0].task()).collect();
    assert_eq!(granted, [b"a".as_slice(), b"b"]);
    assert_eq!(world.say("TASK.MCLAIM 2 q r w BLOCK 0"), "(waits)");
    world.say("HB.SIGNAL q w none");
    world.say("TASK.SCHEDULE q p ID c");
    assert_eq!(world.answered.len(), 3);
}

#[test]
fn a_quiet_worker_stays_quiet_after_a_load() {
    let mut world = tasks(1);
    world.say("HB.BEAT q w");
    world.say("HB.SIGNAL q * quiet");
    world.restart();
    assert_eq!(world.say("TASK.CLAIM q w BLOCK 0"), "(waits)");
    assert_eq!(world.places()["t0"], "ready");
}

#[test]
fn a_worker_is_told_of_the_cancelled_tasks_it_holds() {
    let mut world = tasks(3);
    world.say("HB.BEAT q w TTL 9000");
    let (_, first) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CLAIM q w LEASE 10");
    world.say("TASK.CLAIM q w LEASE MEMBER");
    world.say("TASK.CANCEL q t2 t0 t1");
    assert!(world.say("HB.BEAT q w").contains("cancelled=[t0, t1, t2]"));
    assert!(world.say("HB.BEAT q other").contains("cancelled=[]"));
    world.say(&format!("TASK.ACK q t0 {first}"));
    world.pass(10);
    assert!(world.say("HB.BEAT q w").contains("cancelled=[t2]"));
    world.restart();
    world.tick();
    assert!(world.say("HB.BEAT q w").contains("cancelled=[t2]"));
    world.say("PID.EVICT q w");
    assert!(world.state.cancelled_of(&queue("q"), "w").is_empty());
    assert!(world.places().is_empty());
}

#[test]
fn nothing_is_kept_of_a_queue_whose_cancelled_claims_are_over() {
    let mut world = tasks(1);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CANCEL q t0");
    world.say(&format!("TASK.ACK q t0 {token}"));
    assert!(world.state.cancelling.is_empty(), "without a heartbeat");
    world.say("TASK.SCHEDULE q x ID again");
    world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CANCEL q again");
    assert_eq!(world.state.cancelling.len(), 1);
    world.say("TASK.DROP q FORCE");
    assert!(world.state.cancelling.is_empty(), "dropped");
}

#[test]
fn workers_are_shown_with_what_they_are_as_members() {
    let mut world = tasks(3);
    world.say("HB.BEAT q a");
    world.say("HB.BEAT q b BIND GRACE 500");
    for worker in ["a", "b", "c"] {
        world.say(&format!("TASK.CLAIM q {worker}"));
    }
    world.state.disconnected(1, world.steady, 15_000);
    let shown = world.say("TASK.WORKERS q");
    for state in ["worker=a state=up", "worker=b state=grace", "worker=c state=null"] {
        assert!(shown.contains(state), "{shown}");
    }
}

#[test]
fn bound_claims_of_a_member_in_grace_go_with_it() {
    let mut world = tasks(2);
    world.say("HB.BEAT q w TTL 5000 BIND GRACE 500");
    world.say("TASK.CLAIM q w COUNT 2 BIND");
    world.state.disconnected(1, world.steady, 15_000);
    world.tick();
    assert_eq!(world.places()["t0"], "claimed");
    world.pass(500);
    assert_eq!(world.places()["t0"], "ready");
    assert!(world.state.bound.is_empty());
    assert_eq!(order(&mut world, 2), ["t0", "t1"]);
}

/// Members come, go and leave, the server restarts, the queue changes its service: no task is lost or in two
/// places, and once the timer is at rest no claim that lasts as long as its member has outlived it.
#[test]
fn no_random_history_leaves_a_claim_without_its_member() {
    for seed in 0..40_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        for step in 0..300 {
            let worker = ["a", "b", "c"][dice.roll(3)];
            let service = ["q", "{q}s"][dice.roll(2)];
            match dice.roll(14) {
                0..=2 => {
                    world.say(&format!("TASK.SCHEDULE q p ID t{}", dice.roll(30)));
                }
                3..=5 => {
                    let lease = ["MEMBER", "30", "MEMBER BIND"][dice.roll(3)];
                    world.say(&format!("TASK.CLAIM q {worker} LEASE {lease}"));
                }
                6 => {
                    world.say(&format!("HB.BEAT {service} {worker} TTL 100"));
                }
                7 => {
                    world.say(&format!("HB.BEAT {service} {worker} BIND GRACE 20"));
                }
                8 => {
                    world.say(&format!("PID.EVICT {service} {worker}"));
                }
                9 => {
                    world.say(&format!("TASK.CANCEL q t{}", dice.roll(30)));
                }
                10 => world.pass(dice.roll(60) as i64),
                11 if dice.roll(3) == 0 => {
                    world.say(&format!("TASK.CONFIG SET q service {service}"));
                }
                12 if dice.roll(3) == 0 => world.restart(),
                _ => {
                    world.state.disconnected(1, world.steady, 15_000);
                }
            }
            world.places();
            if step % 5 == 0 {
                world.tick();
                check_claims(&mut world, seed);
            }
        }
    }
}

/// With the timer at rest, memory knows the claims, and those that last as long as a member have one.
fn check_claims(world: &mut World, seed: u64) {
    let service = world.say("TASK.CONFIG GET q service");
    let service = service
        .trim_start_matches("{service=")
        .strip_suffix('}')
        .unwrap()
        .to_string();
    let shown = world.say("TASK.LIST q claimed COUNT 1000");
    for task in shown.split("{id=").skip(1) {
        if task.contains("lease_ms=null") {
            let worker = task.split("worker=").nth(1).unwrap().split(' ').next().unwrap();
            let member = world.say(&format!("PID.GET {service} {worker} state"));
            assert_ne!(member, "null", "seed {seed}: {task}");
        }
    }
    let known = world.state.known_queue(&queue("q"));
    let held: usize = known.map_or(0, |queue| queue.claims.summary().map(|(_, count)| count).sum());
    assert_eq!(held, shown.matches("{id=").count(), "seed {seed}");
    let cancelled: usize = ["a", "b", "c"]
        .iter()
        .map(|worker| world.state.cancelled_of(&queue(&service), worker).len())
        .sum();
    assert_eq!(cancelled, shown.matches("cancelled=1").count(), "seed {seed}");
    assert_eq!(world.state.cancelling.len(), usize::from(cancelled > 0), "seed {seed}");
}

#[test]
fn to_follow_a_service_takes_the_right_to_read_it() {
    let mut world = World::new();
    assert_eq!(
        world.say("TASK.CONFIG SET q lease 5 service {q}forbidden"),
        "-NOPERM no permission for the key given as service"
    );
    assert!(world.keys.keys.is_empty());
    assert_eq!(world.say("TASK.CONFIG SET q service {q}s"), "OK");
    assert_eq!(
        world.say("TASK.CONFIG SET {q}forbidden service {q}forbidden"),
        "OK",
        "its own"
    );
    assert_eq!(
        world.say("TASK.CONFIG GET q lease service lease"),
        "-BADARG lease is given twice"
    );
    assert_eq!(
        world.say("TASK.CLAIM q w LEASE MEMBER"),
        "-NOMEMBER no member w in service {q}s (setting service of queue q)"
    );
}
