//! What people do by hand: tasks that they tick in a list, and a new one from a form.

use std::collections::HashMap;

use serde_json::json;

use super::house::{create_users, furnish};
use super::{Browser, Web};
use crate::support::Server;

/// The ids of the dead tasks of mail, the last first.
fn dead(browser: &Browser) -> Vec<String> {
    let page = browser.json("/queue?name=mail&state=dead");
    let tasks = page["tasks"].as_array().unwrap();
    tasks.iter().map(|task| task["id"].as_str().unwrap().into()).collect()
}

#[test]
fn what_is_done_to_ticked_tasks_is_done_to_no_other() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let list = "/queue?name=mail&state=dead&q=letter";
    browser.get(list).shows(&[
        "<input type=\"checkbox\" name=\"id\" value=\"dead-3\" form=\"ticked\" aria-label=\"Tick dead-3\">",
        "<button form=\"ticked\" name=\"change\" value=\"retry\">Retry</button>",
        "<button form=\"ticked\" name=\"change\" value=\"purge\" class=\"danger\">Remove</button>",
    ]);
    let of_dead = [("queue", "mail"), ("state", "dead")];
    let ticked = |fields: &[(&str, &str)]| browser.change("/ticked", &[&of_dead, fields].concat());
    let answer = ticked(&[
        ("change", "retry"),
        ("id", "dead-1"),
        ("id", "dead-4"),
        ("id", "nobody"),
    ]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("\"done\":2"), "{}", answer.body);
    assert_eq!(dead(&browser), ["dead-5", "dead-3", "dead-2", "dead-0"]);
    // Without a tick it is not done to all.
    let answer = ticked(&[("change", "purge")]);
    assert_eq!((answer.status, answer.body.contains("No task is ticked.")), (400, true));
    assert_eq!(ticked(&[("change", "explode"), ("id", "dead-0")]).status, 400);
    assert_eq!(dead(&browser).len(), 4);
    // A form leads back to the list, which says what was done.
    let token = browser.token();
    let sent = [
        &of_dead[..],
        &[("csrf", &token), ("back", list), ("change", "purge"), ("id", "dead-0")],
    ]
    .concat();
    let answer = browser.form("/ticked", &sent);
    assert_eq!((answer.status, answer.header("location")), (303, Some(list)));
    browser.get(list).shows(&["1 task is removed."]);
    assert_eq!(browser.form("/ticked", &sent[..2]).status, 403, "no token");
    assert_eq!(dead(&browser), ["dead-5", "dead-3", "dead-2"]);
    // Of done tasks nothing but a removal is possible, of none nothing at all.
    assert!(!browser.get("/queue?name=mail&state=done").body.contains("ticked"));
}

fn task(server: &Server, queue: &str, id: &str) -> HashMap<String, redis::Value> {
    server.call(&format!("TASK.GET {queue} {id}"))
}

fn text(value: &redis::Value) -> String {
    redis::from_redis_value(value.clone()).unwrap()
}

#[test]
fn a_task_is_put_in_a_queue_from_a_form() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    browser.get("/queue?name=mail").shows(&["href=\"/new?name=mail\""]);
    browser
        .get("/new?name=mail")
        .shows(&["New task in", "name=\"payload\"", "name=\"delay\""]);
    let token = browser.token();
    let put =
        |fields: &[(&str, &str)]| browser.form("/new", &[&[("csrf", &token[..]), ("queue", "mail")], fields].concat());
    let payload = "{\"to\":\r\n\"<ann>\"}";
    let answer = put(&[
        ("payload", payload),
        ("json", "1"),
        ("id", "by-hand"),
        ("kind", "welcome"),
        ("delay", "1h"),
        ("priority", "2"),
    ]);
    let to = "/task?queue=mail&id=by-hand";
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some(to)),
        "{}",
        answer.body
    );
    browser.get(to).shows(&["by-hand is in mail", "scheduled"]);
    let found = task(&server, "mail", "by-hand");
    assert_eq!(text(&found["payload"]), "{\"to\":\n\"<ann>\"}");
    assert_eq!(
        (text(&found["kind"]), text(&found["priority"])),
        ("welcome".into(), "2".into())
    );
    // Nothing but a payload, which may be empty too.
    let answer = browser.change("/new", &[("queue", "fresh"), ("payload", "")]);
    let id = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["id"].clone();
    assert_eq!(text(&task(&server, "fresh", id.as_str().unwrap())["state"]), "ready");
    // What is refused is told above what was typed.
    for (field, value, status, said) in [
        ("id", "by-hand", 409, "DUPLICATE"),
        ("delay", "soon", 400, "write a number and its unit"),
        ("priority", "11", 400, "BADARG"),
        ("json", "1", 400, "The payload is no JSON"),
    ] {
        let answer = put(&[("payload", "one\r\n</textarea>"), (field, value)]);
        assert_eq!(answer.status, status, "{field}: {}", answer.body);
        assert!(answer.body.contains(said), "{field}: {}", answer.body);
        assert!(
            answer.body.contains("\none\r\n&lt;/textarea&gt;</textarea>"),
            "{field}: {}",
            answer.body
        );
    }
    assert_eq!(
        browser.json("/queue?name=mail&state=scheduled")["stats"]["scheduled_tasks"],
        json!(2)
    );
}

#[test]
fn only_who_may_schedule_sees_the_form() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let producer = web.login("producer", "change-me");
    producer.get("/").shows(&["action=\"/new\""]);
    producer.get("/new?name=mail").shows(&["Add the task"]);
    let answer = producer.change("/new", &[("queue", "mail"), ("payload", "x"), ("id", "produced")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let viewer = web.login("viewer", "change-me");
    assert!(!viewer.get("/queue?name=mail").body.contains("/new"));
    assert_eq!(viewer.get("/new?name=mail").status, 403);
    let answer = viewer.change("/new", &[("queue", "mail"), ("payload", "x")]);
    assert_eq!(
        (answer.status, answer.body.contains("NOPERM")),
        (403, true),
        "{}",
        answer.body
    );
    let read_only = Web::start(&server, &["--no-login", "--read-only"]);
    let browser = read_only.stranger();
    assert!(!browser.get("/queue?name=mail").body.contains("/new"));
    assert_eq!(browser.get("/new?name=mail").status, 403);
}
