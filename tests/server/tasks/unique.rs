//! UNIQUE: at most one task at a time has a key; with REPLACE, the new one.

use crate::support::{Client, Server, wait_until};

/// Whether another task can take the key now.
#[track_caller]
fn is_free(client: &mut Client) -> bool {
    let reply = client.call("TASK.SCHEDULE q x ID b UNIQUE k");
    match reply.to_string().as_str() {
        "'b'" => true,
        taken if taken.starts_with("-DUPLICATE ") && taken.ends_with(" a") => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_key_is_free_on_every_way_out() {
    for way in [
        "TASK.ACK q a T",
        "TASK.MACK q 1 a T",
        "TASK.FAIL q a T DEAD",
        "TASK.FAIL q a T",
        "TASK.DROP q FORCE",
        "lease",
        "cancelled lease",
        "TASK.CANCEL q a",
        "TASK.PURGE q ready",
        "expires",
        "TASK.DROP q",
    ] {
        let server = Server::start();
        let mut client = server.client();
        let expire = if way == "expires" { " EXPIRE 1000" } else { "" };
        client.schedule(&format!("q x ID a ATTEMPTS 1 UNIQUE k{expire}"));
        assert!(!is_free(&mut client), "{way}: ready");
        assert_eq!(client.get("q", "a", "unique"), "unique 'k'");
        if way.contains(" T") || way.contains("lease") || way.contains("FORCE") {
            let lease = if way.contains("lease") { 30 } else { 60_000 };
            let (_, token) = client.claim(&format!("q w LEASE {lease}"));
            if way.contains("cancelled") {
                client.must("TASK.CANCEL q a");
            }
            if !way.contains("lease") {
                assert!(!is_free(&mut client), "{way}: claimed");
                client.must(&way.replace(" T", &format!(" {token}")));
            }
        } else if way != "expires" {
            client.must(way);
        }
        if way.contains("lease") || way == "expires" {
            wait_until(way, || !["ready 1", "claimed 1"].contains(&client.counts("q").as_str()));
        }
        assert!(is_free(&mut client), "{way}");
        assert_eq!(client.call("HGETALL task:{q}:unique"), "{k: 'b'}", "{way}");
    }
}

#[test]
fn a_key_outlives_waiting_retries_restarts_and_a_failover() {
    let mut server = Server::builder().append_always().listening().start();
    let mut client = server.client();
    client.schedule("q x ID a DELAY 3600000 UNIQUE k");
    assert!(!is_free(&mut client));
    client.must("TASK.RESCHEDULE q a DELAY 0");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q a {token} DELAY 3600000"));
    assert!(!is_free(&mut client));
    client.schedule("q x ID done UNIQUE other FOR 3600000");
    client.must("TASK.CANCEL q done");
    let replica = server.replica_with(Server::builder());
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
    there.must("REPLICAOF NO ONE");
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        assert!(!is_free(client));
        assert_eq!(client.call("TASK.SCHEDULE q x UNIQUE other"), "-DUPLICATE unknown done");
        client.must("TASK.CANCEL q a");
        assert!(is_free(client));
    }
}

#[test]
fn a_dead_task_whose_key_is_taken_stays_dead() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a UNIQUE k");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q a {token} DEAD"));
    assert!(is_free(&mut client));
    assert_eq!(client.call("TASK.RETRY q a"), "0");
    assert_eq!(client.call("TASK.RETRYALL q"), "['0', 0]");
    assert_eq!(client.counts("q"), "ready 1 dead 1");
    client.must("TASK.CANCEL q b");
    assert_eq!(client.call("TASK.RETRY q a"), "1");
    assert!(!is_free(&mut client));
}

#[test]
fn for_a_time_it_is_held_whatever_becomes_of_the_task() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a UNIQUE k FOR 150");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q a {token}"));
    let taken = client.call("TASK.SCHEDULE q x UNIQUE k REPLACE");
    assert_eq!(taken, "-DUPLICATE unknown a");
    assert!(!is_free(&mut client));
    wait_until("its time is over", || client.keys() == ["task:{q}:workers"]);
    assert!(is_free(&mut client));
}

#[test]
fn a_debounced_task_keeps_its_place_unless_it_is_told_otherwise() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for id in ["first", "a", "last"] {
        client.schedule(&format!("q old ID {id} UNIQUE {id}"));
    }
    assert_eq!(client.schedule("q new UNIQUE a REPLACE ATTEMPTS 3"), "a");
    assert_eq!(client.listed("q", "ready"), ["first", "a", "last"]);
    assert_eq!(
        client.get("q", "a", "payload max_attempts"),
        "payload 'new', max_attempts 3"
    );
    assert_eq!(client.schedule("q newer ID a UNIQUE a REPLACE DELAY 3600000"), "a");
    assert_eq!(client.counts("q"), "scheduled 1 ready 2");
    assert_eq!(
        client.get("q", "a", "payload max_attempts"),
        "payload 'newer', max_attempts 25"
    );
    assert_eq!(client.schedule("q now UNIQUE a REPLACE"), "a");
    assert_eq!(
        client.listed("q", "ready"),
        ["first", "a", "last"],
        "the place its id still has"
    );
    assert_eq!(client.schedule("q now UNIQUE a REPLACE PRIORITY 6"), "a");
    assert_eq!(client.listed("q", "ready"), ["first", "last", "a"]);
    let taken = client.call("TASK.SCHEDULE q x ID z UNIQUE a REPLACE");
    assert_eq!(taken, "-DUPLICATE ready a");
    assert_eq!(
        client.call("TASK.SCHEDULE q x ID last UNIQUE a REPLACE"),
        "-DUPLICATE ready last"
    );
    assert_eq!(client.call("TASK.CLAIM q w COUNT 9").ids(), ["first", "last", "a"]);
    assert_eq!(
        client.call("TASK.SCHEDULE q x UNIQUE a REPLACE"),
        "-DUPLICATE claimed a",
        "it is claimed"
    );
    assert_eq!(client.stat("q", "scheduled_total"), 3);
}

#[test]
fn an_edit_during_the_run_makes_one_more_run() {
    let mut server = Server::builder().append_always().listening().start();
    let mut client = server.client();
    let replica = server.replica_with(Server::builder());
    let edit = "q page UNIQUE k UNTIL CLAIM REPLACE KEEP DELAY 20";
    let first = client.schedule(edit);
    assert_eq!(client.schedule(edit), first);
    let (_, token) = client.claim("q w BLOCK 0");
    let second = client.schedule(edit);
    assert_ne!(second, first);
    client.must(&format!("TASK.FAIL q {first} {token} DEAD"));
    assert_eq!(client.call(&format!("TASK.RETRY q {first}")), "1");
    let mut there = replica.client();
    wait_until("the replica has it", || there.digest() == client.digest());
    there.must("REPLICAOF NO ONE");
    server.kill_9();
    server.start_again(&[]);
    for client in [&mut there, &mut server.client()] {
        assert_eq!(client.call("HGETALL task:{q}:unique"), format!("{{k: '{second}'}}"));
        assert_eq!(client.schedule("q last UNIQUE k UNTIL CLAIM REPLACE"), second);
    }
}

#[test]
fn a_debounced_task_is_handed_to_a_client_that_waits() {
    let server = Server::start();
    let (mut client, mut waiting) = (server.client(), server.client());
    client.schedule("q old ID a DELAY 3600000 UNIQUE k");
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    assert_eq!(client.schedule("q new UNIQUE k REPLACE"), "a");
    let claimed = waiting.receive();
    assert_eq!(claimed.item(0).field("payload").text(), "new");
}

#[test]
fn ten_thousand_debounces_end_in_one_run() {
    for pause in ["TASK.RESUME q", "TASK.PAUSE q"] {
        let server = Server::start();
        let mut client = server.client();
        client.must(pause);
        for n in 0..10_000 {
            let delay = ["", " DELAY 60000"][n / 7 % 2];
            let priority = ["", " PRIORITY 3", " PRIORITY 8"][n % 3];
            client.send(&format!("TASK.SCHEDULE q {n} UNIQUE k REPLACE{delay}{priority}"));
        }
        let id = client.receive();
        for _ in 1..10_000 {
            assert_eq!(client.receive(), id.to_string());
        }
        client.schedule("q last UNIQUE k REPLACE");
        client.must("TASK.RESUME q");
        let claimed = client.must("TASK.CLAIM q w COUNT 9");
        assert_eq!(claimed.ids(), [id.text()]);
        assert_eq!(claimed.item(0).field("payload").text(), "last");
        let token = claimed.item(0).field("token").int();
        client.must(&format!("TASK.ACK q {} {token}", id.text()));
        wait_until("nothing is left", || client.keys() == ["task:{q}:workers"]);
    }
}

#[test]
fn a_unique_hash_that_somebody_edited_or_deleted_holds_nothing_up() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID plain");
    for value in ["nobody", "plain", "plain\tsoon", "\t", ""] {
        client.call_args(&["HSET", "task:{q}:unique", "k", value]);
        assert!(is_free(&mut client), "{value:?}");
        client.must("TASK.CANCEL q b");
    }
    client.schedule("q x ID a UNIQUE k");
    client.must("DEL task:{q}:unique");
    assert!(is_free(&mut client));
    client.must("TASK.CANCEL q a");
    assert_eq!(client.call("TASK.SCHEDULE q x UNIQUE k"), "-DUPLICATE ready b");
    client.must("DEL task:{q}:unique");
    client.must("SET task:{q}:unique x");
    let digest = client.digest();
    assert_eq!(client.call("TASK.SCHEDULE q x UNIQUE k").code(), "WRONGTYPE");
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call("TASK.CANCEL q b"), "1", "what ends a task is not held up");
}
