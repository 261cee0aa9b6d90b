//! KIND: what sort of work a task is.

use crate::support::{Server, Value, wait_until};

#[test]
fn a_kind_is_shown_and_counted_and_outlives_a_restart_and_a_failover() {
    let mut server = Server::builder().append_always().listening().start();
    let mut client = server.client();
    let replica = server.replica_with(Server::builder());
    client.schedule("q x ID a KIND mail.send ATTEMPTS 1");
    client.must("TASK.MSCHEDULE q 2 x y IDS b c KIND report");
    client.schedule("q x ID plain");
    client.must("TASK.REPEAT q tick x EVERY 3600000 KIND mail.send");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q a {token}"));
    client.claim("q w LEASE 3600000");
    let events = client.must("XRANGE task:{q}:events - +").to_string();
    assert!(events.contains("'kind', 'mail.send'"), "{events}");
    let stats = client.must("TASK.STATS q KINDS").to_string();
    assert!(
        stats.starts_with(
            "[{kind: 'mail.send', claimed_total: 1, acked_total: 0, failed_total: 1, dead_total: 1, claimed_tasks: 0, "
        ) && stats.contains("{kind: 'report', claimed_total: 1, ")
            && stats.contains("claimed_tasks: 1"),
        "{stats}"
    );
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
    assert_eq!(client.call("TASK.LIST q dead KIND mail.send").item(1).ids(), ["a"]);
    assert_eq!(client.call("TASK.LIST q dead KIND report").item(1).ids(), [""; 0]);
    assert_eq!(
        there.get("q", "a", "kind"),
        "kind 'mail.send'",
        "also while it is a replica"
    );
    client.schedule("q x ID late KIND third");
    wait_until("the replica has it", || there.digest() == client.digest());
    assert_eq!(
        there.get("q", "late", "kind"),
        "kind 'third'",
        "it reads the table again"
    );
    there.must("REPLICAOF NO ONE");
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        assert_eq!(client.get("q", "a", "state kind"), "state 'dead', kind 'mail.send'");
        wait_until("the claims are known", || {
            client.must("TASK.STATS q KINDS").to_string().contains(
                "kind: 'report', claimed_total: 0, acked_total: 0, failed_total: 0, dead_total: 0, claimed_tasks: 1",
            )
        });
        let claimed = client.must("TASK.CLAIM q w COUNT 9");
        let kinds: Vec<&Value> = claimed.items().iter().map(|task| task.field("kind")).collect();
        assert!(
            *kinds[0] == "'report'" && *kinds[1] == Value::Null && *kinds[2] == "'third'",
            "{claimed}"
        );
        client.schedule("q x ID new KIND fourth");
        assert_eq!(client.call("HGET task:{q} kind:4"), "'fourth'");
    }
}

#[test]
fn a_dropped_queue_leaves_no_kinds() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x KIND a");
    client.must("TASK.DROP q");
    wait_until("it is swept", || client.keys().is_empty());
    client.schedule("q x ID n KIND b");
    assert_eq!(client.get("q", "n", "kind"), "kind 'b'");
    assert_eq!(client.call("HGETALL task:{q}"), "{kind:1: 'b'}");
}

#[test]
fn used_up_numbers_are_free_again_when_no_task_has_them() {
    let server = Server::builder().listening().start();
    let mut client = server.client();
    let replica = server.replica_with(Server::builder());
    client.schedule("q x ID kept KIND kept");
    for n in 1..1_000 {
        client.schedule(&format!("q x KIND k{n}"));
    }
    client.must("TASK.PURGE q ready KIND k1");
    client.must("TASK.PURGE q ready KIND k2");
    client.schedule("q x ID more KIND more");
    wait_until("both are free", || {
        client.call("HMGET task:{q} kind:2 kind:3") == "[null, null]"
    });
    client.schedule("q x ID new KIND new");
    assert_eq!(client.call("HGET task:{q} kind:2"), "'new'");
    for id in ["kept", "more", "new"] {
        assert_eq!(client.get("q", id, "kind"), format!("kind '{id}'"));
    }
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
}
