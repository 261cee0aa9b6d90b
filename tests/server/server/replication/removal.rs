//! What is sent when tasks are removed, by a command or by the timer.

use crate::support::rig::Rig;
use crate::support::wait_until;

/// A dead task of this id.
fn dead(rig: &mut Rig, id: &str) {
    rig.sent(&format!("TASK.SCHEDULE q x ID {id}"));
    let claim = rig.client.must("TASK.CLAIM q w");
    let token = claim.item(0).field("token").int();
    rig.sent(&format!("TASK.FAIL q {id} {token} DEAD"));
}

/// The effects of these records of a queue: how many records the timer needs depends on how fast it is.
fn effects(sent: &[String]) -> Vec<&str> {
    let records = sent.iter().map(|record| record.strip_prefix("q: ").unwrap());
    records.flat_map(|record| record.split("; ")).collect()
}

#[test]
fn purges_of_scheduled_and_dead_tasks() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE q x ID a DELAY 5000 LEASE 7");
    assert_eq!(
        rig.sent("TASK.PURGE q scheduled"),
        ["q: del x:a; del t:a; zrem scheduled [a]"]
    );
    dead(&mut rig, "b");
    assert_eq!(rig.sent("TASK.PURGE q dead"), ["q: del t:b; zrem dead [b]"]);
    assert_eq!(rig.sent("TASK.PURGE q dead"), Vec::<String>::new());
}

#[test]
fn dead_tasks_beyond_their_time() {
    let mut rig = Rig::start("yes");
    dead(&mut rig, "a");
    // The timer may be faster than our reading of the stream.
    let mut sent = rig.sent("TASK.CONFIG SET q dead-retain 1");
    wait_until("it is gone", || rig.client.call("EXISTS task:{q}:t:a") == "0");
    sent.extend(rig.rest());
    assert_eq!(
        effects(&sent),
        ["hset queue [dead-retain 1]", "del t:a", "zrem dead [a]"]
    );
}

#[test]
fn a_dropped_queue_is_swept() {
    let mut rig = Rig::start("yes");
    rig.sent("TASK.SCHEDULE q x ID a LEASE 7");
    rig.sent("TASK.SCHEDULE q x ID b DELAY 5000");
    let mut sent = rig.sent("TASK.DROP q");
    wait_until("nothing is left", || rig.client.call("DBSIZE") == "0");
    sent.extend(rig.rest());
    assert_eq!(
        effects(&sent),
        [
            "rename scheduled drop:F:scheduled",
            "rename ready:5 drop:F:ready:5",
            "hset queue [drops F]",
            "zrem drop:F:scheduled [b]",
            "del t:b",
            "lpop drop:F:ready:5 [a]",
            "del t:a",
            "del x:a",
            "hdel queue [drops]",
        ]
    );
}

#[test]
fn ids_that_do_not_count_are_taken_out() {
    let mut rig = Rig::start("yes");
    rig.sent("TASK.SCHEDULE q x ID a");
    rig.sent("TASK.SCHEDULE q x ID b");
    let mut sent = rig.sent("TASK.CANCEL q b");
    assert_eq!(
        sent,
        [
            "q: hset queue [ghosts:5 1]; xadd task-events ID most 1000 [type cancelled, id b, worker , attempt , reason , kind ]; \
          set t:b removed p=5 ghosts=32 fence=F due=MS"
        ]
    );
    sent = rig.sent("TASK.RESCHEDULE q a DELAY 5000");
    wait_until("none is left", || rig.client.call("EXISTS task:{q}:ready:5") == "0");
    sent.extend(rig.rest());
    assert_eq!(
        effects(&sent),
        [
            "hset queue [ghosts:5 2]",
            "zadd scheduled [MS a]",
            "patch t:a waiting p=5 ghosts=32 fence=F due=MS",
            "patch t:a waiting p=5 fence=F due=MS",
            "del t:b",
            "lremove ready:5 [0 a, 1 b]",
            "hdel queue [ghosts:5]",
        ]
    );
}
