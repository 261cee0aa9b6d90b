//! The port to the data, on a real server: the same suite that the fake of the unit tests passes.

use crate::support::Server;

#[test]
fn the_servers_keys_keep_the_contract() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.call("STEWARD.CONTRACT q"), "+OK");
    for small in ["list-max-listpack-size 2", "zset-max-listpack-entries 3", "hash-max-listpack-entries 1"] {
        client.must(&format!("CONFIG SET {small}"));
    }
    assert_eq!(client.call("STEWARD.CONTRACT {app}q"), "+OK");
    assert_eq!(client.call("DBSIZE"), "0");
}

#[test]
fn a_replica_follows_the_contract() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let mut client = server.client();
    client.must("STEWARD.CONTRACT q");
    client.must("TASK.SCHEDULE q x ID last");
    client.must("WAIT 1 5000");
    assert_eq!(client.call("DEBUG DIGEST"), replica.client().call("DEBUG DIGEST"));
}
