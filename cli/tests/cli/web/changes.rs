//! What buttons do: to one thing, and to all that a filter shows.

use std::collections::HashMap;

use serde_json::json;

use super::house::furnish;
use super::{Browser, Web};
use crate::support::Server;

fn state(server: &Server, id: &str) -> String {
    let task: HashMap<String, redis::Value> = server.call(&format!("TASK.GET mail {id}"));
    redis::from_redis_value(task["state"].clone()).unwrap()
}

fn stat(server: &Server, name: &str) -> i64 {
    let stats: HashMap<String, redis::Value> = server.call("TASK.STATS mail");
    redis::from_redis_value(stats[name].clone()).unwrap_or(-1)
}

#[track_caller]
fn done(browser: &Browser, fields: &[(&str, &str)]) {
    let answer = browser.change("/change", fields);
    assert_eq!(answer.status, 200, "{fields:?}: {}", answer.body);
}

#[test]
fn buttons_change_what_they_say() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &[]);
    let browser = web.login("default", "");
    let task = |change, id| {
        done(
            &browser,
            &[("change", change), ("queue", "mail"), ("id", id), ("state", "dead")],
        )
    };
    task("retry", "dead-0");
    assert_eq!(state(&server, "dead-0"), "ready");
    task("bury", "bob");
    assert_eq!(state(&server, "bob"), "dead");
    task("run", "dan");
    assert_eq!(state(&server, "dan"), "ready");
    task("unclaim", "ann");
    assert_eq!(state(&server, "ann"), "ready");
    task("cancel", "ann");
    task("purge", "dead-1");
    let gone: Option<Vec<redis::Value>> = server.call("TASK.GET mail dead-1");
    assert_eq!(gone, None);
    done(
        &browser,
        &[
            ("change", "edit"),
            ("queue", "mail"),
            ("id", "cleo"),
            ("payload", "to:cleo again"),
        ],
    );
    assert_eq!(
        browser.json("/task?queue=mail&id=cleo")["task"]["payload"],
        json!("to:cleo again")
    );

    // As a browser sends a text of several lines.
    for (ends, payload) in [("lf", "one\n\ttwo\n"), ("crlf", "one\r\n\ttwo\r\n")] {
        let fields = [("id", "cleo"), ("payload", "one\r\n\ttwo\r\n"), ("ends", ends)];
        done(
            &browser,
            &[&[("change", "edit"), ("queue", "mail")], &fields[..]].concat(),
        );
        assert_eq!(
            browser.json("/task?queue=mail&id=cleo")["task"]["payload"],
            json!(payload)
        );
        let page = browser.get("/task?queue=mail&id=cleo");
        page.shows(&["<textarea", &format!("name=\"ends\" value=\"{ends}\"")]);
    }

    done(&browser, &[("change", "pause"), ("queue", "mail"), ("for", "1h")]);
    browser.get("/queue?name=mail").shows(&["paused", "Resume"]);
    done(&browser, &[("change", "resume"), ("queue", "mail")]);
    assert_eq!(stat(&server, "paused_until"), -1);
    done(
        &browser,
        &[
            ("change", "set"),
            ("queue", "mail"),
            ("setting", "attempts"),
            ("value", "7"),
        ],
    );
    assert_eq!(browser.json("/settings?name=mail")["attempts"], json!("7"));
    done(
        &browser,
        &[("change", "trigger"), ("queue", "mail"), ("name", "digest")],
    );
    done(
        &browser,
        &[("change", "unrepeat"), ("queue", "mail"), ("name", "digest")],
    );
    assert_eq!(browser.json("/cron")["repeats"], json!([]));
    done(
        &browser,
        &[
            ("change", "signal"),
            ("service", "web"),
            ("member", "m2"),
            ("signal", "quiet"),
        ],
    );
    assert_eq!(
        browser.json("/service?name=web")["members"][1]["signal"],
        json!("quiet")
    );
    done(&browser, &[("change", "evict"), ("service", "web"), ("member", "m2")]);
    assert_eq!(server.members("web"), ["m1"]);
    done(&browser, &[("change", "drop"), ("queue", "mail"), ("sure", "mail")]);
    assert_eq!(browser.json("/queue?name=mail")["stats"]["ready_tasks"], json!(0));
}

#[test]
fn what_cannot_be_done_is_told() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &[]);
    let browser = web.login("default", "");
    for (fields, status, said) in [
        (
            &[
                ("change", "set"),
                ("queue", "mail"),
                ("setting", "attempts"),
                ("value", "0"),
            ][..],
            400,
            "attempts must be",
        ),
        (
            &[("change", "pause"), ("queue", "mail"), ("for", "soon")],
            400,
            "write a number and its unit",
        ),
        (
            &[("change", "drop"), ("queue", "mail"), ("sure", "post")],
            400,
            "Type the name",
        ),
        (
            &[("change", "retry"), ("queue", "mail"), ("id", "nobody")],
            200,
            "it was not there",
        ),
        (
            &[("change", "bury"), ("queue", "mail"), ("id", "nobody")],
            404,
            "no such task",
        ),
        (
            &[("change", "explode"), ("queue", "mail"), ("id", "ann")],
            400,
            "no change explode",
        ),
        (&[("change", "retry"), ("id", "ann")], 400, "queue is missing"),
    ] {
        let answer = browser.change("/change", fields);
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.body);
        assert!(answer.body.contains(said), "{fields:?}: {}", answer.body);
    }
    // A form leads back to its page, which says what was done.
    let token = browser.token();
    let back = "/queue?name=mail";
    let answer = browser.form(
        "/change",
        &[("csrf", &token), ("back", back), ("change", "pause"), ("queue", "mail")],
    );
    assert_eq!((answer.status, answer.header("location")), (303, Some(back)));
    browser.get(back).shows(&["mail is paused", "role=\"status\""]);
    for back in ["https://example.org/", "//example.org", "/\\example.org", "queue"] {
        let answer = browser.form(
            "/change",
            &[
                ("csrf", &token),
                ("back", back),
                ("change", "resume"),
                ("queue", "mail"),
            ],
        );
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{back}");
    }
}

#[test]
fn a_change_to_all_is_of_those_that_the_filter_shows() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let bulk = |fields: &[(&str, &str)]| {
        let answer = browser.change("/bulk", &[&[("queue", "mail")], fields].concat());
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["done"]
            .as_i64()
            .unwrap()
    };
    browser
        .get("/queue?name=mail&state=dead&q=quota")
        .shows(&["All that match:", "Retry", "Remove"]);
    assert_eq!(bulk(&[("state", "dead"), ("change", "retry"), ("q", "letter 5")]), 1);
    assert_eq!(state(&server, "dead-5"), "ready");
    // A group of dead tasks is exactly that, even if another error has its words.
    let group = [("exact_kind", "=bill"), ("exact_error", "=no such address")];
    assert_eq!(
        bulk(
            &[
                &[
                    ("state", "dead"),
                    ("change", "purge"),
                    ("exact_kind", "="),
                    ("exact_error", "=")
                ],
                &[][..]
            ]
            .concat()
        ),
        0
    );
    assert_eq!(
        bulk(&[&[("state", "dead"), ("change", "retry")], &group[..]].concat()),
        4
    );
    assert_eq!(stat(&server, "dead_tasks"), 1);
    assert_eq!(bulk(&[("state", "scheduled"), ("change", "run")]), 1);
    assert_eq!(bulk(&[("state", "ready"), ("change", "bury"), ("kind", "welcome")]), 2);
    assert_eq!(bulk(&[("state", "claimed"), ("change", "unclaim")]), 1);
    let ready = stat(&server, "ready_tasks");
    assert_eq!(bulk(&[("state", "ready"), ("change", "cancel")]), ready);
    assert_eq!(stat(&server, "ready_tasks"), 0);
}

#[test]
fn a_change_to_many_goes_on_in_steps_until_all_are_done() {
    const TASKS: i64 = 30_000;
    let server = Server::start();
    for _ in 0..TASKS / 1_000 {
        let _: Vec<String> = server.call(&format!("TASK.MSCHEDULE mail 1000 {}", vec!["x"; 1_000].join(" ")));
    }
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let (token, all) = (browser.token(), TASKS.to_string());
    let mut fields: Vec<(String, String)> = [
        ("csrf", &token[..]),
        ("queue", "mail"),
        ("state", "ready"),
        ("change", "bury"),
        ("all", &all),
        ("back", "/queue?name=mail&state=dead"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    let mut steps = 0;
    loop {
        let sent: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let answer = browser.form("/bulk", &sent);
        steps += 1;
        if answer.status == 303 {
            assert_eq!(answer.header("location"), Some("/queue?name=mail&state=dead"));
            break;
        }
        // The form that goes on, as a browser would send it.
        answer.shows(&["<progress", "Go on", "Stop here"]);
        let form = answer.body.split("data-next").nth(1).unwrap();
        let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
        fields = inputs
            .map(|input| {
                let (name, rest) = input.split_once("\" value=\"").unwrap();
                (name.into(), rest.split('"').next().unwrap().replace("&amp;", "&"))
            })
            .collect();
    }
    assert!(steps > 1, "one step");
    assert_eq!(
        (stat(&server, "ready_tasks"), stat(&server, "dead_tasks")),
        (0, 10_000),
        "dead-limit"
    );
}
