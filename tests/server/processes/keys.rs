//! Manual changes of the keys of services: the module does not crash and continues with what is there.

mod nonsense;

use crate::support::{Client, Server, Value, unix_ms, wait_until};

/// The keys of a service, by their ends.
const PARTS: [&str; 4] = ["", ":members", ":candidates", ":events"];

/// A leader with a claim, a candidate and a member that is soon silent.
#[track_caller]
fn busy(client: &mut Client) {
    for member in ["leading", "waiting"] {
        let token = client.register(&format!("s {member} 1 TTL 60000"));
        client.must(&format!("HB.CAMPAIGN s {member} {token}"));
    }
    client.register("s silent 3 TTL 150");
    client.schedule("s x ID held");
    client.claim("s leading LEASE MEMBER");
}

/// Members of this service and of another register, lead, die and are succeeded.
#[track_caller]
pub(super) fn goes_on(client: &mut Client, what: &str) {
    let services = ["s", "fresh"];
    for service in services {
        for member in client.members(service) {
            client.must(&format!("PID.EVICT {service} {member}"));
        }
        let token = client.register(&format!("{service} after 9 TTL 60000"));
        let leads = client.must(&format!("HB.CAMPAIGN {service} after {token} BLOCK 20000"));
        assert_eq!(leads.field("leader"), "'after'", "{what}");
        client.register(&format!("{service} short 9 TTL 100"));
    }
    for service in services {
        let down = format!("PID.AWAIT {service} short DOWN BLOCK 20000");
        assert_eq!(client.call(&down), "1", "{what}");
        assert_eq!(
            client.events(service).last().unwrap(),
            "down short reason=ttl",
            "{what}"
        );
        assert_eq!(client.members(service), ["after"], "{what}");
    }
}

#[test]
fn any_key_of_a_service_may_be_deleted_or_moved() {
    for part in PARTS {
        for how in ["DEL {}", "UNLINK {}", "RENAME {} aside", "PEXPIRE {} 1", "MOVE {} 7"] {
            let server = Server::start();
            let mut client = server.client();
            busy(&mut client);
            let what = how.replace("{}", &format!("proc:{{s}}{part}"));
            client.must(&what);
            for read in [
                "PID.LIST s",
                "PID.GET s leading",
                "HB.LEADER s",
                "HB.BEAT s x",
                "HB.CHECK s 5",
            ] {
                let reply = client.call(read);
                let known = ["WRONGTYPE", "FENCED"];
                assert!(
                    !reply.is_error() || known.contains(&reply.code()),
                    "{what}: {read}: {reply}"
                );
            }
            goes_on(&mut client, &what);
        }
    }
}

#[test]
fn members_that_are_deleted_by_hand_are_dead() {
    for how in [
        "HDEL proc:{s}:members leading",
        "DEL proc:{s}:members",
        "FLUSHALL",
        "FLUSHDB",
    ] {
        let server = Server::start();
        let mut client = server.client();
        busy(&mut client);
        let mut waiting = server.waiter("PID.AWAIT s leading DOWN BLOCK 0");
        client.must(how);
        assert_eq!(waiting.receive(), "1", "{how}");
        assert_eq!(client.call("PID.GET s leading"), Value::Null, "{how}");
        if how.starts_with("FLUSH") {
            assert_eq!(client.counts("s"), "");
        } else {
            wait_until("its claim is free", || client.counts("s") == "ready 1");
            assert_eq!(client.get("s", "held", "attempt losses"), "attempt 1, losses 1");
            assert!(client.deaths("s").contains(&"leading deleted".to_string()), "{how}");
        }
        if how.starts_with("HDEL") {
            wait_until("the next one leads", || client.leader("s").starts_with("waiting "));
        } else {
            assert_eq!(client.leader("s"), "nobody", "{how}");
        }
        goes_on(&mut client, how);
    }
}

#[test]
fn members_that_come_by_hand_are_awaited_and_die_of_their_ttl() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 1 TTL 300");
    let dump = client.must("DUMP proc:{s}:members").bytes().to_vec();
    for (how, service) in [
        ("RESTORE", "restored"),
        ("COPY", "copied"),
        ("RENAME", "renamed"),
        ("HSET", "written"),
    ] {
        let mut waiting = server.waiter(&format!("PID.AWAIT {service} a UP BLOCK 0"));
        let key = format!("proc:{{{service}}}:members");
        let mut restore =
            |key: &str| client.call_args(&[b"RESTORE".as_slice(), key.as_bytes(), b"0", &dump, b"REPLACE"]);
        match how {
            "RESTORE" => assert_eq!(restore(&key), "+OK"),
            "HSET" => drop(client.must(&format!("HSET {key} a {{\"pid\":1,\"ttl_ms\":300}}"))),
            _ => {
                assert_eq!(restore("proc:{s}:members"), "+OK");
                client.must(&format!("{how} proc:{{s}}:members {key}"));
            }
        }
        assert_eq!(waiting.receive(), "1", "{how}");
        assert_eq!(
            client.member(service, "a", "pid ttl_ms state"),
            "pid 1, ttl_ms 300, state 'up'"
        );
        wait_until("it dies of its TTL", || client.members(service).is_empty());
        assert_eq!(client.deaths(service), ["a ttl"], "{how}");
    }
}

#[test]
fn databases_have_services_of_their_own_and_are_swapped_with_them() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s here 1 TTL 60000");
    client.must(&format!("HB.CAMPAIGN s here {token}"));
    let epoch = client.epoch("s");
    client.must("SELECT 1");
    assert_eq!(client.call("PID.SERVICES"), "['0', []]");
    assert_eq!(client.leader("s"), "nobody");
    assert_eq!(client.beat("s", "here", token), "NOMEMBER");
    client.register("s there 2 TTL 60000");
    client.register("s silent 3 TTL 400");
    let mut waiting = server.client();
    waiting.must("SELECT 1");
    server.wait_with(&mut waiting, "PID.AWAIT s here UP BLOCK 0");
    client.must("SWAPDB 0 1");
    assert_eq!(waiting.receive(), "1");
    assert_eq!(client.members("s"), ["here"]);
    assert_eq!(client.leader("s"), format!("here {epoch}"));
    assert_eq!(client.beat("s", "here", token), "leader");
    client.must("SELECT 0");
    assert_eq!(client.beat("s", "here", token), "NOMEMBER");
    wait_until("the silent one dies where it is now", || {
        client.members("s") == ["there"]
    });
    assert_eq!(client.deaths("s"), ["silent ttl"]);
    goes_on(&mut client, "SWAPDB");
}

#[test]
fn a_flush_leaves_no_claim_no_leader_and_no_bound_connection_behind() {
    for flush in ["FLUSHALL", "FLUSHDB ASYNC"] {
        let server = Server::start();
        let (mut client, mut process) = (server.client(), server.client());
        let old = process.register("s a 1 TTL 60000 BIND");
        process.must(&format!("HB.CAMPAIGN s a {old}"));
        let epoch = client.epoch("s");
        let mut candidate = server.client();
        let token = candidate.register("s b 3 TTL 60000");
        server.wait_with(&mut candidate, &format!("HB.CAMPAIGN s b {token} BLOCK 0"));
        let mut holder = server.waiter("PID.REGISTER s c 4 TTL 60000 EXCLUSIVE BLOCK 0");
        client.must(flush);
        assert_eq!(candidate.receive(), "-NOMEMBER no member b in service s", "{flush}");
        let led = holder.receive();
        assert_eq!(led.field("status"), "'registered'", "{flush}");
        assert!(led.field("epoch").int() > epoch);
        client.must("PID.EVICT s c");
        assert_eq!(client.call(&format!("HB.FENCED s {epoch} SET x 1")).code(), "FENCED");
        assert_eq!(process.call(&format!("HB.BEAT s a TOKEN {old}")).code(), "NOMEMBER");
        let mut other = server.client();
        let new = other.register("s a 2 TTL 60000 BIND");
        assert!(new > old);
        drop(process);
        let until = unix_ms() + 100;
        while unix_ms() < until {
            assert_eq!(
                client.member("s", "a", "pid connections"),
                "pid 2, connections 1",
                "{flush}"
            );
        }
        drop(other);
        wait_until("it dies with its own connection", || client.members("s").is_empty());
    }
}

#[test]
fn who_waits_for_the_lead_gets_it_when_the_leader_is_deleted_by_hand() {
    for how in [
        "HDEL proc:{s}:members leading",
        "DEL proc:{s}:members proc:{s}:candidates",
        "DEL proc:{s}",
        "HDEL proc:{s} leader",
        "RENAME proc:{s}:members aside",
        "SWAPDB 0 1",
    ] {
        let server = Server::start();
        let mut client = server.client();
        let token = client.register("s leading 1 TTL 60000");
        client.must(&format!("HB.CAMPAIGN s leading {token}"));
        let epoch = client.epoch("s");
        let mut waiting = server.waiter("PID.REGISTER s next 2 TTL 60000 EXCLUSIVE BLOCK 0");
        client.must(how);
        let led = waiting.receive();
        assert_eq!(led.field("status"), "'registered'", "{how}");
        assert!(led.field("epoch").int() > epoch, "{how}");
        assert_eq!(
            client.leader("s"),
            format!("next {}", led.field("epoch").int()),
            "{how}"
        );
    }
}

#[test]
fn a_leader_whose_record_is_deleted_is_fenced_at_once() {
    let server = Server::start();
    let mut client = server.client();
    busy(&mut client);
    let epoch = client.epoch("s");
    client.must("DEL proc:{s}");
    let late = client.call(&format!("HB.FENCED s {epoch} SET x 1"));
    assert_eq!(late.code(), "FENCED", "{late}");
    assert_eq!(client.call("EXISTS x"), "0");
    wait_until("a candidate leads", || client.leader("s") != "nobody");
    assert!(client.epoch("s") > epoch);
}
