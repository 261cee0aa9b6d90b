//! Unit tests of what follows a task's end: retained tasks, results, clients that wait for them, replies.

use super::world::{START, World, queue, show};
use crate::keyspace::fake::Value;
use crate::names::{Index, Touched};

impl World {
    /// Schedules, claims and acknowledges a task: `schedule` and `ack` are the options of the two.
    fn done(&mut self, id: &str, schedule: &str, ack: &str) {
        assert_eq!(self.say(&format!("TASK.SCHEDULE q p ID {id}{schedule}")), id);
        self.ack(id, ack);
    }

    /// Claims the next task, which is this one, and acknowledges it.
    fn ack(&mut self, id: &str, options: &str) {
        let (claimed, token) = self.claim("TASK.CLAIM q w").unwrap();
        assert_eq!(claimed, id);
        assert_eq!(self.say(&format!("TASK.ACK q {id} {token}{options}")), "OK");
    }

    /// The replies to waiting clients since the last call, in the order in which the clients came.
    fn told(&mut self) -> Vec<String> {
        let mut answered = std::mem::take(&mut self.answered);
        answered.sort_by_key(|answered| answered.ticket);
        let text = |answered: crate::waiting::Answer| match answered.reply {
            Ok(reply) => show(&reply),
            Err(error) => format!("-{error}"),
        };
        answered.into_iter().map(text).collect()
    }

    /// The payload of the only ready task of a queue.
    fn payload(&mut self, name: &str) -> String {
        let page = self.say(&format!("TASK.LIST {name} ready PAYLOADS"));
        let payload = page.split("payload=").nth(1).unwrap_or_default();
        payload.strip_suffix("}]]").unwrap_or(&page).to_string()
    }
}

fn map(state: &str, result: &str) -> String {
    format!("{{state={state} result={result} error=null progress=null}}")
}

#[test]
fn a_task_that_is_done_is_kept_for_its_time() {
    let mut world = World::new();
    world.module.history_queues = 0;
    world.done("a", " RETAIN 100", " RESULT 42");
    assert_eq!(world.places()["a"], "done");
    assert_eq!(world.say("TASK.RESULT q a"), map("done", "42"));
    let shown = world.say("TASK.GET q a");
    assert!(shown.contains("state=done"), "{shown}");
    let tail = format!(
        "progress=null result=42 kept_until={} origin=null payload=p}}",
        START + 100
    );
    assert!(shown.ends_with(&tail), "{shown}");
    assert!(shown.contains("attempt=1 "), "{shown}");
    assert!(world.say("TASK.LIST q done").contains("{id=a state=done"));
    assert!(world.say("TASK.STATS q").contains("done_tasks=1 "));
    assert_eq!(world.say("TASK.SCHEDULE q x ID a"), "-DUPLICATE done a");
    assert_eq!(world.say("TASK.CANCEL q a"), "0");
    assert_eq!(world.say("TASK.RETRY q a"), "0");
    assert_eq!(
        world.say("TASK.RESCHEDULE q a DELAY 5"),
        "-NOTASK not a task that waits: it is done"
    );
    world.restart();
    world.pass(99);
    assert_eq!(world.say("TASK.RESULT q a"), map("done", "42"));
    world.pass(1);
    assert!(world.places().is_empty());
    assert_eq!(world.say("TASK.RESULT q a"), "-NOTASK no such task");
    world.done("a", "", "");
    for _ in 0..4 {
        world.pass(60_000);
    }
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}

#[test]
fn a_second_acknowledgement_of_a_kept_task_is_stale() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a RETAIN 100");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say(&format!("TASK.ACK q a {token}")), "OK");
    for verb in ["ACK", "FAIL", "RELEASE", "EXTEND"] {
        assert_eq!(
            world.say(&format!("TASK.{verb} q a {token}")),
            "-STALE this token holds no claim: the task is now done"
        );
    }
    assert_eq!(world.say(&format!("TASK.MACK q 1 a {token}")), "[STALE]");
}

#[test]
fn the_queue_says_for_how_long_unless_the_task_does() {
    let mut world = World::new();
    assert_eq!(world.say("TASK.CONFIG SET q retain 50"), "OK");
    assert_eq!(world.say("TASK.CONFIG GET q retain"), "{retain=50}");
    world.done("queue", "", "");
    world.done("longer", " RETAIN 60", "");
    world.done("not", " RETAIN 0", " RESULT r");
    world.say("TASK.SCHEDULE q p ID many");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say(&format!("TASK.MACK q 1 many {token}")), "[OK]");
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["longer", "many", "queue"]);
    assert_eq!(world.say("TASK.RESULT q queue"), map("done", "null"));
    world.pass(50);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["longer"]);
    world.pass(10);
    assert!(world.places().is_empty());
    assert_eq!(
        world.say("TASK.SCHEDULE q p RETAIN -1"),
        "-BADARG RETAIN must be an integer from 0 to 3153600000000 ms"
    );
}

#[test]
fn kept_tasks_are_purged_and_dropped() {
    let mut world = World::new();
    world.done("old", " RETAIN 100000", "");
    world.pass(10);
    world.done("young", " RETAIN 1000", " RESULT r");
    assert_eq!(world.say("TASK.PURGE q done OLDER 11"), "[0, 0]");
    assert_eq!(world.say("TASK.PURGE q done OLDER 10"), "[0, 1]");
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["young"]);
    assert_eq!(world.say("TASK.PURGE q done COUNT 5"), "[0, 1]");
    world.done("a", " RETAIN 1000", " RESULT r");
    assert_eq!(world.say("TASK.DROP q"), "1");
    assert_eq!(world.say("TASK.RESULT q a"), "-NOTASK no such task");
    assert_eq!(world.say("TASK.SCHEDULE q new ID a"), "a");
    world.tick();
    assert_eq!(world.say("TASK.GET q a").matches("result=null").count(), 1);
    world.say("TASK.CANCEL q a");
    world.tick();
    assert!(world.keys.keys.keys().all(|key| key.ends_with(b":events")));
}

#[test]
fn many_kept_tasks_go_in_slices() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q retain 10");
    for number in 0..250 {
        world.done(&format!("t{number}"), "", "");
    }
    world.wall = world.wall.after(10);
    world.steady = world.steady.after(10);
    for left in [150, 50, 0] {
        assert!(world.slice());
        assert!(world.say("TASK.STATS q").contains(&format!("done_tasks={left} ")));
    }
}

#[test]
fn who_waits_is_told_of_the_end_in_the_unit_that_brings_it() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    assert_eq!(world.say("TASK.RESULT q a"), "none");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    for connection in 2..1_002 {
        assert_eq!(world.hear(connection, "TASK.RESULT q a BLOCK 0"), "(waits)");
    }
    world.say(&format!("TASK.EXTEND q a {token} PROGRESS 99%"));
    world.say(&format!("TASK.ACK q a {token} RESULT 42"));
    let told = world.told();
    assert_eq!(told.len(), 1_000);
    assert!(
        told.iter()
            .all(|told| told == "{state=done result=42 error=null progress=99%}")
    );
    assert_eq!(world.state.waiting.total(), 0);
    assert!(!world.state.waiting.any(&queue("q")));
    assert_eq!(world.say("TASK.RESULT q a BLOCK 0"), "-NOTASK no such task");
}

#[test]
fn every_way_a_task_can_end_is_told() {
    let mut world = World::new();
    for id in ["failed", "claimed", "waiting", "purged", "retried"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} ATTEMPTS 1"));
    }
    for id in ["failed", "claimed", "waiting", "purged", "retried"] {
        assert_eq!(world.say(&format!("TASK.RESULT q {id} BLOCK 0")), "(waits)");
    }
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q failed {token} ERROR boom"));
    let dead = "{state=dead result=null error=boom progress=null}";
    assert_eq!(world.told(), [dead]);
    assert_eq!(world.say("TASK.RESULT q failed"), dead);
    world.say("TASK.RETRY q failed");
    assert_eq!(world.say("TASK.RESULT q failed"), "none");

    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CANCEL q claimed waiting");
    assert_eq!(world.told(), [map("cancelled", "null"), map("cancelled", "null")]);
    assert_eq!(world.say("TASK.RESULT q claimed"), map("cancelled", "null"));
    assert_eq!(world.say("TASK.RESULT q waiting"), "-NOTASK no such task");
    assert_eq!(world.say(&format!("TASK.ACK q claimed {token} RESULT ignored")), "OK");
    assert_eq!(world.say("TASK.RESULT q claimed"), "-NOTASK no such task");

    world.say("TASK.PURGE q ready COUNT 1");
    assert_eq!(world.told(), ["-NOTASK no such task"]);
    world.say("TASK.DROP q");
    assert_eq!(world.told(), ["-NOTASK no such task"]);
}

#[test]
fn several_results_are_waited_for_all_or_any() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    assert_eq!(world.say("TASK.MRESULT q 2 a b"), "none");
    assert_eq!(world.say("TASK.MRESULT q 2 a b ANY"), "none");
    assert_eq!(world.hear(2, "TASK.MRESULT q 3 c a c BLOCK 0"), "(waits)");
    assert_eq!(world.hear(3, "TASK.MRESULT q 2 b c ANY BLOCK 0"), "(waits)");
    let of = |id: &str, result: &str| map("done", result).replace("{state", &format!("{{id={id} state"));
    world.ack("a", " RESULT 1");
    assert!(world.told().is_empty());
    world.ack("b", " RESULT 2");
    assert_eq!(world.told(), [format!("[{}]", of("b", "2"))]);
    world.ack("c", "");
    let c = of("c", "null");
    assert_eq!(world.told(), [format!("[{c}, {}, {c}]", of("a", "1"))]);
    assert_eq!(world.state.waiting.total(), 0);
    assert!(!world.state.waiting.any(&queue("q")));
    let none = "{id=a state=null result=null error=null progress=null}";
    assert_eq!(world.say("TASK.MRESULT q 1 a"), format!("[{none}]"));
    assert_eq!(
        world.say("TASK.MRESULT q 0"),
        "-BADARG numids must be an integer from 1 to 1000"
    );
}

#[test]
fn where_nobody_can_wait_nobody_does() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    for line in ["TASK.RESULT q a BLOCK 0", "TASK.MRESULT q 1 a BLOCK 5"] {
        let came = world.run(None, &super::world::words(line)).unwrap();
        assert!(matches!(
            came,
            super::world::Came::Reply(crate::reply::Reply::NullArray)
        ));
    }
}

#[test]
fn a_client_that_gives_up_leaves_every_line() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID b");
    let came = world.run(Some(1), &super::world::words("TASK.MRESULT q 3 a b a BLOCK 9"));
    let Ok(super::world::Came::Waits(ticket)) = came else {
        panic!("{came:?}")
    };
    assert_eq!(world.state.waiting.all(&queue("q")), [ticket]);
    world.state.waiting.leave(ticket);
    assert!(!world.state.waiting.any(&queue("q")));
}

#[test]
fn what_others_do_to_the_records_is_seen_by_those_who_wait() {
    let mut world = World::new();
    for id in ["a", "b"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
        assert_eq!(world.say(&format!("TASK.RESULT q {id} BLOCK 0")), "(waits)");
    }
    world.keys.keys.remove(&queue("q").task(b"a").to_vec());
    world.state.touched(&queue("q"), Touched::Task);
    world.tick();
    assert_eq!(world.told(), ["-NOTASK no such task"]);
    world.flush();
    world.tick();
    assert_eq!(world.told(), ["-NOTASK no such task"]);
}

#[test]
fn results_have_a_limit_that_a_cancelled_task_does_not_meet() {
    let mut world = World::new();
    world.module.max_payload = 3;
    world.say("TASK.SCHEDULE q p ID a RETAIN 5");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(
        world.say(&format!("TASK.ACK q a {token} RESULT long")),
        "-TOOBIG result is larger than steward.max-payload: at most 3 bytes"
    );
    assert_eq!(
        world.say(&format!("TASK.EXTEND q a {token} PROGRESS long")),
        "-TOOBIG progress is larger than steward.max-payload: at most 3 bytes"
    );
    world.say("TASK.CANCEL q a");
    assert_eq!(world.say(&format!("TASK.ACK q a {token} RESULT long")), "OK");
    assert_eq!(world.say("TASK.RESULT q a"), map("cancelled", "null"));
}

#[test]
fn the_end_of_a_task_becomes_a_task_of_its_reply_queue() {
    let mut world = World::new();
    assert_eq!(world.hear(2, "TASK.CLAIM {q}r w BLOCK 0"), "(waits)");
    world.done("a", " REPLY {q}r", " RESULT 42");
    let told = world.told();
    assert!(
        told[0].ends_with(r#"attempt=1 kind=null payload={"id":"a","state":"done","result":"42"}}]"#),
        "{told:?}"
    );
    world.say("TASK.SCHEDULE q p ID b REPLY {q}r ATTEMPTS 1");
    world.restart();
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q b {token} ERROR boom"));
    assert_eq!(world.payload("{q}r"), r#"{"id":"b","state":"dead","error":"boom"}"#);
    world.claim("TASK.CLAIM {q}r w");
    // One that is cancelled while it runs is reported once.
    world.say("TASK.MSCHEDULE q 1 p REPLY {q}r");
    let (id, token) = world.claim("TASK.CLAIM q w LEASE 7").unwrap();
    world.say(&format!("TASK.CANCEL q {id}"));
    assert_eq!(
        world.payload("{q}r"),
        format!(r#"{{"id":"{id}","state":"cancelled","error":null}}"#)
    );
    world.say(&format!("TASK.ACK q {id} {token}"));
    assert!(world.say("TASK.STATS {q}r").contains("ready_tasks=1 claimed_tasks=2"));
    // By the timer too.
    assert_eq!(world.hear(2, "TASK.CLAIM {q}s w BLOCK 0"), "(waits)");
    world.say("TASK.SCHEDULE q p ID c REPLY {q}s ATTEMPTS 1");
    world.claim("TASK.CLAIM q w LEASE 7");
    world.pass(7);
    assert!(
        world.told()[0].ends_with(r#"payload={"id":"c","state":"dead","error":"lost once: lease of w ran out"}}]"#)
    );
}

#[test]
fn a_reply_on_dead_tells_of_nothing_else() {
    let mut world = World::new();
    world.done("a", " REPLY {q}r ON DEAD", "");
    world.say("TASK.SCHEDULE q p ID b REPLY {q}r ON DEAD");
    world.say("TASK.CANCEL q b");
    assert_eq!(world.say("TASK.LIST {q}r ready"), "[0, []]");
    world.say("TASK.SCHEDULE q p ID c REPLY {q}r ON DEAD");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q c {token} DEAD ERROR boom"));
    assert_eq!(world.payload("{q}r"), r#"{"id":"c","state":"dead","error":"boom"}"#);
    assert!(world.say("TASK.SCHEDULE q p REPLY {q}r ON FIRE").starts_with("-BADARG"));
}

#[test]
fn a_dead_task_is_copied_to_the_dead_queue_once() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q dead-queue {q}dead dead-limit 0");
    world.say("TASK.CONFIG SET {q}dead max-length 1 dead-queue {q}third");
    world.say("TASK.SCHEDULE {q}dead x ID first");
    world.say("TASK.SCHEDULE q work ID a/1 KIND mail.send PRIORITY 9 ATTEMPTS 1");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.full = true;
    world.say(&format!("TASK.FAIL q a/1 {token} ERROR boom"));
    world.full = false;
    assert!(
        world.say("TASK.STATS q").contains("dead_tasks=0 "),
        "its own is over the limit"
    );
    world.say("TASK.CANCEL {q}dead first");
    let (copy, token) = world.claim("TASK.CLAIM {q}dead w").unwrap();
    let shown = world.say(&format!("TASK.GET {{q}}dead {copy}"));
    assert!(shown.contains("kind=mail.send "), "{shown}");
    assert!(shown.contains("error=boom "), "{shown}");
    assert!(shown.ends_with("origin=[q, a/1] payload=work}"), "{shown}");
    // It is an ordinary task, but makes no other when it dies.
    world.say(&format!("TASK.FAIL {{q}}dead {copy} {token} DEAD"));
    assert!(world.say("TASK.STATS {q}dead").contains("dead_tasks=1 "));
    assert_eq!(world.say("TASK.LIST {q}third ready"), "[0, []]");
    // A task that the timer or an operator gives up is copied too.
    world.say("TASK.SCHEDULE q p ID b ATTEMPTS 1");
    world.claim("TASK.CLAIM q w LEASE 7");
    world.pass(7);
    world.say("TASK.SCHEDULE q p ID c");
    world.say("TASK.BURY q c");
    assert!(world.say("TASK.STATS {q}dead").contains("ready_tasks=2 "));
    world.say("TASK.CONFIG SET q dead-queue ");
}

#[test]
fn a_dead_queue_is_another_one_of_the_slot_that_the_caller_may_write() {
    let mut world = World::new();
    let bad = "-BADARG dead-queue must be the name of another queue in the queue's slot: q or {q}rest";
    for name in ["q", "other", "{q}"] {
        assert_eq!(world.say(&format!("TASK.CONFIG SET q dead-queue {name}")), bad);
    }
    assert_eq!(
        world.say("TASK.CONFIG SET q dead-queue {q}forbidden"),
        "-NOPERM no permission for the key given as dead-queue"
    );
    world.say("TASK.CONFIG SET q dead-queue {q}dead");
    assert_eq!(world.say("TASK.CONFIG GET q dead-queue"), "{dead-queue={q}dead}");
    // What cannot be written there stops nothing.
    world.say("TASK.SCHEDULE q p ID a");
    world
        .keys
        .keys
        .insert(b"task:{q}dead:ready:5".to_vec(), Value::String(b"x".to_vec()));
    assert_eq!(world.say("TASK.BURY q a"), "OK");
    assert_eq!(world.places()["a"], "dead");
}

#[test]
fn a_queue_can_reply_to_itself() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a REPLY q");
    world.say("TASK.SCHEDULE q p ID b REPLY q");
    world.claim("TASK.CLAIM q w");
    assert_eq!(
        world.hear(2, "TASK.MCLAIM 2 q other w BLOCK 0"),
        "[{queue=q id=b token=1800000000000003 attempt=1 kind=null payload=p}]"
    );
    assert_eq!(world.hear(2, "TASK.CLAIM q w BLOCK 0"), "(waits)");
    world.say("TASK.CANCEL q a b");
    assert!(world.told()[0].ends_with(r#"payload={"id":"a","state":"cancelled","error":null}}]"#));
    world.say("TASK.SCHEDULE q p ID c PRIORITY 0 REPLY q");
    assert_eq!(world.say("TASK.CANCEL q c"), "1");
    world.places();
}

#[test]
fn a_reply_queue_is_one_of_the_slot_that_the_caller_may_write() {
    let mut world = World::new();
    assert_eq!(
        world.say("TASK.SCHEDULE q p REPLY other"),
        "-BADARG REPLY must be the name of a queue in the queue's slot: q or {q}rest"
    );
    assert_eq!(
        world.say("TASK.MSCHEDULE q 1 p REPLY {q}forbidden"),
        "-NOPERM no permission for the key given as REPLY"
    );
    assert!(world.keys.keys.is_empty());
}

#[test]
fn a_reply_queue_that_cannot_take_it_stops_nothing() {
    for foreign in ["task:{q}r:ready:5", "task:{q}r"] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a REPLY {q}r RETAIN 5");
        world.keys.keys.insert(foreign.into(), Value::String(b"x".to_vec()));
        world.state.touched(&queue("{q}r"), Touched::Queue);
        world.ack("a", "");
        assert_eq!(world.places()["a"], "done");
        let Some(Value::Stream(events)) = world.keys.keys.get(b"task:{q}:events".as_slice()) else {
            panic!("no events")
        };
        let fields = events.values().next().unwrap();
        let text: Vec<String> = fields
            .iter()
            .map(|(field, value)| format!("{}={}", String::from_utf8_lossy(field), String::from_utf8_lossy(value)))
            .collect();
        assert_eq!(
            text,
            [
                "type=unreplied",
                "id=a",
                "worker=",
                "attempt=1",
                "reason=WRONGTYPE {q}r",
                "kind="
            ]
        );
    }
}

#[test]
fn a_done_set_of_another_type_refuses_only_what_needs_it() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a RETAIN 5");
    world.say("TASK.SCHEDULE q p ID b");
    let done = queue("q").index(Index::Done).to_vec();
    world.keys.keys.insert(done, Value::String(b"x".to_vec()));
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert!(world.say(&format!("TASK.ACK q a {token}")).starts_with("-WRONGTYPE"));
    assert!(world.say(&format!("TASK.MACK q 1 a {token}")).starts_with("-WRONGTYPE"));
    world.ack("b", "");
    world.pass(1_000);
}

#[test]
fn results_beyond_a_megabyte_are_unread() {
    let mut world = World::new();
    let ids: Vec<String> = (0..6).map(|n| format!("t{n}")).collect();
    let line = format!("TASK.MRESULT q 6 {}", ids.join(" "));
    for id in &ids {
        world.say(&format!("TASK.SCHEDULE q p ID {id} RETAIN 9999"));
    }
    assert_eq!(world.hear(7, &format!("{line} BLOCK 0")), "(waits)");
    let result = "x".repeat(400_000);
    for id in &ids {
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.ACK q {id} {token} RESULT {result}"));
    }
    let waited = world.told()[0].clone();
    for (came, what) in [
        (waited, "waited"),
        (world.say(&line), "later"),
        (world.say(&format!("{line} ANY")), "any"),
    ] {
        assert_eq!(came.matches("state=done").count(), 3, "{what}");
        assert_eq!(came.matches("state=unread result=null").count(), 3, "{what}");
        assert_eq!(came.matches(&result).count(), 3, "{what}");
    }
    let rest = world.say("TASK.MRESULT q 3 t3 t4 t5");
    assert_eq!(rest.matches("state=done").count(), 3);
}
