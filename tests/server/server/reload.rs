//! The state is derived: after a load, a full sync, a promotion or a late MODULE LOAD all work continues.

use crate::support::{Client, Server, Value, places, unix_ms, wait_until};

/// Something due in a moment, something far, a claim, something dead and a setting.
#[track_caller]
fn populate(client: &mut Client) -> i64 {
    client.must("TASK.CONFIG SET q dead-limit 5");
    client.schedule("q x ID dead");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q dead {token} ERROR because DEAD"));
    client.schedule("q x ID soon DELAY 300");
    client.schedule("q x ID far DELAY 3600000");
    client.schedule("q x ID held");
    client.claim("q holder LEASE 400").1
}

#[track_caller]
fn goes_on(client: &mut Client) {
    wait_until("the due one and the lost one are ready", || {
        client.counts("q") == "scheduled 1 ready 2 dead 1"
    });
    let mut ready = client.listed("q", "ready");
    ready.sort();
    assert_eq!(ready, ["held", "soon"]);
    assert_eq!(client.call("TASK.CONFIG GET q dead-limit"), "{dead-limit: '5'}");
    assert_eq!(client.get("q", "dead", "state error"), "state 'dead', error 'because'");
    places::check(client, "q");
}

#[test]
fn a_reload_under_an_armed_timer() {
    let server = Server::start();
    let mut client = server.client();
    let token = populate(&mut client);
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM other w BLOCK 0");
    wait_until("the client waits", || client.stat("other", "waiting_clients") == 1);
    client.must("DEBUG RELOAD");
    assert!(client.call(&format!("TASK.EXTEND q held {token}")).int() > 0);
    goes_on(&mut client);
    client.schedule("other x ID a");
    assert_eq!(waiting.receive().ids(), ["a"]);
}

#[test]
fn a_restart_gives_every_lease_its_full_length_again() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    let token = populate(&mut client);
    client.schedule("q x ID long PRIORITY 0");
    client.claim("q holder LEASE 600000");
    server.kill_9();
    let down = unix_ms() + 600;
    wait_until("every short lease would be over", || unix_ms() > down);
    server.start_again(&[]);
    let mut client = server.client();
    assert!((1..=401).contains(&client.call(&format!("TASK.EXTEND q held {token}")).int()));
    let left = client.call("TASK.GET q long").field("remaining_ms").int();
    assert!((590_000..=602_000).contains(&left), "{left}");
    wait_until("the due one and the lost one are ready", || {
        client.counts("q") == "scheduled 1 ready 2 claimed 1 dead 1"
    });
    let claims = client.call("TASK.LIST q claimed WORKER holder");
    assert_eq!(claims.item(1).ids(), ["long"]);
}

#[test]
fn a_promoted_replica_goes_on_where_its_primary_was() {
    for diskless in ["disabled", "swapdb"] {
        let mut server = Server::builder().listening().start();
        let mut client = server.client();
        populate(&mut client);
        // The replica was a primary of its own before.
        let replica = Server::builder()
            .listening()
            .set("repl-diskless-load", diskless)
            .start();
        let mut there = replica.client();
        there.schedule("own x ID gone DELAY 50");
        there.schedule("q x ID gone");
        there.claim("q w");
        there.must(&format!("REPLICAOF 127.0.0.1 {}", server.port()));
        wait_until("it is linked", || there.info("master_link_status") == "up");
        wait_until("it is in step", || there.digest() == client.digest());
        server.kill_9();
        assert_eq!(there.call("TASK.SCHEDULE q x").code(), "READONLY");
        there.must("REPLICAOF NO ONE");
        goes_on(&mut there);
        assert_eq!(there.counts("own"), "");
        assert_eq!(there.call("TASK.QUEUES"), "['0', ['q']]");
    }
}

#[test]
fn a_primary_that_becomes_a_replica_and_a_primary_again() {
    let other = Server::builder().listening().start();
    let server = Server::builder().listening().start();
    let mut client = server.client();
    populate(&mut client);
    let mut bound = server.client();
    client.schedule("q x ID bound PRIORITY 0");
    bound.must("TASK.CLAIM q w BIND");
    client.must(&format!("REPLICAOF 127.0.0.1 {}", other.port()));
    wait_until("it is linked", || client.info("master_link_status") == "up");
    assert_eq!(client.keys(), Vec::<String>::new());
    populate(&mut other.client());
    drop(bound);
    wait_until("it has what came", || client.counts("q").contains("dead 1"));
    client.must("REPLICAOF NO ONE");
    goes_on(&mut client);
}

#[test]
fn a_module_that_is_loaded_late_finds_what_is_there() {
    let server = Server::builder().set("save", "").start();
    let mut client = server.client();
    populate(&mut client);
    client.must("SELECT 4");
    client.schedule("elsewhere x ID a DELAY 300");
    client.must("SELECT 0");
    // An armed timer prevents MODULE UNLOAD.
    assert!(client.call("MODULE UNLOAD steward").is_error());
    client.must("CONFIG SET steward.timer no");
    wait_until("the module can go", || !client.call("MODULE UNLOAD steward").is_error());
    let loaded = client.call_args(&["MODULE", "LOAD", &crate::support::server::module()]);
    assert_eq!(loaded, "+OK");
    goes_on(&mut client);
    client.must("SELECT 4");
    wait_until("other databases too", || client.counts("elsewhere") == "ready 1");
}

#[test]
fn a_key_that_expires_or_is_moved_is_not_missed() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    client.must("PEXPIRE task:{q}:t:a 1");
    wait_until("it has expired", || client.call("EXISTS task:{q}:t:a") == "0");
    assert_eq!(client.call("TASK.CLAIM q w COUNT 5").ids(), ["b"]);
    client.schedule("r x ID a DELAY 100");
    for key in ["task:{r}:scheduled", "task:{r}:t:a"] {
        // Valkey 8.1 leaves the client in the other database after MOVE when a module listens.
        client.must("SELECT 0");
        client.must(&format!("MOVE {key} 7"));
    }
    client.must("SELECT 0");
    assert_eq!(client.counts("r"), "");
    client.must("SELECT 7");
    wait_until("it becomes due there", || client.counts("r") == "ready 1");
    assert_eq!(client.call("TASK.CLAIM r w").ids(), ["a"]);
    assert_eq!(client.call("TASK.CLAIM r w"), Value::Null);
}

/// Hardened servers do that. Without DEL the timer would take every write for one that is refused, in silence.
#[test]
fn a_server_whose_commands_are_renamed_is_told_what_is_missing() {
    let server = |renamed: &str| Server::builder().plain().set("rename-command", renamed).start();
    let load = ["MODULE", "LOAD", &crate::support::server::module()];
    let without = server("DEL not-for-everybody");
    assert_eq!(without.client().call_args(&load).code(), "ERR");
    let log = without.log();
    assert!(
        log.contains("this server has no command DEL: steward needs it"),
        "{log}"
    );

    let without = server("CONFIG \"\"");
    let mut client = without.client();
    assert_eq!(client.call_args(&load), "+OK");
    assert!(
        without
            .log()
            .contains("this server has no command CONFIG: an eviction policy")
    );
    client.schedule("q x DELAY 5");
    wait_until("the timer works", || client.counts("q") == "ready 1");
}

#[test]
fn a_load_that_fails_half_way_leaves_no_callback_behind() {
    let server = Server::builder().plain().start();
    let mut client = server.client();
    let module = crate::support::server::module();
    let half = client.call_args(&["MODULE", "LOADEX", &module, "CONFIG", "steward.lease", "-1"]);
    assert!(half.is_error(), "{half}");
    // All that the module listens to happens.
    client.must("SET key value");
    client.must("RPUSH task:{q}:ready:5 a");
    for event in [
        "SWAPDB 0 1",
        "SWAPDB 0 1",
        "DEBUG RELOAD",
        "CONFIG SET maxmemory-policy noeviction",
        "FLUSHALL",
    ] {
        client.must(event);
    }
    drop(server.client());
    client.must("INFO everything");
    let loaded = client.call_args(&["MODULE", "LOADEX", &module, "CONFIG", "steward.lease", "1000"]);
    assert_eq!(loaded, "+OK");
    client.schedule("q x ID a DELAY 5");
    wait_until("the timer works", || client.counts("q") == "ready 1");
}
