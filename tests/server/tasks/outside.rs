//! AFTER ... IN: tasks that wait for tasks of other queues.

use crate::support::recovery::settled;
use crate::support::rig::Rig;
use crate::support::{Client, Server, indexes, wait_until};

const QUEUES: [&str; 3] = ["q", "{q}p", "{q}s"];

fn check(client: &mut Client) {
    for queue in QUEUES {
        indexes::check(client, queue);
    }
}

/// Claims the next task of a queue, and acknowledges it.
#[track_caller]
fn ack(client: &mut Client, queue: &str) -> String {
    let (id, token) = client.claim(&format!("{queue} w"));
    client.must(&format!("TASK.ACK {queue} {id} {token}"));
    id
}

/// A graph over three queues.
fn graph(client: &mut Client) {
    client.must("MULTI");
    for words in [
        "{q}p x ID a",
        "{q}s x ID a",
        "q x ID b/c",
        "q x ID x AFTER 1 b/c IN {q}p 1 a IN {q}s 1 a",
        "{q}s x ID y RETAIN 60000 AFTER 0 IN q 1 x",
        "{q}s x ID z AFTER 0 IN q 1 x ONFAIL RUN",
    ] {
        client.must(&format!("TASK.SCHEDULE {words}"));
    }
    assert_eq!(client.must("EXEC").items().len(), 6);
    check(client);
}

#[test]
fn a_graph_over_several_queues_is_the_same_on_a_replica_and_after_a_restart() {
    for preamble in ["yes", "no"] {
        let builder = Server::builder().append_always().set("aof-use-rdb-preamble", preamble);
        let mut server = builder.listening().start();
        let replica = server.replica();
        let (mut client, mut there) = (server.client(), replica.client());
        graph(&mut client);
        assert_eq!(ack(&mut client, "{q}p"), "a");
        client.must("BGREWRITEAOF");
        wait_until("the rewrite is over", || client.info("aof_rewrite_in_progress") == "0");
        assert_eq!(ack(&mut client, "q"), "b/c");
        wait_until("the replica has it", || there.digest() == client.digest());
        there.must("REPLICAOF NO ONE");
        let digest = settled(&mut client);
        client.save();
        client.must("DEBUG RELOAD");
        assert_eq!(client.digest(), digest);
        server.kill_9();
        server.start_again(&[]);
        for client in [&mut there, &mut server.client()] {
            assert_eq!(
                client.get("q", "x", "state after after_in"),
                "state 'blocked', after ['b/c'], after_in [['{q}p', ['a']], ['{q}s', ['a']]]"
            );
            assert_eq!(client.get("{q}s", "a", "dependents"), "dependents 1");
            assert_eq!(client.get("q", "x", "dependents"), "dependents 2");
            assert_eq!(ack(client, "{q}s"), "a");
            let (_, token) = client.claim("q w");
            client.must(&format!("TASK.FAIL q x {token} ERROR boom DEAD"));
            assert_eq!(client.get("{q}s", "z", "state"), "state 'ready'");
            assert_eq!(
                client.get("{q}s", "y", "state error"),
                "state 'cancelled', error 'after x in q: boom'"
            );
            check(client);
        }
    }
}

#[test]
fn a_step_over_several_queues_is_one_record() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE {q}p x ID a");
    assert_eq!(
        rig.sent("TASK.SCHEDULE q x ID x AFTER 0 IN {q}p 1 a"),
        ["q: hset x:x [options {\"after_in\":[[\"{q}p\",[\"a\"]]]}]; \
             of {q}p; zadd after:a [F q\\tx]; patch t:a waiting p=5 flags=544 fence=F due=MS; \
             of q; hset x:x [waits 1]; zadd blocked [MS x]; set t:x blocked p=5 flags=1 fence=F due=MS 'x'"]
    );
    rig.sent("TASK.CLAIM {q}p w");
    let token = rig.token("T1");
    assert_eq!(
        rig.sent(&format!("TASK.ACK {{q}}p a {token}")),
        ["{q}p: zrem claimed [a]; del t:a; zrem after:a [q\\tx]; \
             of q; hdel x:x [waits]; zrem blocked [x]; rpush ready:5 [x]; \
             patch t:x waiting p=5 flags=1 fence=F due=MS"]
    );
}

#[test]
fn what_a_step_leaves_over_in_another_queue_survives_a_crash_and_a_drop() {
    for drops in [false, true] {
        let mut server = Server::builder().append_always().start();
        let mut client = server.client();
        client.must("CONFIG SET steward.timer no");
        for id in ["a", "b"] {
            client.schedule(&format!("{{q}}p x ID {id}"));
        }
        let payloads = " p".repeat(1_000);
        client.must(&format!("TASK.MSCHEDULE q 1000{payloads} AFTER 0 IN {{q}}p 1 a"));
        client.must(&format!("TASK.MSCHEDULE {{q}}s 1000{payloads} AFTER 0 IN {{q}}p 1 b"));
        client.must(&format!(
            "TASK.MSCHEDULE {{q}}s 1000{payloads} AFTER 0 ONFAIL RUN IN {{q}}p 1 b"
        ));
        ack(&mut client, "{q}p");
        assert_eq!(client.counts("q"), "ready 128 blocked 872");
        if drops {
            client.must("TASK.DROP {q}p");
        } else {
            client.must("TASK.CANCEL {q}p b");
        }
        server.kill_9();
        server.start_again(&[]);
        let mut client = server.client();
        wait_until("all may run", || client.counts("q") == "ready 1000");
        wait_until("half are cancelled", || client.counts("{q}s") == "ready 1000");
        assert_eq!(client.keys().iter().filter(|key| key.contains(":after:")).count(), 0);
        wait_until("nothing is left", || client.call("EXISTS task:{q}p") == "0");
        check(&mut client);
    }
}

#[test]
fn a_dropped_queue_stands_in_no_line_of_another() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("{q}p x ID a");
    client.schedule("q x ID x AFTER 0 IN {q}p 1 a");
    client.must("TASK.DROP q");
    wait_until("it is swept", || {
        client.get("{q}p", "a", "dependents") == "dependents 0"
    });
    assert_eq!(client.call("EXISTS task:{q}p:after:a"), "0");
    ack(&mut client, "{q}p");
    check(&mut client);
}

#[test]
fn what_is_done_by_hand_to_another_queue_holds_nobody_up() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    for restarts in [false, true] {
        client.schedule("{q}p x ID a");
        client.schedule("q x ID child AFTER 0 IN {q}p 1 a");
        client.schedule("{q}s x ID stubborn AFTER 0 IN {q}p 1 a ONFAIL RUN");
        if restarts {
            client.must("CONFIG SET steward.timer no");
        }
        client.must("RENAME task:{q}p:t:a {q}moved");
        if restarts {
            server.kill_9();
            server.start_again(&[]);
            client = server.client();
        }
        wait_until("the child is gone", || client.get("q", "child", "state") == "gone");
        wait_until("the other is ready", || client.stat("{q}s", "ready_tasks") == 1);
        assert_eq!(ack(&mut client, "{q}s"), "stubborn");
        client.must("FLUSHALL");
    }
    // A line that is deleted is made again.
    client.schedule("{q}p x ID a");
    client.schedule("q x ID child AFTER 0 IN {q}p 1 a");
    client.must("DEL task:{q}p:after:a");
    wait_until("it is in line", || client.call("EXISTS task:{q}p:after:a") == "1");
    ack(&mut client, "{q}p");
    assert_eq!(ack(&mut client, "q"), "child");
}

#[test]
fn what_is_not_allowed_changes_nothing() {
    let server = Server::start();
    let mut admin = server.client();
    admin.schedule("{q}p x ID a");
    admin.schedule("{q}s x ID a");
    admin.must("SET task:{q}wrong string");
    let digest = admin.digest();
    let user = |rules: &str| {
        let mut client = server.client();
        client.must(&format!("ACL SETUSER producer on nopass resetkeys +@all {rules}"));
        client.must("AUTH producer any");
        client
    };
    for (rules, after, error) in [
        ("~q", "IN {q}p 1 a", "NOPERM no permission for the key given as IN"),
        (
            "~q %R~{q}p",
            "IN {q}p 1 a",
            "NOPERM no permission for the key given as IN",
        ),
        (
            "~q ~{q}p",
            "IN {q}p 1 a IN {q}s 1 a",
            "NOPERM no permission for the key given as IN",
        ),
        (
            "~*",
            "IN p 1 a",
            "BADARG IN must be the name of a queue in the queue's slot: q or {q}rest",
        ),
        (
            "~*",
            "IN {q}p 2 a b",
            "NOTASK no task that AFTER can wait for: b is unknown",
        ),
        (
            "~*",
            "IN {q}wrong 1 a",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "~*",
            "IN {q} 1 a",
            "BADNAME queue has braces and is not {tag}rest with both parts non-empty and no brace or colon in rest",
        ),
        (
            "~*",
            "",
            "BADARG numids must be an integer from 1 to 1000, or 0 before IN",
        ),
    ] {
        let mut client = user(rules);
        for command in ["TASK.SCHEDULE q x", "TASK.MSCHEDULE q 2 x y"] {
            let reply = client.call(format!("{command} AFTER 0 {after}").trim_end());
            assert_eq!(reply, format!("-{error}").as_str(), "{rules} {after}");
        }
    }
    let mut client = user("~*");
    client.must("SELECT 1");
    assert_eq!(
        client.call("TASK.SCHEDULE q x AFTER 0 IN {q}p 1 a"),
        "-NOTASK no task that AFTER can wait for: a is unknown"
    );
    assert_eq!(admin.digest(), digest);
    let mut client = user("~q ~{q}p");
    client.schedule("q x ID x AFTER 0 IN {q}p 1 a");
}
