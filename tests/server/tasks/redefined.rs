//! TASK.REPEAT for a name that recurs already, and what a cron expression means.

use super::repeat::{ready, repeat};
use crate::support::clock::HOUR;
use crate::support::{Server, unix_ms, wait_until};

#[test]
fn an_overdue_occurrence_is_made_from_the_definition_that_replaces_its_own() {
    let server = Server::start();
    let mut client = server.client();
    client.must("CONFIG SET steward.timer no");
    let names = ["payload", "rule", "start"];
    let due = names.map(|name| repeat(&mut client, &format!("q {name} v1 EVERY 10")));
    wait_until("all are due", || unix_ms() > due[2]);
    let start = unix_ms() + HOUR;
    for (words, due) in [
        ("payload v2 EVERY 10 LIMIT 1 MISFIRE ALL".to_string(), due[0]),
        (format!("rule v2 EVERY {HOUR} MISFIRE ALL"), due[1]),
        (format!("start v2 EVERY {HOUR} START {start} MISFIRE ALL"), due[2]),
    ] {
        assert_eq!(repeat(&mut client, &format!("q {words}")), due, "{words}");
    }
    client.must("CONFIG SET steward.timer yes");
    for (name, due) in names.into_iter().zip(due) {
        let id = format!("{name}:{due}");
        wait_until("it is made", || client.get("q", &id, "payload") == "payload 'v2'");
    }
}

#[test]
fn two_versions_of_a_program_that_alternate_do_not_stop_what_recurs() {
    let server = Server::start();
    let mut client = server.client();
    wait_until("it runs seven times", || {
        repeat(&mut client, "q n v1 EVERY 200 MISFIRE ALL");
        repeat(&mut client, "q n v2 EVERY 200 MISFIRE ALL LEASE 99");
        client.stat("q", "ready_tasks") >= 7
    });
    let came = ready(&mut client, "q");
    assert!(came.windows(2).all(|pair| pair[1] - pair[0] == 200), "{came:?}");
}

#[test]
fn cron_is_that_of_crontab_and_an_error_says_what_to_write() {
    let server = Server::start();
    let mut client = server.client();
    let mut cron = |expression: &str| {
        // From 1 January 2100, a Friday.
        let words = [
            "TASK.REPEAT",
            "q",
            "n",
            "p",
            "CRON",
            expression,
            "START",
            "4102444800000",
        ];
        client.call_args(&words)
    };
    const DAY: i64 = 24 * HOUR;
    for (expression, days) in [
        ("0 0 13 * MON", 3),
        ("0 0 */2 * MON", 10),
        ("0 0 4 * */2", 34),
        ("0 0 1 * +MON", 31),
        ("0 0 * * 0", 2),
    ] {
        assert_eq!(cron(expression).int(), 4_102_444_800_000 + days * DAY, "{expression}");
    }
    for (expression, error) in [
        ("0/5 * * * *", "minute 0/5 must be written 0-59/5"),
        (
            "TZ=Asia/Tokyo 0 9 * * *",
            "must be the fields only: write TZ Asia/Tokyo after it",
        ),
        (
            "CRON_TZ=UTC 0 9 * * *",
            "must be the fields only: write TZ UTC after it",
        ),
    ] {
        assert_eq!(cron(expression).to_string(), format!("-BADARG CRON {error}"));
    }
}
