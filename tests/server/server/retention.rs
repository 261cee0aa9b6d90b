//! What is not used any more goes when its events are older than `steward.events-retain`.

use crate::support::{Client, Server, wait_until};

/// A service and a queue of every kind: those that are over, and those that something keeps.
#[track_caller]
fn populate(client: &mut Client) {
    for service in ["over", "signalled", "member"] {
        client.must(&format!("PID.REGISTER {service} a 1 TTL 0 EXCLUSIVE"));
        let signal = if service == "signalled" { "quiet" } else { "none" };
        client.must(&format!("HB.SIGNAL {service} * {signal}"));
        client.must(&format!("PID.EVICT {service} a"));
    }
    client.register("member b 1 TTL 0");
    // A ready task that is cancelled leaves its id in the list.
    for (queue, delay) in [("empty", ""), ("set", " DELAY 60000"), ("tasks", " DELAY 60000")] {
        client.schedule(&format!("{queue} x ID a{delay}"));
        client.must(&format!("TASK.CANCEL {queue} a"));
    }
    client.must("TASK.CONFIG SET set lease 100");
    client.schedule("tasks x ID b");
}

const KEPT: [&str; 10] = [
    "proc:{member}",
    "proc:{member}:events",
    "proc:{member}:members",
    "proc:{signalled}",
    "proc:{signalled}:events",
    "task:{set}",
    "task:{set}:events",
    "task:{tasks}:events",
    "task:{tasks}:ready:5",
    "task:{tasks}:t:b",
];

#[test]
fn what_is_over_goes_and_what_is_used_stays() {
    let server = Server::builder().set("steward.events-retain", "1000").start();
    let mut client = server.client();
    populate(&mut client);
    assert!(client.keys().contains(&"proc:{over}".to_string()));
    assert!(client.keys().contains(&"task:{empty}:events".to_string()));
    wait_until("what is over is gone", || client.keys() == KEPT);
    assert_eq!(client.must("PID.SERVICES").names(), ["member", "signalled"]);
    assert_eq!(client.must("TASK.QUEUES").names(), ["set", "tasks"]);
    // What kept them ends; for a queue without an event.
    let (_, token) = client.claim("tasks w");
    client.must(&format!("TASK.ACK tasks b {token}"));
    client.must("HDEL task:{set} lease");
    client.must("PID.EVICT member b");
    wait_until("they go too", || {
        client.keys() == ["proc:{signalled}", "proc:{signalled}:events"]
    });
    assert_eq!(client.call("PID.DROP signalled"), "0");
    assert_eq!(client.keys(), Vec::<String>::new());
}

#[test]
fn it_goes_after_a_restart_and_after_a_change_of_the_setting_too() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    populate(&mut client);
    let before = client.keys();
    client.must("CONFIG SET steward.events-retain 1000");
    wait_until("what is over is gone", || client.keys() == KEPT);
    client.must("FLUSHALL");
    client.must("CONFIG SET steward.events-retain 86400000");
    populate(&mut client);
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    assert_eq!(client.keys(), before);
    client.must("CONFIG SET steward.events-retain 1000");
    wait_until("what is over is gone", || client.keys() == KEPT);
}

#[test]
fn epochs_grow_over_the_end_of_a_service() {
    let server = Server::builder().set("steward.events-retain", "1000").start();
    let mut client = server.client();
    let first = client.must("PID.REGISTER s a 1 TTL 0 EXCLUSIVE").field("epoch").int();
    // As given by a server whose clock was ahead.
    let ahead = first + 3_600_000_000;
    client.must(&format!("HSET proc:{{s}} epoch {ahead}"));
    client.must("PID.EVICT s a");
    wait_until("it is gone", || client.keys().is_empty());
    let next = client.must("PID.REGISTER s a 1 TTL 0 EXCLUSIVE").field("epoch").int();
    assert!(next > ahead);
}
