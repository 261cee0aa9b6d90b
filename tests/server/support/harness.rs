//! The harness itself, on a server without the module.

use crate::support::{Server, Stream, Value, wait_until};

fn plain() -> Server {
    Server::builder().plain().start()
}

#[test]
fn replies_keep_their_kind_in_both_protocols() {
    let server = plain();
    let (mut three, mut two) = (server.client(), server.client_resp2());
    three.must("RPUSH list a");
    three.must("HSET hash field 1");
    assert_eq!(three.call("HGETALL hash"), "{field: '1'}");
    assert_eq!(two.call("HGETALL hash"), "['field', '1']");
    assert_eq!(two.call("LLEN list"), "1");
    assert_eq!(two.call("BLPOP none 0.001"), Value::NullArray);
    assert_eq!(three.call("BLPOP none 0.001"), Value::Null);
    assert_eq!(two.call("GET none"), Value::Null);
    assert_eq!(two.call("GET list").code(), "WRONGTYPE");
    let binary = [b"ECHO".as_slice(), b"\r\n\0\xff"];
    assert_eq!(two.call_args(&binary), "'\\r\\n\\x00\\xff'");
}

#[test]
fn a_server_is_killed_and_started_again_in_place() {
    let mut server = Server::builder().plain().append_always().start();
    server.client().must("SET key value");
    server.kill_9();
    server.start_again(&[("maxmemory", "100mb")]);
    let mut client = server.client();
    assert_eq!(client.call("GET key"), "'value'");
    assert_eq!(client.info("maxmemory"), "104857600");
}

#[test]
fn the_stream_shows_what_a_replica_gets() {
    let server = plain();
    let mut client = server.client();
    client.must("SET before 1");
    let mut stream = Stream::of(&server);
    client.must("SET key value");
    client.must("SELECT 3");
    client.must("INCR n");
    assert_eq!(stream.take(), ["SET key value", "INCR n"]);
    assert_eq!(stream.take(), Vec::<String>::new());
}

#[test]
fn a_replica_follows_and_a_blocked_client_is_silent() {
    let server = Server::builder().plain().listening().start();
    let replica = Server::builder()
        .plain()
        .listening()
        .set("replicaof", &format!("127.0.0.1 {}", server.port()))
        .start();
    let mut waiting = server.client();
    waiting.send("BLPOP list 0");
    let mut client = server.client();
    wait_until("it is blocked", || client.blocked_clients() == 1);
    assert!(waiting.is_silent() && !waiting.is_closed());
    client.must("RPUSH list a");
    assert_eq!(waiting.receive(), "['list', 'a']");
    client.must("SET key value");
    let mut there = replica.client();
    wait_until("the replica has it", || there.call("GET key") == "'value'");
    client.must(&format!("CLIENT KILL ID {}", waiting.id()));
    wait_until("it is closed", || waiting.is_closed());
}
