//! Unit tests of AFTER ... IN: tasks of `q` that wait for tasks of other queues.

use std::collections::BTreeMap;

use crate::keyspace::fake::Value;
use crate::names::Touched;
use crate::task::tests::walk::Dice;
use crate::task::tests::world::{World, got, queue};

const MANY: usize = 1_000;

fn schedule(world: &mut World, all: &[&str]) {
    for words in all {
        let (of, words) = words.split_once(' ').unwrap();
        let id = words.split(' ').next().unwrap();
        assert_eq!(world.say(&format!("TASK.SCHEDULE {of} p ID {words}")), id, "{words}");
    }
    check(world);
}

fn check(world: &mut World) {
    world.places();
    world.places_in("{q}p");
}

/// Claims the next task of a queue, and ends it.
fn end(world: &mut World, of: &str, how: &str) -> String {
    let (id, token) = world.claim(&format!("TASK.CLAIM {of} w")).expect("a task");
    let (command, options) = how.split_once(' ').unwrap_or((how, ""));
    let line = format!("TASK.{command} {of} {id} {token} {options}");
    assert!(!world.say(line.trim_end()).starts_with('-'), "{line}");
    check(world);
    id
}

fn many(world: &mut World, of: &str, count: usize, options: &str) {
    for _ in 0..count.div_ceil(MANY) {
        let line = format!(
            "TASK.MSCHEDULE {of} {}{} {options}",
            count.min(MANY),
            " p".repeat(count.min(MANY))
        );
        assert!(world.say(&line).starts_with('['), "{options}");
    }
}

/// Which keys there are, apart from numbers of workers and events.
fn keys(world: &World) -> Vec<String> {
    let keys = world
        .keys
        .keys
        .keys()
        .map(|key| String::from_utf8_lossy(key).into_owned());
    keys.filter(|key| !key.ends_with(":workers") && !key.ends_with(":events"))
        .collect()
}

#[test]
fn a_task_waits_for_tasks_of_its_own_queue_and_of_others() {
    let mut world = World::new();
    schedule(
        &mut world,
        &[
            "{q}p a",
            "{q}p b/c",
            "{q}s a",
            "q a",
            "q x AFTER 1 a IN {q}p 2 a b/c IN {q}s 1 a",
            "q y AFTER 0 IN {q}p 1 a",
            "{q}p z AFTER 0 IN q 2 x y",
        ],
    );
    assert_eq!(got(&mut world, "x", "after"), "[a]");
    assert!(
        world
            .say("TASK.GET q x")
            .contains(" after_in=[[{q}p, [a, b/c]], [{q}s, [a]]] ")
    );
    assert_eq!(got(&mut world, "y", "after"), "null");
    assert_eq!(got(&mut world, "a", "after_in"), "null");
    assert!(world.say("TASK.GET {q}p a").contains(" dependents=2 "));
    assert!(world.say("TASK.GET q a").contains(" dependents=1 "));
    world.restart();
    world.tick();
    assert_eq!(end(&mut world, "{q}p", "ACK"), "a");
    assert_eq!((world.places()["x"], world.places()["y"]), ("blocked", "ready"));
    assert_eq!(end(&mut world, "{q}s", "ACK"), "a");
    assert_eq!(end(&mut world, "q", "ACK"), "a");
    assert_eq!(world.places()["x"], "blocked");
    assert_eq!(end(&mut world, "{q}p", "ACK"), "b/c");
    assert_eq!(end(&mut world, "q", "ACK"), "y");
    assert_eq!(world.places_in("{q}p")["z"], "blocked");
    assert_eq!(end(&mut world, "q", "ACK"), "x");
    assert_eq!(end(&mut world, "{q}p", "ACK"), "z");
    world.tick();
    assert_eq!(keys(&world), [""; 0]);
}

#[test]
fn a_client_that_waits_in_the_other_queue_gets_what_is_freed() {
    let mut world = World::new();
    schedule(&mut world, &["{q}p a", "q x AFTER 0 IN {q}p 1 a"]);
    assert_eq!(world.hear(2, "TASK.CLAIM q w BLOCK 0"), "(waits)");
    end(&mut world, "{q}p", "ACK");
    assert_eq!(world.answered[0].granted[0].task(), b"x");
}

#[test]
fn what_does_not_succeed_in_another_queue_takes_its_children_along_or_lets_them_run() {
    for (how, why) in [
        ("FAIL", "boom"),
        ("LOSE", "lost once: lease of w ran out"),
        ("CANCEL", "cancelled"),
        ("EXPIRE", "expired"),
        ("PURGE", "removed"),
        ("PURGE DEAD", "boom"),
        ("TRIM", "boom"),
        ("DROP", "removed"),
        ("DROP AND AGAIN", "removed"),
        ("DELETE", "gone"),
    ] {
        let mut world = World::new();
        world.say("TASK.CONFIG SET {q}p max-lost 0");
        schedule(
            &mut world,
            &[
                "{q}p a EXPIRE 60 ATTEMPTS 1",
                "q child RETAIN 900000000 AFTER 0 IN {q}p 1 a",
                "q grandchild AFTER 1 child",
                "q stubborn AFTER 0 ONFAIL RUN IN {q}p 1 a",
                "q patient RETAIN 900000000 AFTER 0 IN {q}p 1 a ONFAIL WAIT",
            ],
        );
        match how {
            "CANCEL" => assert_eq!(world.say("TASK.CANCEL {q}p a"), "1"),
            "PURGE" => assert_eq!(world.say("TASK.PURGE {q}p ready"), "[0, 1]"),
            "EXPIRE" => world.pass(60),
            "LOSE" => {
                world.claim("TASK.CLAIM {q}p w").unwrap();
                world.pass(60_000);
            }
            "DELETE" => {
                for key in ["task:{q}p:t:a", "task:{q}p:expiring"] {
                    world.keys.keys.remove(key.as_bytes()).unwrap();
                }
                world.state.touched(&queue("{q}p"), Touched::Task);
                world.tick();
            }
            _ if how.starts_with("DROP") => {
                assert_eq!(world.say("TASK.DROP {q}p"), "1");
                if how.ends_with("AGAIN") {
                    // A new task of that id, and one that waits for it, before the old one is swept.
                    schedule(&mut world, &["{q}p a", "q later AFTER 0 IN {q}p 1 a"]);
                }
                world.tick();
            }
            _ => _ = end(&mut world, "{q}p", "FAIL ERROR boom"),
        }
        match how {
            "PURGE DEAD" => assert_eq!(world.say("TASK.PURGE {q}p dead"), "[0, 1]"),
            "TRIM" => {
                world.say("TASK.CONFIG SET {q}p dead-limit 1");
                world.pass(1);
                world.say("TASK.SCHEDULE {q}p p USED 1 DEAD x");
            }
            _ => {}
        }
        check(&mut world);
        let places = world.places();
        assert_eq!((places["stubborn"], places["child"]), ("ready", "done"), "{how}");
        assert!(!places.contains_key("grandchild"), "{how}");
        let child = world.say("TASK.GET q child");
        assert!(
            child.contains(&format!("error=after a in {{q}}p: {why} ")),
            "{how}: {child}"
        );
        if ["FAIL", "LOSE"].contains(&how) {
            assert_eq!(places["patient"], "blocked", "{how}");
            assert_eq!(world.say("TASK.RETRY {q}p a"), "1");
            end(&mut world, "{q}p", "ACK");
            assert_eq!(world.places()["patient"], "ready");
        } else {
            assert_eq!(got(&mut world, "patient", "state"), "cancelled", "{how}");
        }
        if how.ends_with("AGAIN") {
            assert_eq!(places["later"], "blocked");
            end(&mut world, "{q}p", "ACK");
            assert_eq!(world.places()["later"], "ready");
        }
    }
}

#[test]
fn what_cannot_be_waited_for_is_refused() {
    let mut world = World::new();
    schedule(&mut world, &["{q}p a", "{q}p dead USED 1 DEAD x", "q b"]);
    let ids = |count: usize| " a".repeat(count);
    for (after, error) in [
        (
            "AFTER 0",
            "BADARG numids must be an integer from 1 to 1000, or 0 before IN",
        ),
        ("AFTER 1 b IN {q}p", "BADARG numids is missing its value"),
        ("AFTER 1 b IN {q}p 0", "BADARG numids must be an integer from 1 to 1000"),
        ("AFTER 1 b IN {q}p 2 a", "BADARG id is missing its value"),
        ("IN {q}p 1 a", "BADARG IN is an option of AFTER, which is not given"),
        (
            &format!("AFTER 1 b IN {{q}}p 1000{}", ids(1_000)),
            "BADARG AFTER has 1001 ids with those of IN: at most 1000",
        ),
        (
            "AFTER 0 IN other 1 a",
            "BADARG IN must be the name of a queue in the queue's slot: q or {q}rest",
        ),
        ("AFTER 0 IN {q} 1 a", "BADNAME"),
        (
            "AFTER 0 IN {q}forbidden 1 a",
            "NOPERM no permission for the key given as IN",
        ),
        (
            "AFTER 1 b IN {q}p 1 b",
            "NOTASK no task that AFTER can wait for: b is unknown",
        ),
        (
            "AFTER 1 b IN {q}p 2 a dead",
            "NOTASK no task that AFTER can wait for: dead is dead",
        ),
        ("AFTER 1 b IN {q}s 1 a", "WRONGTYPE"),
    ] {
        world
            .keys
            .keys
            .insert(queue("{q}s").queue().to_vec(), Value::String(b"x".to_vec()));
        let reply = world.say(&format!("TASK.SCHEDULE q p {after}"));
        assert!(reply.starts_with(&format!("-{error}")), "{after}: {reply}");
        assert!(got(&mut world, "b", "dependents") == "0");
        assert!(world.say("TASK.GET {q}p a").contains(" dependents=0 "));
    }
    let payloads = " p".repeat(11);
    world.keys.keys.remove(&queue("{q}s").queue().to_vec());
    many(&mut world, "{q}p", 999, "DELAY 5");
    let listed = world.say("TASK.LIST {q}p scheduled COUNT 1000");
    let all: Vec<&str> = listed.split("id=").skip(1).map(|task| &task[..11]).collect();
    assert_eq!(all.len(), 999);
    assert_eq!(
        world.say(&format!(
            "TASK.MSCHEDULE q 11{payloads} AFTER 1 b IN {{q}}p 999 {}",
            all.join(" ")
        )),
        "-BADARG AFTER of 1000 ids for 11 tasks makes 11000 dependencies: at most 10000 a call"
    );
    // Each counts once, also by the name of the own queue; what is there counts as elsewhere.
    schedule(
        &mut world,
        &[
            "q x AFTER 2 b b IN q 1 b IN {q}p 2 a a IN {q}p 1 a",
            "q y AFTER 0 IN {q}s 1 none MISSINGOK",
        ],
    );
    assert_eq!(got(&mut world, "x", "after"), "[b]");
    assert!(world.say("TASK.GET q x").contains(" after_in=[[{q}p, [a]]] "));
    assert_eq!(world.places()["y"], "ready");
    end(&mut world, "{q}p", "ACK");
    end(&mut world, "q", "ACK");
    assert_eq!(world.places()["x"], "ready");
}

#[test]
fn thousands_of_children_of_another_queue_are_settled_in_slices_whatever_becomes_of_the_queue() {
    for how in ["ACK", "RESTART", "DROP", "DROP BEFORE"] {
        let mut world = World::new();
        schedule(&mut world, &["{q}p a"]);
        many(&mut world, "q", 1_000, "AFTER 0 IN {q}p 1 a");
        many(&mut world, "q", 1_000, "AFTER 0 IN {q}p 1 a ONFAIL RUN");
        if how == "DROP BEFORE" {
            world.say("TASK.DROP {q}p");
        } else {
            end(&mut world, "{q}p", "ACK");
            let stats = world.say("TASK.STATS q");
            assert!(stats.contains("blocked_tasks=1872 "), "one step has its share: {stats}");
        }
        world.slice();
        match how {
            "RESTART" => world.restart(),
            "DROP" => _ = world.say("TASK.DROP {q}p"),
            _ => {}
        }
        schedule(&mut world, &["{q}p a", "q other AFTER 0 IN {q}p 1 a"]);
        // Its name is not forgotten before its work is done.
        world.steady = world.steady.after(100_000);
        world.tick();
        check(&mut world);
        let ready = if how == "DROP BEFORE" { 1_000 } else { 2_000 };
        let stats = world.say("TASK.STATS q");
        let expected = format!("ready_tasks={ready} claimed_tasks=0 blocked_tasks=1 ");
        assert!(stats.contains(&expected), "{how}: {stats}");
        assert!(!keys(&world).contains(&"task:{q}p".to_string()), "{how}");
    }
}

#[test]
fn a_queue_that_has_only_children_to_settle_is_not_forgotten() {
    let mut world = World::new();
    schedule(&mut world, &["{q}p a"]);
    many(&mut world, "q", 1_000, "AFTER 0 IN {q}p 1 a ONFAIL RUN");
    assert_eq!(world.say("TASK.PURGE {q}p ready"), "[0, 1]");
    assert_eq!(world.say("TASK.DROP {q}p"), "0");
    let mut tx = crate::tx::Tx {
        context: world.context(),
        keys: &mut world.keys,
        state: &mut world.state,
    };
    crate::timer::measure(&mut tx, &queue("{q}p"));
    world.tick();
    assert!(world.say("TASK.STATS q").contains("ready_tasks=1000 "));
}

#[test]
fn a_dropped_queue_leaves_nothing_in_the_lines_of_another() {
    let mut world = World::new();
    schedule(
        &mut world,
        &[
            "{q}p a",
            "{q}p b",
            "q x AFTER 0 IN {q}p 2 a b",
            "q y AFTER 0 IN {q}p 1 b",
        ],
    );
    assert_eq!(world.say("TASK.DROP q"), "2");
    // Ends before the sweep find nobody; a new task of the id is another one.
    end(&mut world, "{q}p", "ACK");
    schedule(&mut world, &["q y AFTER 0 IN {q}p 1 b"]);
    assert_eq!(world.places()["y"], "blocked");
    world.tick();
    assert!(world.say("TASK.GET {q}p b").contains(" dependents=1 "));
    end(&mut world, "{q}p", "ACK");
    assert_eq!(end(&mut world, "q", "ACK"), "y");
    world.tick();
    assert_eq!(keys(&world), [""; 0]);
}

#[test]
fn a_child_that_goes_stands_in_no_line_of_another_queue() {
    for how in [
        "TASK.CANCEL q x",
        "TASK.PURGE q blocked",
        "TASK.SCHEDULE q new UNIQUE k REPLACE DELAY 9",
        "TASK.BURY q x",
    ] {
        let mut world = World::new();
        schedule(&mut world, &["{q}p a", "q b", "q x UNIQUE k AFTER 1 b IN {q}p 1 a"]);
        assert_eq!(world.say("TASK.EDIT q x PAYLOAD new"), "OK");
        world.say(how);
        check(&mut world);
        let left = if how.contains("BURY") { 1 } else { 0 };
        assert!(
            world.say("TASK.GET {q}p a").contains(&format!(" dependents={left} ")),
            "{how}"
        );
        end(&mut world, "{q}p", "ACK");
        end(&mut world, "q", "ACK");
        assert_eq!(world.places().get("x").copied() == Some("ready"), left == 1, "{how}");
    }
}

#[test]
fn what_somebody_else_does_to_another_queue_is_noticed() {
    for how in ["RECORD", "LINE", "AFTER A REST", "SETTLING"] {
        let mut world = World::new();
        schedule(&mut world, &["{q}p a", "{q}p b", "q x AFTER 0 IN {q}p 2 a b"]);
        let other = queue("{q}p");
        match how {
            "LINE" => {
                world.keys.keys.remove(&other.after(b"a").to_vec());
                world.state.touched(&other, Touched::Queue);
                world.tick();
                check(&mut world);
                end(&mut world, "{q}p", "ACK");
                end(&mut world, "{q}p", "ACK");
                assert_eq!(world.places()["x"], "ready");
                continue;
            }
            "SETTLING" => {
                many(&mut world, "q", 200, "AFTER 0 IN {q}p 1 b");
                end(&mut world, "{q}p", "ACK");
                end(&mut world, "{q}p", "ACK");
                world.keys.keys.remove(&other.queue().to_vec());
                world.state.touched(&other, Touched::Queue);
            }
            "AFTER A REST" => {
                for _ in 0..20 {
                    world.pass(10_000);
                }
                assert!(world.state.known_queue(&other).is_none() && world.state.known_queue(&queue("q")).is_none());
                world.keys.keys.remove(&other.task(b"a").to_vec());
                world.state.touched(&other, Touched::Task);
            }
            _ => {
                // The second time too.
                world.keys.keys.remove(&other.after(b"a").to_vec());
                world.state.touched(&other, Touched::Queue);
                world.tick();
                world.keys.keys.remove(&other.task(b"a").to_vec());
                world.state.touched(&other, Touched::Task);
            }
        }
        world.tick();
        let places = world.places();
        assert!(!places.values().any(|place| *place == "blocked"), "{how}: {places:?}");
    }
}

#[test]
fn a_queue_that_cannot_be_opened_holds_up_its_own_tasks_alone() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["{q}p a", "{q}s x AFTER 0 IN {q}p 1 a", "q x AFTER 0 IN {q}p 1 a"],
    );
    let other = queue("{q}s");
    world
        .keys
        .keys
        .insert(other.queue().to_vec(), Value::String(b"x".to_vec()));
    world.state.touched(&other, Touched::Queue);
    let (_, token) = world.claim("TASK.CLAIM {q}p w").unwrap();
    world.say(&format!("TASK.ACK {{q}}p a {token}"));
    assert_eq!(world.places()["x"], "ready");
    world.pass(60_000);
    world.keys.keys.remove(&other.queue().to_vec());
    world.state.touched(&other, Touched::Queue);
    world.pass(60_000);
    assert_eq!(world.places_in("{q}s")["x"], "ready");
}

/// As in `dependencies`, over two queues.
#[test]
fn no_random_graph_over_two_queues_runs_out_of_order_or_hangs() {
    for seed in 0..20_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let queues = ["q", "{q}p"];
        for of in queues {
            world.say(&format!("TASK.CONFIG SET {of} attempts 3 max-lost 1000"));
        }
        let mut parents: BTreeMap<(usize, String), Vec<(usize, String)>> = BTreeMap::new();
        let mut acked = Vec::new();
        for n in 0..40 {
            let of = dice.roll(2);
            let places = [world.places(), world.places_in("{q}p")];
            let mut wanted: Vec<(usize, String)> = (0..dice.roll(4))
                .map(|_| (dice.roll(2), format!("t{}", dice.roll(n + 1))))
                .collect();
            wanted.retain(|(of, id)| places[*of].contains_key(id));
            let ids = |wanted: &[(usize, String)], at: usize| {
                let ids: Vec<&str> = wanted
                    .iter()
                    .filter(|(of, _)| *of == at)
                    .map(|(_, id)| id.as_str())
                    .collect();
                format!("{} {}", ids.len(), ids.join(" "))
            };
            let mut after = String::new();
            if !wanted.is_empty() {
                after = format!(" AFTER {}", ids(&wanted, of)).trim_end().to_string();
                if wanted.iter().any(|(at, _)| *at != of) {
                    after = format!("{after} IN {} {}", queues[1 - of], ids(&wanted, 1 - of));
                }
            }
            let group = ["", " GROUP g"][dice.roll(2)];
            let line = format!("TASK.SCHEDULE {} p ID t{n}{after}{group} BACKOFF FIXED 3", queues[of]);
            if world.say(&line) == format!("t{n}") {
                parents.insert((of, format!("t{n}")), wanted);
            }
            for _ in 0..dice.roll(3) {
                step(&mut world, &mut dice, &parents, &mut acked);
            }
        }
        let is_over = |world: &mut World| {
            let places = [world.places(), world.places_in("{q}p")];
            places.iter().flat_map(BTreeMap::values).all(|place| *place == "dead")
        };
        for _ in 0..2_000 {
            step(&mut world, &mut dice, &parents, &mut acked);
            if is_over(&mut world) {
                break;
            }
        }
        assert!(is_over(&mut world), "seed {seed}: {:?}", world.places());
    }
}

fn step(
    world: &mut World,
    dice: &mut Dice,
    parents: &BTreeMap<(usize, String), Vec<(usize, String)>>,
    acked: &mut Vec<(usize, String)>,
) {
    let at = dice.roll(2);
    let of = ["q", "{q}p"][at];
    if let Some((id, token)) = world.claim(&format!("TASK.CLAIM {of} w LEASE 5")) {
        let task = (at, id);
        for parent in &parents[&task] {
            assert!(acked.contains(parent), "{task:?} runs before {parent:?}");
        }
        let id = &task.1;
        match dice.roll(8) {
            0 => _ = world.say(&format!("TASK.FAIL {of} {id} {token}")),
            1 => _ = world.say(&format!("TASK.CANCEL {of} {id}")),
            2 => {}
            _ => {
                assert_eq!(world.say(&format!("TASK.ACK {of} {id} {token}")), "OK");
                acked.push(task);
            }
        }
    }
    if dice.roll(10) == 0 {
        world.restart();
    }
    world.pass(dice.roll(6) as i64);
    check(world);
}
