//! Each page has its heading and its data, as HTML and as JSON, while others work.

use serde_json::json;

use super::Web;
use super::house::{Load, furnish};
use crate::support::Server;

#[test]
fn every_page_has_its_heading_and_its_data() {
    let server = Server::start();
    let _house = furnish(&server);
    let _load = Load::on(&server, "busy");
    let web = Web::start(&server, &[]);
    let browser = web.login("default", "");
    for (path, heading, parts) in [
        ("/", "Overview", &["mail", "busy", "Log out"][..]),
        ("/?q=MAI", "Overview", &["mail"]),
        (
            "/queue?name=mail",
            "mail",
            &["bob", "cleo", "welcome", "worker-1", "Pause"],
        ),
        ("/queue?name=mail&state=dead", "mail", &["dead-5", "no such address"]),
        (
            "/settings?name=mail",
            "Settings of",
            &["max-lost", "EXPONENTIAL 1000", "events-level"],
        ),
        (
            "/task?queue=mail&id=ann",
            "ann",
            &["worker-1", "to:ann", "eve", "Timeline", "claimed"],
        ),
        (
            "/history?name=mail",
            "History of",
            &["The last 48 hours", "backlog: at most", "<rect"],
        ),
        ("/doctor", "Doctor", &["severity", "what to do"]),
        ("/dead", "Dead", &["no such address", "quota", "bill", "dead-3"]),
        (
            "/kinds",
            "Kinds",
            &["welcome", "mean run, 48h", "<path", "/history?name=busy&amp;kind=step"],
        ),
        (
            "/history?name=busy&kind=step",
            "History of",
            &["The last 48 hours", "failure rate: at most", "<rect"],
        ),
        ("/services", "Services", &["web", "m1", "4711", "a3"]),
        (
            "/service?name=web",
            "web",
            &["m1", "m2", "busy", "<li value=\"1\">m2", "has led for"],
        ),
        (
            "/cron",
            "Cron",
            &["digest", "at 09:00, on Monday to Friday", "Europe/Paris", "Run now"],
        ),
        ("/events", "Events", &["dan", "cancelled", "leader"]),
        ("/events?service=web", "Events", &["m1", "registered"]),
    ] {
        let answer = browser.get(path);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{path}"
        );
        let (_, rest) = answer
            .body
            .split_once("<h1>")
            .unwrap_or_else(|| panic!("{path}: {}", answer.body));
        assert!(rest.split("</h1>").next().unwrap().contains(heading), "{path}");
        answer.shows(parts);
    }
    let answer = browser.get("/?q=MAI");
    assert!(!answer.body.contains("busy"), "{}", answer.body);
}

#[test]
fn the_kinds_of_a_queue_have_a_history() {
    let server = Server::start();
    let _: redis::Value = server.call("TASK.SCHEDULE mail x ID bad KIND bill ATTEMPTS 1");
    let claim: Vec<Vec<Option<String>>> = server.call("TASK.CLAIM mail w");
    let token = claim[0][3].as_deref().unwrap();
    let _: redis::Value = server.call(&format!("TASK.FAIL mail bad {token}"));
    let web = Web::start(&server, &["--no-login"]);
    let kind = &web.stranger().json("/kinds")["kinds"][0];
    assert_eq!(
        (&kind["failed_total"], &kind["hours"][0]["failed_total"]),
        (&json!(1), &json!(1))
    );
    let history = web.stranger().json("/history?name=mail&kind=bill");
    let day = &history["days"][0];
    assert_eq!((&day["kind"], &day["dead_total"]), (&json!("bill"), &json!(1)));
    let other = web.stranger().json("/history?name=mail&kind=welcome");
    assert_eq!(other["days"], json!([]));
}

#[test]
fn programs_get_the_same_at_the_same_addresses() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let queues = &browser.json("/")["queues"];
    assert_eq!(
        (&queues[0]["queue"], &queues[0]["dead_tasks"]),
        (&json!("mail"), &json!(6))
    );
    let queue = browser.json("/queue?name=mail&state=claimed");
    assert_eq!(
        (&queue["tasks"][0]["id"], &queue["workers"][0]["worker"]),
        (&json!("ann"), &json!("worker-1"))
    );
    let task = browser.json("/task?queue=mail&id=ann");
    assert_eq!(
        (&task["task"]["payload"], &task["relations"]["dependents"]),
        (&json!("to:ann"), &json!(["eve"]))
    );
    let dead = &browser.json("/dead")["groups"];
    assert_eq!(
        (&dead[0]["error"], &dead[0]["kind"], &dead[0]["dead_tasks"]),
        (&json!("no such address"), &json!("bill"), &json!(4))
    );
    assert_eq!(
        (&dead[1]["error"], &dead[1]["dead_tasks"]),
        (&json!("quota"), &json!(2))
    );
    let kind = &browser.json("/kinds")["kinds"][0];
    assert_eq!((&kind["queue"], &kind["kind"]), (&json!("mail"), &json!("welcome")));
    assert_eq!(browser.json("/services")["services"][1]["member"], json!("m1"));
    let service = browser.json("/service?name=web");
    assert_eq!(
        (&service["leader"]["pid"], &service["candidates"]),
        (&json!(4711), &json!(["m2"]))
    );
    assert_eq!(
        (&service["leaders"][0]["member"], &service["leaders"][0]["ended_at"]),
        (&json!("m1"), &json!(null))
    );
    let repeat = &browser.json("/cron")["repeats"][0];
    assert_eq!((&repeat["name"], &repeat["missed"]), (&json!("digest"), &json!(0)));
    let upcoming = repeat["upcoming_at"].as_array().unwrap();
    assert_eq!((&upcoming[0], upcoming.len()), (&repeat["next_at"], 5));
    assert_eq!(browser.json("/settings?name=mail")["max-lost"], json!("3"));
    let history = browser.json("/history?name=mail");
    assert_eq!(history["hours"][0]["scheduled_total"], json!(6));
    // Bob and cleo, and ann until she was claimed.
    let backlog = history["days"][0]["ready_max_tasks"].as_i64().unwrap();
    assert!((2..=3).contains(&backlog), "{backlog}");
    assert!(!browser.json("/doctor")["findings"].as_array().unwrap().is_empty());
    assert_eq!(browser.json("/events?queue=mail")["events"][0]["id"], json!("dan"));
    let missing = browser
        .with("Accept: application/json")
        .get("/task?queue=mail&id=nobody");
    assert_eq!(missing.status, 404, "{}", missing.body);
    let nowhere = browser.get("/nothing");
    assert_eq!(
        (nowhere.status, nowhere.body.contains("There is no such page.")),
        (404, true)
    );
}

#[test]
fn a_service_tells_who_led_it_and_why_that_ended() {
    let server = Server::start();
    for member in ["a", "b", "c PRIORITY 7"] {
        let (name, more) = member.split_at(1);
        let _: redis::Value = server.call(&format!("HB.BEAT web {name} TTL 60000 CAMPAIGN{more}"));
    }
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    assert_eq!(browser.json("/service?name=web")["candidates"], json!(["c", "b"]));
    let _: i64 = server.call("PID.EVICT web a REASON deploy");
    let _: i64 = server.call("PID.EVICT web c");
    let leaders = browser.json("/service?name=web")["leaders"].clone();
    let told: Vec<_> = leaders
        .as_array()
        .unwrap()
        .iter()
        .map(|lead| (&lead["member"], &lead["reason"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("b"), &json!(null)),
            (&json!("c"), &json!("evicted")),
            (&json!("a"), &json!("deploy"))
        ]
    );
    browser.get("/service?name=web").shows(&[
        "Leaders so far",
        " has led for ",
        ": evicted<",
        ": deploy<",
        "No member is a candidate.",
    ]);
}

#[test]
fn what_a_recurring_task_left_out_is_told() {
    let server = Server::start();
    let _: i64 = server.call("TASK.REPEAT mail often x EVERY 3600000");
    // As the timer tells it when the server was away.
    for event in [
        "missed id often reason 3",
        "skipped id often:1795258995431 reason overlap",
    ] {
        let _: String = server.call(&format!("XADD task:{{mail}}:events * type {event}"));
    }
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let repeat = browser.json("/cron")["repeats"][0].clone();
    assert_eq!((&repeat["missed"], &repeat["skipped"]), (&json!(3), &json!(1)));
    browser.get("/cron").shows(&["every 1h", ">3 missed<", ">1 skipped<"]);
}

#[test]
fn the_filter_is_in_the_address_and_finds_ids_kinds_payloads_and_errors() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    for (query, found) in [
        ("state=dead&q=letter+5", "dead-5"),
        ("state=dead&q=quota&kind=welcome", "dead-5 dead-4"),
        ("state=dead&q=dead-[01]", "dead-1 dead-0"),
        ("state=dead&kind=nothing", ""),
        ("state=dead&attempted=1&q=quota", "dead-5 dead-4"),
        ("state=claimed&worker=worker-1", "ann"),
        ("state=claimed&worker=worker-2", ""),
        ("state=ready&q=to:b", "bob"),
    ] {
        let path = format!("/queue?name=mail&{query}");
        let tasks = browser.json(&path)["tasks"].clone();
        let ids = tasks
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["id"].as_str().unwrap());
        assert_eq!(ids.collect::<Vec<_>>().join(" "), found, "{query}");
        let page = browser.get(&path).body;
        for id in found.split_whitespace() {
            assert!(page.contains(&format!(">{id}<")), "{query}: {page}");
        }
    }
    browser
        .get("/queue?name=mail&state=dead&q=quota")
        .shows(&["value=\"quota\"", "Show all"]);
    assert_eq!(browser.get("/queue?name=mail&state=nothing").status, 400);
}

#[test]
fn long_lists_have_pages_that_miss_nothing() {
    let server = Server::start();
    let ids: Vec<String> = (0..120).map(|number| format!("t{number}")).collect();
    let words = format!(
        "TASK.MSCHEDULE mail 120 {} IDS {}",
        vec!["x"; 120].join(" "),
        ids.join(" ")
    );
    let _: Vec<String> = server.call(&words);
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let (mut found, mut pages, mut path) = (Vec::new(), 0, "/queue?name=mail&state=ready".to_string());
    loop {
        let page = browser.json(&path);
        let tasks = page["tasks"].as_array().unwrap();
        found.extend(tasks.iter().map(|task| task["id"].as_str().unwrap().to_string()));
        pages += 1;
        match page["next"].as_str() {
            Some(cursor) => path = format!("/queue?name=mail&state=ready&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((found, pages), (ids, 3));
    browser.get("/queue?name=mail").shows(&["Next page"]);
    // The workers of a queue are shown in part, and all listed by the program.
    let words = format!("TASK.MSCHEDULE many 201{}", " x".repeat(201));
    let _: Vec<String> = server.call(&words);
    for number in 0..201 {
        let _: redis::Value = server.call(&format!("TASK.CLAIM many worker-{number:03}"));
    }
    browser
        .get("/queue?name=many")
        .shows(&["worker-199", "the first 200 by name"]);
    let (_, out, _) = server.run(&["workers", "many", "-o", "json"]);
    assert_eq!(out.lines().count(), 201);
}
