//! Claims bound to a connection.

use crate::support::{Server, Value, wait_until};

#[test]
fn a_closed_connection_loses_its_bound_claims_at_once() {
    let server = Server::start();
    let mut client = server.client();
    for id in ["a", "b", "c", "d"] {
        client.schedule(&format!("q x ID {id}"));
    }
    let mut worker = server.client();
    assert_eq!(worker.call("TASK.CLAIM q w COUNT 2 BIND").ids(), ["a", "b"]);
    assert_eq!(worker.call("TASK.CLAIM q w").ids(), ["c"]);
    drop(worker);
    wait_until("the bound ones are ready", || client.counts("q") == "ready 3 claimed 1");
    assert_eq!(client.listed("q", "ready"), ["a", "b", "d"]);
    for id in ["a", "b"] {
        assert_eq!(
            client.get("q", id, "state attempt losses"),
            "state 'ready', attempt 1, losses 1"
        );
    }
    assert_eq!(client.get("q", "c", "state losses"), "state 'claimed', losses 0");
    assert_eq!(client.stat("q", "lost_total"), 2);
}

#[test]
fn a_killed_worker_wakes_the_next_one() {
    let server = Server::start();
    let mut client = server.client();
    let (mut first, mut second) = (server.client(), server.client());
    client.schedule("q x ID a");
    let id = first.id();
    first.must("TASK.CLAIM q first BIND");
    second.send("TASK.CLAIM q second BLOCK 0 BIND");
    wait_until("the second waits", || client.stat("q", "waiting_clients") == 1);
    client.must(&format!("CLIENT KILL ID {id}"));
    let reply = second.receive();
    assert_eq!(
        (reply.ids(), reply.item(0).field("attempt").int()),
        (vec!["a".to_string()], 2)
    );
    drop(second);
    wait_until("it is ready again", || client.counts("q") == "ready 1");
    assert_eq!(client.get("q", "a", "attempt losses"), "attempt 2, losses 2");
}

#[test]
fn a_claim_that_ended_is_tied_to_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let mut worker = server.client();
    client.schedule("q x ID a");
    let (_, token) = worker.claim("q w BIND");
    worker.must(&format!("TASK.RELEASE q a {token}"));
    let (_, token) = client.claim("q other");
    drop(worker);
    let mut marker = server.client();
    client.schedule("q x ID b");
    marker.claim("q w BIND");
    drop(marker);
    wait_until("the marker's claim is back", || {
        client.counts("q") == "ready 1 claimed 1"
    });
    assert_eq!(client.call(&format!("TASK.ACK q a {token}")), "+OK");
}

#[test]
fn ack_next_keeps_the_tie() {
    let server = Server::start();
    let mut client = server.client();
    let mut worker = server.client();
    client.must("TASK.MSCHEDULE q 3 x y z");
    let (id, token) = worker.claim("q w BIND");
    let next = worker.must(&format!("TASK.ACK q {id} {token} NEXT"));
    assert_eq!(next.item(0).field("payload").text(), "y");
    drop(worker);
    wait_until("it is ready again", || client.counts("q") == "ready 2");
    let (id, token) = client.claim("q w");
    let next = client.must(&format!("TASK.ACK q {id} {token} NEXT"));
    assert_eq!(next.ids().len(), 1);
    assert_eq!(client.counts("q"), "claimed 1");
}

#[test]
fn a_transaction_may_bind_and_a_script_may_not() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let script = "return redis.call('TASK.CLAIM', KEYS[1], 'w', 'BIND')";
    let refused = client.call_args(&["EVAL", script, "1", "q"]);
    assert!(refused.to_string().starts_with("-BADARG BIND"), "{refused}");
    assert_eq!(client.counts("q"), "ready 1");
    let mut worker = server.client();
    worker.must("MULTI");
    worker.must("TASK.CLAIM q w BIND");
    assert_eq!(worker.call("EXEC").item(0).ids(), ["a"]);
    drop(worker);
    wait_until("it is ready again", || client.counts("q") == "ready 1");
}

#[test]
fn a_closed_connection_writes_nothing_while_writes_are_paused() {
    let server = Server::builder().set("appendonly", "yes").start();
    let mut client = server.client();
    client.schedule("q x ID a");
    let mut worker = server.client();
    let id = worker.id();
    worker.must("TASK.CLAIM q w BIND");
    client.must("CLIENT PAUSE 60000 WRITE");
    let digest = client.digest();
    client.must(&format!("CLIENT KILL ID {id}"));
    wait_until("it is closed", || worker.is_closed());
    for _ in 0..50 {
        assert_eq!(client.counts("q"), "claimed 1");
    }
    assert_eq!(client.digest(), digest);
    client.must("CLIENT UNPAUSE");
    wait_until("it is ready again", || client.counts("q") == "ready 1");
    assert_eq!(client.get("q", "a", "attempt losses"), "attempt 1, losses 1");
}

#[test]
fn after_a_restart_nothing_is_bound_and_leases_start_anew() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w LEASE 1000 BIND");
    client.claim("q w LEASE 50");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    wait_until("the short lease ends", || client.counts("q") == "ready 1 claimed 1");
    assert_eq!(client.call(&format!("TASK.ACK q a {token}")), "+OK");
    assert_eq!(client.call("TASK.CLAIM q w").ids(), ["b"]);
    assert_ne!(client.call("TASK.WORKERS q"), "['0', []]");
}

#[test]
fn a_hand_over_to_a_client_that_is_gone_is_undone_when_writes_are_allowed_again() {
    let server = Server::builder().set("appendonly", "yes").start();
    let mut client = server.client();
    for words in ["TASK.CLAIM q w BLOCK 0", "TASK.CLAIM q w BLOCK 0 BIND"] {
        let mut gone = server.client();
        let id = gone.id();
        gone.send(words);
        wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
        client.kill_as_writes_pause("TASK.SCHEDULE q x ID a", &mut gone, id);
        let digest = client.digest();
        for _ in 0..50 {
            assert_eq!(client.counts("q"), "claimed 1");
        }
        assert_eq!(client.digest(), digest);
        client.must("CLIENT UNPAUSE");
        wait_until("the task is ready again", || client.counts("q") == "ready 1");
        client.must("TASK.CANCEL q a");
    }
}

#[test]
fn many_workers_that_die_at_once_lose_all_they_hold() {
    let server = Server::start();
    let mut client = server.client();
    for _ in 0..30 {
        client.must(&format!("TASK.MSCHEDULE q 100{}", " x".repeat(100)));
    }
    let order = client.listed("q", "ready");
    let mut workers: Vec<_> = (0..20).map(|_| server.client()).collect();
    for (n, worker) in workers.iter_mut().enumerate() {
        worker.must(&format!("TASK.CLAIM q w{n} COUNT 150 BIND"));
    }
    assert_eq!(client.counts("q"), "claimed 3000");
    client.must("CLIENT KILL TYPE normal SKIPME yes");
    wait_until("all are ready", || client.counts("q") == "ready 3000");
    let mut again = client.listed("q", "ready");
    // Each worker's claims are together and in order at the head.
    again.chunks_mut(150).for_each(|chunk| assert!(chunk.is_sorted()));
    again.sort();
    assert_eq!(again, order);
}

#[test]
fn a_task_that_dies_of_lost_claims_says_whose_and_why() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    for n in 1..=4 {
        let mut worker = server.client();
        worker.claim(&format!("q w{n} BIND"));
        drop(worker);
        wait_until("the claim is lost", || client.stat("q", "claimed_tasks") == 0);
    }
    assert_eq!(
        client.get("q", "a", "state error"),
        "state 'dead', error 'lost 4 times, last: connection of w4 closed'"
    );
}

#[test]
fn a_connection_that_is_reset_keeps_what_is_bound_to_it() {
    let server = Server::start();
    let (mut client, mut worker) = (server.client(), server.client_resp2());
    client.schedule("q x");
    worker.must("TASK.CLAIM q w BIND");
    worker.must("HB.BEAT q w BIND");
    worker.must("RESET");
    assert_eq!(client.counts("q"), "claimed 1");
    assert_eq!(client.must("PID.GET q w connections"), "1");
    drop(worker);
    wait_until("both are lost", || client.counts("q") == "ready 1");
    assert_eq!(client.must("PID.GET q w"), Value::Null);
}
