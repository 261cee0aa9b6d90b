//! Every way of loading data opens the reclaim window, unless there is no data.

use crate::support::{Client, Server, wait_until};

/// The reply to a campaign for a service without a leader record.
#[track_caller]
fn reclaims(client: &mut Client, token: i64) -> bool {
    let campaign = client.must(&format!("HB.CAMPAIGN s a {token}"));
    let reclaim = campaign.field("reclaim_ms").int();
    let role = campaign.field("role").text();
    assert_eq!(role == "leader", reclaim == 0, "{campaign}");
    reclaim > 0
}

#[test]
fn a_reload_in_place() {
    let server = Server::start();
    let mut client = server.client();
    client.must("DEBUG RELOAD");
    assert_eq!(client.info("steward_reclaiming_services"), "0");
    let token = client.register("s a 1 TTL 60000");
    client.must("DEBUG RELOAD");
    assert!(reclaims(&mut client, token));
    assert_eq!(client.info("steward_reclaiming_services"), "1");
    client.must("FLUSHALL");
    client.must("DEBUG RELOAD");
    let token = client.register("s a 1 TTL 60000");
    assert!(!reclaims(&mut client, token), "nothing was loaded");
}

#[test]
fn a_restart_from_every_kind_of_file() {
    for (file, preamble) in [("rdb", "no"), ("aof", "yes"), ("aof", "no")] {
        let mut builder = Server::builder().set("aof-use-rdb-preamble", preamble);
        if file == "aof" {
            builder = builder.append_always();
        }
        let mut server = builder.start();
        let mut client = server.client();
        let token = client.register("s a 1 TTL 60000");
        client.must("SELECT 5");
        if file == "rdb" {
            client.save();
        } else {
            client.must("BGREWRITEAOF");
            wait_until("the file is written", || {
                client.info("aof_rewrite_in_progress") == "0" && client.info("aof_rewrite_scheduled") == "0"
            });
        }
        server.kill_9();
        server.start_again(&[]);
        assert!(reclaims(&mut server.client(), token), "{file} {preamble}");
        assert_eq!(server.client().info("steward_services"), "1");
    }
}

#[test]
fn a_start_with_a_file_that_has_nothing() {
    for append in ["no", "yes"] {
        let mut server = Server::builder().set("appendonly", append).start();
        let mut client = server.client();
        client.save();
        server.kill_9();
        server.start_again(&[]);
        let mut client = server.client();
        let token = client.register("s a 1 TTL 60000");
        assert!(!reclaims(&mut client, token), "appendonly {append}");
    }
}

#[test]
fn a_module_that_is_loaded_into_data() {
    let server = Server::builder().set("save", "").start();
    let mut client = server.client();
    let token = client.register("s a 1 TTL 60000");
    client.must("CONFIG SET steward.timer no");
    wait_until("the module can go", || !client.call("MODULE UNLOAD steward").is_error());
    let load = ["MODULE", "LOAD", &crate::support::server::module()];
    assert_eq!(client.call_args(&load), "+OK");
    assert!(reclaims(&mut client, token));
    client.must("CONFIG SET steward.timer no");
    wait_until("the module can go", || !client.call("MODULE UNLOAD steward").is_error());
    client.must("FLUSHALL");
    assert_eq!(client.call_args(&load), "+OK");
    let token = client.register("s a 1 TTL 60000");
    assert!(!reclaims(&mut client, token), "there was no data");
}

#[test]
fn a_full_sync_and_a_promotion() {
    for diskless in ["disabled", "swapdb"] {
        let mut server = Server::builder().listening().start();
        let mut client = server.client();
        let replica = Server::builder()
            .listening()
            .set("repl-diskless-load", diskless)
            .start();
        let mut there = replica.client();
        // The replica was a primary of its own before.
        there.must("HB.BEAT s own TTL 200 BIND CAMPAIGN");
        let token = client.register("s a 1 TTL 60000");
        there.must(&format!("REPLICAOF 127.0.0.1 {}", server.port()));
        wait_until("it is linked", || there.info("master_link_status") == "up");
        wait_until("it is in step", || there.digest() == client.digest());
        server.kill_9();
        there.must("REPLICAOF NO ONE");
        assert!(reclaims(&mut there, token), "{diskless}");
        assert_eq!(there.members("s"), ["a"]);
        assert_eq!(there.events("s"), ["up a reason=registered"]);
    }
}

#[test]
fn a_primary_without_data_that_was_a_replica() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let mut there = replica.client();
    there.must("REPLICAOF NO ONE");
    let token = there.register("s a 1 TTL 60000");
    assert!(!reclaims(&mut there, token));
}
