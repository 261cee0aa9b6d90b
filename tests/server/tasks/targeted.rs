//! TO: targeted tasks, over the life and death of their worker.

use crate::support::{Client, Random, Server, Value, places, wait_until};

/// The fields of the queue's hash for dead workers whose tasks are being given to everyone.
fn orphaned(client: &mut Client, queue: &str) -> bool {
    client
        .call(&format!("HKEYS task:{{{queue}}}"))
        .to_string()
        .contains("orphaned:")
}

/// `1000` tasks at once with these options.
fn thousand(client: &mut Client, queue: &str, options: &str) {
    client.must(&format!("TASK.MSCHEDULE {queue} 1000{} {options}", " x".repeat(1_000)));
}

#[test]
fn nobody_but_its_worker_claims_a_task() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID mine TO w");
    client.schedule("q x ID plain");
    assert_eq!(client.counts("q"), "ready 2");
    assert_eq!(client.get("q", "mine", "to state"), "to 'w', state 'ready'");
    assert_eq!(client.call("ZRANGE task:{q}:targeted 0 -1"), "['mine']");
    assert_eq!(client.call("TASK.CLAIM q v COUNT 9").ids(), ["plain"]);
    assert_eq!(client.call("TASK.CLAIM q v"), Value::Null);
    assert_eq!(client.call("TASK.MCLAIM 2 r q v"), Value::Null);
    let (id, token) = client.claim("q w");
    assert_eq!(client.call("ZSCORE task:{q}:to:w mine").text(), "-1");
    assert_eq!(
        client.call(&format!("TASK.FAIL q {id} {token} DELAY 0")).field("state"),
        "'ready'"
    );
    let task = client.call("TASK.MCLAIM 2 r q w COUNT 9");
    assert_eq!(task.item(0).field("queue"), "'q'");
    let token = task.item(0).field("token").int();
    assert_eq!(client.call(&format!("TASK.ACK q mine {token}")), "+OK");
    assert_eq!(
        client.call("EXISTS task:{q}:targeted task:{q}:to:w task:{q}:x:mine"),
        "0"
    );
    for bad in ["TASK.SCHEDULE q x TO *", "TASK.MSCHEDULE q 1 x TO *"] {
        assert_eq!(client.call(bad).code(), "BADNAME", "{bad}");
    }
}

#[test]
fn a_task_for_one_that_is_not_there_now_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q service {q}crew");
    let refused = "-NOMEMBER no member w in service {q}crew (setting service of queue q)";
    let keys = client.keys();
    assert_eq!(client.call("TASK.SCHEDULE q x TO w NOW"), refused);
    assert_eq!(client.call("TASK.MSCHEDULE q 2 x y TO w NOW"), refused);
    assert_eq!(client.keys(), keys);
    client.must("PID.REGISTER {q}crew w 1 TTL 60000");
    client.schedule("q x ID a TO w NOW");
    client.must("PID.EVICT {q}crew w");
    assert_eq!(client.call("TASK.SCHEDULE q x TO w NOW"), refused);
    assert_eq!(client.claim("q v").0, "a", "once it is there it is as any other");
}

#[test]
fn of_many_that_wait_the_client_of_its_worker_is_served_and_the_line_stays() {
    let server = Server::start();
    let mut client = server.client();
    let mut line: Vec<Client> = (0..20)
        .map(|n| server.waiter(&format!("TASK.CLAIM q w{n} BLOCK 0")))
        .collect();
    let mut many = server.waiter("TASK.MCLAIM 3 a q b many BLOCK 0");
    client.schedule("q x ID for-13 TO w13");
    assert_eq!(line[13].receive().ids(), ["for-13"]);
    client.schedule("q x ID for-many TO many DELAY 20");
    assert_eq!(many.receive().ids(), ["for-many"]);
    client.must("MULTI");
    client.must("TASK.MSCHEDULE q 1 x TO w7");
    client.must("TASK.SCHEDULE q x ID plain");
    client.must("TASK.SCHEDULE q x ID nobody TO nobody");
    client.must("TASK.STATS q");
    assert_eq!(
        client.call("EXEC").item(3).field("ready_tasks"),
        "1",
        "handed over at once"
    );
    assert_eq!(line[7].receive().ids().len(), 1);
    assert_eq!(line[0].receive().ids(), ["plain"], "the first that waits");
    for (at, waiting) in line.iter_mut().enumerate() {
        assert!(at == 0 || waiting.is_silent(), "{at}");
    }
    assert_eq!(client.stat("q", "waiting_clients"), 17);
    assert_eq!(client.counts("q"), "ready 1 claimed 4");
}

#[test]
fn a_pause_and_a_limit_keep_it_back_and_then_it_is_handed_over() {
    let server = Server::start();
    let mut client = server.client();
    for (begin, end) in [
        ("TASK.PAUSE q", "TASK.RESUME q"),
        ("TASK.CONFIG SET q concurrency 1", "TASK.CONFIG SET q concurrency 0"),
    ] {
        client.must("TASK.SCHEDULE q x ID other");
        client.claim("q someone");
        client.must(begin);
        let mut first = server.waiter("TASK.CLAIM q first BLOCK 0");
        let mut own = server.waiter("TASK.CLAIM q own BLOCK 0");
        client.schedule("q x ID a TO own");
        assert!(own.is_silent(), "{begin}");
        assert_eq!(client.counts("q"), "ready 1 claimed 1");
        client.must(end);
        assert_eq!(own.receive().ids(), ["a"], "{end}");
        assert!(first.is_silent());
        client.must("TASK.DROP q FORCE");
        drop(first);
        wait_until("it has left", || client.stat("q", "waiting_clients") == 0);
    }
    // A slot that is freed.
    client.must("TASK.CONFIG SET q concurrency 1");
    client.schedule("q x ID other");
    let (_, token) = client.claim("q someone");
    let mut first = server.waiter("TASK.CLAIM q first BLOCK 0");
    let mut own = server.waiter("TASK.CLAIM q own BLOCK 0");
    client.schedule("q x ID a TO own");
    client.must(&format!("TASK.ACK q other {token}"));
    assert_eq!(own.receive().ids(), ["a"]);
    assert!(first.is_silent());
}

#[test]
fn what_was_for_one_that_dies_is_anybodys_in_the_same_moment() {
    let server = Server::start();
    let mut client = server.client();
    let mut process = server.client();
    process.register("q w 12 TTL 0 BIND");
    client.schedule("q x ID held TO w");
    process.claim("q w LEASE 600000");
    client.schedule("q x ID a TO w");
    client.schedule("q x ID later TO w DELAY 3600000");
    let mut waiting: Vec<Client> = (0..2)
        .map(|n| server.waiter(&format!("TASK.CLAIM q v{n} BLOCK 0")))
        .collect();
    drop(process);
    // What was lost goes to the one that was heard last.
    assert_eq!(waiting[1].receive().ids(), ["held"]);
    assert_eq!(waiting[0].receive().ids(), ["a"]);
    assert_eq!(client.get("q", "later", "to"), "to null");
    assert_eq!(client.call("EXISTS task:{q}:targeted task:{q}:to:w"), "0");
    // The same of one that leaves, seen from inside one transaction.
    client.register("q w 12 TTL 0");
    client.schedule("q x ID b TO w");
    client.must("MULTI");
    client.must("PID.DEREGISTER q w PID 12");
    client.must("TASK.CLAIM q v COUNT 5");
    assert_eq!(client.call("EXEC").item(1).ids(), ["b"]);
    // Another process of its name is the same worker.
    let mut process = server.client();
    process.register("q w 12 TTL 0 BIND GRACE 60000");
    client.schedule("q x ID c TO w");
    drop(process);
    wait_until("it is in grace", || client.member("q", "w", "state") == "state 'grace'");
    assert_eq!(client.call("PID.REGISTER q w 13 TTL 0").field("status"), "'replaced'");
    assert_eq!(client.call("TASK.CLAIM q v"), Value::Null);
    assert_eq!(client.claim("q w").0, "c");
}

#[test]
fn what_was_for_one_that_dies_is_anybodys_also_in_a_queue_that_is_not_used() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q service {q}s");
    client.register("{q}s w 12 TTL 0");
    client.schedule("q x ID a TO w");
    client.schedule("q x ID later TO w DELAY 3600000");
    // Of so many queues only some are in memory.
    let others = (0..1_000).map(|n| format!("TASK.SCHEDULE other{n} x"));
    let step = ["PID.EVICT {q}s w", "TASK.CLAIM q v", "EXEC"].map(String::from);
    let replies = client.pipeline(["MULTI".to_string()].into_iter().chain(others).chain(step));
    let claimed = replies.last().unwrap().items().last().unwrap();
    assert_eq!(claimed.ids(), ["a"]);
    assert_eq!(client.get("q", "later", "to"), "to null");
}

#[test]
fn thousands_become_everyones_over_a_restart_and_a_promotion() {
    for promoted in [false, true] {
        let mut server = Server::builder().append_always().listening().start();
        let mut client = server.client();
        client.register("q w 12 TTL 0");
        for options in ["TO w", "TO w", "TO w PRIORITY 2", "TO w DELAY 3600000"] {
            thousand(&mut client, "q", options);
        }
        client.must("TASK.CLAIM q w COUNT 500 LEASE 600000");
        let replica = server.replica();
        let mut there = replica.client();
        client.must("CONFIG SET steward.timer no");
        client.must("PID.EVICT q w");
        assert_eq!(client.counts("q"), "scheduled 1000 ready 3000");
        assert_eq!(client.call("TASK.CLAIM q v COUNT 1000 LEASE 600000").ids().len(), 1_000);
        assert!(orphaned(&mut client, "q"));
        wait_until("the replica has it", || there.digest() == client.digest());
        let mut client = if promoted {
            there.must("REPLICAOF NO ONE");
            there
        } else {
            server.kill_9();
            server.start_again(&[("steward.timer", "yes")]);
            server.client()
        };
        // It is back, with a new task.
        client.register("q w 13 TTL 0");
        client.schedule("q x ID new TO w");
        wait_until("all are everyone's", || !orphaned(&mut client, "q"));
        assert_eq!(client.call("ZRANGE task:{q}:to:w 0 -1"), "['new']");
        places::check(&mut client, "q");
        let mut got = 0;
        loop {
            let more = client.call("TASK.CLAIM q v COUNT 1000 LEASE 600000");
            if more == Value::Null {
                break;
            }
            got += more.ids().len();
        }
        assert_eq!(got, 2_000);
        assert_eq!(client.claim("q w").0, "new");
        assert_eq!(client.call("TASK.PURGE q scheduled").item(1), &Value::Int(1_000));
    }
}

#[test]
fn the_record_has_what_becomes_of_it_and_all_servers_agree() {
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica_with(Server::builder().append_always());
    let (mut client, mut there) = (server.client(), replica.client());
    let mut random = Random::new(7);
    for step in 0..600 {
        let worker = format!("w{}", random.below(3));
        let words = match random.below(9) {
            0..=3 => format!(
                "TASK.SCHEDULE q x ID t{step} TO {worker} PRIORITY {} DELAY {}",
                random.below(3),
                random.below(2) * random.below(20)
            ),
            4 => format!("TASK.CLAIM q {worker} COUNT 2 LEASE 30"),
            5 => format!(
                "TASK.RESCHEDULE q t{} DELAY {}",
                random.below(step + 1),
                random.below(9)
            ),
            6 => format!("TASK.CANCEL q t{}", random.below(step + 1)),
            7 => format!("HB.BEAT q {worker} TTL 200"),
            _ => format!("PID.EVICT q {worker}"),
        };
        client.call(&words);
        if step % 100 == 0 {
            places::check(&mut client, "q");
        }
    }
    client.must("CONFIG SET steward.timer no");
    places::check(&mut client, "q");
    let digest = client.digest();
    wait_until("the replica has it", || there.digest() == digest);
    assert_eq!(
        there.call("TASK.LIST q ready COUNT 1000"),
        client.call("TASK.LIST q ready COUNT 1000").to_string()
    );
    client.must("BGREWRITEAOF");
    wait_until("the rewrite is over", || client.info("aof_rewrite_in_progress") == "0");
    server.kill_9();
    server.start_again(&[("steward.timer", "no")]);
    assert_eq!(server.client().digest(), digest);
}

#[test]
fn a_dropped_queue_leaves_no_trace_of_them() {
    let server = Server::start();
    let mut client = server.client();
    for worker in ["w1", "w2"] {
        thousand(&mut client, "q", &format!("TO {worker}"));
        thousand(&mut client, "q", &format!("TO {worker} DELAY 3600000"));
    }
    assert_eq!(client.call("TASK.DROP q"), "4000");
    assert_eq!(client.call("TASK.CLAIM q w1 COUNT 10"), Value::Null);
    client.schedule("q x ID new TO w1");
    wait_until("the rest is swept", || client.call("DBSIZE").int() <= 5);
    assert_eq!(client.claim("q w1").0, "new");
    client.must("TASK.DROP q FORCE");
    wait_until("nothing is left", || client.keys().is_empty());
}

#[test]
fn a_key_of_another_type_stops_only_what_needs_it() {
    let server = Server::start();
    let mut client = server.client();
    client.must("SET task:{q}:to:w x");
    assert_eq!(client.call("TASK.SCHEDULE q x TO w").code(), "WRONGTYPE");
    let mut waiting = server.waiter("TASK.CLAIM q w BLOCK 0");
    let mut other = server.waiter("TASK.CLAIM q v BLOCK 0");
    client.schedule("q x ID mine TO v DELAY 20");
    assert_eq!(other.receive().ids(), ["mine"]);
    client.schedule("q x ID plain");
    assert_eq!(waiting.receive().ids(), ["plain"]);
    client.must("PID.REGISTER q w 1 TTL 0");
    assert_eq!(client.call("PID.EVICT q w"), "1");
    assert_eq!(client.claim("q v").0, "plain", "its claims end");
    client.must("DEL task:{q}:to:w");
    client.must("LPUSH task:{q}:targeted x");
    assert_eq!(client.call("TASK.SCHEDULE q x TO w").code(), "WRONGTYPE");
    client.schedule("q x ID more");
    assert_eq!(client.claim("q w").0, "more");
}

#[test]
fn what_is_deleted_by_hand_is_found_again() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c"] {
        client.schedule(&format!("q x ID {id} TO w"));
    }
    client.must("DEL task:{q}:to:w");
    assert_eq!(client.must("TASK.CLAIM q w COUNT 3 BLOCK 20000").ids().len(), 3);
    client.schedule("q x ID d TO w");
    client.must("DEL task:{q}:t:d");
    assert_eq!(client.call("TASK.CLAIM q w"), Value::Null);
    assert_eq!(client.counts("q"), "claimed 3");
}
