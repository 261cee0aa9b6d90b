//! The overview tells what doctor finds, seldom and by the rights of who looks.

use serde_json::{Value, json};

use super::house::{create_users, furnish};
use super::{Browser, Web};
use crate::support::{Server, wait_until};

/// What the overview tells of this check.
fn finding(browser: &Browser, check: &str) -> Option<Value> {
    let all = browser.json("/")["findings"].clone();
    let all = all.as_array().expect("a program waits for them");
    all.iter().find(|finding| finding["check"] == check).cloned()
}

#[test]
fn what_is_wrong_is_told_with_its_queue_and_leads_to_what_can_be_done() {
    let server = Server::start();
    let _house = furnish(&server);
    let _: String = server.call("TASK.SCHEDULE sound x");
    for queue in ["one", "two", "three"] {
        let _: String = server.call(&format!("TASK.SCHEDULE {queue} x"));
        let _: redis::Value = server.call(&format!("HB.BEAT {queue} m TTL 60000"));
        let _: i64 = server.call(&format!("HB.SIGNAL {queue} m quiet"));
    }
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let dead = finding(&browser, "dead").unwrap();
    assert_eq!(
        (&dead["severity"], &dead["queues"], &dead["what"]),
        (&json!("warning"), &json!(["mail"]), &json!("dead tasks: mail 6"))
    );
    assert_eq!(finding(&browser, "memory"), None, "a note");
    let page = browser.get("/");
    page.shows(&[
        "<a class=\"warning\" href=\"/doctor#dead\">dead tasks: mail 6</a>",
        "href=\"/doctor#workers\">queue one: ",
        "; 2 more like this</a>",
    ]);
    let row = |queue: &str| {
        let from = page
            .body
            .split(&format!("<a href=\"/queue?name={queue}\">"))
            .nth(1)
            .unwrap();
        from.split("</tr>").next().unwrap().to_string()
    };
    let mark = "<a class=\"state warning\" href=\"/doctor#dead\" title=\"dead tasks: mail 6\">dead</a>";
    assert!(row("mail").contains(mark), "{}", row("mail"));
    assert!(row("two").contains("title=\"queue two: "), "{}", row("two"));
    assert!(!row("sound").contains("/doctor#"), "{}", row("sound"));
    browser.get("/doctor").shows(&["<tr id=\"dead\">"]);
    // What somebody has mended is not told any more.
    let all = [("queue", "mail"), ("state", "dead"), ("change", "purge")];
    assert_eq!(browser.change("/bulk", &all).status, 200);
    assert_eq!(finding(&browser, "dead"), None);
}

#[test]
fn what_goes_wrong_is_told_to_those_who_look() {
    let server = Server::start();
    let _: String = server.call("TASK.SCHEDULE mail x");
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    assert_eq!(finding(&browser, "dead"), None);
    let _: String = server.call("TASK.SCHEDULE mail x USED 1 DEAD broken");
    browser.stream_until("/", "dead tasks: mail 1");
}

/// How often doctor has looked.
fn looks(server: &Server) -> usize {
    let stats: String = server.call("INFO commandstats");
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_acl|list:calls="));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn all_who_look_as_the_same_user_have_doctor_look_once() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    for _ in 0..2 {
        let browser = web.login("default", "");
        for _ in 0..5 {
            browser.get("/");
            finding(&browser, "dead").unwrap();
        }
    }
    assert_eq!(looks(&server), 1);
    // Another user has it look by its own rights.
    let viewer = web.login("viewer", "change-me");
    assert_eq!(finding(&viewer, "dead").unwrap()["what"], "dead tasks: mail 6");
    wait_until("a page has it too", || viewer.get("/").body.contains("/doctor#dead"));
}
