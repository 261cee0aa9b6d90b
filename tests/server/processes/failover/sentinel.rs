//! A failover by Sentinel, with members that send heartbeats, a leader and a candidate.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::process::die_with_parent;
use crate::support::server::{free_port, server_binary};
use crate::support::{Client, Server, unix_ms, wait_until};

/// A sentinel that decides alone.
struct Sentinel {
    child: Child,
    dir: TempDir,
}

impl Sentinel {
    fn of(server: &Server) -> Sentinel {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "port {}\nbind 127.0.0.1\nunixsocket s\nlogfile log\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
            free_port(),
            server.port()
        );
        std::fs::write(dir.path().join("sentinel.conf"), text).unwrap();
        let mut command = Command::new(server_binary());
        command.args(["sentinel.conf", "--sentinel"]).current_dir(dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        die_with_parent(&mut command);
        let child = command.spawn().expect("a sentinel");
        Sentinel { child, dir }
    }

    /// Waits until it knows the replica of the server.
    #[track_caller]
    fn wait_for_replica(&self) {
        let mut client = None;
        wait_until("the sentinel answers", || {
            client = Client::connect(&self.dir.path().join("s"));
            client.is_some()
        });
        let mut client = client.unwrap();
        wait_until("it knows the replica", || {
            let known = client.call("SENTINEL REPLICAS main").to_string();
            known.contains("'master-link-status', 'ok'")
        });
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_leader_leads_on_after_a_failover_by_sentinel_and_the_next_one_when_it_is_silent() {
    // No member dies before the failover.
    let mut server = Server::builder().set("steward.timer", "no").listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    let leading = client.register("s leading 1 TTL 1500");
    client.must(&format!("HB.CAMPAIGN s leading {leading}"));
    let epoch = client.epoch("s");
    let next = client.register("s next 2 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s next {next}"));
    client.register("s silent 3 TTL 1500");
    let sentinel = Sentinel::of(&server);
    sentinel.wait_for_replica();
    wait_until("the replica has it", || there.digest() == client.digest());
    server.kill_9();
    // A sentinel closes the connections of the server that it promotes.
    wait_until("the replica leads", || {
        let role = Client::connect(&replica.socket()).and_then(|mut client| client.try_call("ROLE").ok());
        role.is_some_and(|role| role.item(0) == "'master'")
    });
    let mut there = replica.client();
    let beaten = unix_ms();
    assert_eq!(there.call(&format!("HB.FENCED s {epoch} SET x 1")), "+OK");
    assert_eq!(there.beat("s", "leading", leading), "leader");
    let epoch = there.epoch("s");
    assert_eq!(there.call(&format!("HB.FENCED s {epoch} SET x 1")), "+OK");
    let waiting = format!("HB.CAMPAIGN s next {next} BLOCK 20000");
    assert_eq!(there.call(&waiting).field("role"), "'leader'");
    let took = unix_ms() - beaten;
    // Two clocks in whole milliseconds.
    assert!(took >= 1_500 - 1, "a full TTL after its beat, not {took} ms");
    assert!(there.epoch("s") > epoch);
    let late = there.call(&format!("HB.FENCED s {epoch} SET x 2"));
    assert_eq!(late, format!("-FENCED epoch={} leader=next", there.epoch("s")));
    wait_until("the silent one is dead too", || there.members("s") == ["next"]);
}
