//! A member's token: no other token works for it, and no command shows it.

use crate::support::{Client, Server, Stream};

/// Service `s`: `a` leads, `b` is a candidate, `c` a plain member. Returns their tokens.
#[track_caller]
fn populate(client: &mut Client) -> [i64; 3] {
    let tokens = ["a", "b", "c"].map(|member| client.register(&format!("s {member} 7 HOST h TTL 0")));
    client.must(&format!("HB.CAMPAIGN s a {}", tokens[0]));
    client.must(&format!("HB.CAMPAIGN s b {}", tokens[1]));
    tokens
}

#[test]
fn the_token_of_another_extends_and_takes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let [a, b, c] = populate(&mut client);
    let epoch = client.epoch("s");
    let elsewhere = client.register("t a 7 TTL 0");
    let digest = client.digest();
    let mut stream = Stream::of(&server);
    for token in [b, c, elsewhere, a + 1, a - 1, epoch, 0] {
        for words in [
            format!("PID.REGISTER s a 9 TTL 0 TOKEN {token}"),
            format!("PID.REGISTER s a 9 TTL 0 EXCLUSIVE TOKEN {token}"),
            format!("PID.DEREGISTER s a TOKEN {token}"),
            format!("HB.BEAT s a TOKEN {token} TTL 60000 STATUS x BIND CAMPAIGN"),
            format!("HB.CAMPAIGN s a {token} PRIORITY 9"),
            format!("HB.CAMPAIGN s a {token} BLOCK 0"),
            format!("HB.WITHDRAW s a {token}"),
            format!("HB.RESIGN s a {token}"),
        ] {
            assert_eq!(
                client.call(&words),
                format!("-FENCED epoch={epoch} leader=a"),
                "{words}"
            );
        }
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(stream.take(), Vec::<String>::new());
    assert_eq!(
        client.member("s", "a", "pid connections status"),
        "pid 7, connections 0, status null"
    );
}

#[test]
fn no_reply_shows_the_token_of_another_or_its_hash() {
    let server = Server::start();
    let mut client = server.client();
    let tokens = populate(&mut client);
    client.must("HB.BEAT s d TTL 60000");
    let records = client.must("HGETALL proc:{s}:members").to_string();
    let hashes: Vec<String> = records
        .split("\"token\":\"")
        .skip(1)
        .map(|rest| rest[..64].to_string())
        .collect();
    assert_eq!(hashes.len(), 3);
    for words in [
        "PID.GET s a",
        "PID.GET s a token",
        "PID.GET s a member token pid",
        "PID.LIST s",
        "PID.SERVICES",
        "PID.REGISTER s a 9",
        "PID.REGISTER s e 9 EXCLUSIVE",
        "HB.LEADER s",
        "HB.CHECK s 5",
        "HB.BEAT s a",
        "HB.BEAT s d",
        "HB.BEAT s a TOKEN 5",
        "HB.CAMPAIGN s b 5",
        "TASK.WORKERS s",
        "XRANGE proc:{s}:events - +",
        "HGETALL proc:{s}",
        "ZRANGE proc:{s}:candidates 0 -1 WITHSCORES",
        "INFO steward",
    ] {
        let reply = client.call(words).to_string();
        for secret in tokens.iter().map(i64::to_string).chain(hashes.iter().cloned()) {
            assert!(!reply.contains(&secret), "{words}: {reply}");
        }
    }
    assert_eq!(client.call("PID.GET s a token").to_string(), "null");
}
