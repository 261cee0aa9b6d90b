//! A Redis user sees and changes here what it may see and change on the server, and nothing of another one.

use super::house::{create_users, furnish};
use super::{Browser, Web};
use crate::support::Server;

const PAGES: [&str; 13] = [
    "/",
    "/queue?name=mail",
    "/queue?name=mail&state=dead",
    "/task?queue=mail&id=ann",
    "/task?queue=mail&id=dead-0",
    "/history?name=mail",
    "/settings?name=mail",
    "/dead",
    "/kinds",
    "/services",
    "/service?name=mail",
    "/cron",
    "/events",
];
const CHANGES: [&[(&str, &str)]; 14] = [
    &[("change", "pause"), ("queue", "mail")],
    &[("change", "resume"), ("queue", "mail")],
    &[("change", "drop"), ("queue", "mail"), ("sure", "mail")],
    &[
        ("change", "set"),
        ("queue", "mail"),
        ("setting", "attempts"),
        ("value", "7"),
    ],
    &[("change", "trigger"), ("queue", "mail"), ("name", "digest")],
    &[("change", "unrepeat"), ("queue", "mail"), ("name", "digest")],
    &[("change", "retry"), ("queue", "mail"), ("id", "dead-0")],
    &[("change", "cancel"), ("queue", "mail"), ("id", "bob")],
    &[("change", "bury"), ("queue", "mail"), ("id", "bob")],
    &[("change", "unclaim"), ("queue", "mail"), ("id", "ann")],
    &[("change", "run"), ("queue", "mail"), ("id", "dan")],
    &[
        ("change", "purge"),
        ("queue", "mail"),
        ("id", "dead-0"),
        ("state", "dead"),
    ],
    &[("change", "edit"), ("queue", "mail"), ("id", "bob"), ("payload", "x")],
    &[("change", "evict"), ("service", "mail"), ("member", "m1")],
];

/// Whether a page has a button that changes anything.
fn has_buttons(browser: &Browser, path: &str) -> bool {
    let answer = browser.get(path);
    assert!(answer.status == 200 || answer.status == 403, "{path}: {}", answer.body);
    let actions = ["/change", "/bulk", "/ticked", "/new"];
    actions
        .iter()
        .any(|action| answer.body.contains(&format!("action=\"{action}\"")))
}

#[test]
fn the_viewer_sees_everything_and_changes_nothing() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let viewer = web.login("viewer", "change-me");
    for path in PAGES {
        let answer = viewer.get(path);
        answer.shows(&["viewer", "<h1>"]);
        assert!(!has_buttons(&viewer, path), "{path}: {}", answer.body);
        // Of the service web it may know nothing.
        assert!(!answer.body.contains("name=web"), "{path}");
    }
    viewer.get("/service?name=mail").shows(&["m1", "4711"]);
    viewer.get("/events?queue=mail").shows(&["cancelled"]);
    for change in CHANGES {
        let answer = viewer.change("/change", change);
        assert_eq!(answer.status, 403, "{change:?}: {}", answer.body);
    }
    let signal = [
        ("change", "signal"),
        ("service", "mail"),
        ("member", "*"),
        ("signal", "stop"),
    ];
    assert_eq!(viewer.change("/change", &signal).status, 403);
    for (state, change) in [
        ("dead", "retry"),
        ("dead", "purge"),
        ("ready", "cancel"),
        ("ready", "bury"),
        ("claimed", "unclaim"),
        ("scheduled", "run"),
    ] {
        let fields = [("queue", "mail"), ("state", state), ("change", change), ("id", "bob")];
        for path in ["/bulk", "/ticked"] {
            let answer = viewer.change(path, &fields);
            assert_eq!(answer.status, 403, "{path} {change}: {}", answer.body);
        }
    }
    let dead = &viewer.json("/")["queues"][0]["dead_tasks"];
    assert_eq!(dead, 6, "all is as it was");
}

#[test]
fn the_operator_changes_what_it_sees() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let operator = web.login("operator", "change-me");
    for path in [
        "/queue?name=mail",
        "/queue?name=mail&state=dead",
        "/task?queue=mail&id=dead-0",
        "/settings?name=mail",
        "/dead",
        "/service?name=mail",
        "/cron",
    ] {
        assert!(has_buttons(&operator, path), "{path}");
    }
    operator.get("/events").shows(&["dan", "cancelled"]);
    // It may do all of it; the queue is removed last.
    let order = CHANGES
        .iter()
        .filter(|change| change[0].1 != "drop")
        .chain([&CHANGES[2]]);
    for change in order {
        let answer = operator.change("/change", change);
        assert!(matches!(answer.status, 200 | 404), "{change:?}: {}", answer.body);
    }
    let other = operator.change("/change", &[("change", "pause"), ("queue", "post")]);
    assert_eq!(other.status, 403, "{}", other.body);
}

#[test]
fn producers_and_workers_see_what_little_they_may() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let producer = web.login("producer", "change-me");
    producer.get("/").shows(&["may not list queues"]);
    producer
        .get("/task?queue=mail&id=bob")
        .shows(&["to:bob", "Cancel", "Change the payload"]);
    let worker = web.login("worker", "change-me");
    worker.get("/").shows(&["may not list queues"]);
    for (browser, name) in [(&producer, "producer"), (&worker, "worker")] {
        for path in ["/queue?name=mail", "/dead", "/services"] {
            let answer = browser.get(path);
            assert_eq!(
                (answer.status, answer.body.contains("NOPERM")),
                (403, true),
                "{name} {path}: {}",
                answer.body
            );
        }
    }
    let token = worker.token();
    assert_eq!(
        worker
            .form(
                "/change",
                &[("csrf", &token), ("change", "cancel"), ("queue", "mail"), ("id", "bob")]
            )
            .status,
        403
    );
}

#[test]
fn no_user_is_shown_what_another_one_sees() {
    let server = Server::start();
    for (user, name) in [("anna", "crimson"), ("otto", "azure")] {
        let _: String = server.call(&format!(
            "ACL SETUSER {user} on >pw resetkeys ~{name}* %R~task:{{{name}* %R~proc:{{{name}* +@all"
        ));
        let _: String = server.call(&format!(
            "TASK.SCHEDULE {name}queue x ID {name}task KIND {name}kind USED 1 DEAD {name}error"
        ));
        let _: String = server.call(&format!("TASK.SCHEDULE {name}queue x ID {name}busy KIND {name}kind"));
        let _: redis::Value = server.call(&format!("TASK.CLAIM {name}queue {name}worker"));
        let _: String = server.call(&format!("TASK.SCHEDULE {name}queue x ID {name}ready"));
        let _: i64 = server.call(&format!("TASK.CANCEL {name}queue {name}ready"));
        let _: i64 = server.call(&format!("TASK.REPEAT {name}queue {name}often x EVERY 60000"));
        let _: redis::Value = server.call(&format!("HB.BEAT {name}service {name}member TTL 60000"));
    }
    let web = Web::start(&server, &[]);
    let (anna, otto) = (web.login("anna", "pw"), web.login("otto", "pw"));
    for _ in 0..2 {
        for (browser, own, other) in [(&anna, "crimson", "azure"), (&otto, "azure", "crimson")] {
            let pages = [
                "/",
                "/dead",
                "/kinds",
                "/services",
                "/cron",
                "/events",
                &format!("/queue?name={own}queue&state=claimed"),
                &format!("/task?queue={own}queue&id={own}task"),
                &format!("/service?name={own}service"),
                &format!("/history?name={own}queue"),
                &format!("/settings?name={own}queue"),
                &format!("/events?queue={own}queue"),
            ];
            for path in pages {
                let page = browser.get(path);
                page.shows(&[own]);
                assert!(!page.body.contains(other), "{path} of {own}: {}", page.body);
                let json = browser.json(path).to_string();
                assert!(json.contains(own) && !json.contains(other), "{path} of {own}: {json}");
                let stream = browser.stream_until(path, own);
                assert!(!stream.contains(other), "{path} of {own}: {stream}");
            }
            let found = browser.json("/")["findings"].to_string();
            assert!(found.contains(&format!("dead tasks: {own}queue 1")), "{found}");
            // What the server itself shows: nothing of it names a queue or service.
            assert!(!browser.get("/doctor").body.contains(other), "{own}");
            for path in [
                format!("/queue?name={other}queue"),
                format!("/task?queue={other}queue&id={other}task"),
                format!("/service?name={other}service"),
                format!("/settings?name={other}queue"),
                format!("/history?name={other}queue"),
                format!("/payload?queue={other}queue&id={other}busy"),
            ] {
                let answer = browser.get(&path);
                assert_eq!(answer.status, 403, "{path}: {}", answer.body);
                assert!(
                    !answer.body.contains("error</") && !answer.body.contains("member"),
                    "{path}: {}",
                    answer.body
                );
            }
        }
    }
}

#[test]
fn changed_rights_are_seen_after_another_login() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let viewer = web.login("viewer", "change-me");
    assert!(!has_buttons(&viewer, "/queue?name=mail"));
    let _: String = server.call("ACL SETUSER viewer +task.pause");
    web.login("viewer", "change-me")
        .get("/queue?name=mail")
        .shows(&["Pause"]);
}

#[test]
fn a_user_that_is_gone_is_asked_again() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let viewer = web.login("viewer", "change-me");
    viewer.get("/kinds").shows(&["mail"]);
    let _: i64 = server.call("ACL DELUSER viewer");
    let answer = viewer.get("/kinds");
    assert_eq!(answer.status, 303, "{}", answer.body);
    let wrong = web
        .stranger()
        .form("/login", &[("user", "viewer"), ("password", "change-me")]);
    assert_eq!(wrong.status, 401, "{}", wrong.body);
}
