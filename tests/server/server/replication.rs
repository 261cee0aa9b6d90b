//! Exactly what each command and each slice of the timer sends to replicas and the append-only file: one record for
//! each transaction, with values and never with decisions to be repeated.

mod kept;
mod removal;
mod targeted;

use crate::support::rig::Rig;
use crate::support::{Value, unix_ms, wait_until};

#[test]
fn scheduling() {
    let mut rig = Rig::start("no");
    assert_eq!(
        rig.sent("TASK.SCHEDULE q x ID a"),
        ["q: rpush ready:5 [a]; set t:a waiting p=5 fence=F due=MS 'x'"]
    );
    assert_eq!(
        rig.sent("TASK.SCHEDULE q x ID b DELAY 5000 PRIORITY 7"),
        ["q: zadd scheduled [MS b]; set t:b waiting p=7 fence=F due=MS 'x'"]
    );
    assert_eq!(
        rig.sent("TASK.SCHEDULE q x ID c ATTEMPTS 3 BACKOFF FIXED 5 LEASE 77"),
        [
            "q: hset x:c [options {\"attempts\":3,\"backoff\":\"FIXED 5 MAX 5 JITTER 0\",\"lease\":77}]; rpush ready:5 [c]; \
          set t:c waiting p=5 flags=1 fence=F due=MS 'x'"
        ]
    );
    for (kind, table) in [("mail.send", "hset queue [kind:1 mail.send]; "), ("mail.send", "")] {
        assert_eq!(
            rig.sent(&format!("TASK.SCHEDULE q x ID k{} KIND {kind}", table.len())),
            [format!(
                "q: {table}rpush ready:5 [k{0}]; set t:k{0} waiting p=5 kind=1 fence=F due=MS 'x'",
                table.len()
            )]
        );
    }
    let sent = rig.sent("TASK.MSCHEDULE q 2 x y");
    assert_eq!(sent.len(), 1);
    for effect in [
        "set t:I1 waiting p=5 fence=F due=MS 'x'",
        "set t:I2 waiting p=5 fence=F due=MS 'y'",
        "rpush ready:5 [I1, I2]",
    ] {
        assert!(sent[0].contains(effect), "{sent:?}");
    }
}

#[test]
fn expiry_and_unique_keys() {
    let mut rig = Rig::start("no");
    let options = "{\"expire\":5000,\"unique\":\"k\"}";
    assert_eq!(
        rig.sent("TASK.SCHEDULE q x ID a EXPIRE 5000 UNIQUE k"),
        [format!(
            "q: hset x:a [options {options}]; rpush ready:5 [a]; set t:a waiting p=5 flags=11 fence=F due=MS 'x'; \
             hset unique [k a]; zadd expiring [MS a]"
        )]
    );
    assert_eq!(
        rig.sent("TASK.SCHEDULE q y EXPIRE 5000 UNIQUE k REPLACE"),
        [format!(
            "q: hset x:a [options {options}]; zadd expiring [MS a]; \
             set t:a waiting p=5 flags=11 fence=F due=MS 'y'; hset unique [k a]"
        )]
    );
    rig.client.call("TASK.SCHEDULE q y UNIQUE k");
    assert_eq!(rig.rest(), Vec::<String>::new());
    let claimed = rig.sent("TASK.CLAIM q w LEASE 9000");
    assert!(
        claimed[0].contains("; zrem expiring [a]; zadd claimed [MS a]"),
        "{claimed:?}"
    );
    let token = rig.token("T1");
    assert_eq!(
        rig.sent(&format!("TASK.ACK q a {token}")),
        ["q: zrem claimed [a]; hdel unique [k]; del x:a; del t:a"]
    );
    rig.sent("TASK.SCHEDULE q x ID c UNIQUE k UNTIL CLAIM");
    assert_eq!(
        rig.sent("TASK.CLAIM q w LEASE 9000"),
        ["q: lpop ready:5 [c]; hdel unique [k]; \
          patch t:c claimed p=5 flags=1 deliveries=1 worker=1 lease=9000 fence=T2 due=MS; zadd claimed [MS c]"]
    );
    let sent = rig.sent("TASK.SCHEDULE q x ID b UNIQUE k FOR 5000").concat();
    let (sent, until) = sent.rsplit_once("\\t").unwrap();
    assert_eq!(
        sent,
        "q: hset x:b [options {\"unique\":\"k\",\"unique_for\":5000}]; rpush ready:5 [b]; \
         set t:b waiting p=5 flags=3 fence=F due=MS 'x'; zadd unique-until [MS k]; hset unique [k b"
    );
    let score = rig.client.must("ZSCORE task:{q}:unique-until k").text();
    assert_eq!(until, format!("{score}]"));
    assert_eq!(
        rig.sent("TASK.PURGE q ready"),
        ["q: lpop ready:5 [b]; del x:b; del t:b"]
    );
}

#[test]
fn what_expires() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE q x ID a DELAY 10 EXPIRE 1");
    let expires = rig.client.must("TASK.GET q a").field("expires_at").int();
    wait_until("its time is over", || unix_ms() > expires);
    rig.client.must("CONFIG SET steward.timer yes");
    wait_until("it is dropped", || rig.client.stat("q", "expired_total") == 1);
    assert_eq!(
        rig.rest(),
        ["q: zrem scheduled [a]; \
          xadd task-events ID most 1000 [type expired, id a, worker , attempt , reason , kind ]; del x:a; del t:a; \
          zrem expiring [a]"]
    );
}

#[test]
fn claiming_and_acknowledging() {
    let mut rig = Rig::start("no");
    for id in ["a", "b", "c"] {
        rig.sent(&format!("TASK.SCHEDULE q x ID {id}"));
    }
    assert_eq!(
        rig.sent("TASK.CLAIM q w1 LEASE 9000"),
        ["q: lpop ready:5 [a]; hset workers [1 w1]; \
          patch t:a claimed p=5 deliveries=1 worker=1 lease=9000 fence=T1 due=MS; zadd claimed [MS a]"]
    );
    let token = rig.token("T1");
    assert_eq!(
        rig.sent(&format!("TASK.EXTEND q a {token}")),
        ["q: zadd claimed [MS a]"]
    );
    assert_eq!(
        rig.sent(&format!("TASK.EXTEND q a {token} LEASE 500 PROGRESS half")),
        ["q: hset x:a [progress half]; \
          patch t:a claimed p=5 flags=1 deliveries=1 worker=1 lease=500 fence=T1 due=MS; zadd claimed [MS a]"]
    );
    assert_eq!(
        rig.sent(&format!("TASK.ACK q a {token} NEXT")),
        ["q: zrem claimed [a]; del x:a; del t:a; lpop ready:5 [b]; \
          patch t:b claimed p=5 deliveries=1 worker=1 lease=500 fence=T2 due=MS; zadd claimed [MS b]"]
    );
    let token = rig.token("T2");
    assert_eq!(
        rig.sent(&format!("TASK.ACK q b {token}")),
        ["q: zrem claimed [b]; del t:b"]
    );
    rig.sent("TASK.CLAIM q w1");
    let token = rig.token("T3");
    assert_eq!(
        rig.sent(&format!("TASK.MACK q 2 c {token} c {token}")),
        ["q: zrem claimed [c]; del t:c"]
    );
    assert_eq!(rig.sent("TASK.CLAIM q w2"), Vec::<String>::new());
}

#[test]
fn failing_and_releasing() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE q x ID a");
    rig.sent("TASK.CLAIM q w");
    let token = rig.token("T1");
    assert_eq!(
        rig.sent(&format!("TASK.RELEASE q a {token}")),
        ["q: zrem claimed [a]; lpush ready:5 [a]; patch t:a waiting p=5 deliveries=1 fence=T1 due=MS"]
    );
    rig.sent("TASK.CLAIM q w");
    let token = rig.token("T2");
    assert_eq!(
        rig.sent(&format!("TASK.MEXTEND q 2 a {token} b 5 LEASE 77")),
        ["q: patch t:a claimed p=5 deliveries=2 worker=1 lease=77 fence=T2 due=MS; zadd claimed [MS a]"]
    );
    assert_eq!(
        rig.sent(&format!("TASK.FAIL q a {token} ERROR broken DELAY 5000")),
        ["q: zrem claimed [a]; hset x:a [error broken]; zadd scheduled [MS a]; \
          patch t:a waiting p=5 flags=1 used=1 deliveries=2 fence=T2 due=MS"]
    );
    assert_eq!(
        rig.sent("TASK.RESCHEDULE q a DELAY 0"),
        ["q: zrem scheduled [a]; rpush ready:5 [a]; patch t:a waiting p=5 flags=1 used=1 deliveries=2 fence=T2 due=MS"]
    );
    rig.sent("TASK.CLAIM q w");
    let token = rig.token("T3");
    assert_eq!(
        rig.sent(&format!("TASK.FAIL q a {token} DEAD")),
        [
            "q: zrem claimed [a]; xadd task-events ID most 1000 [type dead, id a, worker w, attempt 2, reason failed, kind ]; \
          patch t:a dead p=5 flags=1 used=2 deliveries=3 fence=T3 due=MS; zadd dead [MS a]"
        ]
    );
    assert_eq!(
        rig.sent("TASK.RETRY q a"),
        ["q: zrem dead [a]; rpush ready:5 [a]; patch t:a waiting p=5 flags=1 deliveries=3 fence=T3 due=MS"]
    );
}

#[test]
fn leaving_a_ready_list() {
    let mut rig = Rig::start("no");
    for id in ["a", "b", "c"] {
        rig.sent(&format!("TASK.SCHEDULE q x ID {id}"));
    }
    assert_eq!(
        rig.sent("TASK.RESCHEDULE q b PRIORITY 2"),
        ["q: hset queue [ghosts:5 1]; rpush ready:2 [b]; patch t:b waiting p=2 ghosts=32 fence=F due=MS"]
    );
    assert_eq!(
        rig.sent("TASK.CANCEL q c"),
        [
            "q: hset queue [ghosts:5 2]; xadd task-events ID most 1000 [type cancelled, id c, worker , attempt , reason , kind ]; \
          set t:c removed p=5 ghosts=32 fence=F due=MS"
        ]
    );
    assert_eq!(
        rig.sent("TASK.CLAIM q w COUNT 3"),
        ["q: lpop ready:2 [b]; hset workers [1 w]; \
          patch t:b claimed p=2 ghosts=32 deliveries=1 worker=1 lease=30000 fence=T1 due=MS; lpop ready:5 [a]; \
          patch t:a claimed p=5 deliveries=1 worker=1 lease=30000 fence=T2 due=MS; lpop ready:5 [b]; \
          patch t:b claimed p=2 deliveries=1 worker=1 lease=30000 fence=T1 due=MS; lpop ready:5 [c]; del t:c; \
          hdel queue [ghosts:5]; zadd claimed [MS b, MS a]"]
    );
    assert_eq!(
        rig.sent("TASK.CANCEL q a nobody"),
        [
            "q: xadd task-events ID most 1000 [type cancelled, id a, worker w, attempt 1, reason , kind ]; \
          patch t:a claimed p=5 flags=64 deliveries=1 worker=1 lease=30000 fence=T2 due=MS"
        ]
    );
}

#[test]
fn settings_pauses_purges_and_drops() {
    let mut rig = Rig::start("no");
    assert_eq!(
        rig.sent("TASK.CONFIG SET q lease 5 attempts 4"),
        ["q: hset queue [lease 5, attempts 4]"]
    );
    assert_eq!(rig.sent("TASK.PAUSE q FOR 5000"), ["q: hset queue [paused_until MS]"]);
    assert_eq!(rig.sent("TASK.PAUSE q"), ["q: hset queue [paused_until -1]"]);
    assert_eq!(rig.sent("TASK.RESUME q"), ["q: hdel queue [paused_until]"]);
    assert_eq!(rig.sent("TASK.RESUME q"), Vec::<String>::new());
    rig.sent("TASK.SCHEDULE q x ID a");
    assert_eq!(rig.sent("TASK.PURGE q ready"), ["q: lpop ready:5 [a]; del t:a"]);
    rig.sent("TASK.SCHEDULE q x ID b");
    rig.sent("TASK.SCHEDULE q x ID c DELAY 5000");
    rig.sent("TASK.CLAIM q w");
    let sent = rig.sent("TASK.DROP q FORCE").join("");
    assert_eq!(
        sent,
        "q: rename scheduled drop:F:scheduled; rename claimed drop:F:claimed; del queue; del workers; \
         hset queue [drops F]"
    );
    for read in [
        "TASK.STATS q",
        "TASK.EXPLAIN q w",
        "TASK.GET q a",
        "TASK.LIST q ready",
        "TASK.QUEUES",
        "TASK.WORKERS q",
        "TASK.CONFIG GET q",
    ] {
        assert_eq!(rig.sent(read), Vec::<String>::new(), "{read}");
    }
}

#[test]
fn a_hand_over_to_a_waiting_client_is_part_of_the_unit() {
    let mut rig = Rig::start("no");
    let mut waiting = rig.server.client();
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || rig.client.stat("q", "waiting_clients") == 1);
    rig.client.must("TASK.SCHEDULE q x ID a");
    let reply = waiting.receive();
    rig.learn(&reply);
    assert_eq!(
        rig.rest(),
        [
            "q: rpush ready:5 [a]; set t:a waiting p=5 fence=F due=MS 'x'; lpop ready:5 [a]; hset workers [1 w]; \
          patch t:a claimed p=5 deliveries=1 worker=1 lease=30000 fence=T1 due=MS; zadd claimed [MS a]"
        ]
    );
}

#[test]
fn a_transaction_keeps_its_commands_together() {
    let mut rig = Rig::start("no");
    rig.client.must("MULTI");
    rig.client.must("SET before 1");
    rig.client.must("TASK.SCHEDULE q x ID a");
    rig.client.must("TASK.CANCEL q nobody");
    rig.client.must("SET after 1");
    assert_eq!(
        rig.sent("EXEC"),
        [
            "MULTI",
            "SET before 1",
            "q: rpush ready:5 [a]; set t:a waiting p=5 fence=F due=MS 'x'",
            "SET after 1",
            "EXEC"
        ]
    );
    let script =
        "redis.call('SET', 'inside', 1); redis.call('TASK.CANCEL', KEYS[1], 'a'); return redis.call('INCR', 'n')";
    rig.client.call_args(&["EVAL", script, "1", "q"]);
    assert_eq!(
        rig.rest(),
        [
            "MULTI",
            "SET inside 1",
            "q: hset queue [ghosts:5 1]; xadd task-events ID most 1000 [type cancelled, id a, worker , attempt , reason , kind ]; \
             set t:a removed p=5 ghosts=32 fence=F due=MS",
            "INCR n",
            "EXEC"
        ]
    );
}

#[test]
fn what_the_timer_does() {
    let mut rig = Rig::start("yes");
    rig.sent("TASK.SCHEDULE q x ID a DELAY 30");
    wait_until("it is due", || rig.client.counts("q") == "ready 1");
    assert_eq!(rig.rest(), ["q: zrem scheduled [a]; rpush ready:5 [a]"]);
    rig.sent("TASK.CLAIM q w LEASE 30");
    wait_until("its lease is lost", || rig.client.counts("q") == "ready 1");
    assert_eq!(
        rig.rest(),
        [
            "q: zrem claimed [a]; xadd task-events ID most 1000 [type lost, id a, worker w, attempt 1, reason lease, kind ]; \
             lpush ready:5 [a]; patch t:a waiting p=5 used=1 deliveries=1 lost=1 fence=T1 due=MS"
        ]
    );
    let mut bound = rig.server.client();
    let reply = bound.must("TASK.CLAIM q w BIND");
    rig.learn(&reply);
    rig.rest();
    drop(bound);
    wait_until("its connection has closed", || rig.client.counts("q") == "ready 1");
    assert_eq!(
        rig.rest(),
        [
            "q: zrem claimed [a]; xadd task-events ID most 1000 [type lost, id a, worker w, attempt 2, reason disconnect, kind ]; \
             lpush ready:5 [a]; patch t:a waiting p=5 used=2 deliveries=2 lost=2 fence=T2 due=MS"
        ]
    );
    rig.sent("TASK.PAUSE q FOR 30");
    wait_until("the pause is over", || {
        rig.client.call("TASK.STATS q").field("paused_until") == &Value::Null
    });
    wait_until("and forgotten", || rig.client.call("EXISTS task:{q}") == "0");
    assert_eq!(rig.rest(), ["q: hdel queue [paused_until]"]);
}
