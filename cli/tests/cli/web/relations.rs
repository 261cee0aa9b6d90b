//! What a task has to do with others, and what has happened to it.

use serde_json::json;

use super::Web;
use crate::support::Server;

#[test]
fn tasks_before_and_after_it_are_links_whatever_their_queue() {
    let server = Server::start();
    let _: String = server.call("TASK.SCHEDULE {film}cut x ID cut-7");
    let _: String = server.call("TASK.SCHEDULE {film}join x ID first");
    let _: String = server.call("TASK.SCHEDULE {film}join x ID join-7 AFTER 1 first IN {film}cut 1 cut-7");
    let _: String = server.call("TASK.SCHEDULE {film}join x ID show AFTER 1 join-7");
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let path = "/task?queue=%7Bfilm%7Djoin&id=";
    browser.get(&format!("{path}join-7")).shows(&[
        "Waits for",
        "href=\"/task?queue=%7Bfilm%7Djoin&amp;id=first\"",
        "href=\"/task?queue=%7Bfilm%7Dcut&amp;id=cut-7\"",
        "Wait for it",
        "href=\"/task?queue=%7Bfilm%7Djoin&amp;id=show\"",
    ]);
    let relations = &browser.json(&format!("{path}join-7"))["relations"];
    assert_eq!(
        (&relations["parents"], &relations["dependents"]),
        (
            &json!([{"queue": "{film}join", "id": "first"}, {"queue": "{film}cut", "id": "cut-7"}]),
            &json!(["show"])
        )
    );
    // The one that waits for it is in another queue, where it is not looked for.
    browser
        .get("/task?queue=%7Bfilm%7Dcut&id=cut-7")
        .shows(&["Wait for it", "1 in all."]);
}

#[test]
fn the_line_of_a_group_is_shown_with_those_whose_turn_it_is() {
    let server = Server::start();
    for (id, more) in [
        ("a", ""),
        ("b", ""),
        ("c", ""),
        ("other", ""),
        ("later", " DELAY 3600000"),
    ] {
        let group = if id == "other" { "g-2" } else { "g-1" };
        let _: String = server.call(&format!("TASK.SCHEDULE mail x ID {id} GROUP {group}{more}"));
    }
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let relations = |id: &str| browser.json(&format!("/task?queue=mail&id={id}"))["relations"].clone();
    let line = |id: &str| {
        (
            relations(id)["group_turns"].clone(),
            relations(id)["group_line"].clone(),
        )
    };
    assert_eq!(line("c"), (json!(["a"]), json!(["b", "c"])));
    browser.get("/task?queue=mail&id=c").shows(&[
        "Group g-1",
        "It is the turn of",
        "href=\"/task?queue=mail&amp;id=b\"",
        "c (this one)",
    ]);
    let (id, token): (String, u64) = {
        let claimed: Vec<Vec<redis::Value>> = server.call("TASK.CLAIM mail w");
        let value = |at: usize| claimed[0][at].clone();
        (
            redis::from_redis_value(value(1)).unwrap(),
            redis::from_redis_value(value(3)).unwrap(),
        )
    };
    assert_eq!((&id[..], line("b")), ("a", (json!(["a"]), json!(["b", "c"]))));
    let _: redis::Value = server.call(&format!("TASK.FAIL mail a {token} DELAY 3600000"));
    assert_eq!(line("b"), (json!(["a"]), json!(["b", "c"])), "it keeps its turn");
    let _: redis::Value = server.call("TASK.BURY mail a");
    assert_eq!(line("c"), (json!(["b"]), json!(["c"])));
}

#[test]
fn a_task_tells_its_moments_and_what_the_events_say_of_it() {
    let server = Server::start();
    let _: redis::Value = server.call("TASK.CONFIG SET mail events-level all");
    for id in ["ann", "bob"] {
        let _: String = server.call(&format!("TASK.SCHEDULE mail x ID {id} ATTEMPTS 1 BACKOFF FIXED 0"));
        let claimed: Vec<Vec<redis::Value>> = server.call("TASK.CLAIM mail worker-1");
        let token: u64 = redis::from_redis_value(claimed[0][3].clone()).unwrap();
        let _: redis::Value = server.call(&format!("TASK.FAIL mail {id} {token} ERROR full-of-{id}"));
    }
    let web = Web::start(&server, &["--no-login"]);
    let _: String = server.call("TASK.SCHEDULE mail x ID cleo");
    let timeline = |id: &str| web.stranger().get(&format!("/task?queue=mail&id={id}"));
    timeline("cleo").shows(&["Timeline", ">created<", ">due<"]);
    let page = timeline("ann");
    page.shows(&[">created<", ">claimed<", ">ended<", "Events", "worker-1"]);
    assert!(!page.body.contains("bob"), "{}", page.body);
    let shown = web.stranger().json("/task?queue=mail&id=ann");
    let types: Vec<&str> = shown["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["dead", "claimed"]);
}
