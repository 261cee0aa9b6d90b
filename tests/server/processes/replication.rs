//! What members, leaders and their claims send to replicas and the append-only file, and that the data is the same
//! everywhere afterwards.

mod stream;

use crate::support::builder::Builder;
use crate::support::history::History;
use crate::support::recovery::{Recovery, assert_own_file_is_right, settled};
use crate::support::{Client, Server, wait_until};

const STEPS: usize = 3_000;

/// A server on which claims and members are short-lived by default.
fn short() -> Builder {
    Server::builder().set("steward.lease", "50").set("steward.ttl", "200")
}

/// The history contains all kinds of ends.
#[track_caller]
fn everything_happened(client: &mut Client) {
    let mut events = Vec::new();
    for service in ["q", "r", "{t}s"] {
        events.extend(client.events(service));
    }
    let ends = [
        "reason=registered",
        "reason=replaced",
        "reason=ttl",
        "reason=disconnect",
        "reason=left",
        "reason=tired",
        "reason=reboot",
        "leader ",
        "resigned ",
        "signal ",
    ];
    for end in ends {
        assert!(
            events.iter().any(|line| line.contains(end)),
            "no {end} in {} events",
            events.len()
        );
    }
}

#[test]
fn a_replica_has_the_members_the_leaders_and_the_claims_of_its_primary() {
    let server = short().set("steward.events", "100000").listening().start();
    let replica = server.replica_with(Server::builder().append_always().set("aof-use-rdb-preamble", "no"));
    let (mut client, mut there) = (server.client(), replica.client());
    let mut history = History::with_members(41, server.socket());
    for part in 0..3 {
        history.run(&mut client, STEPS / 3);
        if part == 1 {
            there.must("BGREWRITEAOF");
        }
        let digest = settled(&mut client);
        wait_until("the replica has it all", || there.digest() == digest);
        client.must("CONFIG SET steward.timer yes");
    }
    wait_until("somebody has died of silence", || {
        client.deaths("q").iter().any(|death| death.ends_with(" ttl"))
    });
    everything_happened(&mut client);
    // A late replica gets a full copy, including bound claims and unfinished work.
    let late = server.replica();
    history.run(&mut client, 300);
    let digest = settled(&mut client);
    let mut last = late.client();
    wait_until("both replicas have it all", || {
        there.digest() == digest && last.digest() == digest
    });
    // Each server lists in an order of its own.
    let services = |client: &mut Client| client.must("PID.SERVICES").names();
    assert_eq!(services(&mut there), services(&mut client));
    for read in ["HB.LEADER q", "PID.GET q w0 pid host role meta"] {
        assert_eq!(there.call(read), client.call(read).to_string(), "{read}");
    }
    assert_own_file_is_right(replica, &digest);
}

#[test]
fn an_append_only_file_brings_members_and_leaders_back() {
    let recovery = Recovery {
        server: short,
        history: |server| History::with_members(42, server.socket()),
        steps: STEPS / 2,
        goes_on: comes_to_rest,
    };
    recovery.after_a_kill();
}

#[test]
fn a_snapshot_brings_members_and_leaders_back() {
    let recovery = Recovery {
        server: short,
        history: |server| History::with_members(43, server.socket()),
        steps: STEPS / 2,
        goes_on: comes_to_rest,
    };
    recovery.after_a_snapshot();
}

/// When the timer runs again, members without heartbeats die and lose their claims.
#[track_caller]
fn comes_to_rest(client: &mut Client) {
    client.must("CONFIG SET steward.timer yes");
    for service in ["q", "r"] {
        wait_until("all members are dead", || client.members(service).is_empty());
        assert_eq!(client.leader(service), "nobody");
        wait_until("no claim is left", || client.stat(service, "claimed_tasks") == 0);
    }
}
