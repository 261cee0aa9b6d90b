//! A queue's limits: how many tasks may be claimed at once, the rate of claims, and the length of the queue.

use std::time::{Duration, Instant};

use crate::support::{Client, Server, wait_until};

/// Connections that wait for a task of the queue, in this order.
fn line(server: &Server, queue: &str, workers: std::ops::Range<usize>) -> Vec<Client> {
    let mut observer = server.client();
    workers
        .map(|worker| {
            let before = observer.stat(queue, "waiting_clients");
            let mut client = server.client();
            client.send(&format!("TASK.CLAIM {queue} w{worker} BLOCK 0 BIND"));
            wait_until("it waits", || observer.stat(queue, "waiting_clients") == before + 1);
            client
        })
        .collect()
}

/// Which of the clients have an answer.
fn answered(clients: &mut [Client]) -> Vec<usize> {
    let silent: Vec<bool> = clients.iter_mut().map(Client::is_silent).collect();
    (0..clients.len()).filter(|client| !silent[*client]).collect()
}

#[test]
fn two_of_five_claimers_work_at_once_and_a_killed_one_makes_room() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q concurrency 2");
    let mut claimers = line(&server, "q", 0..5);
    client.must("TASK.MSCHEDULE q 6 1 2 3 4 5 6");
    assert_eq!(client.counts("q"), "ready 4 claimed 2");
    assert_eq!(client.stat("q", "waiting_clients"), 3);
    let mut first = claimers.remove(0);
    assert_eq!(first.receive().item(0).field("payload"), "'1'");
    assert_eq!(claimers[0].receive().item(0).field("payload"), "'2'");
    assert_eq!(answered(&mut claimers), [0; 0]);
    // It dies with its task, which goes to the head of its list, and from there to the client that was heard last.
    drop(first);
    assert_eq!(claimers[3].receive().item(0).field("payload"), "'1'");
    assert_eq!(client.counts("q"), "ready 4 claimed 2");
    assert_eq!(answered(&mut claimers), [0; 0]);
    // Each end admits one.
    let held = client.listed("q", "claimed");
    assert_eq!(held.len(), 2);
    drop(claimers.remove(0));
    assert_eq!(claimers[1].receive().item(0).field("payload"), "'2'");
    assert_eq!(client.stat("q", "waiting_clients"), 1);
    client.must("TASK.CONFIG SET q concurrency 3");
    assert_eq!(claimers[0].receive().item(0).field("payload"), "'3'");
    assert_eq!(client.counts("q"), "ready 3 claimed 3");
}

#[test]
fn more_claimers_than_slots_do_all_the_work_and_never_too_many_at_once() {
    const TASKS: usize = 200;
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q concurrency 2");
    let workers: Vec<_> = (0..5)
        .map(|worker| {
            let mut own = server.client();
            std::thread::spawn(move || {
                let mut done = 0;
                loop {
                    let reply = own.must(&format!("TASK.CLAIM q w{worker} BLOCK 0 BIND"));
                    // It sees its own claims and those of others.
                    assert!(own.stat("q", "claimed_tasks") <= 2);
                    for task in reply.items() {
                        if task.field("payload") == "'stop'" {
                            return done;
                        }
                        let end = format!("q {} {}", task.field("id").text(), task.field("token").int());
                        own.must(&format!("TASK.ACK {end}"));
                        done += 1;
                    }
                }
            })
        })
        .collect();
    for task in 0..TASKS {
        client.schedule(&format!("q {task}"));
    }
    // Each is blocked by a claim that ends with its connection.
    for _ in 0..workers.len() {
        client.schedule("q stop ATTEMPTS 1 PRIORITY 9");
    }
    let done: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    assert_eq!(done, TASKS);
    assert_eq!(client.stat("q", "acked_total"), TASKS as i64);
}

#[test]
fn ten_claims_a_second_never_are_eleven() {
    const CLAIMS: usize = 35;
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q rate 10/1000");
    for task in 0..CLAIMS {
        client.schedule(&format!("q {task:02}"));
    }
    // The moment of a claim lies between these two.
    let mut moments: Vec<(Instant, Instant)> = Vec::new();
    while moments.len() < CLAIMS {
        let before = Instant::now();
        let reply = client.must("TASK.CLAIM q w COUNT 4 BLOCK 0");
        let after = Instant::now();
        for task in reply.items() {
            assert_eq!(task.field("payload").text(), format!("{:02}", moments.len()));
            moments.push((before, after));
        }
    }
    // The server counts whole milliseconds: one may be cut off.
    for pair in moments.windows(11) {
        let most = pair[10].1 - pair[0].0;
        assert!(most >= Duration::from_millis(999), "eleven claims in {most:?}");
    }
    assert!(moments[CLAIMS - 1].1 - moments[0].0 >= Duration::from_millis(2_997));
}

#[test]
fn a_refilled_window_wakes_those_that_wait_and_nobody_else_needs_to_ask() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q rate 2/300");
    client.must("TASK.MSCHEDULE q 6 1 2 3 4 5 6");
    let start = Instant::now();
    let mut claimers: Vec<Client> = (0..6)
        .map(|worker| {
            let mut client = server.client();
            client.send(&format!("TASK.CLAIM q w{worker} BLOCK 0"));
            client
        })
        .collect();
    let mut payloads: Vec<String> = claimers
        .iter_mut()
        .map(|client| client.receive().item(0).field("payload").text())
        .collect();
    assert!(start.elapsed() >= Duration::from_millis(598));
    payloads.sort();
    assert_eq!(payloads, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(client.counts("q"), "claimed 6");
}

#[test]
fn mclaim_passes_over_a_limited_queue_and_waits_in_both() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET {a}slow concurrency 1");
    client.must("TASK.MSCHEDULE {a}slow 3 s1 s2 s3");
    client.must("TASK.MSCHEDULE {a}fast 2 f1 f2");
    let mclaim = "TASK.MCLAIM 2 {a}slow {a}fast w COUNT 9";
    let first = client.must(mclaim);
    assert_eq!(first.items().len(), 1);
    assert_eq!(first.item(0).field("queue"), "'{a}slow'");
    let second = client.must(mclaim);
    assert_eq!(second.items().len(), 2);
    assert_eq!(second.item(0).field("queue"), "'{a}fast'");
    assert_eq!(client.call(mclaim), "null");
    let mut waiting = server.client();
    waiting.send(&format!("{mclaim} BLOCK 0"));
    wait_until("it waits", || client.stat("{a}slow", "waiting_clients") == 1);
    let (id, token) = (first.item(0).field("id").text(), first.item(0).field("token").int());
    client.must(&format!("TASK.ACK {{a}}slow {id} {token}"));
    let woken = waiting.receive();
    assert_eq!(woken.items().len(), 1);
    assert_eq!(woken.item(0).field("payload"), "'s2'");
    assert_eq!(client.stat("{a}fast", "waiting_clients"), 0);
}

#[test]
fn limits_hold_after_a_restart_and_on_a_promoted_replica() {
    let mut server = Server::builder().append_always().listening().start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q concurrency 2 max-length 4 lease 3600000");
    client.must("TASK.MSCHEDULE q 4 1 2 3 4");
    let (first, token) = client.claim("q w");
    client.claim("q w");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    let full = "-QUEUEFULL the queue would exceed its max-length of 4 tasks that wait, are claimed or blocked";
    assert_eq!(client.call("TASK.CLAIM q w COUNT 5"), "null");
    assert_eq!(client.call("TASK.SCHEDULE q 5"), full);

    let replica = server.replica();
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
    there.must("REPLICAOF NO ONE");
    assert_eq!(there.call("TASK.CLAIM q w COUNT 5"), "null");
    assert_eq!(there.call("TASK.SCHEDULE q 5"), full);
    let mut claimers = line(&replica, "q", 0..2);
    there.must(&format!("TASK.ACK q {first} {token}"));
    assert_eq!(claimers[0].receive().item(0).field("payload"), "'3'");
    assert_eq!(there.counts("q"), "ready 1 claimed 2");
    assert!(claimers[1].is_silent());
    there.schedule("q 5");
    assert_eq!(there.call("TASK.SCHEDULE q 6"), full);
}

#[test]
fn a_full_queue_refuses_all_of_a_call_or_none() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q max-length 3");
    let full = "-QUEUEFULL the queue would exceed its max-length of 3 tasks that wait, are claimed or blocked";
    client.schedule("q 1 ID 1");
    client.schedule("q 2 ID 2 DELAY 3600000");
    let digest = client.digest();
    assert_eq!(client.call("TASK.MSCHEDULE q 2 3 4"), full);
    assert_eq!(client.digest(), digest);
    client.schedule("q 3 ID 3");
    assert_eq!(client.call("TASK.SCHEDULE q 4 ID 4"), full);
    assert_eq!(client.call("TASK.SCHEDULE q 3 ID 3"), "'3'");
    let (id, token) = client.claim("q w");
    assert_eq!(client.call("TASK.SCHEDULE q 4 ID 4"), full);
    assert_eq!(
        client.must(&format!("TASK.FAIL q {id} {token} DELAY 0")).field("state"),
        "'ready'"
    );
    client.must("TASK.CANCEL q 2");
    client.schedule("q 4 ID 4");
    assert_eq!(client.counts("q"), "ready 3");
}

#[test]
fn limits_are_shown_and_nonsense_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    let query = "TASK.CONFIG GET q concurrency rate max-length";
    assert_eq!(client.call(query), "{concurrency: '0', rate: '0', max-length: '0'}");
    client.must("TASK.CONFIG SET q concurrency 5 rate 0010/60000 max-length 1000");
    let set = "{concurrency: '5', rate: '10/60000', max-length: '1000'}";
    assert_eq!(client.call(query), set);
    let rate =
        "-BADARG rate must be claims/ms, such as 10/1000: 1 to 1000000 claims in 1 to 86400000 ms, or 0 for none";
    for (words, error) in [
        ("rate 10", rate),
        ("rate 0/1000", rate),
        ("rate 10/0", rate),
        ("rate -1/1000", rate),
        ("rate 10/1000/5", rate),
        ("concurrency 1 rate 10/s", rate),
        (
            "concurrency -1",
            "-BADARG concurrency must be an integer from 0 to 1000000000",
        ),
        (
            "max-length many",
            "-BADARG max-length must be an integer from 0 to 1000000000",
        ),
    ] {
        assert_eq!(client.call(&format!("TASK.CONFIG SET q {words}")), error);
    }
    assert_eq!(client.call(query), set);
    client.must("TASK.DROP q");
    assert_eq!(client.call(query), "{concurrency: '0', rate: '0', max-length: '0'}");
}
