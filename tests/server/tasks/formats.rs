//! The stored format of a task, as the source describes it.

use crate::support::record::{HEADER, Header};
use crate::support::{Client, Server, unix_ms, wait_until};

/// Seconds from the beginning of unix time to that of a header's.
const SINCE_2020: i64 = 1_577_836_800;

fn header(client: &mut Client, id: &str) -> Header {
    let value = client.call(&format!("GET task:{{q}}:t:{id}"));
    Header::read(&value.bytes()[..HEADER])
}

#[track_caller]
fn number(header: &Header, name: &str) -> i64 {
    i64::try_from(header.number(name)).unwrap()
}

#[test]
fn a_header_says_when_its_task_was_created_and_when_and_after_how_long_it_ended() {
    let server = Server::start();
    let mut client = server.client();
    for (end, state) in [("TASK.ACK", "done"), ("TASK.FAIL", "dead")] {
        let before = unix_ms();
        client.schedule(&format!("q p ID {state} DELAY 20 ATTEMPTS 1 RETAIN 3600000"));
        let created = (before / 1_000 - SINCE_2020)..=(unix_ms() / 1_000 - SINCE_2020);
        let (id, token) = client.claim("q w BLOCK 10000");
        let claimed = unix_ms();
        wait_until("it has run for a while", || unix_ms() > claimed + 30);
        client.must(&format!("{end} q {id} {token}"));
        let most = unix_ms() - before;
        let header = header(&mut client, state);
        assert!(created.contains(&number(&header, "created")));
        assert_eq!((header.state, number(&header, "fence")), (state, token));
        assert!((30..=most).contains(&number(&header, "lease")));
        let ended = number(&header, "due");
        assert!((before..=unix_ms()).contains(&ended));
        let shown = client.get("q", state, "due_at claimed_at finished_at run_ms lease_ms worker");
        let lease = if state == "done" { "null" } else { "30000" };
        assert_eq!(
            shown,
            format!(
                "due_at null, claimed_at {}, finished_at {ended}, run_ms {}, lease_ms {lease}, worker null",
                token / 1_000,
                number(&header, "lease")
            )
        );
    }
}

#[test]
fn unknown_fields_of_stored_json_are_kept_when_it_is_written_again() {
    let server = Server::start();
    let mut client = server.client();
    const LATER: &str = r#","later":[1,{"a":null}]}"#;
    client.must("TASK.REPEAT q n p EVERY 20");
    client.must("PID.REGISTER s w 7 TTL 3600000");
    let mut stored = |key: &str, field: &str| client.call(&format!("HGET {key} {field}")).text();
    let (repeats, members) = ("task:{q}:repeats", "proc:{s}:members");
    for (key, field) in [(repeats, "n"), (members, "w")] {
        let before = stored(key, field);
        let json = format!("{}{LATER}", before.trim_end_matches('}'));
        server.client().call_args(&["HSET", key, field, &json]);
    }
    let before = stored(repeats, "n");
    wait_until("it fires again", || stored(repeats, "n") != before);
    server.client().must("HB.SIGNAL s w stop");
    let after = [stored(repeats, "n"), stored(members, "w")];
    assert!(after[1].contains("stop"), "{after:?}");
    assert!(after.iter().all(|json| json.ends_with(LATER)), "{after:?}");
}

#[test]
fn tasks_whose_records_a_later_version_wrote_keep_their_places() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q p ID a DELAY 300");
    client.schedule("q p ID b");
    for id in ["a", "b"] {
        client.must(&format!("SETRANGE task:{{q}}:t:{id} 0 2"));
    }
    let due = unix_ms() + 600;
    wait_until("the first is due", || unix_ms() > due);
    assert_eq!(client.call("TASK.CLAIM q w COUNT 10"), "null");
    assert_eq!(
        client.call("TASK.GET q a"),
        "-ERR the record of this task was not written by this version of steward and is left alone"
    );
    for id in ["a", "b"] {
        client.must(&format!("SETRANGE task:{{q}}:t:{id} 0 1"));
    }
    let mut claimed = [client.claim("q w BLOCK 60000").0, client.claim("q w BLOCK 60000").0];
    claimed.sort();
    assert_eq!(claimed, ["a", "b"]);
}

#[test]
fn an_unknown_flag_keeps_this_version_away_from_a_task() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q p ID a");
    client.must("SETRANGE task:{q}:t:a 3 1");
    assert_eq!(client.call("TASK.CLAIM q w"), "null");
    assert!(client.call("TASK.CANCEL q a") == "0" && client.call("TASK.GET q a").is_error());
    client.must("SETRANGE task:{q}:t:a 3 0");
    assert_eq!(client.claim("q w BLOCK 60000").0, "a");
}
