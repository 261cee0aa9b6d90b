//! A cluster of two: routing by the queue's name, and slots on the move.

use crate::support::cluster::{Pair, name_of, slot};
use crate::support::{Server, Value, unix_ms, wait_until};

#[test]
fn a_queue_and_its_keys_are_in_the_slot_of_its_name() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    for name in ["mail", "{app}mail"] {
        let keyed = if name.starts_with('{') {
            format!("task:{name}:t:a")
        } else {
            format!("task:{{{name}}}:t:a")
        };
        assert_eq!(slot(&mut first, name), slot(&mut first, &keyed));
    }
    let (near, far) = (name_of(&mut first, 0), name_of(&mut first, 1));
    let moved = first.call(&format!("TASK.SCHEDULE {far} x"));
    assert_eq!(
        moved,
        format!("-MOVED {} 127.0.0.1:{}", slot(&mut second, &far), pair.nodes[1].port())
    );
    second.schedule(&format!("{far} x ID a DELAY 20"));
    assert_eq!(second.must(&format!("TASK.CLAIM {far} w BLOCK 20000")).ids(), ["a"]);
    assert_eq!(first.call(&format!("TASK.MCLAIM 2 {near} {far} w")).code(), "CROSSSLOT");
    assert_eq!(
        first.call(&format!("TASK.MCLAIM 2 {{{near}}}a {{{near}}}b w BLOCK 1")),
        Value::Null
    );
    assert_eq!(first.call("TASK.QUEUES"), "['0', []]");
    assert_eq!(second.call("TASK.QUEUES"), format!("['0', ['{far}']]"));
}

#[test]
fn a_queue_on_the_move_is_tried_again_and_arrives_whole() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    let name = name_of(&mut first, 0);
    let slot = slot(&mut first, &name);
    first.schedule(&format!("{name} x ID ready"));
    first.schedule(&format!("{name} x ID held PRIORITY 0"));
    let (_, token) = first.claim(&format!("{name} w LEASE 600000"));
    first.schedule(&format!("{name} x ID soon DELAY 150"));
    let mut waiting = pair.nodes[0].client();
    waiting.send(&format!("TASK.CLAIM {name}-none w BLOCK 0"));
    drop(waiting);
    let ids = [first.must("CLUSTER MYID").text(), second.must("CLUSTER MYID").text()];
    second.must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0]));
    first.must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1]));
    // The name itself is not a key: the source redirects all clients, the target does not work on half a queue.
    let calls = [
        "TASK.SCHEDULE {q} y",
        "TASK.CLAIM {q} w",
        "TASK.STATS {q}",
        "TASK.DROP {q} FORCE",
    ];
    for call in calls.map(|call| call.replace("{q}", &name)) {
        let sent = first.call(&call).code().to_string();
        assert!(sent == "ASK" || sent == "TRYAGAIN", "{call}: {sent}");
        second.must("ASKING");
        assert_eq!(second.call(&call).code(), "TRYAGAIN", "{call}");
    }
    let due = unix_ms() + 300;
    wait_until("it is overdue", || unix_ms() > due);
    let half = first.must(&format!("CLUSTER GETKEYSINSLOT {slot} 100"));
    assert!(
        half.to_string().contains(":scheduled"),
        "the timer left it alone: {half}"
    );
    let keys: Vec<String> = half.items().iter().map(Value::text).collect();
    for key in keys {
        first.must(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", pair.nodes[1].port()));
    }
    for client in [&mut second, &mut first] {
        client.must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
    }
    wait_until("the due task is ready there", || {
        second.counts(&name) == "ready 2 claimed 1"
    });
    assert_eq!(second.call(&format!("TASK.ACK {name} held {token}")), "+OK");
    assert_eq!(
        second.call(&format!("TASK.CLAIM {name} w COUNT 5")).ids(),
        ["ready", "soon"]
    );
    assert_eq!(first.call(&format!("TASK.STATS {name}")).code(), "MOVED");
    assert_eq!(first.call("TASK.QUEUES"), "['0', []]");
}

#[test]
fn a_queue_on_the_move_holds_up_no_other() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    let moving = name_of(&mut first, 0);
    let slot = slot(&mut first, &moving);
    let other = (0..)
        .map(|n| format!("other{n}"))
        .find(|name| !first.call(&format!("TASK.STATS {name}")).is_error())
        .unwrap();
    let ids = [first.must("CLUSTER MYID").text(), second.must("CLUSTER MYID").text()];
    second.must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0]));
    first.schedule(&format!("{moving} x DELAY 20"));
    first.must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1]));
    // On a busy machine one that was lost is claimed again and again.
    first.must(&format!("TASK.CONFIG SET {other} max-lost 1000"));
    for n in 0..20 {
        first.schedule(&format!("{other} x ID due{n} DELAY {}", 50 + n));
        first.schedule(&format!("{other} x ID lost{n} PRIORITY 0"));
        first.claim(&format!("{other} w LEASE 100"));
    }
    wait_until("time goes on for the other queue", || {
        first.counts(&other) == "ready 40"
    });
}

#[test]
fn who_waits_for_a_queue_that_moves_away_is_told() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    let name = name_of(&mut first, 0);
    let slot = slot(&mut first, &name);
    let mut waiting = pair.nodes[0].client();
    waiting.send(&format!("TASK.CLAIM {name} w BLOCK 0"));
    wait_until("the client waits", || first.stat(&name, "waiting_clients") == 1);
    let target = second.must("CLUSTER MYID").text();
    for client in [&mut second, &mut first] {
        client.must(&format!("CLUSTER SETSLOT {slot} NODE {target}"));
    }
    let reply = waiting.receive();
    assert!(["TRYAGAIN", "MOVED", "UNBLOCKED"].contains(&reply.code()), "{reply}");
    assert_eq!(waiting.call(&format!("TASK.CLAIM {name} w")).code(), "MOVED");
}

#[test]
fn a_manual_failover_happens_under_a_busy_timer() {
    let pair = Pair::start();
    let [mut first, mut second] = pair.clients();
    // A third node follows the first; its two primaries can agree on the change.
    let third = Server::builder().cluster().start();
    let mut there = third.client();
    let (bus, leader) = (third.bus_port(), first.must("CLUSTER MYID").text());
    second.must(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", third.port()));
    wait_until("all know each other", || {
        [&mut first, &mut second, &mut there]
            .iter_mut()
            .all(|client| client.must("CLUSTER INFO").text().contains("cluster_known_nodes:3"))
    });
    wait_until("it may follow", || {
        !there.call(&format!("CLUSTER REPLICATE {leader}")).is_error()
    });
    wait_until("it is in step", || there.info("master_link_status") == "up");
    for client in [&mut first, &mut second] {
        let followers = format!("CLUSTER REPLICAS {leader}");
        wait_until("all know that it follows", || {
            client.must(&followers).items().len() == 1
        });
    }
    let name = name_of(&mut first, 0);
    let replies = first.pipeline((0..3_000).map(|n| format!("TASK.SCHEDULE {name} x ID t{n} DELAY {}", n % 600)));
    assert!(!replies.iter().any(Value::is_error));
    let mut waiting = pair.nodes[0].client();
    waiting.send(&format!("TASK.CLAIM {{{name}}}none w BLOCK 0"));
    there.must("CLUSTER FAILOVER");
    wait_until("it leads", || there.info("role") == "master");
    wait_until("the old primary follows", || first.info("role") == "slave");
    // Answered by the server or by us, whichever notices first.
    let reply = waiting.receive();
    assert!(["UNBLOCKED", "TRYAGAIN", "MOVED"].contains(&reply.code()), "{reply}");
    wait_until("the cluster serves", || {
        there.must("CLUSTER INFO").text().contains("cluster_state:ok")
    });
    wait_until("all are ready", || there.counts(&name) == "ready 3000");
    wait_until("both are the same", || there.digest() == first.digest());
}
