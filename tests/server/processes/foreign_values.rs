//! Foreign values at the keys of a service: errors, and a server that keeps working.

use crate::support::{Server, wait_until};

/// The keys of a service, as their names end.
const PARTS: [&str; 4] = ["", ":members", ":candidates", ":events"];
const FOREIGN: [&str; 6] = [
    "SET {k} junk",
    "RPUSH {k} a junk",
    "HSET {k} a junk leader ghost epoch junk",
    "ZADD {k} 1 a 2 junk",
    "SADD {k} a junk",
    "XADD {k} 9999999999999-5 a junk",
];
/// Every command of a service, as a user would type it.
const CALLS: [&str; 23] = [
    "PID.GET s a",
    "PID.GET s a pid",
    "PID.LIST s",
    "PID.SERVICES",
    "PID.AWAIT s a UP",
    "PID.AWAIT s b DOWN",
    "HB.LEADER s",
    "HB.CHECK s 5",
    "TASK.WORKERS s",
    "PID.REGISTER s b 5",
    "PID.REGISTER s b 5 EXCLUSIVE",
    "PID.REGISTER s a 5 TOKEN 5",
    "HB.BEAT s a",
    "HB.BEAT s new CAMPAIGN",
    "HB.CAMPAIGN s a 5",
    "HB.WITHDRAW s a 5",
    "HB.RESIGN s a 5",
    "HB.FENCED s 5 SET k v",
    "HB.SIGNAL s * quiet",
    "PID.DEREGISTER s a PID 12",
    "PID.EVICT s a",
    "PID.DROP s FORCE",
    "TASK.CLAIM s a LEASE MEMBER",
];

#[test]
fn a_foreign_value_at_any_key_is_a_clear_error_that_changes_nothing() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    for part in PARTS {
        for put in FOREIGN {
            client.must("FLUSHALL");
            let token = client.register("s a 12 TTL 100");
            client.must(&format!("HB.CAMPAIGN s a {token}"));
            let key = format!("proc:{{s}}{part}");
            for read in &CALLS[..9] {
                client.call(read);
            }
            client.must(&format!("DEL {key}"));
            client.must(&put.replace("{k}", &key));
            for call in CALLS {
                let before = client.digest();
                let reply = client.call(call);
                if reply.is_error() {
                    assert_eq!(client.digest(), before, "{put} at {key}: {call}: {reply}");
                    let codes = ["WRONGTYPE", "ERR", "FENCED", "NOMEMBER", "BADARG"];
                    assert!(codes.contains(&reply.code()), "{put} at {key}: {call}: {reply}");
                    assert!(
                        !reply.to_string().contains("internal"),
                        "{put} at {key}: {call}: {reply}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_wrong_type_is_called_that() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    let cases = [
        ("", "HB.LEADER s"),
        ("", "HB.BEAT s new CAMPAIGN"),
        (":members", "PID.GET s a"),
        (":members", "PID.LIST s"),
        (":members", "PID.REGISTER s new 5"),
        (":members", "HB.BEAT s new"),
        (":candidates", "HB.BEAT s new CAMPAIGN"),
        (":events", "PID.REGISTER s new 5"),
        (":events", "PID.EVICT s a"),
    ];
    for (part, call) in cases {
        client.must("FLUSHALL");
        client.must("HB.BEAT s a CAMPAIGN");
        client.must(&format!("DEL proc:{{s}}{part}"));
        client.must(&format!("SET proc:{{s}}{part} junk"));
        let before = client.digest();
        assert_eq!(client.call(call).code(), "WRONGTYPE", "{part} {call}");
        assert_eq!(client.digest(), before, "{part} {call}");
    }
}

#[test]
fn the_timer_goes_on_beside_a_service_it_cannot_read() {
    for part in PARTS {
        for put in FOREIGN {
            let server = Server::start();
            let mut client = server.client();
            let token = client.register("s a 12 TTL 100");
            client.must(&format!("HB.CAMPAIGN s a {token}"));
            client.must(&format!("DEL proc:{{s}}{part}"));
            client.must(&put.replace("{k}", &format!("proc:{{s}}{part}")));
            client.must("HB.BEAT other x TTL 150");
            client.schedule("elsewhere x DELAY 150");
            assert_eq!(client.call("PID.AWAIT other x DOWN BLOCK 0"), "1", "{part} {put}");
            wait_until("tasks become due", || client.counts("elsewhere") == "ready 1");
            client.must(&format!("DEL proc:{{s}}{part}"));
            let fresh = client.call("PID.REGISTER s fresh 1 TTL 100");
            assert!(!fresh.is_error(), "{part} {put}: {fresh}");
            assert_eq!(client.call("PID.AWAIT s fresh DOWN BLOCK 0"), "1", "{part} {put}");
        }
    }
}

/// Uses up the ids of the stream: no entry can ever be added again.
#[test]
fn members_come_lead_and_go_although_the_ids_of_the_event_stream_are_used_up() {
    let server = Server::start();
    let mut client = server.client();
    client.must("XADD proc:{s}:events 18446744073709551615-18446744073709551615 a junk");
    let token = client.register("s a 12");
    let campaign = client.must(&format!("HB.CAMPAIGN s a {token}"));
    assert_eq!(campaign.field("role").text(), "leader");
    client.must("HB.SIGNAL s * quiet");
    client.must("TASK.MSCHEDULE s 1 p");
    client.must("HB.SIGNAL s * none");
    client.must("TASK.CLAIM s a LEASE MEMBER");
    assert_eq!(client.must("PID.EVICT s a").to_string(), "1");
    assert_eq!(client.call("PID.GET s a"), "null");
    assert_eq!(client.call("HB.LEADER s"), "null");
    wait_until("the claim is given back", || client.stat("s", "ready_tasks") == 1);
    // Its last event is long to come, not long ago.
    client.let_pass(200);
    assert_eq!(client.must("XLEN proc:{s}:events").to_string(), "1");
}
