//! TASK.ACK ... NEXT sent again, as clients do by themselves when a reply is lost.

use crate::support::{Server, Value, wait_until};

const NO_TASK: &str = "-NOTASK no such task";

#[test]
fn the_same_claim_is_answered_again_as_long_as_it_lives() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.MSCHEDULE q 3 x y z");
    let (id, token) = client.claim("q w LEASE 60000");
    let ack = format!("TASK.ACK q {id} {token} NEXT");
    let first = client.call(&ack);
    assert_eq!(first.item(0).field("payload").text(), "y");
    for _ in 0..3 {
        assert_eq!(server.client().call(&ack), first.to_string());
    }
    assert_eq!(client.counts("q"), "ready 1 claimed 1", "nothing more is claimed");
    // It belongs to that very acknowledgement.
    let (other, next) = (first.item(0).field("id").text(), first.item(0).field("token").int());
    for words in [
        format!("TASK.ACK q {id} {token}"),
        format!("TASK.ACK q {id} {} NEXT", token + 1),
        format!("TASK.ACK q nobody {token} NEXT"),
    ] {
        assert_eq!(client.call(&words), NO_TASK, "{words}");
    }
    // It is gone as soon as the claim ends, in whatever way.
    client.must(&format!("TASK.RELEASE q {other} {next}"));
    assert_eq!(client.call(&ack), NO_TASK);
    let (id, token) = client.claim("q w LEASE 300");
    let ack = format!("TASK.ACK q {id} {token} NEXT");
    let next = client.call(&ack);
    assert_eq!(next.ids().len(), 1);
    wait_until("its lease is over", || client.counts("q") == "ready 1");
    assert_eq!(client.call(&ack), NO_TASK);
    let (id, token) = client.claim("q w");
    let ack = format!("TASK.ACK q {id} {token} NEXT");
    assert_eq!(client.call(&ack), Value::Null);
    client.schedule("q late");
    assert_eq!(client.call(&ack), NO_TASK, "null the first time is no claim");
}

#[test]
fn an_id_that_is_used_again_does_not_hide_the_claim() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.schedule("q x ID b");
    let (_, token) = client.claim("q w");
    let ack = format!("TASK.ACK q a {token} NEXT");
    let first = client.call(&ack);
    client.schedule("q x ID a");
    assert_eq!(client.call(&ack), first.to_string());
    assert_eq!(client.counts("q"), "ready 1 claimed 1");
}

#[test]
fn a_bound_claim_moves_to_the_connection_that_asks_again() {
    let server = Server::start();
    let (mut client, mut first, mut second) = (server.client(), server.client(), server.client());
    client.must("TASK.MSCHEDULE q 2 x y");
    let (id, token) = first.claim("q w BIND");
    let ack = format!("TASK.ACK q {id} {token} NEXT");
    let reply = first.call(&ack);
    assert_eq!(second.call(&ack), reply.to_string());
    // The end of the first connection is noticed before that of the marker.
    client.schedule("marks x");
    let mut marker = server.client();
    marker.claim("marks w BIND");
    drop(first);
    drop(marker);
    wait_until("the marker is back", || client.counts("marks") == "ready 1");
    assert_eq!(client.counts("q"), "claimed 1");
    drop(second);
    wait_until("it is ready again", || client.counts("q") == "ready 1");
}
