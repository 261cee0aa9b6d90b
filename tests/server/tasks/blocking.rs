//! Blocked claims: which client is served, when, and what ends a wait.

use crate::support::{Client, Server, Value, wait_until};

/// The payload of the only task of a claim's reply.
#[track_caller]
fn payload(reply: &Value) -> String {
    assert_eq!(reply.items().len(), 1, "{reply}");
    reply.item(0).field("payload").text()
}

#[test]
fn waiting_clients_are_served_first_come_first_served() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiters: Vec<Client> = (0..4)
        .map(|n| server.waiter(&format!("TASK.CLAIM q w{n} BLOCK 0")))
        .collect();
    assert_eq!(client.stat("q", "waiting_clients"), 4);
    client.must("TASK.MSCHEDULE q 3 a b c");
    let payloads: Vec<String> = waiters[..3]
        .iter_mut()
        .map(|waiter| payload(&waiter.receive()))
        .collect();
    assert_eq!(payloads, ["a", "b", "c"]);
    assert!(waiters[3].is_silent());
    assert_eq!(client.stat("q", "waiting_clients"), 1);
    let workers = client.call("TASK.WORKERS q");
    let names: Vec<String> = workers.items()[1]
        .items()
        .iter()
        .map(|worker| worker.field("worker").text())
        .collect();
    assert_eq!(names, ["w0", "w1", "w2"]);
    client.schedule("q d");
    assert_eq!(payload(&waiters[3].receive()), "d");
}

#[test]
fn a_lost_task_goes_to_the_waiter_heard_last_and_every_loss_counts() {
    let server = Server::start();
    let mut client = server.client();
    let dead: Vec<Client> = (0..4)
        .map(|n| server.waiter(&format!("TASK.CLAIM q gone{n} BLOCK 0 LEASE 400")))
        .collect();
    let mut alive = server.waiter("TASK.CLAIM q alive BLOCK 20000");
    client.schedule("q x ID a");
    let reply = alive.receive();
    assert_eq!(
        (reply.ids(), reply.item(0).field("attempt").int()),
        (vec!["a".into()], 2)
    );
    let token = reply.item(0).field("token").int();
    assert_eq!(client.get("q", "a", "losses"), "losses 1");
    client.must(&format!("TASK.ACK q a {token}"));
    // A new task goes to the one that has waited longest, as ever.
    client.schedule("q y ID b");
    assert_eq!(client.get("q", "b", "worker"), "worker 'gone1'");
    drop(dead);
}

#[test]
fn what_is_there_is_claimed_without_waiting_and_a_waiter_takes_what_it_gets() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.MSCHEDULE q 2 a b");
    assert_eq!(client.call("TASK.CLAIM q w COUNT 5 BLOCK 0").ids().len(), 2);
    let mut waiting = server.waiter("TASK.CLAIM q w COUNT 5 BLOCK 0");
    client.must("TASK.MSCHEDULE q 3 c d e");
    assert_eq!(waiting.receive().ids().len(), 3);
}

#[test]
fn a_wait_that_ran_out_is_a_null_array() {
    let server = Server::start();
    assert_eq!(server.client_resp2().call("TASK.CLAIM q w BLOCK 20"), Value::NullArray);
    assert_eq!(server.client().call("TASK.CLAIM q w BLOCK 20"), Value::Null);
    assert_eq!(
        server.client_resp2().call("TASK.MCLAIM 2 q r w BLOCK 20"),
        Value::NullArray
    );
    let mut client = server.client();
    assert_eq!(client.stat("q", "waiting_clients"), 0);
    client.schedule("q x");
    assert_eq!(client.counts("q"), "ready 1");
}

#[test]
fn client_unblock_ends_a_wait_in_both_ways() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting = server.client();
    let id = waiting.id();
    for (how, expected) in [
        ("TIMEOUT", "null"),
        ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    ] {
        waiting.send("TASK.CLAIM q w BLOCK 0");
        wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
        assert_eq!(client.call(&format!("CLIENT UNBLOCK {id} {how}")), "1");
        assert_eq!(waiting.receive(), expected);
        wait_until("nobody waits", || client.stat("q", "waiting_clients") == 0);
    }
    client.schedule("q x");
    assert_eq!(client.counts("q"), "ready 1");
    assert_eq!(waiting.call("TASK.CLAIM q w").ids().len(), 1);
}

#[test]
fn a_waiting_client_that_goes_away_gets_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let killed = server.waiter("TASK.CLAIM q w1 BLOCK 0");
    let mut second = server.waiter("TASK.CLAIM q w2 BLOCK 0");
    drop(killed);
    wait_until("it has left", || client.stat("q", "waiting_clients") == 1);
    client.schedule("q x");
    assert_eq!(payload(&second.receive()), "x");
    assert_eq!(client.stat("q", "claimed_total"), 1);
}

#[test]
fn a_client_gone_between_hand_over_and_reply_gives_its_task_back() {
    let server = Server::start();
    let mut client = server.client();
    let mut gone = server.client();
    let id = gone.id();
    gone.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    // The task is handed over inside the transaction; the reply would be written after it.
    client.must("MULTI");
    client.must("TASK.SCHEDULE q x ID a");
    client.must(&format!("CLIENT KILL ID {id}"));
    client.must("EXEC");
    wait_until("the task is ready again", || client.counts("q") == "ready 1");
    assert_eq!(
        client.get("q", "a", "state attempt losses"),
        "state 'ready', attempt 0, losses 0"
    );
    assert!(gone.is_closed());
}

#[test]
fn nobody_waits_in_a_transaction_or_a_script() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    two.must("MULTI");
    two.must("TASK.CLAIM q w BLOCK 0");
    two.must("TASK.MCLAIM 1 q w BLOCK 0");
    assert_eq!(two.call("EXEC"), "[null array, null array]");
    let script = "return redis.call('TASK.CLAIM', KEYS[1], 'w', 'BLOCK', '0')";
    assert_eq!(client.call_args(&["EVAL", script, "1", "q"]), Value::Null);
    client.schedule("q x ID a");
    let script = "return redis.call('TASK.CLAIM', KEYS[1], 'w', 'BLOCK', '0')[1][2]";
    assert_eq!(client.call_args(&["EVAL", script, "1", "q"]), "'a'");
    assert_eq!(client.stat("q", "waiting_clients"), 0);
}

#[test]
fn work_of_every_origin_wakes_a_waiter() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting = server.client();
    let mut woken_by = |client: &mut Client, what: &str| -> i64 {
        waiting.send("TASK.CLAIM q w BLOCK 0");
        wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
        client.must(what);
        let reply = waiting.receive();
        assert_eq!(payload(&reply), "x", "{what}");
        reply.item(0).field("token").int()
    };
    let token = woken_by(&mut client, "TASK.SCHEDULE q x ID a DELAY 30");
    let token = woken_by(&mut client, &format!("TASK.RELEASE q a {token}"));
    let token = woken_by(&mut client, &format!("TASK.FAIL q a {token} DELAY 0"));
    let token = woken_by(&mut client, &format!("TASK.FAIL q a {token} DELAY 20"));
    client.must(&format!("TASK.FAIL q a {token} DEAD"));
    let token = woken_by(&mut client, "TASK.RETRY q a");
    client.must(&format!("TASK.FAIL q a {token} DEAD"));
    let token = woken_by(&mut client, "TASK.RETRYALL q");
    client.must(&format!("TASK.RELEASE q a {token} DELAY 3600000"));
    let token = woken_by(&mut client, "TASK.RESCHEDULE q a DELAY 0");
    woken_by(&mut client, &format!("TASK.EXTEND q a {token} LEASE 30"));
}

#[test]
fn mclaim_takes_what_is_there_in_the_order_of_its_arguments() {
    let server = Server::start();
    let mut client = server.client();
    for queue in ["c", "a", "b"] {
        client.schedule(&format!("{queue} of-{queue} ID {queue}1"));
    }
    for queue in ["b", "c", "a"] {
        let reply = client.call("TASK.MCLAIM 3 b c a w COUNT 5");
        let token = reply.item(0).field("token").int();
        let task = format!(
            "{{queue: '{queue}', id: '{queue}1', token: {token}, attempt: 1, kind: null, payload: 'of-{queue}'}}"
        );
        assert_eq!(reply, format!("[{task}]"));
    }
    assert_eq!(client.call("TASK.MCLAIM 3 b c a w"), Value::Null);
}

#[test]
fn a_client_that_waits_on_many_queues_is_one_waiter() {
    let server = Server::start();
    let mut client = server.client();
    let mut many = server.waiter("TASK.MCLAIM 3 a b c w BLOCK 0");
    let mut single = server.waiter("TASK.CLAIM c w BLOCK 0");
    client.schedule("c first");
    assert_eq!(payload(&many.receive()), "first");
    assert_eq!(
        [
            client.stat("a", "waiting_clients"),
            client.stat("b", "waiting_clients"),
            client.stat("c", "waiting_clients")
        ],
        [0, 0, 1]
    );
    client.schedule("c second");
    assert_eq!(payload(&single.receive()), "second");
}

#[test]
fn a_pause_keeps_those_who_wait_and_its_end_serves_them() {
    let server = Server::start();
    let mut client = server.client();
    let mut waiting = server.waiter("TASK.CLAIM q w BLOCK 0");
    client.must("TASK.PAUSE q");
    assert_eq!(client.stat("q", "paused_until"), -1);
    client.schedule("q x");
    assert_eq!(client.call("TASK.CLAIM q w"), Value::Null);
    assert_eq!(
        (
            client.counts("q"),
            client.stat("q", "waiting_clients"),
            waiting.is_silent()
        ),
        ("ready 1".into(), 1, true)
    );
    client.must("TASK.RESUME q");
    assert_eq!(payload(&waiting.receive()), "x");
    let mut waiting = server.waiter("TASK.CLAIM q w BLOCK 0");
    client.must("TASK.PAUSE q FOR 60");
    client.schedule("q y");
    assert_eq!(payload(&waiting.receive()), "y");
    assert_eq!(client.call("TASK.STATS q").field("paused_until"), &Value::Null);
}

#[test]
fn a_paused_queue_counts_as_empty_for_a_client_of_many() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("a x");
    client.schedule("b y");
    client.must("TASK.PAUSE a");
    assert_eq!(payload(&client.call("TASK.MCLAIM 2 a b w")), "y");
    let mut waiting = server.waiter("TASK.MCLAIM 2 a b w BLOCK 0");
    client.must("TASK.RESUME a");
    assert_eq!(payload(&waiting.receive()), "x");
}

#[test]
fn a_demotion_ends_every_wait() {
    let server = Server::builder().listening().start();
    let mut client = server.client();
    let mut waiting = server.waiter("TASK.CLAIM q w BLOCK 0");
    client.must("REPLICAOF 127.0.0.1 1");
    assert_eq!(waiting.receive().code(), "UNBLOCKED");
    client.must("REPLICAOF NO ONE");
    client.schedule("q x");
    assert_eq!(client.counts("q"), "ready 1");
}

#[test]
fn the_module_is_unloaded_only_when_nobody_waits_and_data_stays() {
    // What is to be written a minute later would keep it too.
    let server = Server::builder().set("steward.history-queues", "0").start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let waiting = server.waiter("TASK.CLAIM other w BLOCK 0");
    assert!(client.call("MODULE UNLOAD steward").is_error());
    drop(waiting);
    wait_until("the module can go", || !client.call("MODULE UNLOAD steward").is_error());
    assert!(client.call("TASK.CLAIM q w").is_error());
    assert_eq!(client.keys(), ["task:{q}:ready:5", "task:{q}:t:a"]);
}
