//! AFTER: tasks that wait for others.

use crate::support::{Client, Server, Value, places, wait_until};

#[track_caller]
fn ack(client: &mut Client, claim: (String, i64)) -> String {
    let (id, token) = claim;
    client.must(&format!("TASK.ACK q {id} {token}"));
    id
}

#[test]
fn a_graph_is_sent_in_one_transaction_and_runs_in_its_order() {
    let server = Server::start();
    let mut client = server.client();
    let mut worker = server.client();
    worker.send("TASK.CLAIM q w BLOCK 0");
    wait_until("it waits", || client.stat("q", "waiting_clients") == 1);
    client.must("MULTI");
    for words in [
        "q x ID top",
        "q x ID left AFTER 1 top",
        "q x ID right AFTER 1 top",
        "q x ID bottom AFTER 2 left right",
    ] {
        client.must(&format!("TASK.SCHEDULE {words}"));
    }
    assert_eq!(client.must("EXEC").items().len(), 4);
    let task = worker.receive();
    assert_eq!(client.counts("q"), "claimed 1 blocked 3");
    worker.send("TASK.CLAIM q w COUNT 9 BLOCK 0");
    wait_until("it waits", || client.stat("q", "waiting_clients") == 1);
    let token = task.item(0).field("token");
    client.must(&format!("TASK.ACK q top {token}"));
    // Tasks freed by one command are handed out together.
    let sides = worker.receive();
    assert_eq!(sides.ids(), ["left", "right"]);
    let token = |at: usize| sides.item(at).field("token").int();
    ack(&mut client, ("right".into(), token(1)));
    assert_eq!(client.call("TASK.CLAIM q w"), "null");
    ack(&mut client, ("left".into(), token(0)));
    let bottom = client.claim("q w");
    assert_eq!(ack(&mut client, bottom), "bottom");
    assert_eq!(client.keys(), ["task:{q}:workers"]);
}

#[test]
fn a_parent_of_ten_thousand_children_ends_and_nobody_waits_for_it_long() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.schedule("q x ID parent");
    let payloads = vec!["p"; 1_000].join(" ");
    for _ in 0..10 {
        client.must(&format!("TASK.MSCHEDULE q 1000 {payloads} AFTER 1 parent"));
    }
    assert_eq!(client.counts("q"), "ready 1 blocked 10000");
    let (id, token) = client.claim("q w");
    // Some are resolved with the ACK, then the server dies; the others are not forgotten.
    client.must("CONFIG SET steward.timer no");
    assert_eq!(ack(&mut client, (id, token)), "parent");
    assert_eq!(client.counts("q"), "ready 128 blocked 9872");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    wait_until("all may run", || client.counts("q") == "ready 10000");
    places::check(&mut client, "q");
    let claims = client.must("TASK.CLAIM q w COUNT 1000");
    assert_eq!(claims.items().len(), 1_000);
    assert!(!client.keys().iter().any(|key| key.contains(":after:")));
    assert_eq!(client.call("HGETALL task:{q}"), "{}");
}

#[test]
fn what_waits_is_the_same_on_a_replica_and_after_a_restart() {
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    for words in [
        "q x ID a",
        "q x ID b",
        "q x ID c AFTER 2 a b",
        "q x ID d AFTER 1 c ONFAIL RUN",
        "q x ID e AFTER 1 c",
    ] {
        client.schedule(words);
    }
    let a = client.claim("q w");
    ack(&mut client, a);
    wait_until("the replica has it", || there.digest() == client.digest());
    there.must("REPLICAOF NO ONE");
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        assert_eq!(client.get("q", "c", "state after"), "state 'blocked', after ['a', 'b']");
        let b = client.claim("q w");
        ack(client, b);
        let (_, token) = client.claim("q w");
        client.must(&format!("TASK.FAIL q c {token} DEAD"));
        assert_eq!(client.counts("q"), "ready 1 dead 1");
        assert_eq!(client.get("q", "d", "state"), "state 'ready'");
        let events = client.must("XRANGE task:{q}:events - +");
        let last = events.items().last().unwrap().item(1).to_string();
        assert_eq!(
            last,
            "['type', 'cancelled', 'id', 'e', 'worker', '', 'attempt', '', 'reason', 'after c', 'kind', '']"
        );
        places::check(client, "q");
    }
}

#[test]
fn who_waits_for_a_child_hears_that_it_went_with_its_parent() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID parent");
    client.schedule("q x ID child AFTER 1 parent REPLY {q}replies");
    let mut waiting = server.client();
    waiting.send("TASK.RESULT q child BLOCK 0");
    wait_until("it waits", || client.info("steward_waiting_clients") == "1");
    client.must("TASK.CANCEL q parent");
    assert_eq!(waiting.receive().field("state").text(), "cancelled");
    let reply = client.must("TASK.CLAIM {q}replies w");
    assert_eq!(
        reply.item(0).field("payload").text(),
        r#"{"id":"child","state":"cancelled","error":null}"#
    );
    assert_eq!(
        client.call("TASK.SCHEDULE q x AFTER 1 parent"),
        "-NOTASK no task that AFTER can wait for: parent is unknown"
    );
    assert_ne!(client.call("TASK.SCHEDULE q x AFTER 1 parent MISSINGOK"), Value::Null);
    assert_eq!(client.counts("q"), "ready 1");
}

#[test]
fn a_parent_that_is_deleted_by_hand_holds_nobody_up() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID parent");
    client.schedule("q x ID child AFTER 1 parent");
    client.schedule("q x ID stubborn AFTER 1 parent ONFAIL RUN");
    client.must("DEL task:{q}:t:parent");
    wait_until("the child is gone", || client.get("q", "child", "state") == "gone");
    assert_eq!(client.get("q", "stubborn", "state"), "state 'ready'");
}

#[test]
fn a_call_and_a_step_have_a_bound_of_dependencies_not_of_tasks_alone() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    let ids: Vec<String> = (0..500).map(|n| format!("p{n:03}")).collect();
    for id in &ids {
        client.schedule(&format!("q x ID {id}"));
    }
    let after = format!("AFTER 500 {}", ids.join(" "));
    let payloads = |count: usize| " x".repeat(count);
    assert_eq!(
        client.call(&format!("TASK.MSCHEDULE q 21{} {after}", payloads(21))),
        "-BADARG AFTER of 500 ids for 21 tasks makes 10500 dependencies: at most 10000 a call"
    );
    let mut children = Vec::new();
    for _ in 0..4 {
        let came = client.must(&format!("TASK.MSCHEDULE q 20{} {after}", payloads(20)));
        children.extend(came.items().iter().map(Value::text));
    }
    assert_eq!(client.counts("q"), "ready 500 blocked 80");
    let error = "-BADARG the tasks of ids have more than 10000 dependencies: give the first 20 ids, then the others";
    let all = children.join(" ");
    assert_eq!(client.call(&format!("TASK.CANCEL q {all}")), error);
    assert_eq!(client.call(&format!("TASK.PURGE q blocked IDS 80 {all}")), error);
    assert_eq!(client.call("TASK.PURGE q blocked").item(1), &Value::Int(20));
    assert_eq!(
        client.call(&format!("TASK.CANCEL q {}", children[20..40].join(" "))),
        "20"
    );
    assert_eq!(client.stat("q", "blocked_tasks"), 40);
    // The step that ends their parent cancels a few of them, the timer the others.
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q {id} {token} DEAD"));
    assert!((1..40).contains(&client.stat("q", "blocked_tasks")));
    client.must("CONFIG SET steward.timer yes");
    wait_until("all are cancelled", || client.stat("q", "blocked_tasks") == 0);
    places::check(&mut client, "q");
}
