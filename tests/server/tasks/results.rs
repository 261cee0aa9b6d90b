//! The outcome of tasks: kept tasks, results, clients that wait for them, replies.

use crate::support::{Client, Server, Value, wait_until};

/// Claims the next task of `q` and acknowledges it with these options.
#[track_caller]
fn ack(client: &mut Client, options: &str) {
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q {id} {token} {options}"));
}

#[test]
fn a_kept_task_survives_a_restart_and_goes_at_its_time() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.schedule("q p ID short RETAIN 400");
    client.schedule("q p ID long RETAIN 3600000");
    ack(&mut client, "RESULT 1");
    ack(&mut client, "RESULT 2");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    assert_eq!(
        client.call("TASK.RESULT q long"),
        "{state: 'done', result: '2', error: null, progress: null}"
    );
    assert_eq!(client.call("TASK.SCHEDULE q x ID long"), "-DUPLICATE done long");
    wait_until("its time is over", || client.counts("q") == "done 1");
    assert_eq!(client.call("TASK.RESULT q short"), "-NOTASK no such task");
    assert_eq!(client.schedule("q p ID short"), "short");
    assert_eq!(client.listed("q", "done"), ["long"]);
    assert_eq!(client.call("TASK.PURGE q done"), "['0', 1]");
    assert_eq!(client.counts("q"), "ready 1");
}

#[test]
fn a_thousand_clients_hear_of_one_end() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q p ID a");
    let mut waiters: Vec<Client> = (0..1_000).map(|_| server.client()).collect();
    for waiter in &mut waiters {
        waiter.send("TASK.RESULT q a BLOCK 0");
    }
    wait_until("all wait", || client.blocked_clients() == 1_000);
    ack(&mut client, "RESULT 42");
    assert_eq!(client.blocked_clients(), 0);
    for waiter in &mut waiters {
        assert_eq!(
            waiter.receive(),
            "{state: 'done', result: '42', error: null, progress: null}"
        );
    }
}

#[test]
fn results_of_several_tasks_are_heard_together_or_as_they_come() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q p ID a");
    client.schedule("q p ID b ATTEMPTS 1");
    let mut all = server.waiter("TASK.MRESULT q 2 b a BLOCK 0");
    let mut any = server.waiter("TASK.MRESULT q 2 b a ANY BLOCK 0");
    ack(&mut client, "RESULT 1");
    let a = "{id: 'a', state: 'done', result: '1', error: null, progress: null}";
    assert_eq!(any.receive(), format!("[{a}]").as_str());
    assert!(all.is_silent());
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.EXTEND q b {token} PROGRESS half"));
    client.must(&format!("TASK.FAIL q b {token} ERROR boom"));
    let b = "{id: 'b', state: 'dead', result: null, error: 'boom', progress: 'half'}";
    assert_eq!(all.receive(), format!("[{b}, {a}]").as_str());
    assert_eq!(
        client.call("TASK.MRESULT q 2 a b"),
        format!("[{{id: 'a', state: null, result: null, error: null, progress: null}}, {b}]").as_str()
    );
}

#[test]
fn a_wait_for_a_result_ends_in_every_way_it_can() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q p ID a");
    assert_eq!(client.call("TASK.RESULT q a BLOCK 20"), Value::Null);
    assert_eq!(server.client_resp2().call("TASK.RESULT q a BLOCK 20"), Value::NullArray);
    assert_eq!(
        client.call("EVAL return{redis.call('TASK.RESULT','q','a','BLOCK','0')} 0"),
        "[null]"
    );
    client.must("MULTI");
    client.must("TASK.MRESULT q 1 a BLOCK 0");
    assert_eq!(client.call("EXEC"), "[null]");
    let mut cancelled = server.waiter("TASK.RESULT q a BLOCK 0");
    client.must("TASK.CANCEL q a");
    assert_eq!(
        cancelled.receive(),
        "{state: 'cancelled', result: null, error: null, progress: null}"
    );
    for end in ["TASK.DROP q", "TASK.PURGE q ready", "DEL task:{q}:t:b", "FLUSHALL"] {
        client.schedule("q p ID b");
        let mut waits = server.waiter("TASK.RESULT q b BLOCK 0");
        client.must(end);
        assert_eq!(waits.receive(), "-NOTASK no such task", "{end}");
        client.must("FLUSHALL");
    }
    client.schedule("q p ID c");
    let gone = server.waiter("TASK.RESULT q c BLOCK 0");
    drop(gone);
    wait_until("it waits no more", || client.blocked_clients() == 0);
    ack(&mut client, "RESULT x");
}

#[test]
fn a_reply_is_a_task_in_the_step_in_which_the_task_ends() {
    let server = Server::start();
    let mut client = server.client();
    let mut worker = server.waiter("TASK.CLAIM {q}r w BLOCK 0");
    client.schedule("q p ID a REPLY {q}r");
    let (_, token) = client.claim("q w");
    let token = token.to_string();
    client.call_args(&[
        b"TASK.ACK".as_slice(),
        b"q",
        b"a",
        token.as_bytes(),
        b"RESULT",
        b"\xff\x00",
    ]);
    let reply = worker.receive();
    assert_eq!(
        reply.item(0).field("payload").text(),
        r#"{"id":"a","state":"done","result":"/wA=","encoding":"base64"}"#
    );
    // A lease that runs out also ends the task.
    client.schedule("q p ID b ATTEMPTS 1 REPLY {q}r");
    client.claim("q w LEASE 50");
    worker.send("TASK.CLAIM {q}r w BLOCK 0");
    assert_eq!(
        worker.receive().item(0).field("payload").text(),
        r#"{"id":"b","state":"dead","error":"lost once: lease of w ran out"}"#
    );
    client.schedule("q p ID c REPLY {q}bad");
    client.must("SET task:{q}bad:ready:5 foreign");
    ack(&mut client, "");
    let events = client.must("XREVRANGE task:{q}:events + - COUNT 1").to_string();
    assert!(events.contains("'unreplied', 'id', 'c'"), "{events}");
    assert!(events.contains("'WRONGTYPE {q}bad'"), "{events}");
    assert_eq!(client.counts("q"), "dead 1");
}

#[test]
fn the_dead_queue_gets_a_copy_in_the_step_in_which_the_task_dies() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q dead-queue {q}dead");
    let mut undertaker = server.waiter("TASK.CLAIM {q}dead w BLOCK 0");
    client.schedule("q work ID a KIND mail.send ATTEMPTS 1");
    client.claim("q w LEASE 50");
    let letter = undertaker.receive();
    assert_eq!(letter.item(0).field("payload").text(), "work");
    assert_eq!(letter.item(0).field("kind").text(), "mail.send");
    assert_eq!(client.counts("q"), "dead 1");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    let copy = client.must(&format!("TASK.GET {{q}}dead {}", letter.item(0).field("id").text()));
    assert_eq!(copy.field("origin"), "['q', 'a']");
    assert_eq!(copy.field("error"), "'lost once: lease of w ran out'");
    client.must("ACL SETUSER operator on nopass resetkeys ~q -@all +task.config|set");
    let mut operator = server.client();
    operator.must("AUTH operator x");
    assert_eq!(
        operator.call("TASK.CONFIG SET q dead-queue {q}other"),
        "-NOPERM no permission for the key given as dead-queue"
    );
}

#[test]
fn a_reply_queue_must_be_allowed_to_the_producer() {
    let server = Server::start();
    let mut admin = server.client();
    admin.must("ACL SETUSER producer on nopass resetkeys ~q ~{q}mine -@all +task.schedule +task.mschedule");
    let mut producer = server.client();
    producer.must("AUTH producer x");
    assert_eq!(producer.call("TASK.SCHEDULE q p ID a REPLY {q}mine"), "'a'");
    for line in [
        "TASK.SCHEDULE q p REPLY {q}other",
        "TASK.MSCHEDULE q 1 p REPLY {q}other",
    ] {
        assert_eq!(producer.call(line), "-NOPERM no permission for the key given as REPLY");
    }
    assert_eq!(admin.counts("q"), "ready 1");
}

#[test]
fn a_replica_has_the_results_and_tells_those_who_wait_there() {
    let server = Server::builder().listening().start();
    let mut client = server.client();
    let replica = server.replica();
    client.schedule("q p ID a RETAIN 3600000");
    client.schedule("q p ID b REPLY {q}r");
    let mut there = replica.client();
    wait_until("the tasks are there", || there.counts("q") == "ready 2");
    let mut waits = replica.waiter("TASK.RESULT q a BLOCK 0");
    ack(&mut client, "RESULT 42");
    ack(&mut client, "RESULT 43");
    let done = "{state: 'done', result: '42', error: null, progress: null}";
    assert_eq!(waits.receive(), done);
    wait_until("the reply is there", || there.counts("{q}r") == "ready 1");
    client.schedule("q p ID c RETAIN 500");
    ack(&mut client, "");
    wait_until("it is all there", || there.digest() == client.digest());
    there.must("REPLICAOF NO ONE");
    assert_eq!(there.call("TASK.RESULT q a"), done);
    assert_eq!(there.call("TASK.SCHEDULE q x ID a"), "-DUPLICATE done a");
    wait_until("what is promoted goes on", || there.counts("q") == "done 1");
}

#[test]
fn a_reply_has_a_megabyte_of_results_and_says_what_is_unread() {
    let server = Server::start();
    let mut client = server.client();
    let ids: Vec<String> = (0..20).map(|n| format!("t{n:02}")).collect();
    let result = "x".repeat(300_000);
    for id in &ids {
        client.schedule(&format!("q x ID {id} RETAIN 3600000"));
        let (_, token) = client.claim("q w");
        client.must(&format!("TASK.ACK q {id} {token} RESULT {result}"));
    }
    let shown = client.must(&format!("TASK.MRESULT q 20 {}", ids.join(" ")));
    let states: Vec<String> = shown.items().iter().map(|end| end.field("state").text()).collect();
    assert_eq!(states[..4], ["done", "done", "done", "done"]);
    assert!(states[4..].iter().all(|state| state == "unread"), "{states:?}");
    assert_eq!(shown.item(4).field("result"), &Value::Null);
    let rest = client.must(&format!("TASK.MRESULT q 2 {}", ids[4..6].join(" ")));
    assert_eq!(rest.item(0).field("result").text(), result);
}

#[test]
fn a_result_that_is_asked_for_in_one_pipeline_with_its_task_is_never_missed() {
    const ROUNDS: i64 = 200;
    let server = Server::start();
    let mut worker = server.client();
    let working = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            let (id, token) = worker.claim("q w BLOCK 0");
            worker.must(&format!("TASK.ACK q {id} {token} RESULT {id}"));
        }
    });
    let mut client = server.client();
    for round in 0..ROUNDS {
        let id = format!("t{round}");
        let asked = [
            format!("TASK.SCHEDULE q x ID {id}"),
            format!("TASK.RESULT q {id} BLOCK 0"),
        ];
        let replies = client.pipeline(asked);
        assert_eq!(replies[1].field("result").text(), id);
    }
    working.join().unwrap();
}

#[test]
fn the_ends_of_a_thousand_tasks_cost_the_clients_that_wait_for_them_little() {
    let server = Server::start();
    let mut client = server.client();
    let names: Vec<String> = (0..1_000).map(|n| format!("{}{n:03}", "x".repeat(200))).collect();
    let ids = names.join(" ");
    let mut cost = |clients: usize| {
        client.must(&format!("TASK.MSCHEDULE q 1000{} IDS {ids}", " p".repeat(1_000)));
        let claims = client.must("TASK.CLAIM q w COUNT 1000");
        let claims = claims.items().iter();
        let claims: String = claims
            .map(|claim| format!(" {} {}", claim.field("id").text(), claim.field("token").int()))
            .collect();
        let mut waiters: Vec<Client> = (0..clients)
            .map(|_| server.waiter(&format!("TASK.MRESULT q 1000 {ids} BLOCK 0")))
            .collect();
        let cost = client.cpu_of(|client| client.must(&format!("TASK.MACK q 1000{claims}")));
        for waiter in &mut waiters {
            assert_eq!(waiter.receive().items().len(), 1_000);
        }
        cost
    };
    let (nobody, many) = (cost(0), cost(40));
    assert!(many < 30.0 * nobody + 0.1, "{many} s, and {nobody} s when nobody waits");
}
