//! PID.DROP.

use crate::support::{Server, Value, wait_until};

#[test]
fn a_service_without_members_is_dropped_with_everything() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.call("PID.DROP s"), "0");
    client.must("PID.REGISTER s a 1 TTL 0 EXCLUSIVE");
    let epoch = client.epoch("s");
    client.must("HB.SIGNAL s * quiet");
    assert_eq!(
        client.call("PID.DROP s"),
        "-BUSYSERVICE members are registered, 1 in all: evict them, or use FORCE"
    );
    client.must("PID.EVICT s a");
    assert_eq!(client.keys(), ["proc:{s}", "proc:{s}:events"]);
    assert_eq!(client.call("PID.DROP s"), "0");
    assert_eq!(client.keys(), Vec::<String>::new());
    assert_eq!(client.call("PID.SERVICES"), "['0', []]");
    let beat = client.must("HB.BEAT s b CAMPAIGN");
    assert!(beat.field("epoch").int() > epoch, "epochs grow all the same");
    assert_eq!(beat.field("signal"), &Value::Null);
}

#[test]
fn force_ends_every_member_as_an_eviction_does() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("q w 1 TTL 60000");
    client.campaign(&format!("q w {token}"));
    let next = client.register("q next 2 TTL 0");
    client.campaign(&format!("q next {next}"));
    client.schedule("q x ID a");
    client.claim("q w LEASE MEMBER");
    let mut down = server.waiter("PID.AWAIT q w DOWN BLOCK 0");
    let mut leads = server.waiter(&format!("HB.CAMPAIGN q next {next} BLOCK 0"));
    let mut holds = server.waiter("PID.REGISTER q holder 3 EXCLUSIVE BLOCK 0");
    assert_eq!(client.call("PID.DROP q FORCE"), "2");
    assert_eq!(down.receive(), "1");
    assert_eq!(leads.receive(), "-NOMEMBER no member next in service q");
    assert_eq!(client.get("q", "a", "state losses"), "state 'ready', losses 1");
    assert_eq!(client.beat("q", "w", token), "NOMEMBER");
    // Who waits to be the holder founds it anew.
    assert_eq!(holds.receive().field("status"), "'registered'");
    let epoch = client.epoch("q");
    assert_eq!(
        client.events("q"),
        [
            "up holder reason=registered".to_string(),
            format!("leader holder epoch={epoch}")
        ]
    );
}

#[test]
fn a_large_service_goes_in_slices() {
    let server = Server::start();
    let mut client = server.client();
    client.register_many("s", 3_000, "TTL 0");
    assert_eq!(client.call("PID.DROP s FORCE"), "3000");
    wait_until("nothing is left", || client.keys().is_empty());
}

#[test]
fn a_drop_is_the_same_on_a_replica_and_after_a_restart() {
    let mut server = Server::builder().append_always().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    client.register_many("s", 300, "TTL 0");
    client.register("stays a 1 TTL 0");
    client.must("PID.DROP s FORCE");
    wait_until("it is gone", || client.keys().iter().all(|key| key.contains("{stays}")));
    wait_until("both are the same", || there.digest() == client.digest());
    let digest = client.digest();
    server.kill_9();
    server.start_again(&[]);
    assert_eq!(server.client().digest(), digest);
}
