//! The event stream of a service.

use crate::support::{Server, Value, wait_until};

#[test]
fn every_event_has_all_fields_and_stands_in_the_order_of_the_decisions() {
    let server = Server::start();
    let mut client = server.client();
    let a = client.register("s a 12 HOST h TTL 0");
    client.must("HB.BEAT s b TTL 60000");
    client.must(&format!("HB.CAMPAIGN s a {a}"));
    let first = client.epoch("s");
    client.must("HB.BEAT s b CAMPAIGN");
    client.must("HB.SIGNAL s a quiet");
    client.must("HB.SIGNAL s * none");
    client.must("PID.EVICT s a");
    let second = client.epoch("s");
    client.must("PID.EVICT s b REASON tired");
    let entries = client.must("XRANGE proc:{s}:events - +");
    let entry = |at: usize| entries.item(at).item(1).to_string();
    let event = |kind: &str, member: &str, pid: &str, host: &str, epoch: &str, reason: &str| {
        format!(
            "['type', '{kind}', 'member', '{member}', 'pid', '{pid}', 'host', '{host}', 'epoch', '{epoch}', \
             'reason', '{reason}']"
        )
    };
    let (first, second) = (first.to_string(), second.to_string());
    let expected = [
        event("up", "a", "12", "h", "", "registered"),
        event("up", "b", "", "", "", "registered"),
        event("leader", "a", "12", "h", &first, ""),
        event("signal", "a", "12", "h", "", "quiet"),
        event("signal", "*", "", "", "", "none"),
        event("down", "a", "12", "h", "", "evicted"),
        event("leader", "b", "", "", &second, ""),
        event("down", "b", "", "", "", "tired"),
    ];
    assert_eq!(entries.items().len(), expected.len(), "{entries}");
    for (at, expected) in expected.iter().enumerate() {
        assert_eq!(&entry(at), expected);
    }
}

/// The only entry an XREAD of one stream brought: its id and its fields.
#[track_caller]
fn only(read: &Value) -> (String, Value) {
    let Value::Map(streams) = read else { panic!("{read}") };
    let [entry] = streams[0].1.items() else {
        panic!("one entry, not {read}")
    };
    (entry.item(0).text(), entry.item(1).clone())
}

#[test]
fn a_reader_resumes_where_it_stopped_and_is_woken() {
    let server = Server::start();
    let mut client = server.client();
    client.must("HB.BEAT s a TTL 300");
    let (mut last, _) = only(&client.call("XREAD STREAMS proc:{s}:events 0"));
    // By a command, and by the timer.
    for what in ["PID.REGISTER s b 1 TTL 0", "PING"] {
        let mut reader = server.waiter(&format!("XREAD BLOCK 0 STREAMS proc:{{s}}:events {last}"));
        client.must(what);
        let (id, event) = only(&reader.receive());
        last = id;
        let expected = if what == "PING" { ("down", "a") } else { ("up", "b") };
        let shown = (event.field("type").text(), event.field("member").text());
        assert_eq!(shown, (expected.0.to_string(), expected.1.to_string()));
    }
}

#[test]
fn the_stream_is_capped() {
    let server = Server::builder().set("steward.events", "20").start();
    let mut client = server.client();
    for n in 0..200 {
        client.must(&format!("HB.BEAT s m{n}"));
        let length = client.call("XLEN proc:{s}:events").int();
        assert!(length <= 22, "{length}");
        assert!(length >= 20.min(n + 1), "{length} after {}", n + 1);
    }
    let events = client.events("s");
    assert_eq!(events.last().unwrap(), "up m199 reason=registered");
    client.must("CONFIG SET steward.events 10");
    client.must("HB.BEAT s last");
    assert!(client.call("XLEN proc:{s}:events").int() <= 11);
}

#[test]
fn what_happens_in_one_step_stands_together() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..3 {
        client.register(&format!("s old{n} 1 HOST h BOOT b1 TTL 0"));
    }
    let holder = client.must("PID.REGISTER s old3 1 HOST h BOOT b1 TTL 0 EXCLUSIVE");
    let other = client.register("s other 2 HOST h2 TTL 0");
    client.must(&format!("HB.CAMPAIGN s other {other}"));
    let seen = client.events("s").len();
    client.must("MULTI");
    client.must("PID.REGISTER s new 1 HOST h BOOT b2 TTL 0");
    client.must("HB.LEADER s");
    let replies = client.call("EXEC");
    let leader = replies.item(1);
    assert_eq!(leader.field("member"), "'other'", "no moment without a leader");
    let events = client.events("s").split_off(seen);
    assert_eq!(
        events,
        [
            "down old0 reason=reboot".to_string(),
            "down old1 reason=reboot".into(),
            "down old2 reason=reboot".into(),
            "down old3 reason=reboot".into(),
            format!("leader other epoch={}", leader.field("epoch").int()),
            "up new reason=registered".into(),
        ]
    );
    let token = holder.field("token").int();
    assert_eq!(client.call(&format!("HB.BEAT s old3 TOKEN {token}")).code(), "NOMEMBER");
}

#[test]
fn members_whose_keys_a_user_deletes_are_down_as_deleted() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12 TTL 0");
    client.register("s b 13 TTL 0");
    client.must(&format!("HB.CAMPAIGN s a {token}"));
    client.must("HDEL proc:{s}:members a");
    assert_eq!(client.call("PID.GET s a"), Value::Null);
    assert_eq!(
        client.call(&format!("HB.BEAT s a TOKEN {token}")),
        "-NOMEMBER no member a in service s"
    );
    wait_until("nobody leads", || client.call("HB.LEADER s") == Value::Null);
    wait_until("the event is there", || {
        client.events("s").contains(&"down a reason=deleted".to_string())
    });
    assert_eq!(client.members("s"), ["b"]);
    assert_eq!(client.must("HB.BEAT s new CAMPAIGN").field("role"), "'leader'");
}
