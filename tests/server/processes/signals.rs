//! HB.SIGNAL: words in the replies to heartbeats.

use crate::support::{Client, Server, Value};

/// The `signal` in the reply to a member's heartbeat.
#[track_caller]
fn signal(client: &mut Client, member: &str) -> String {
    client.must(&format!("HB.BEAT s {member}")).field("signal").to_string()
}

#[test]
fn a_signal_stands_in_every_beat_until_it_is_cleared() {
    let server = Server::start();
    let mut client = server.client();
    client.must("HB.BEAT s a");
    client.must("HB.BEAT s b");
    for word in ["quiet", "stop", "reload-config"] {
        assert_eq!(client.call(&format!("HB.SIGNAL s a {word}")), "1");
        for _ in 0..3 {
            assert_eq!(signal(&mut client, "a"), format!("'{word}'"));
        }
        assert_eq!(client.call("PID.GET s a signal"), format!("'{word}'"));
        assert_eq!(signal(&mut client, "b"), "null");
    }
    assert_eq!(client.call("HB.SIGNAL s a none"), "1");
    assert_eq!(signal(&mut client, "a"), "null");
    assert_eq!(client.call("HB.SIGNAL s nobody quiet"), "0");
    assert_eq!(client.call("HB.SIGNAL nobody * quiet"), "0");
}

#[test]
fn a_signal_to_all_reaches_who_is_there_and_not_who_comes_later() {
    let server = Server::start();
    let mut client = server.client();
    for member in ["a", "b", "c"] {
        client.must(&format!("HB.BEAT s {member}"));
    }
    client.must("HB.BEAT other x");
    assert_eq!(client.call("HB.SIGNAL s * quiet"), "3");
    assert_eq!(signal(&mut client, "d"), "null");
    let mut signals = || ["a", "b", "c", "d"].map(|member| signal(&mut client, member));
    assert_eq!(signals(), ["'quiet'", "'quiet'", "'quiet'", "null"]);
    assert_eq!(server.client().call("HB.SIGNAL s b stop"), "1");
    assert_eq!(signals(), ["'quiet'", "'stop'", "'quiet'", "null"]);
    assert_eq!(server.client().call("HB.SIGNAL s * none"), "4");
    assert_eq!(signals(), ["null", "null", "null", "null"]);
    assert_eq!(client.must("HB.BEAT other x").field("signal"), &Value::Null);
    assert_eq!(
        client.events("s")[3..],
        [
            "signal * reason=quiet",
            "up d reason=registered",
            "signal b reason=stop",
            "signal * reason=none"
        ]
    );
}

#[test]
fn a_signal_survives_a_restart_and_a_status_does_not() {
    let mut server = Server::builder().append_always().start();
    let mut client = server.client();
    client.must("HB.BEAT s a TTL 60000 STATUS busy");
    client.must("HB.BEAT s b TTL 60000");
    client.must("HB.SIGNAL s a quiet");
    client.must("HB.SIGNAL s * stop");
    client.must("HB.SIGNAL s b drain");
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    assert_eq!(
        (signal(&mut client, "a"), signal(&mut client, "b")),
        ("'stop'".into(), "'drain'".into())
    );
    assert_eq!(client.call("PID.GET s a status"), Value::Null);
}

#[test]
fn who_registers_anew_does_not_have_the_signals_of_before() {
    let server = Server::start();
    let mut client = server.client();
    for signal in ["HB.SIGNAL s a quiet", "HB.SIGNAL s * stop"] {
        let token = client.register("s a 12");
        client.must(signal);
        let beat = format!("HB.BEAT s a TOKEN {token}");
        assert_ne!(client.must(&beat).field("signal"), &Value::Null);
        client.must(&format!("PID.REGISTER s a 13 TOKEN {token}"));
        assert_ne!(client.must(&beat).field("signal"), &Value::Null, "a return keeps it");
        client.must("PID.EVICT s a");
        client.register("s a 14");
        assert_eq!(client.call("PID.GET s a signal"), Value::Null, "{signal}");
        client.schedule("s x");
        assert_eq!(client.call("TASK.CLAIM s a").ids().len(), 1);
        client.must("PID.EVICT s a");
    }
}
