//! Unit tests of recurring tasks: their commands and their occurrences.

use crate::keyspace::fake::Value;
use crate::task::tests::world::{Came, START, World, queue, show, words};
use crate::time::{DAY, Ms, SECOND};

const MINUTE: Ms = 60 * SECOND;

/// The ids that are ready in the list of priority 5, without the name: how long after the start they were due.
pub(super) fn fired(world: &World) -> Vec<Ms> {
    ids(world, 5)
        .iter()
        .map(|id| id.split_once(':').unwrap().1.parse::<Ms>().unwrap() - START)
        .collect()
}

fn ids(world: &World, priority: u8) -> Vec<String> {
    match world.keys.keys.get(&queue("q").ready(priority).to_vec()) {
        Some(Value::List(ids)) => ids.iter().map(|id| String::from_utf8(id.clone()).unwrap()).collect(),
        _ => Vec::new(),
    }
}

/// The events of the queue: `type id reason`.
pub(super) fn events(world: &World) -> Vec<String> {
    let Some(Value::Stream(entries)) = world.keys.keys.get(b"task:{q}:events".as_slice()) else {
        return Vec::new();
    };
    let text = |fields: &Vec<(Vec<u8>, Vec<u8>)>, at: usize| String::from_utf8(fields[at].1.clone()).unwrap();
    let line = |fields| format!("{} {} {}", text(fields, 0), text(fields, 1), text(fields, 4));
    entries.values().map(line).collect()
}

fn set(world: &mut World, part: &str, field: &str, value: &[u8]) {
    let key = format!("task:{{q}}:{part}").into_bytes();
    match world.keys.keys.get_mut(&key) {
        Some(Value::Hash(fields)) => drop(fields.insert(field.into(), value.to_vec())),
        Some(Value::SortedSet(members)) => {
            members.insert(field.into(), std::str::from_utf8(value).unwrap().parse().unwrap());
        }
        _ => panic!("no {part}"),
    }
    world.state.touched(&queue("q"), crate::names::Touched::Queue);
}

fn keys(world: &World) -> Vec<String> {
    let keys = world.keys.keys.keys();
    keys.map(|key| String::from_utf8(key.clone()).unwrap()).collect()
}

#[test]
fn occurrences_are_tasks_with_the_options_of_the_definition() {
    let mut world = World::new();
    let due = world.say("TASK.REPEAT q tick p EVERY 1000 backoff fixed 7 PRIORITY 2 ATTEMPTS 3 LEASE 50");
    assert_eq!(due, (START + 1000).to_string());
    world.pass(999);
    assert_eq!(world.say("TASK.CLAIM q w"), "none");
    world.pass(1);
    assert_eq!(ids(&world, 2), [format!("tick:{}", START + 1000)]);
    let task = world.say(&format!("TASK.GET q tick:{}", START + 1000));
    let wanted = format!(
        "{{id=tick:{} state=ready kind=null created_at={} due_at={} claimed_at=null finished_at=null run_ms=null priority=2 attempt=0 max_attempts=3 backoff=FIXED 7 MAX 7 JITTER 0 deliveries=0 losses=0 worker=null lease_ms=50 remaining_ms=null cancelled=0 expires_at=null unique=null group=null to=null after=null after_in=null dependents=0 error=null progress=null result=null kept_until=null origin=null payload=p}}",
        START + 1000,
        START + 1000,
        START + 1000
    );
    assert_eq!(task, wanted);
    let shown = world.say("TASK.REPEATS q");
    let wanted = format!(
        "[0, [{{name=tick rule=EVERY 1000 next_at={} last_at={} fired_total=1 limit=null start_at=null end_at=null misfire=ONCE within_ms=null overlap=ALLOW owner=null payload=p options=[PRIORITY, 2, ATTEMPTS, 3, BACKOFF, FIXED, 7, LEASE, 50]}}]]",
        START + 2000,
        START + 1000
    );
    assert_eq!(shown, wanted);
    assert_eq!(world.say("TASK.UNREPEAT q tick"), "1");
    assert_eq!(world.say("TASK.UNREPEAT q tick"), "0");
    world.pass(10_000);
    assert_eq!(world.places().len(), 1);
    assert_eq!(world.say("TASK.REPEATS q"), "[0, []]");
}

#[test]
fn a_waiting_client_gets_an_occurrence_in_the_moment_it_is_due() {
    let mut world = World::new();
    world.say("TASK.REPEAT q tick p EVERY 1000");
    assert_eq!(world.say("TASK.CLAIM q w BLOCK 0"), "(waits)");
    world.pass(1000);
    assert_eq!(world.answered.len(), 1);
    world.say("TASK.PAUSE q");
    world.pass(1000);
    assert_eq!(fired(&world), [2000], "a pause holds claims, not the clock");
}

#[test]
fn the_same_call_again_changes_nothing_and_another_replaces() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000 LIMIT 3 PRIORITY 5 LEASE 9");
    world.pass(1500);
    let before = world.keys.clone();
    let again = world.say("TASK.REPEAT q n p LEASE 9 PRIORITY 5 LIMIT 3 EVERY 1000");
    assert_eq!(again, (START + 2000).to_string());
    assert_eq!(world.keys.keys, before.keys);
    world.pass(10_000);
    assert_eq!(fired(&world), [1000, 11_000]);
    // Another payload keeps the phase and the count for LIMIT, another rule starts over.
    let other = world.say("TASK.REPEAT q n other EVERY 1000 LIMIT 3 PRIORITY 5 LEASE 9");
    assert_eq!(other, (START + 12_000).to_string());
    assert!(world.say("TASK.REPEATS q").contains("fired_total=2"));
    world.say("TASK.REPEAT q n other EVERY 7000");
    world.pass(6999);
    assert_eq!(fired(&world), [1000, 11_000], "nothing is left of the old due");
    world.pass(1);
    assert_eq!(fired(&world), [1000, 11_000, 18_500]);
}

#[test]
fn a_limit_and_an_end_remove_the_definition() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 10 LIMIT 2");
    world.say(&format!("TASK.REPEAT q m p EVERY 15 END {}", START + 30));
    world.say(&format!("TASK.REPEAT q s p EVERY 100 START {} LIMIT 1", START + 40));
    for _ in 0..6 {
        world.pass(10);
    }
    assert_eq!(fired(&world), [10, 15, 20, 30, 40]);
    assert_eq!(world.say("TASK.REPEATS q"), "[0, []]");
    for key in ["repeats", "repeat-due", "repeat-payloads"] {
        assert!(!keys(&world).contains(&format!("task:{{q}}:{key}")), "{key}");
    }
    assert_eq!(
        world.say(&format!("TASK.REPEAT q now p EVERY 5 LIMIT 1 START {}", START + 60)),
        (START + 60).to_string()
    );
    world.tick();
    assert_eq!(fired(&world), [10, 15, 20, 30, 40, 60]);
}

#[test]
fn a_server_that_was_down_leaves_what_passed_to_misfire() {
    for (misfire, made, missed) in [
        ("SKIP", vec![], Some("5")),
        ("ONCE", vec![5 * MINUTE], Some("4")),
        ("ALL", (1..=5).map(|minute| minute * MINUTE).collect(), None),
        ("SKIP WITHIN 20000", vec![5 * MINUTE], Some("4")),
        ("ONCE WITHIN 19999", vec![], Some("5")),
        ("ALL WITHIN 140000", vec![3 * MINUTE, 4 * MINUTE, 5 * MINUTE], Some("2")),
    ] {
        let mut world = World::new();
        world.say(&format!("TASK.REPEAT q n p EVERY {MINUTE} MISFIRE {misfire}"));
        world.wall = world.wall.after(5 * MINUTE + 20 * SECOND);
        world.steady = world.steady.after(5 * MINUTE + 20 * SECOND);
        world.restart();
        world.tick();
        assert_eq!(fired(&world), made, "{misfire}");
        let told: Vec<String> = missed.map(|missed| format!("missed n {missed}")).into_iter().collect();
        assert_eq!(events(&world), told, "{misfire}");
        world.restart();
        world.tick();
        assert_eq!(fired(&world), made, "{misfire}: nothing twice");
        world.pass(40 * SECOND);
        assert_eq!(fired(&world).last(), Some(&(6 * MINUTE)), "{misfire}");
        assert_eq!(events(&world), told, "{misfire}");
    }
}

#[test]
fn a_thousand_misfires_come_in_slices_and_the_rest_is_missed() {
    let mut world = World::new();
    world.say(&format!("TASK.REPEAT q n p EVERY {SECOND} MISFIRE ALL"));
    world.wall = world.wall.after(DAY);
    world.steady = world.steady.after(DAY);
    let mut slices = 0;
    while world.slice() {
        slices += 1;
    }
    assert!(slices >= 8, "{slices}");
    let wanted: Vec<Ms> = (0..1000).rev().map(|back| DAY - back * SECOND).collect();
    assert_eq!(fired(&world), wanted);
    assert_eq!(events(&world), ["missed n more than 1000"]);
}

#[test]
fn full_memory_makes_misfires() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 10000");
    world.say("TASK.SCHEDULE q p ID plain DELAY 10000");
    world.full = true;
    world.pass(10_000);
    assert_eq!(ids(&world, 5), ["plain"]);
    world.pass(15_000);
    assert_eq!(ids(&world, 5), ["plain"]);
    world.full = false;
    world.pass(1000);
    assert_eq!(ids(&world, 5), ["plain".to_string(), format!("n:{}", START + 20_000)]);
    assert_eq!(events(&world), ["missed n 1"]);
}

#[test]
fn overlap_skip_leaves_out_while_the_last_one_lives() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000 OVERLAP SKIP LIMIT 3");
    world.pass(1000);
    world.pass(1000);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(1000);
    let skipped = |at: Ms| format!("skipped n:{} overlap", START + at);
    assert_eq!(events(&world), [skipped(2000), skipped(3000)]);
    world.say(&format!("TASK.ACK q {id} {token}"));
    world.pass(1000);
    assert_eq!(fired(&world), [4000]);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q {id} {token} DELAY 1500"));
    world.pass(1000);
    assert_eq!(events(&world).last(), Some(&skipped(5000)), "a retry lives");
    world.pass(500);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q {id} {token} DEAD"));
    world.pass(500);
    assert_eq!(fired(&world), [6000], "the dead do not hold others up");
    assert_eq!(
        world.say("TASK.REPEATS q"),
        "[0, []]",
        "what is left out does not count for LIMIT"
    );
}

#[test]
fn overlap_holds_over_a_replacement_and_the_limit_is_of_what_fires() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000");
    world.pass(1000);
    world.say("TASK.REPEAT q n p EVERY 1000 OVERLAP SKIP LIMIT 1 MISFIRE ALL");
    world.pass(3000);
    assert_eq!(fired(&world), [1000]);
    assert_eq!(events(&world).len(), 3);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q {id} {token}"));
    world.pass(1000);
    assert_eq!(fired(&world), [5000]);
}

#[test]
fn a_clock_that_is_stepped_makes_nothing_twice() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000");
    world.pass(2000);
    let steps = [-2000, 5000, -9000, 4000, 3000];
    for step in steps {
        world.wall = world.wall.after(step);
        world.tick();
        for _ in 0..3 {
            if let Some((id, token)) = world.claim("TASK.CLAIM q w") {
                world.say(&format!("TASK.ACK q {id} {token}"));
            }
        }
    }
    // All are gone when the clock shows their time again: only what is stored knows of them.
    assert_eq!(world.say("TASK.STATS q").split(' ').nth(6), Some("scheduled_total=4"));
    assert!(world.say("TASK.REPEATS q").contains("fired_total=4"));
}

#[test]
fn what_somebody_made_nonsense_of_is_passed_over_once() {
    for (part, value) in [
        ("repeats", "nonsense".as_bytes()),
        (
            "repeats",
            b"{\"rule\":\"EVERY 5\",\"made_at\":1,\"options\":[\"ID\",\"x\"]}",
        ),
        ("repeats", b"{\"rule\":\"EVERY 5\",\"made_at\":1,\"seen_until\":-9}"),
        ("repeats", b"{\"rule\":\"EVERY 0\",\"made_at\":1}"),
    ] {
        let mut world = World::new();
        world.say("TASK.REPEAT q n p EVERY 1000");
        world.say("TASK.REPEAT q other p EVERY 1000");
        set(&mut world, part, "n", value);
        world.pass(1000);
        assert_eq!(ids(&world, 5), [format!("other:{}", START + 1000)]);
        assert_eq!(events(&world), ["skipped n unreadable"]);
        assert_eq!(world.state.skipped_foreign, 1);
        world.pass(60_000);
        assert_eq!(world.state.skipped_foreign, 1);
        world.say("TASK.REPEAT q n p EVERY 1000");
        world.pass(1000);
        assert!(
            ids(&world, 5).contains(&format!("n:{}", START + 62_000)),
            "{:?}",
            ids(&world, 5)
        );
    }
}

#[test]
fn moments_that_somebody_wrote_make_nothing_twice() {
    for due in ["-5", "0", "99999999999999", "1800000002500"] {
        let mut world = World::new();
        world.say("TASK.REPEAT q n p EVERY 1000");
        world.pass(1000);
        world.pass(1000);
        set(&mut world, "repeat-due", "n", due.as_bytes());
        set(&mut world, "repeat-due", "ghost", b"7");
        world.tick();
        assert_eq!(fired(&world), [1000, 2000], "{due}");
        world.pass(1000);
        let wanted: &[Ms] = if due.len() == 14 {
            &[1000, 2000]
        } else {
            &[1000, 2000, 3000]
        };
        assert_eq!(fired(&world), wanted, "{due}");
    }
    // A moment that somebody deleted is stored again by the same call.
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000");
    world.keys.keys.remove(b"task:{q}:repeat-due".as_slice());
    assert_eq!(world.say("TASK.REPEAT q n p EVERY 1000"), (START + 1000).to_string());
    world.pass(1000);
    assert_eq!(fired(&world), [1000]);
}

#[test]
fn an_id_that_is_taken_is_left_alone() {
    let mut world = World::new();
    world.say(&format!("TASK.SCHEDULE q mine ID n:{} PRIORITY 0", START + 1000));
    world.keys.keys.insert(
        format!("task:{{q}}:t:n:{}", START + 2000).into_bytes(),
        Value::List(vec![b"x".to_vec()]),
    );
    world.say("TASK.REPEAT q n p EVERY 1000");
    for _ in 0..3 {
        world.pass(1000);
    }
    assert_eq!(ids(&world, 0), [format!("n:{}", START + 1000)]);
    assert_eq!(fired(&world), [3000]);
    assert!(world.say("TASK.REPEATS q").contains("fired_total=1"));
}

#[test]
fn drop_takes_the_definitions_along() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000");
    world.say("TASK.REPEAT q m p EVERY 1000");
    assert_eq!(world.say("TASK.QUEUES"), "[0, [q]]");
    assert_eq!(world.say("TASK.DROP q"), "0");
    world.pass(5000);
    assert_eq!(keys(&world), Vec::<String>::new());
}

#[test]
fn cron_and_every_error_of_its_arguments() {
    let mut world = World::new();
    let mut say = |line: &str| {
        // A cron expression has blanks: here it has underscores.
        let line: Vec<String> = words(line)
            .iter()
            .map(|word| String::from_utf8_lossy(word).replace('_', " "))
            .collect();
        let argv: Vec<&[u8]> = line.iter().map(String::as_bytes).collect();
        match world.run(None, &argv) {
            Ok(Came::Reply(reply)) => show(&reply),
            Err(error) => format!("-{error}"),
            Ok(came) => panic!("{came:?}"),
        }
    };
    // The world begins on 15 January 2027, 8:00 UTC.
    assert_eq!(
        say("TASK.REPEAT q n p CRON 0_9_*_*_*"),
        (START + 60 * MINUTE).to_string()
    );
    assert_eq!(
        say("TASK.REPEAT q n p CRON 30_9_*_*_* TZ Europe/Paris"),
        (START + 30 * MINUTE).to_string()
    );
    assert!(say("TASK.REPEATS q").contains("rule=CRON 30 9 * * * TZ Europe/Paris "));
    let long = format!("TASK.REPEAT q {} p EVERY 5", "n".repeat(241));
    for (line, error) in [
        ("TASK.REPEAT q n p", "BADARG EVERY or CRON must be given"),
        (
            "TASK.REPEAT q n p EVERY 0",
            "BADARG EVERY must be an integer from 1 to 3153600000000 ms",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 CRON x",
            "BADARG CRON contradicts EVERY: give one of them",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 TZ UTC",
            "BADARG TZ is an option of CRON, which is not given",
        ),
        (
            "TASK.REPEAT q n p CRON *_*_*_*_* TZ Mars",
            "BADARG TZ Mars is unknown: must be an IANA zone such as Europe/Paris, or UTC",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 LIMIT 0",
            "BADARG LIMIT must be an integer from 1 to 1000000000",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 MISFIRE NO",
            "BADARG misfire must be SKIP or ONCE or ALL",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 MISFIRE ONCE WITHIN 999",
            "BADARG WITHIN must be an integer from 1000 to 3153600000000 ms",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 WITHIN 1000",
            "BADARG WITHIN is an option of MISFIRE, which is not given",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 MISFIRE",
            "BADARG misfire is missing its value",
        ),
        ("TASK.REPEAT q n p EVERY 5 ID x", "BADARG unknown argument ID"),
        (
            "TASK.REPEAT q n p EVERY 5 END 5",
            "BADARG END must be an integer from 100000000000 to 100000000000000 unix ms, not seconds",
        ),
        (
            "TASK.REPEAT q n p EVERY 5 END 1700000000000",
            "BADARG END must leave an occurrence: none comes from now, or from START, until then",
        ),
        (long.as_str(), "BADNAME name must be 1 to 240 bytes long"),
        (
            "TASK.REPEATS q CURSOR x",
            "BADARG CURSOR must be 0 or what the last page replied",
        ),
    ] {
        assert_eq!(say(line), format!("-{error}"), "{line}");
    }
    assert!(say("TASK.REPEAT q n p CRON 99_*_*_*_*").starts_with("-BADARG CRON"));
}

#[test]
fn every_option_of_a_task_is_one_of_repeat() {
    use crate::command::{Arg, Kind};
    use crate::task::commands::repeat::RepeatArgs;
    use crate::task::options::{RouteOptions, RunOptions};
    fn has(args: &[Arg], option: &Arg) -> bool {
        args.iter().any(|arg| match arg.kind {
            Kind::Shared(args) => has(args, option),
            _ => arg.name == option.name && arg.word == option.word,
        })
    }
    for option in RunOptions::ARGS.iter().chain(RouteOptions::ARGS) {
        assert!(has(RepeatArgs::ARGS, option));
    }
}

#[test]
fn pages_are_in_the_order_of_what_comes_next() {
    let mut world = World::new();
    for n in 1..=5 {
        world.say(&format!("TASK.REPEAT q n{n} p EVERY {}", 6000 - n * 1000));
    }
    let mut seen = Vec::new();
    let mut cursor = "0".to_string();
    loop {
        let page = world.say(&format!("TASK.REPEATS q COUNT 2 CURSOR {cursor}"));
        seen.extend(
            page.match_indices("name=")
                .map(|(at, _)| page[at + 5..at + 7].to_string()),
        );
        cursor = page[1..].split(", [").next().unwrap().to_string();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen, ["n5", "n4", "n3", "n2", "n1"]);
}

#[test]
fn an_occurrence_for_which_a_queue_is_full_is_left_out_and_told() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q max-length 1");
    world.say("TASK.REPEAT q n p EVERY 1000 RETAIN 60000");
    world.pass(1_000);
    world.pass(1_000);
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(id, format!("n:{}", START + 1_000));
    world.say(&format!("TASK.ACK q {id} {token} RESULT 7"));
    assert!(
        world
            .say(&format!("TASK.RESULT q {id}"))
            .contains("state=done result=7")
    );
    world.pass(1_000);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, format!("n:{}", START + 3_000));
    assert_eq!(events(&world), [format!("skipped n:{} full", START + 2_000)]);
}
