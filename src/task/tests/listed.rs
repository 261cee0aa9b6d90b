//! Unit tests of TASK.QUEUES STATS and PID.SERVICES STATS: the same numbers, without a key being opened.

use super::world::{World, queue};
use crate::names::Touched;

/// What TASK.QUEUES shows of `q`.
fn listed(world: &mut World) -> String {
    let page = world.say("TASK.QUEUES MATCH q STATS");
    let shown = page
        .strip_prefix("[0, [{queue=q ")
        .and_then(|page| page.strip_suffix("}]]"));
    shown.unwrap_or_else(|| panic!("{page}")).to_string()
}

/// What TASK.STATS shows of it.
fn shown(world: &mut World) -> String {
    let [stats, kinds] = ["", " KINDS"].map(|kinds| world.say(&format!("TASK.STATS q{kinds}")));
    format!("{} kinds={kinds}", stats.trim_matches(['{', '}']))
}

#[test]
fn a_list_shows_what_stats_shows() {
    let mut world = World::new();
    for line in [
        "TASK.SCHEDULE q p ID a KIND mail",
        "TASK.SCHEDULE q p ID b PRIORITY 2 RETAIN 100000",
        "TASK.SCHEDULE q p ID c TO w",
        "TASK.SCHEDULE q p ID d DELAY 50",
        "TASK.SCHEDULE q p ID e AFTER 1 d",
        "TASK.SCHEDULE q p ID f GROUP g",
        "TASK.SCHEDULE q p ID g GROUP g",
        "TASK.PAUSE q FOR 70",
        "TASK.RESUME q",
        "TASK.CANCEL q f",
        "TASK.RESCHEDULE q a PRIORITY 1",
        "TASK.PAUSE q",
        "TASK.RESUME q",
        "TASK.CONFIG SET q lease 7000",
    ] {
        world.say(line);
        assert_eq!(listed(&mut world), shown(&mut world), "{line}");
    }
    world.pass(57);
    for how in ["TASK.ACK q", "TASK.FAIL q", "TASK.RELEASE q", "TASK.ACK q"] {
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!(listed(&mut world), shown(&mut world), "a claim of {id}");
        world.pass(3);
        world.say(&format!("{how} {id} {token}"));
        assert_eq!(listed(&mut world), shown(&mut world), "{how} {id}");
    }
    for _ in 0..20 {
        world.pass(10_000);
        assert_eq!(listed(&mut world), shown(&mut world));
    }
}

#[test]
fn a_list_opens_no_key_of_what_has_not_changed() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a KIND mail");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(5);
    world.say(&format!("TASK.FAIL q a {token} DELAY 100000000"));
    world.say("TASK.SCHEDULE q p ID b");
    let before = shown(&mut world);
    for _ in 0..20 {
        world.pass(10_000);
    }
    assert!(world.state.known_queue(&queue("q")).is_none(), "it rests");
    let keys = std::mem::take(&mut world.keys.keys);
    let age = |stats: &str, ms: i64| stats.replace("oldest_ready_ms=0 ", &format!("oldest_ready_ms={ms} "));
    assert_eq!(listed(&mut world), age(&before, 200_000));
    assert!(world.state.known_queue(&queue("q")).is_none(), "and rests on");
    world.state.touched(&queue("q"), Touched::Queue);
    assert_eq!(world.say("TASK.QUEUES STATS"), "[0, []]", "without keys");
    world.keys.keys = keys;
    world.state.touched(&queue("q"), Touched::Queue);
    assert_eq!(listed(&mut world), age(&before, 200_000));
    world.restart();
    assert!(
        listed(&mut world).contains("scheduled_tasks=1 ready_tasks=1 "),
        "it is measured again"
    );
}

#[test]
fn what_was_measured_for_somebody_is_measured_once_and_forgotten_in_time() {
    let mut world = World::new();
    let schedule = |world: &mut World, number: usize| {
        world.say(&format!("TASK.SCHEDULE q{number} p DELAY 100000000"));
    };
    (0..50).for_each(|number| schedule(&mut world, number));
    // The timer comes to new names.
    world.pass(1_000);
    (0..50).for_each(|number| schedule(&mut world, number));
    world.say("TASK.QUEUES COUNT 1000 STATS");
    world.keys.keys.clear();
    world.pass(1_000);
    assert!(
        world.say("TASK.QUEUES STATS").starts_with("[0, [{queue="),
        "nobody told of it"
    );
    for number in 0..50 {
        world.state.touched(&queue(&format!("q{number}")), Touched::Queue);
        assert_eq!(world.say(&format!("TASK.QUEUES MATCH q{number} STATS")), "[0, []]");
    }
    for _ in 0..9 {
        world.pass(10_000);
    }
    assert_eq!(world.state.names_from(0, crate::names::Position::default()).count(), 0);
    assert_eq!(world.state.next_keeping(world.steady), None);
}

#[test]
fn services_are_listed_with_their_members_and_leader() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p");
    world.say("HB.BEAT s a TTL 1000");
    assert_eq!(
        world.say("PID.SERVICES STATS"),
        "[0, [{service=s members=1 leaders=0}]]"
    );
    world.say("HB.BEAT s b TTL 9000 CAMPAIGN");
    assert_eq!(
        world.say("PID.SERVICES STATS"),
        "[0, [{service=s members=2 leaders=1}]]"
    );
    world.pass(1_100);
    assert_eq!(
        world.say("PID.SERVICES STATS"),
        "[0, [{service=s members=1 leaders=1}]]"
    );
    world.say("PID.EVICT s b");
    assert_eq!(
        world.say("PID.SERVICES STATS"),
        "[0, [{service=s members=0 leaders=0}]]"
    );
}

#[test]
fn a_page_has_a_bound_of_kinds_too() {
    let mut world = World::new();
    for number in 0..40 {
        for kind in 0..100 {
            world.say(&format!("TASK.SCHEDULE q{number} p KIND k{kind}"));
        }
        world.say(&format!("TASK.CLAIM q{number} w COUNT 100"));
    }
    let (mut pages, mut queues, mut cursor) = (0, 0, "0".to_string());
    loop {
        let page = world.say(&format!("TASK.QUEUES CURSOR {cursor} COUNT 1000 STATS"));
        assert!(page.matches("{kind=").count() <= 2_100);
        queues += page.matches("{queue=").count();
        pages += 1;
        cursor = page[1..page.find(',').unwrap()].to_string();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!((pages, queues), (2, 40));
}
