//! Manual changes of our keys, and the notifications of our own changes.

use crate::support::{Client, Server, Value, unix_ms, wait_until};

/// A queue with something due soon, something ready, a claim that ends soon and a client that waits elsewhere.
#[track_caller]
fn busy(client: &mut Client) {
    client.must("TASK.SCHEDULE q x ID soon DELAY 60");
    client.must("TASK.SCHEDULE q x ID held");
    client.must("TASK.CLAIM q w LEASE 60");
    client.must("TASK.SCHEDULE q x ID ready");
}

/// The timer still works, for this queue and for another.
#[track_caller]
fn goes_on(client: &mut Client) {
    for queue in ["q", "fresh"] {
        client.schedule(&format!("{queue} x ID after DELAY 30 PRIORITY 0"));
        wait_until("the timer goes on", || {
            client.listed(queue, "ready").contains(&"after".to_string())
        });
        assert_eq!(client.must(&format!("TASK.CLAIM {queue} w")).ids(), ["after"]);
    }
}

#[test]
fn data_is_flushed_under_an_armed_timer() {
    for flush in ["FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC", "FLUSHDB ASYNC"] {
        let server = Server::start();
        let mut client = server.client();
        busy(&mut client);
        let mut waiting = server.client();
        waiting.send("TASK.CLAIM waited w BLOCK 0");
        wait_until("the client waits", || client.stat("waited", "waiting_clients") == 1);
        client.must(flush);
        assert_eq!(client.counts("q"), "", "{flush}");
        assert_eq!(client.call("TASK.QUEUES"), "['0', []]");
        goes_on(&mut client);
        assert_eq!(client.counts("q"), "claimed 1", "{flush}");
        client.schedule("waited x ID w1");
        assert_eq!(waiting.receive().ids(), ["w1"]);
    }
}

#[test]
fn databases_are_swapped_under_an_armed_timer() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q lease 7777");
    let mut waiting = server.client();
    waiting.must("SELECT 1");
    waiting.send("TASK.CLAIM q w BLOCK 0");
    client.must("SELECT 1");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    client.must("SELECT 0");
    // In one step, so that the lease has not ended before the databases are swapped.
    client.must("MULTI");
    busy(&mut client);
    client.must("SWAPDB 0 1");
    client.must("EXEC");
    client.must("SELECT 1");
    assert_eq!(waiting.receive().ids(), ["ready"]);
    assert_eq!(client.call("TASK.CONFIG GET q lease"), "{lease: '7777'}");
    wait_until("its timer works there", || client.counts("q") == "ready 2 claimed 1");
    client.must("SELECT 0");
    assert_eq!(client.counts("q"), "");
    assert_eq!(client.call("TASK.CONFIG GET q lease"), "{lease: '30000'}");
    goes_on(&mut client);
}

#[test]
fn any_of_our_keys_may_be_deleted() {
    let parts = [
        "",
        ":t:soon",
        ":t:held",
        ":t:ready",
        ":workers",
        ":scheduled",
        ":ready:5",
        ":claimed",
    ];
    for part in parts {
        for how in ["DEL", "UNLINK"] {
            let server = Server::start();
            let mut client = server.client();
            client.must("TASK.CONFIG SET q lease 60");
            busy(&mut client);
            client.must(&format!("{how} task:{{q}}{part}"));
            goes_on(&mut client);
            wait_until("what is left comes to rest", || {
                client.stat("q", "scheduled_tasks") == 0
            });
            for id in ["soon", "held", "ready", "after"] {
                client.must(&format!("TASK.GET q {id}"));
                client.must(&format!("TASK.CANCEL q {id}"));
            }
            client.must("TASK.DROP q FORCE");
        }
    }
}

#[test]
fn keys_that_come_back_by_rename_restore_or_copy_are_worked_on() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q payload ID a DELAY 3600000");
    let due = unix_ms() + 80;
    client.must("RENAME task:{q}:scheduled aside");
    client.must("RENAME task:{q}:t:a aside:t");
    assert_eq!(client.counts("q"), "");
    client.must(&format!("ZADD aside {due} a"));
    client.must("RENAME aside:t task:{q}:t:a");
    let dump = client.must("DUMP aside").bytes().to_vec();
    let restored = client.call_args(&[b"RESTORE".as_slice(), b"task:{q}:scheduled", b"0", &dump]);
    assert_eq!(restored, "+OK");
    assert_eq!(client.must("TASK.CLAIM q w BLOCK 20000").ids(), ["a"]);
    client.schedule("r payload ID a DELAY 3600000");
    client.must("RENAME task:{r}:scheduled aside2");
    client.must(&format!("ZADD aside2 {} a", unix_ms() + 60));
    client.must("COPY aside2 task:{r}:scheduled");
    assert_eq!(client.must("TASK.CLAIM r w BLOCK 20000").ids(), ["a"]);
}

#[test]
fn work_pushed_by_hand_reaches_who_waits() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x ID a DELAY 3600000");
    let mut waiting = server.client();
    waiting.send("TASK.CLAIM q w BLOCK 0");
    wait_until("the client waits", || client.stat("q", "waiting_clients") == 1);
    client.must("MULTI");
    client.must("ZREM task:{q}:scheduled a");
    client.must("RPUSH task:{q}:ready:5 a");
    client.must("EXEC");
    assert_eq!(waiting.receive().ids(), ["a"]);
    client.schedule("q x ID b DELAY 3600000");
    client.must(&format!("ZADD task:{{q}}:scheduled {} b", unix_ms() + 50));
    assert_eq!(client.must("TASK.CLAIM q w BLOCK 20000").ids(), ["b"]);
}

#[test]
fn settings_changed_by_hand_apply() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q lease 1000");
    client.must("HSET task:{q} lease 5000 attempts nonsense");
    assert_eq!(
        client.call("TASK.CONFIG GET q lease attempts"),
        "{lease: '5000', attempts: '25'}"
    );
    client.must("DEL task:{q}");
    assert_eq!(client.call("TASK.CONFIG GET q lease"), "{lease: '30000'}");
}

#[test]
fn our_changes_are_notified_like_those_of_ordinary_commands() {
    let server = Server::start();
    let mut client = server.client();
    client.must("CONFIG SET notify-keyspace-events KEA");
    let mut listener = server.client();
    assert_eq!(
        listener.call("PSUBSCRIBE __keyspace@0__:task:*"),
        "['psubscribe', '__keyspace@0__:task:*', 1]"
    );
    let mut heard = |count: usize| -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            let message = listener.receive();
            let key = message.item(2).text();
            events.push(format!(
                "{} {}",
                message.item(3).text(),
                key.trim_start_matches("__keyspace@0__:task:")
            ));
        }
        events.sort();
        events
    };
    client.schedule("q x ID a");
    assert_eq!(heard(2), ["rpush {q}:ready:5", "set {q}:t:a"]);
    let (_, token) = client.claim("q w");
    assert_eq!(
        heard(5),
        [
            "del {q}:ready:5",
            "hset {q}:workers",
            "lpop {q}:ready:5",
            "setrange {q}:t:a",
            "zadd {q}:claimed"
        ]
    );
    client.must(&format!("TASK.ACK q a {token}"));
    assert_eq!(heard(3), ["del {q}:claimed", "del {q}:t:a", "zrem {q}:claimed"]);
}

#[test]
fn changes_of_members_and_leaders_are_notified_too() {
    let server = Server::start();
    let (mut client, mut listener) = (server.client(), server.client());
    client.must("CONFIG SET notify-keyspace-events KEA");
    listener.must("PSUBSCRIBE __keyspace@0__:proc:*");
    let mut heard = |client: &mut Client, words: &str| -> Vec<String> {
        client.must(words);
        client.must("SET proc:the-end x");
        let mut events = Vec::new();
        loop {
            let message = listener.receive();
            let key = message.item(2).text();
            let key = key.trim_start_matches("__keyspace@0__:proc:");
            if key == "the-end" {
                events.sort();
                return events;
            }
            events.push(format!("{} {key}", message.item(3).text()));
        }
    };
    assert_eq!(
        heard(&mut client, "PID.REGISTER s a 1 TTL 0 EXCLUSIVE"),
        ["hset {s}", "hset {s}:members", "xadd {s}:events", "xadd {s}:events"]
    );
    assert_eq!(
        heard(&mut client, "HB.BEAT s b CAMPAIGN"),
        ["hset {s}:members", "xadd {s}:events", "zadd {s}:candidates"]
    );
    assert_eq!(
        heard(&mut client, "PID.EVICT s b"),
        [
            "del {s}:candidates",
            "hdel {s}:members",
            "xadd {s}:events",
            "zrem {s}:candidates"
        ]
    );
    for read in [
        "PID.GET s a",
        "PID.LIST s",
        "HB.LEADER s",
        "PID.AWAIT s a UP",
        "PID.REGISTER s b 1 EXCLUSIVE",
    ] {
        assert_eq!(heard(&mut client, read), Vec::<String>::new(), "{read}");
    }
}

#[test]
fn a_watched_key_that_we_change_breaks_the_transaction() {
    let server = Server::start();
    let (mut client, mut other) = (server.client(), server.client());
    for (key, change) in [
        ("task:{q}:ready:5", "TASK.SCHEDULE q x ID a"),
        ("task:{q}:t:a", "TASK.CLAIM q w"),
        ("task:{q}:claimed", "TASK.DROP q FORCE"),
        ("task:{q}", "TASK.CONFIG SET q lease 5"),
    ] {
        client.must(&format!("WATCH {key}"));
        other.must(change);
        client.must("MULTI");
        client.must("PING");
        assert_eq!(client.call("EXEC"), Value::Null, "{key}");
    }
    client.schedule("r x ID a DELAY 50");
    client.must("WATCH task:{r}:ready:5");
    wait_until("the timer moved it", || other.counts("r") == "ready 1");
    client.must("MULTI");
    client.must("PING");
    assert_eq!(client.call("EXEC"), Value::Null);
    // Reading a key is not a change.
    client.must("WATCH task:{r}:ready:5 task:{r}:t:a task:{r} task:{r}:scheduled");
    for read in [
        "TASK.STATS r",
        "TASK.GET r a",
        "TASK.LIST r ready",
        "TASK.CONFIG GET r",
        "TASK.WORKERS r",
    ] {
        other.must(read);
    }
    assert_eq!(other.call("TASK.ACK r a 5").code(), "STALE");
    client.must("MULTI");
    client.must("PING");
    assert_eq!(client.call("EXEC"), "[+PONG]");
}

#[test]
fn a_caching_client_is_told_of_our_changes() {
    let server = Server::start();
    let (mut client, mut other) = (server.client(), server.client());
    client.schedule("q x ID a");
    client.must("CLIENT TRACKING on");
    client.must("GET task:{q}:t:a");
    other.must("TASK.CLAIM q w");
    assert_eq!(client.receive(), "['invalidate', ['task:{q}:t:a']]");
}
