//! `steward history`.

use super::objects;
use crate::support::{Server, Terminal};

#[test]
fn what_happened_is_a_chart_in_the_terminal() {
    let server = Server::start();
    for n in 0..4 {
        let kind = if n < 2 { "welcome" } else { "bill" };
        let put = ["put", "mail", "x", "--id", &format!("t{n}"), "--kind", kind];
        assert_eq!(server.run(&put).0, 0);
        let claim: Vec<Vec<Option<String>>> = server.call("TASK.CLAIM mail w1");
        let token = claim[0][3].clone().unwrap();
        let end = if n == 3 { "FAIL" } else { "ACK" };
        let _: redis::Value = server.call(&format!("TASK.{end} mail t{n} {token}"));
    }
    // Two are left, and the one that failed is tried again soon.
    for id in ["left", "right"] {
        assert_eq!(server.run(&["put", "mail", "x", "--id", id]).0, 0);
    }
    let hours = objects(&server, &["history", "mail"]);
    let sum = |name: &str| hours.iter().map(|hour| hour[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(
        (sum("acked_total"), sum("failed_total"), sum("scheduled_total")),
        (3, 1, 6)
    );
    let most = hours.last().unwrap()["ready_max_tasks"].as_u64().unwrap();
    assert!((2..=3).contains(&most), "{most}");
    let days = objects(&server, &["history", "mail", "--days", "2"]);
    assert!(days[0]["run_total_ms"].is_u64());

    let kinds = objects(&server, &["history", "mail", "--kinds"]);
    let bills = kinds.iter().filter(|hour| hour["kind"] == "bill");
    let failed = bills.map(|hour| hour["failed_total"].as_u64().unwrap());
    assert_eq!(failed.sum::<u64>(), 1);

    let terminal = Terminal::start(&server, 80, 20);
    let screen = terminal.run("steward history mail --days 2");
    let lines: Vec<&str> = screen.lines().collect();
    assert!(
        lines[0].starts_with("START ") && lines[0].ends_with("CHART"),
        "{screen}"
    );
    // In the moment between two days it may be two rows.
    if lines.len() == 2 {
        assert!(lines[1].ends_with("██████░░"), "{screen}");
        let [head, row] = [lines[0], lines[1]].map(|line| line.split_whitespace().collect::<Vec<_>>());
        // A moment is three words.
        assert_eq!((head[6], ["2", "3"].contains(&row[8])), ("READY", true), "{screen}");
    }
    let screen = terminal.run("steward history mail --days 2 --kinds");
    let [head, .., bill, welcome] = &screen.lines().collect::<Vec<_>>()[..] else {
        panic!("{screen}")
    };
    assert!(head.ends_with("KIND     ACKED  FAILED  DEAD  RUN"), "{screen}");
    assert!(bill.contains(" bill ") && welcome.contains(" welcome "), "{screen}");
    assert_eq!(server.run(&["history", "nothing"]), (0, String::new(), String::new()));
    assert_eq!(server.run(&["history", "mail", "--hours", "49"]).0, 64);
}
