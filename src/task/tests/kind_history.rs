//! Unit tests of what the history of a queue has of each kind.

use super::history::{HOUR, pass_a_minute, shown};
use super::world::{START, World, queue};
use crate::keyspace::fake::Value;
use crate::names::{Part, Touched};

/// One kind in a bucket of a reply, the start of the bucket in hours from the start of the world.
fn of(hour: i64, kind: &str, numbers: [u64; 4]) -> String {
    let [acked, failed, dead, run] = numbers;
    let start = START + hour * HOUR;
    format!(
        "{{start_at={start} kind={kind} acked_total={acked} failed_total={failed} dead_total={dead} run_total_ms={run}}}"
    )
}

/// One task of a kind that runs 10 ms and ends so.
fn run(world: &mut World, kind: &str, end: &str) {
    world.say(&format!("TASK.SCHEDULE q p KIND {kind} ATTEMPTS 1"));
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(10);
    world.say(&format!("TASK.{end} q {id} {token}"));
    world.tick();
}

fn stored(world: &World) -> Option<&Value> {
    world.keys.keys.get(&queue("q").of_queue(Part::KindHistory).to_vec())
}

#[test]
fn each_kind_is_counted_by_the_hour_and_by_the_day() {
    let mut world = World::new();
    assert_eq!(world.say("TASK.HISTORY q KINDS"), "[]");
    world.say("TASK.SCHEDULE q p");
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q {id} {token}"));
    assert_eq!(world.say("TASK.HISTORY q KINDS"), "[]", "it has no kind");
    run(&mut world, "mail", "ACK");
    run(&mut world, "mail", "FAIL");
    run(&mut world, "bill", "ACK");
    let first = [of(0, "bill", [1, 0, 0, 10]), of(0, "mail", [1, 1, 1, 20])];
    assert_eq!(world.say("TASK.HISTORY q KINDS"), shown(&first), "at once");
    assert!(stored(&world).is_none());
    pass_a_minute(&mut world);
    assert!(stored(&world).is_some());
    assert_eq!(world.say("TASK.HISTORY q HOURS 1 KINDS"), shown(&first));
    // Not written when the hour ends.
    run(&mut world, "mail", "ACK");
    world.pass(1_000);
    world.pass(2 * HOUR);
    run(&mut world, "mail", "ACK");
    let [bill, mail, last] = [
        of(0, "bill", [1, 0, 0, 10]),
        of(0, "mail", [2, 1, 1, 30]),
        of(2, "mail", [1, 0, 0, 10]),
    ];
    assert_eq!(world.say("TASK.HISTORY q KINDS"), shown(&[bill, mail, last.clone()]));
    assert_eq!(world.say("TASK.HISTORY q HOURS 1 KINDS"), shown(&[last]));
    let days = [of(-8, "bill", [1, 0, 0, 10]), of(-8, "mail", [3, 1, 1, 40])];
    assert_eq!(world.say("TASK.HISTORY q DAYS 400 KINDS"), shown(&days));
    pass_a_minute(&mut world);
    world.restart();
    world.tick();
    assert_eq!(
        world.say("TASK.HISTORY q KINDS DAYS 1"),
        shown(&days),
        "after a restart"
    );
    run(&mut world, "bill", "ACK");
    pass_a_minute(&mut world);
    let days = [of(-8, "bill", [2, 0, 0, 20]), of(-8, "mail", [3, 1, 1, 40])];
    assert_eq!(world.say("TASK.HISTORY q KINDS DAYS 1"), shown(&days));
}

#[test]
fn nothing_of_a_kind_is_counted_twice_or_lost() {
    let mut world = World::new();
    run(&mut world, "k", "ACK");
    // The queue leaves memory and comes back.
    for number in 0..600 {
        world.say(&format!("TASK.SCHEDULE q{number} p"));
    }
    pass_a_minute(&mut world);
    run(&mut world, "k", "ACK");
    pass_a_minute(&mut world);
    assert_eq!(world.say("TASK.HISTORY q KINDS"), shown(&[of(0, "k", [2, 0, 0, 20])]));
    // Of a role that is over nothing is written.
    run(&mut world, "k", "ACK");
    world.state.start_over(world.steady, true);
    run(&mut world, "k", "ACK");
    pass_a_minute(&mut world);
    assert_eq!(world.say("TASK.HISTORY q KINDS"), shown(&[of(0, "k", [3, 0, 0, 30])]));
}

#[test]
fn kinds_beyond_the_first_fifty_are_counted_as_one() {
    let mut world = World::new();
    run(&mut world, "zz", "ACK");
    pass_a_minute(&mut world);
    for number in 0..51 {
        run(&mut world, &format!("kind{number:02}"), "ACK");
    }
    run(&mut world, "zz", "ACK");
    for when in ["before it is written", "after"] {
        let reply = world.say("TASK.HISTORY q HOURS 1 KINDS");
        assert_eq!(reply.matches("start_at=").count(), 51, "{when}");
        for (kind, runs) in [("kind00", 1), ("kind48", 1), ("other", 2), ("zz", 2)] {
            assert!(reply.contains(&of(0, kind, [runs, 0, 0, 10 * runs])), "{when} {reply}");
        }
        pass_a_minute(&mut world);
    }
    assert_eq!(world.say("TASK.STATS q KINDS").matches("kind=").count(), 52);
}

#[test]
fn it_goes_with_the_history() {
    for end in ["TASK.DROP q", "TASK.CONFIG SET q history no", ""] {
        let mut world = World::new();
        run(&mut world, "k", "ACK");
        pass_a_minute(&mut world);
        assert!(stored(&world).is_some());
        if end.is_empty() {
            for _ in 0..30 {
                world.pass(HOUR);
            }
        } else {
            world.say(end);
            world.tick();
        }
        assert!(stored(&world).is_none(), "{end}");
        assert_eq!(world.say("TASK.HISTORY q KINDS"), "[]");
    }
}

#[test]
fn buckets_that_are_too_old_go() {
    let mut world = World::new();
    for _ in 0..60 {
        run(&mut world, "k", "ACK");
        pass_a_minute(&mut world);
        world.pass(HOUR);
    }
    let Some(Value::Hash(fields)) = stored(&world) else {
        panic!("a hash")
    };
    let hours = fields.keys().filter(|field| !field.starts_with(b"-")).count();
    assert!((47..=48).contains(&hours), "{hours}");
}

#[test]
fn what_others_make_of_the_key_is_survived() {
    let mut world = World::new();
    let key = queue("q").of_queue(Part::KindHistory).to_vec();
    run(&mut world, "k", "ACK");
    pass_a_minute(&mut world);
    let Some(Value::Hash(fields)) = world.keys.keys.get_mut(&key) else {
        panic!("a hash")
    };
    fields.insert(b"500000".to_vec(), b"\x7fx".to_vec());
    assert_eq!(world.say("TASK.HISTORY q KINDS"), "[]");
    let skipped = world.state.skipped_foreign;
    run(&mut world, "k", "ACK");
    pass_a_minute(&mut world);
    assert_eq!(world.state.skipped_foreign, skipped + 1);
    assert_eq!(world.say("TASK.HISTORY q KINDS"), shown(&[of(0, "k", [1, 0, 0, 10])]));
    // A key of another type holds up neither the queue nor the other key.
    world.keys.keys.insert(key.clone(), Value::String(b"x".to_vec()));
    assert!(world.say("TASK.HISTORY q KINDS").starts_with("-WRONGTYPE "));
    run(&mut world, "k", "ACK");
    pass_a_minute(&mut world);
    assert!(world.say("TASK.HISTORY q").contains(" acked_total=3 "));
    assert_eq!(world.keys.keys.get(&key), Some(&Value::String(b"x".to_vec())));
    // Alone it keeps no queue alive, but stays as long as the other key: the two may come one after the other.
    world
        .keys
        .keys
        .insert(key.clone(), Value::Hash([(b"500000".to_vec(), b"".to_vec())].into()));
    world.keys.keys.remove(&queue("q").of_queue(Part::History).to_vec());
    world.state.touched(&queue("q"), Touched::History);
    world.pass(20 * HOUR);
    assert!(stored(&world).is_some());
    for _ in 0..60 {
        world.pass(HOUR);
    }
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}
