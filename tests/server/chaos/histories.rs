//! The checker finds what is wrong: histories with one violation each, and one without.

use super::checker::Checker;
use super::settle::{Promise, Seen};
use crate::support::{Server, Value, places};

/// Reads a history, a line for each call and its reply (`TASK.ACK q a 7 < +OK`), or for what is there after a fault
/// (`All: a ready x`), and checks it.
fn check(history: &str) -> Vec<String> {
    let mut checker = Checker::default();
    let lines = history.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines {
        if let Some((words, reply)) = line.split_once(" < ") {
            let call = checker.send(1, words);
            if reply == "lost" {
                checker.lose(call);
            } else {
                checker.receive(call, &value(reply));
            }
        } else if line == "finish" {
            checker.finish();
        } else {
            let (promise, there) = line.split_once(':').unwrap();
            let promise = match promise {
                "All" => Promise::All,
                "Before" => Promise::Before(0),
                _ => Promise::Confirmed,
            };
            let words: Vec<&str> = there.split_whitespace().collect();
            let seen = words.chunks(3).map(|task| Seen {
                key: format!("q {}", task[0]),
                place: if task[1] == "done" { "done" } else { "ready" },
                payload: task[2].into(),
            });
            checker.settle(promise, &seen.collect::<Vec<_>>());
        }
    }
    checker.violations().to_vec()
}

/// `+OK`, `-STALE`, `7`, `'a'`, `claim a 7 payload`, `ids a b`, `statuses OK STALE`, `map role leader epoch 7`.
fn value(text: &str) -> Value {
    let bulk = |text: &str| Value::Bulk(text.into());
    let scalar = |text: &str| text.parse().map_or_else(|_| bulk(text), Value::Int);
    let map = |words: &[&str]| Value::Map(words.chunks(2).map(|pair| (bulk(pair[0]), scalar(pair[1]))).collect());
    match text.split(' ').collect::<Vec<_>>().as_slice() {
        ["claim", tasks @ ..] => {
            let task = |task: &[&str]| map(&["id", task[0], "token", task[1], "payload", task[2]]);
            Value::Array(tasks.chunks(3).map(task).collect())
        }
        ["ids" | "statuses", items @ ..] => Value::Array(items.iter().map(|item| bulk(item)).collect()),
        ["map", words @ ..] => map(words),
        [error, ..] if error.starts_with('-') => Value::Error(text[1..].into()),
        [status] if status.starts_with('+') => Value::Status(status[1..].into()),
        [word] => scalar(word.trim_matches('\'')),
        _ => panic!("a reply: {text}"),
    }
}

/// What is wrong, and in which history.
const WRONG: [(&str, &str); 33] = [
    (
        "epoch 7 after 8",
        "HB.CAMPAIGN s a 1 < map role leader epoch 8
         Confirmed:
         HB.BEAT s b TOKEN 1 < map role leader epoch 7",
    ),
    (
        "accepted, not acknowledged, gone",
        "TASK.SCHEDULE q x ID a < 'a'
         All:",
    ),
    (
        "accepted, not acknowledged, gone",
        "TASK.SCHEDULE q x ID a < 'a'
         WAIT 1 100 < 1
         Confirmed:",
    ),
    (
        "acknowledged, and ready",
        "TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         All: a ready x",
    ),
    (
        "acknowledged, and ready",
        "TASK.CLAIM q w < claim a 7 x
         TASK.MACK q 1 a 7 < statuses OK
         WAIT 1 100 < 1
         Confirmed: a ready x",
    ),
    (
        "acknowledged, and claimed again",
        "TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 NEXT < claim b 8 x
         TASK.CLAIM q w < claim a 9 x",
    ),
    (
        "acknowledged, and claimed again",
        "TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < lost
         All:
         TASK.CLAIM q w < claim a 9 x",
    ),
    (
        "acknowledged twice",
        "TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         TASK.ACK q a 7 < +OK",
    ),
    (
        "acknowledged, to be kept, gone",
        "TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         All:",
    ),
    (
        "done, and never acknowledged",
        "TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         All: a done x",
    ),
    (
        "accepted with another payload",
        "TASK.SCHEDULE q x ID a < 'a'
         TASK.SCHEDULE q y ID a < 'a'",
    ),
    (
        "refused, and it is there with that payload",
        "TASK.SCHEDULE q x ID a < 'a'
         TASK.SCHEDULE q x ID a < -DUPLICATE ready a",
    ),
    (
        "accepted, not acknowledged, gone",
        "TASK.SCHEDULE q x ID a < lost
         TASK.CLAIM q w BLOCK 0 < claim a 7 x
         TASK.SCHEDULE q x ID a < 'a'
         WAIT 1 100 < 1
         Confirmed:",
    ),
    (
        "accepted, not acknowledged, gone",
        "TASK.SCHEDULE q x ID a < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         TASK.SCHEDULE q x ID a < 'a'
         All:",
    ),
    (
        "acknowledged, and claimed again",
        "TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.CLAIM q w < claim a 8 x",
    ),
    (
        "has its unique key",
        "TASK.SCHEDULE q x ID a UNIQUE k < 'a'
         TASK.SCHEDULE q x ID b UNIQUE k < 'b'",
    ),
    (
        "cancelled, and claimed",
        "TASK.SCHEDULE q x ID a < 'a'
         TASK.CANCEL q a < 1
         TASK.CLAIM q w < claim a 7 x",
    ),
    (
        "token 7 after 7",
        "TASK.CLAIM q w < claim a 7 x
         TASK.CLAIM q w < claim a 7 x",
    ),
    (
        "token 6 after 7",
        "TASK.CLAIM q w < claim a 7 x
         TASK.CLAIM q w < claim a 6 x",
    ),
    (
        "token 7 was accepted after 8",
        "TASK.CLAIM q w < claim a 7 x
         TASK.CLAIM q v < claim a 8 x
         TASK.EXTEND q a 7 < 1000",
    ),
    (
        "claimed before it was due",
        "TASK.SCHEDULE q x ID a DELAY 60000 < 'a'
         TASK.CLAIM q w < claim a 7 x",
    ),
    (
        "claimed by w",
        "TASK.SCHEDULE q x ID a TO nobody < 'a'
         TASK.CLAIM q w < claim a 7 x",
    ),
    (
        "claimed before the end of one that it comes after",
        "TASK.SCHEDULE q x ID a < 'a'
         TASK.SCHEDULE q x ID b AFTER 1 a < 'b'
         TASK.CLAIM q w < claim b 7 x",
    ),
    (
        "claimed before Some(\"q a\") of its group",
        "TASK.SCHEDULE q x ID a GROUP g < 'a'
         TASK.SCHEDULE q x ID b GROUP g < 'b'
         TASK.CLAIM q w < claim b 7 x",
    ),
    (
        "claimed while Some(\"q b\") of its group runs",
        "TASK.SCHEDULE q x ID a GROUP g DELAY 60000 < 'a'
         TASK.SCHEDULE q x ID b GROUP g < 'b'
         TASK.RESCHEDULE q a DELAY 0 < 1
         TASK.CLAIM q w COUNT 2 < claim b 7 x a 8 x",
    ),
    (
        "of a batch only a part is there",
        "TASK.MSCHEDULE q 2 b1.0 b1.1 < lost
         All: a ready b1.0",
    ),
    (
        "acknowledged once, replied 0 times",
        "TASK.SCHEDULE q x ID a REPLY {q}r < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         finish",
    ),
    (
        "acknowledged once, replied 2 times",
        "TASK.SCHEDULE q x ID a REPLY {q}r < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < lost
         TASK.CLAIM {q}r w < claim f 10 {\"id\":\"a\",\"state\":\"done\"}
         TASK.ACK {q}r f 10 < +OK
         All: a ready x
         TASK.CLAIM q w < claim a 8 x
         TASK.ACK q a 8 < +OK
         TASK.CLAIM {q}r w < claim g 11 {\"id\":\"a\",\"state\":\"done\"}
         finish",
    ),
    (
        "no occurrence between 1040 and 1120",
        "TASK.CLAIM q w < claim tick:1040 7 x tick:1120 8 x
         finish",
    ),
    (
        "epoch 7 after 8",
        "HB.LEADER s < map member a epoch 8
         HB.CAMPAIGN s b 1 < map role leader epoch 7",
    ),
    (
        "epoch 7 is that of a and of b",
        "HB.CAMPAIGN s a 1 < map role leader epoch 7
         HB.BEAT s b TOKEN 2 CAMPAIGN < map role leader epoch 7",
    ),
    (
        "wrote in epoch 7 after 8",
        "HB.CAMPAIGN s a 1 < map role leader epoch 7
         HB.CAMPAIGN s b 2 < map role leader epoch 8
         HB.FENCED s 7 SET x 1 < +OK",
    ),
    (
        "a has token 7 after 7",
        "PID.REGISTER s a 1 < map status registered token 7
         PID.REGISTER s a 1 < map status replaced token 7",
    ),
];

#[test]
fn every_violation_is_found() {
    for (what, history) in WRONG {
        let found = check(history);
        assert!(
            found.len() == 1 && found[0].contains(what),
            "{what}, in\n{history}\ngave {found:#?}"
        );
    }
}

#[test]
fn what_is_right_is_no_violation() {
    let histories = [
        "TASK.SCHEDULE q x ID a GROUP g UNIQUE k REPLY {q}r < 'a'
         TASK.SCHEDULE q x ID b GROUP g AFTER 1 a RETAIN 60000 < 'b'
         TASK.SCHEDULE q x ID c UNIQUE k < -DUPLICATE
         TASK.CLAIM q w < claim a 7 x
         TASK.CLAIM q v < claim a 8 x
         TASK.ACK q a 7 < -STALE
         TASK.MACK q 2 a 8 c 1 < statuses OK NOTASK
         TASK.CLAIM q w < claim b 9 x
         TASK.ACK q b 9 < +OK
         TASK.MSCHEDULE q 2 b1.0 b1.1 < ids d e
         All: b done x d ready b1.0 e ready b1.1
         TASK.CLAIM {q}r w < claim f 10 {\"id\":\"a\",\"state\":\"done\"}
         TASK.CLAIM q w < claim tick:1040 7 x tick:1080 8 x
         HB.CAMPAIGN s a 1 < map role leader epoch 7
         HB.FENCED s 7 SET x 1 < +OK
         HB.CAMPAIGN s b 2 < map role leader epoch 8
         HB.FENCED s 7 SET x 1 < -FENCED
         finish",
        // What was not confirmed, or not yet on the disk, may be gone or back.
        "TASK.SCHEDULE q x ID a < 'a'
         TASK.CLAIM q w < claim b 7 x
         TASK.ACK q b 7 < +OK
         HB.CAMPAIGN s a 1 < map role leader epoch 8
         Confirmed: b ready x
         TASK.SCHEDULE q x ID a < 'a'
         TASK.CLAIM q w < claim b 8 x a 9 x
         HB.LEADER s < map member b epoch 7
         HB.BEAT s b TOKEN 1 < map role leader epoch 9
         Before: a ready x",
        // So may an end that was told to a client, though the ACK was not answered.
        "TASK.SCHEDULE q x ID a REPLY {q}r < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < lost
         TASK.CLAIM {q}r w < claim f 10 {\"id\":\"a\",\"state\":\"done\"}
         Confirmed: a ready x
         TASK.CLAIM q w < claim a 8 x
         TASK.ACK q a 8 < +OK
         TASK.CLAIM {q}r w < claim g 11 {\"id\":\"a\",\"state\":\"done\"}
         finish",
        // What is sent again is there once. If it was kept it stays as it is, else it is another one.
        "TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.SCHEDULE q y ID a < -DUPLICATE ready a
         TASK.CLAIM q w < claim a 7 x
         TASK.ACK q a 7 < +OK
         TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.SCHEDULE q x ID b < 'b'
         TASK.CLAIM q w < claim b 8 x
         TASK.ACK q b 8 < +OK
         TASK.SCHEDULE q x ID b < 'b'
         All: a done x b ready x
         TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.CLAIM q w < claim b 9 x",
        // Whether one that was to be cancelled is kept is not known.
        "TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         TASK.CLAIM q w < claim a 7 x
         TASK.CANCEL q a < lost
         TASK.ACK q a 7 < +OK
         TASK.SCHEDULE q x ID a RETAIN 60000 < 'a'
         All: a done x",
        // What was not answered may have been done, or not.
        "TASK.SCHEDULE q x ID a < lost
         TASK.SCHEDULE q x ID b < lost
         TASK.MSCHEDULE q 2 b1.0 b1.1 < lost
         TASK.CLAIM q w < claim c 7 x d 8 x
         TASK.ACK q c 7 < lost
         TASK.ACK q d 8 < lost
         All: a ready x c ready x
         TASK.CLAIM q w < claim c 9 x",
    ];
    for history in histories {
        let found = check(history);
        assert!(found.is_empty(), "{history}\ngave {found:#?}");
    }
}

#[test]
#[should_panic(expected = "a is also in scheduled")]
fn a_task_in_two_places_is_found() {
    let server = Server::builder().set("steward.timer", "no").start();
    let mut client = server.client();
    client.schedule("q x ID a");
    client.must("ZADD task:{q}:scheduled 1 a");
    places::check(&mut client, "q");
}
