//! Unit tests of the history of a queue.

use super::world::{START, World, queue};
use crate::history::{Bucket, Counts, Packed as _, Span};
use crate::keyspace::Keyspace as _;
use crate::keyspace::fake::Value;
use crate::names::{Part, Position, Touched};
use crate::stats::Totals;
use crate::time::{DAY, Ms, Wall};

const MINUTE: Ms = 60_000;
pub(super) const HOUR: Ms = 60 * MINUTE;

/// The stored fields of the history of a queue.
pub(super) fn stored(world: &World, name: &str) -> Vec<String> {
    match world.keys.keys.get(&queue(name).of_queue(Part::History).to_vec()) {
        Some(Value::Hash(fields)) => fields
            .keys()
            .map(|field| String::from_utf8(field.clone()).unwrap())
            .collect(),
        _ => Vec::new(),
    }
}

/// One bucket of a reply, its start in hours from the start of the world.
pub(super) fn bucket(hour: i64, numbers: [u64; 7]) -> String {
    let [scheduled, acked, failed, lost, dead, run, ready] = numbers;
    format!(
        "{{start_at={} scheduled_total={scheduled} acked_total={acked} failed_total={failed} lost_total={lost} \
         dead_total={dead} run_total_ms={run} ready_max_tasks={ready}}}",
        START + hour * HOUR
    )
}

pub(super) fn shown(buckets: &[String]) -> String {
    format!("[{}]", buckets.join(", "))
}

/// One task that runs so long.
pub(super) fn work(world: &mut World, name: &str, ms: Ms) {
    world.say(&format!("TASK.SCHEDULE {name} p"));
    let (id, token) = world.claim(&format!("TASK.CLAIM {name} w")).unwrap();
    world.pass(ms);
    world.say(&format!("TASK.ACK {name} {id} {token}"));
    world.tick();
}

/// Lets the timer notice what happened, and write it.
pub(super) fn pass_a_minute(world: &mut World) {
    world.pass(1_000);
    world.pass(MINUTE);
}

/// Puts buckets into the key, as somebody else might.
fn put(world: &mut World, buckets: impl Iterator<Item = Bucket>, counts: &Counts) {
    for bucket in buckets {
        let (field, packed) = (bucket.field(), counts.pack());
        let key = queue("q");
        let fields = [(field.as_bytes(), packed.as_slice())];
        world.keys.hset(key.of_queue(Part::History), &fields).unwrap();
    }
    world.state.touched(&queue("q"), Touched::History);
}

/// As many tasks as this were scheduled.
fn scheduled(number: u64) -> Counts {
    let totals = Totals {
        scheduled: number,
        ..Totals::default()
    };
    Counts::of(&totals, 0)
}

#[test]
fn what_happens_is_counted_by_the_hour_and_by_the_day() {
    let mut world = World::new();
    assert_eq!(world.say("TASK.HISTORY q"), "[]");
    work(&mut world, "q", 70);
    for end in ["FAIL", "FAIL DEAD"] {
        world.say("TASK.SCHEDULE q p");
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.pass(5);
        let (verb, how) = end.split_once(' ').unwrap_or((end, "DELAY 3600000"));
        world.say(&format!("TASK.{verb} q {id} {token} {how}"));
    }
    world.say("TASK.SCHEDULE q p");
    world.claim("TASK.CLAIM q w LEASE 20").unwrap();
    world.pass(1_000);
    let first = bucket(0, [4, 1, 2, 1, 1, 80, 1]);
    assert_eq!(
        world.say("TASK.HISTORY q"),
        shown(std::slice::from_ref(&first)),
        "at once"
    );
    assert_eq!(stored(&world, "q"), [""; 0]);
    pass_a_minute(&mut world);
    assert_eq!(stored(&world, "q"), ["-20833", "500000"]);
    assert_eq!(world.say("TASK.HISTORY q HOURS 1"), shown(std::slice::from_ref(&first)));
    world.pass(2 * HOUR);
    world.say("TASK.SCHEDULE q p");
    // The one that was lost has been ready all the time, and the one that failed is ready again.
    let [stood, last] = [bucket(1, [0, 0, 0, 0, 0, 0, 1]), bucket(2, [1, 0, 0, 0, 0, 0, 3])];
    assert_eq!(world.say("TASK.HISTORY q HOURS 1"), shown(std::slice::from_ref(&last)));
    assert_eq!(world.say("TASK.HISTORY q HOURS 3"), shown(&[first, stood, last]));
    // The day began eight hours before.
    assert_eq!(
        world.say("TASK.HISTORY q DAYS 1"),
        shown(&[bucket(-8, [5, 1, 2, 1, 1, 80, 3])])
    );
    pass_a_minute(&mut world);
    assert_eq!(
        world.say("TASK.HISTORY q DAYS 400"),
        shown(&[bucket(-8, [5, 1, 2, 1, 1, 80, 3])])
    );
    assert_eq!(stored(&world, "q"), ["-20833", "500000", "500001", "500002"]);
}

#[test]
fn arguments_are_checked() {
    let mut world = World::new();
    for (words, error) in [
        ("HOURS 0", "HOURS must be an integer from 1 to 48"),
        ("HOURS 49", "HOURS must be an integer from 1 to 48"),
        ("DAYS 401", "DAYS must be an integer from 1 to 400"),
        ("DAYS 1 HOURS 1", "HOURS contradicts DAYS: give one of them"),
        ("DAYS 1 DAYS 1", "DAYS is given twice"),
    ] {
        assert_eq!(
            world.say(&format!("TASK.HISTORY q {words}")),
            format!("-BADARG {error}")
        );
    }
}

#[test]
fn it_is_written_once_a_minute() {
    let mut world = World::new();
    let mut before = Vec::new();
    let mut written = 0;
    let value = |world: &World| {
        world
            .keys
            .keys
            .get(&queue("q").of_queue(Part::History).to_vec())
            .cloned()
    };
    for _ in 0..900 {
        work(&mut world, "q", 1_000);
        let now = value(&world);
        written += usize::from(before.last() != Some(&now));
        before.push(now);
    }
    // The first of them is that there is nothing.
    assert!((14..=16).contains(&written), "{written}");
    pass_a_minute(&mut world);
    assert_eq!(
        world.say("TASK.HISTORY q DAYS 1"),
        shown(&[bucket(-8, [900, 900, 0, 0, 0, 900_000, 0])])
    );
    let rests = world.keys.writes;
    world.pass(HOUR);
    assert_eq!(world.keys.writes, rests, "nothing happens");
}

#[test]
fn it_is_not_written_while_memory_is_full_and_loses_nothing() {
    let mut world = World::new();
    for hour in 0..3 {
        work(&mut world, "q", 10);
        world.full = true;
        pass_a_minute(&mut world);
        world.pass(HOUR - MINUTE - 1_010);
        assert_eq!(stored(&world, "q"), [""; 0], "{hour}");
        world.full = false;
    }
    let hours: Vec<String> = (0..3).map(|hour| bucket(hour, [1, 1, 0, 0, 0, 10, 0])).collect();
    assert_eq!(world.say("TASK.HISTORY q"), shown(&hours));
    pass_a_minute(&mut world);
    assert_eq!(stored(&world, "q"), ["-20833", "500000", "500001", "500002"]);
    assert_eq!(world.say("TASK.HISTORY q"), shown(&hours));
}

#[test]
fn it_goes_on_after_a_restart() {
    let mut world = World::new();
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    work(&mut world, "q", 10);
    world.restart();
    world.tick();
    let shows = |world: &mut World, numbers| assert_eq!(world.say("TASK.HISTORY q"), shown(&[bucket(0, numbers)]));
    shows(&mut world, [1, 1, 0, 0, 0, 10, 0]);
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    shows(&mut world, [2, 2, 0, 0, 0, 20, 0]);
    // Of a role that is over nothing is written.
    work(&mut world, "q", 10);
    world.state.start_over(world.steady, true);
    pass_a_minute(&mut world);
    shows(&mut world, [2, 2, 0, 0, 0, 20, 0]);
}

#[test]
fn queues_that_leave_memory_lose_no_counts() {
    let mut world = World::new();
    for round in 0..2 {
        for number in 0..600 {
            let name = format!("q{number}");
            world.say(&format!("TASK.SCHEDULE {name} p ID a{round}"));
            let (id, token) = world.claim(&format!("TASK.CLAIM {name} w")).unwrap();
            world.wall = world.wall.after(3);
            world.say(&format!("TASK.ACK {name} {id} {token}"));
        }
        pass_a_minute(&mut world);
    }
    for number in 0..600 {
        let history = world.say(&format!("TASK.HISTORY q{number}"));
        assert_eq!(history, shown(&[bucket(0, [2, 2, 0, 0, 0, 6, 0])]), "{number}");
    }
}

#[test]
fn the_first_queues_have_one_and_those_that_ask_for_it() {
    let mut world = World::new();
    world.module.history_queues = 2;
    world.say("TASK.CONFIG SET never history no");
    world.say("TASK.CONFIG SET always history yes");
    let all = ["never", "q1", "q2", "q3", "always"];
    let have = |world: &World| all.map(|name| !stored(world, name).is_empty());
    for name in all {
        world.say(&format!("TASK.SCHEDULE {name} p"));
    }
    world.pass(0);
    pass_a_minute(&mut world);
    assert_eq!(have(&world), [false, true, true, false, true]);
    for name in ["never", "q3"] {
        assert_eq!(world.say(&format!("TASK.HISTORY {name}")), "[]");
    }
    // A place becomes free: from now on the next one is counted.
    world.say("TASK.CONFIG SET q1 history no");
    world.tick();
    for name in all {
        world.say(&format!("TASK.SCHEDULE {name} p"));
    }
    pass_a_minute(&mut world);
    assert_eq!(have(&world), [false, false, true, true, true]);
    assert_eq!(world.say("TASK.HISTORY q3"), shown(&[bucket(0, [1, 0, 0, 0, 0, 0, 2])]));
    assert_eq!(world.say("TASK.HISTORY q2"), shown(&[bucket(0, [2, 0, 0, 0, 0, 0, 2])]));
    // What is asked for comes back after a restart beside the others, and stays when there are to be none.
    world.restart();
    world.tick();
    assert_eq!(have(&world), [false, false, true, true, true]);
    for (most, left) in [(1, 1), (0, 0)] {
        world.module.history_queues = most;
        world.state.wake_all();
        world.tick();
        let have = have(&world);
        let automatic = have[..4].iter().filter(|has| **has).count();
        assert_eq!((automatic, have[4]), (left, true), "{most}");
    }
    world.say("TASK.SCHEDULE new p");
    pass_a_minute(&mut world);
    assert_eq!(stored(&world, "new"), [""; 0]);
}

#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let mut world = World::new();
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    work(&mut world, "q", 10);
    world.pass(1_000);
    world.wall = Wall(world.wall.0 - 3 * HOUR);
    world.say("TASK.SCHEDULE q p");
    world.pass(1_000);
    assert_eq!(stored(&world, "q").len(), 2);
    pass_a_minute(&mut world);
    assert_eq!(stored(&world, "q"), ["-20833", "499997", "500000"]);
    let both = [bucket(-3, [1, 0, 0, 0, 0, 0, 1]), bucket(0, [2, 2, 0, 0, 0, 20, 0])];
    assert_eq!(
        world.say("TASK.HISTORY q HOURS 1"),
        shown(&both),
        "what is ahead is shown"
    );
    // A run that seems to end before it began took no time.
    world.say("TASK.SCHEDULE q p ID back PRIORITY 0");
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.wall = Wall(world.wall.0 - HOUR);
    world.say(&format!("TASK.ACK q {id} {token}"));
    pass_a_minute(&mut world);
    assert_eq!(
        world.say("TASK.HISTORY q DAYS 1"),
        shown(&[bucket(-8, [4, 3, 0, 0, 0, 20, 1])])
    );
}

#[test]
fn buckets_that_are_too_old_go() {
    let mut world = World::new();
    let hours = (0..60).map(|hour| Bucket::at(Span::Hour, Wall(START - hour * HOUR)));
    let days = (0..500).map(|day| Bucket::at(Span::Day, Wall(START - day * DAY)));
    put(&mut world, hours.chain(days), &scheduled(1));
    world.pass(HOUR);
    world.say("TASK.SCHEDULE q p");
    let days = |stored: &[String]| stored.iter().filter(|field| field.starts_with('-')).count();
    let lines = |reply: &str| reply.matches("start_at=").count();
    assert_eq!(lines(&world.say("TASK.HISTORY q")), 48);
    assert_eq!(lines(&world.say("TASK.HISTORY q DAYS 400")), 400);
    pass_a_minute(&mut world);
    let left = stored(&world, "q");
    assert_eq!((left.len(), days(&left)), (448, 400));
    assert!(left.contains(&"500001".to_string()) && !left.contains(&"499953".to_string()));
    assert_eq!(lines(&world.say("TASK.HISTORY q HOURS 48")), 48);
}

/// Whether memory knows any name, or the sums a queue.
fn is_known(world: &World) -> bool {
    let known = world.state.names_from(world.db, Position::default()).count();
    known > 0 || world.state.names.sums().any(|sums| sums.queues > 0)
}

#[test]
fn a_history_alone_keeps_no_queue_alive() {
    let mut world = World::new();
    work(&mut world, "q", 10);
    for _ in 0..20 {
        world.pass(10_000);
    }
    assert_eq!(world.say("TASK.QUEUES"), "[0, []]");
    assert!(!is_known(&world));
    assert_eq!(world.say("TASK.HISTORY q"), shown(&[bucket(0, [1, 1, 0, 0, 0, 10, 0])]));
    // It is still there a day after its last hour, and is added to.
    world.pass(24 * HOUR);
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    assert_eq!(stored(&world, "q"), ["-20833", "-20834", "500000", "500024"]);
    for _ in 0..24 {
        world.pass(HOUR);
        assert_eq!(world.keys.keys.len(), 1);
    }
    world.pass(HOUR);
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
    for _ in 0..3 {
        world.pass(10_000);
    }
    assert!(!is_known(&world));
    let now = world.context();
    assert_eq!(world.state.names.next(&now), None, "nothing is planned");
}

#[test]
fn it_lasts_as_long_as_its_queue() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p DELAY 8640000000");
    pass_a_minute(&mut world);
    for _ in 0..30 {
        world.pass(DAY);
        assert_eq!(stored(&world, "q").len(), 2);
    }
    world.restart();
    world.pass(DAY);
    assert_eq!(stored(&world, "q").len(), 2);
    assert_eq!(world.say("TASK.PURGE q scheduled"), "[0, 1]");
    world.pass(DAY);
    world.pass(DAY);
    assert_eq!(world.keys.keys.len(), 0);
}

#[test]
fn it_goes_with_its_queue_and_does_not_come_back() {
    let mut world = World::new();
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    work(&mut world, "q", 10);
    assert_eq!(world.say("TASK.DROP q"), "0");
    assert_eq!(world.say("TASK.HISTORY q"), "[]");
    for _ in 0..9 {
        pass_a_minute(&mut world);
    }
    assert_eq!(world.keys.keys.len(), 0);
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    let now = bucket(0, [1, 1, 0, 0, 0, 10, 0]);
    assert_eq!(world.say("TASK.HISTORY q"), shown(&[now]));
    work(&mut world, "q", 10);
    world.flush();
    assert_eq!(world.say("TASK.HISTORY q"), "[]");
    for _ in 0..9 {
        pass_a_minute(&mut world);
    }
    assert_eq!(world.keys.keys.len(), 0);
    assert!(!is_known(&world));
}

#[test]
fn what_others_make_of_the_key_is_survived() {
    let mut world = World::new();
    let key = queue("q").of_queue(Part::History).to_vec();
    let touch = |world: &mut World| {
        world.state.touched(&queue("q"), Touched::History);
        world.tick();
    };
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    // Fields and values that are not ours.
    if let Some(Value::Hash(fields)) = world.keys.keys.get_mut(&key) {
        fields.insert(b"note".to_vec(), b"x".to_vec());
        fields.insert(b"500000".to_vec(), b"x".to_vec());
    }
    touch(&mut world);
    assert_eq!(world.say("TASK.HISTORY q"), "[]");
    let skipped = world.state.skipped_foreign;
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    assert_eq!(world.state.skipped_foreign, skipped + 1);
    assert_eq!(world.say("TASK.HISTORY q"), shown(&[bucket(0, [1, 1, 0, 0, 0, 10, 0])]));
    // More than are ours.
    let others = (0..1_100).map(|day| Bucket::at(Span::Day, Wall(day * DAY)));
    put(&mut world, others, &scheduled(1));
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    let now = bucket(0, [2, 2, 0, 0, 0, 20, 0]);
    assert_eq!(world.say("TASK.HISTORY q"), shown(&[now]));
    // A key of another type.
    world.keys.keys.insert(key.clone(), Value::String(b"x".to_vec()));
    touch(&mut world);
    assert!(world.say("TASK.HISTORY q").starts_with("-WRONGTYPE "));
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    assert_eq!(world.keys.keys.get(&key), Some(&Value::String(b"x".to_vec())));
    // It moves to another queue.
    world.keys.keys.remove(&key);
    touch(&mut world);
    work(&mut world, "q", 10);
    pass_a_minute(&mut world);
    let value = world.keys.keys.remove(&key).unwrap();
    let other = queue("other").of_queue(Part::History).to_vec();
    world.keys.keys.insert(other, value);
    world.state.touched(&queue("other"), Touched::History);
    touch(&mut world);
    assert_eq!(world.say("TASK.HISTORY q"), "[]");
    assert_eq!(
        world.say("TASK.HISTORY other"),
        shown(&[bucket(0, [1, 1, 0, 0, 0, 10, 0])])
    );
    for _ in 0..4 {
        world.pass(DAY);
    }
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}
