//! Unit tests of what bounds AFTER: its dependencies, not only its tasks.

use crate::task::tests::world::World;

/// So many tasks, `<prefix>0` and so on.
fn parents(world: &mut World, prefix: &str, count: usize) -> String {
    let ids: Vec<String> = (0..count).map(|n| format!("{prefix}{n}")).collect();
    for id in &ids {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    format!("AFTER {count} {}", ids.join(" "))
}

/// So many blocked tasks, `c0` and so on.
fn children(world: &mut World, after: &str, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|n| format!("c{n:02}")).collect();
    for id in &ids {
        assert_eq!(world.say(&format!("TASK.SCHEDULE q p ID {id} {after}")), *id);
    }
    ids
}

fn blocked(world: &mut World) -> usize {
    let stats = world.say("TASK.STATS q");
    let (_, rest) = stats.split_once("blocked_tasks=").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

fn edges(world: &World) -> usize {
    world.state.work.edges
}

#[test]
fn one_call_makes_at_most_ten_thousand() {
    let mut world = World::new();
    let after = parents(&mut world, "p", 101);
    let mut schedule =
        |tasks: usize, more: &str| world.say(&format!("TASK.MSCHEDULE q {tasks}{} {after}{more}", " p".repeat(tasks)));
    for more in ["", " MISSINGOK", " ONFAIL RUN"] {
        assert_eq!(
            schedule(100, more),
            "-BADARG AFTER of 101 ids for 100 tasks makes 10100 dependencies: at most 10000 a call"
        );
    }
    assert!(schedule(99, "").starts_with('['));
    assert_eq!(blocked(&mut world), 99);
}

#[test]
fn one_call_removes_at_most_ten_thousand() {
    let mut world = World::new();
    let after = parents(&mut world, "p", 600);
    let ids = children(&mut world, &after, 40);
    let removed = edges(&world);
    assert_eq!(world.say("TASK.PURGE q blocked"), "[1800000000000:c15, 16]");
    assert_eq!(edges(&world) - removed, 16 * 600);
    assert_eq!(blocked(&mut world), 24);
    let rest = ids[16..].join(" ");
    let error = "-BADARG the tasks of ids have more than 10000 dependencies: give the first 16 ids, then the others";
    assert_eq!(world.say(&format!("TASK.CANCEL q {rest}")), error);
    assert_eq!(world.say(&format!("TASK.PURGE q blocked IDS 24 {rest}")), error);
    assert_eq!(blocked(&mut world), 24);
    assert_eq!(world.say(&format!("TASK.CANCEL q {}", ids[16..32].join(" "))), "16");
    assert_eq!(
        world.say(&format!("TASK.PURGE q blocked IDS 8 {}", ids[32..].join(" "))),
        "[0, 8]"
    );
    assert_eq!(blocked(&mut world), 0);
    world.places();
}

#[test]
fn what_follows_from_an_end_goes_in_slices_of_dependencies() {
    for how in ["CANCEL", "ONFAIL RUN", "DROP"] {
        let mut world = World::new();
        let mut after = parents(&mut world, "p", 500);
        if how == "ONFAIL RUN" {
            after.push_str(" ONFAIL RUN");
        }
        children(&mut world, &after, 40);
        let before = edges(&world);
        match how {
            "DROP" => _ = world.say("TASK.DROP q"),
            _ => _ = world.say("TASK.CANCEL q p0"),
        }
        let mut last = edges(&world);
        assert!(last - before <= 3_000, "{how}: {}", last - before);
        while world.slice() {
            assert!(edges(&world) - last <= 3_000, "{how}: {}", edges(&world) - last);
            last = edges(&world);
        }
        assert!(last - before >= 40 * 500, "{how}: all were done");
        if how != "ONFAIL RUN" {
            assert_eq!(blocked(&mut world), 0, "{how}");
        }
        world.places();
    }
}

#[test]
fn many_ends_at_once_do_not_read_each_other() {
    let mut world = World::new();
    for n in 0..600 {
        world.say(&format!("TASK.SCHEDULE q p ID p{n}"));
        world.say(&format!("TASK.SCHEDULE q p ID c{n} AFTER 1 p{n}"));
    }
    let reads = world.keys.field_reads;
    assert_eq!(world.say("TASK.PURGE q ready"), "[0, 600]");
    world.tick();
    assert_eq!(blocked(&mut world), 0);
    let reads = world.keys.field_reads - reads;
    assert!(reads < 20_000, "{reads}");
    world.places();
}

#[test]
fn an_end_counts_once_though_blocked_tasks_are_checked_amid_its_slices() {
    let mut world = World::new();
    let after = parents(&mut world, "p", 2);
    children(&mut world, &after, 300);
    let first = world.claim("TASK.CLAIM q w").unwrap();
    let second = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q {} {}", first.0, first.1));
    // Some children know of the end, the others do not yet; then all are checked.
    world.restart();
    world.tick();
    world.places();
    world.say(&format!("TASK.ACK q {} {}", second.0, second.1));
    world.tick();
    assert_eq!(blocked(&mut world), 0);
}

#[test]
fn blocked_tasks_are_checked_in_slices_of_dependencies() {
    let mut world = World::new();
    let after = parents(&mut world, "p", 500);
    children(&mut world, &after, 40);
    world.restart();
    let mut last = edges(&world);
    let before = last;
    while world.slice() {
        assert!(edges(&world) - last <= 3_000, "{}", edges(&world) - last);
        last = edges(&world);
    }
    assert!(last - before >= 40 * 500, "all were checked");
    assert_eq!(blocked(&mut world), 40);
}

#[test]
fn a_page_ends_with_the_task_whose_dependencies_fill_it() {
    let mut world = World::new();
    let long: Vec<String> = (0..1_000).map(|n| format!("{n}{}", "x".repeat(200))).collect();
    for id in &long {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    children(&mut world, &format!("AFTER 1000 {}", long.join(" ")), 9);
    let page = world.say("TASK.LIST q blocked COUNT 1000");
    assert_eq!(page.matches("state=blocked").count(), 5);
    assert!(!page.starts_with("[0, "), "there are more");
}
