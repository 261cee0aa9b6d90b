//! The pages of a cluster: each queue and service from the node that has it.

use serde_json::json;

use super::{Browser, Web};
use crate::support::Server;

/// Names that are on different nodes.
const NAMES: [&str; 2] = ["mail", "web"];

/// The servers, each with a queue and a service of one of the names.
fn furnished() -> [Server; 2] {
    let nodes = Server::cluster();
    for name in NAMES {
        let slot: u16 = nodes[0].call(&format!("CLUSTER KEYSLOT {name}"));
        let node = &nodes[usize::from(slot > 8191)];
        for words in [
            format!("TASK.SCHEDULE {name} x ID {name}-1 KIND {name}-kind"),
            format!("TASK.SCHEDULE {name} x ID {name}-dead KIND {name}-kind USED 1 DEAD no"),
            format!("TASK.SCHEDULE {name} later ID {name}-later DELAY 3600000"),
        ] {
            let _: String = node.call(&words);
        }
        let _: i64 = node.call(&format!("TASK.REPEAT {name} {name}-often x EVERY 60000"));
        let _: i64 = node.call(&format!("TASK.CANCEL {name} {name}-later"));
        let _: redis::Value = node.call(&format!("TASK.CLAIM {name} {name}-m1 LEASE 3600000"));
        let _: redis::Value = node.call(&format!("HB.BEAT {name} {name}-m1 TTL 60000 CAMPAIGN"));
    }
    nodes
}

fn web(nodes: &[Server; 2]) -> Web {
    Web::of(&format!("redis+cluster://127.0.0.1:{}", nodes[0].port), &[])
}

#[test]
fn the_pages_show_what_is_on_all_nodes() {
    let nodes = furnished();
    let web = web(&nodes);
    let browser = web.login("default", "");
    for path in ["/", "/dead", "/kinds", "/services", "/cron", "/events"] {
        browser.get(path).shows(&NAMES);
        let json = browser.json(path).to_string();
        assert!(NAMES.iter().all(|name| json.contains(name)), "{path}: {json}");
        browser.stream_until(path, "mail");
    }
    for name in NAMES {
        for (path, shown) in [
            ("/queue?name=NAME&state=claimed", "NAME-1"),
            ("/task?queue=NAME&id=NAME-1", "NAME-kind"),
            ("/history?name=NAME", "The last 48 hours"),
            ("/settings?name=NAME", "max-lost"),
            ("/service?name=NAME", "NAME-m1"),
            ("/events?queue=NAME", "cancelled"),
        ] {
            browser
                .get(&path.replace("NAME", name))
                .shows(&[&shown.replace("NAME", name)]);
        }
    }
    let ports = nodes.each_ref().map(|node| format!("127.0.0.1:{}<", node.port));
    let parts = [
        "dead tasks: mail 1",
        "dead tasks: web 1",
        "node",
        &ports[0][..],
        &ports[1][..],
    ];
    browser.get("/doctor").shows(&parts);
    // The page before has had it looked for. What two nodes have in common is one line.
    browser.get("/").shows(&["; 1 more like this</a>"]);
}

#[test]
fn changes_reach_the_node_that_has_the_name() {
    let nodes = furnished();
    let web = web(&nodes);
    let browser = web.login("default", "");
    let done = |path: &str, fields: &[(&str, &str)]| {
        let answer = browser.change(path, fields);
        assert_eq!(answer.status, 200, "{fields:?}: {}", answer.body);
    };
    for name in NAMES {
        done("/change", &[("change", "pause"), ("queue", name)]);
        done("/bulk", &[("change", "retry"), ("queue", name), ("state", "dead")]);
        done(
            "/change",
            &[
                ("change", "evict"),
                ("service", name),
                ("member", &format!("{name}-m1")),
            ],
        );
        let queue = browser.json(&format!("/queue?name={name}"));
        assert_eq!(
            (&queue["stats"]["paused_until"], &queue["stats"]["dead_tasks"]),
            (&json!(-1), &json!(0)),
            "{name}"
        );
        assert_eq!(browser.json(&format!("/service?name={name}"))["members"], json!([]));
    }
}

#[test]
fn a_user_sees_of_each_node_what_it_may() {
    let nodes = furnished();
    let find = "+cluster|slots +cluster|keyslot";
    let blocks = crate::manual::blocks_of("reference/acl.md", "");
    let viewer = blocks
        .iter()
        .flat_map(|block| block.lines())
        .find(|line| line.contains("SETUSER viewer"));
    for node in &nodes {
        let _: String = node.call(&format!("{} {find}", viewer.unwrap()));
        let _: String = node.call(&viewer.unwrap().replace("SETUSER viewer", "SETUSER lost"));
    }
    let web = web(&nodes);
    let viewer: Browser = web.login("viewer", "change-me");
    for path in [
        "/",
        "/queue?name=mail&state=dead",
        "/dead",
        "/kinds",
        "/service?name=mail",
        "/cron",
        "/events",
    ] {
        let page = viewer.get(path);
        page.shows(&["mail"]);
        assert!(
            !page.body.contains("web-") && !page.body.contains("/change\""),
            "{path}: {}",
            page.body
        );
    }
    let refused = viewer.change("/change", &[("change", "pause"), ("queue", "mail")]);
    assert_eq!(refused.status, 403, "{}", refused.body);
    // Without the right to find the nodes nothing can be shown, and the login says why.
    let answer = web
        .stranger()
        .form("/login", &[("user", "lost"), ("password", "change-me")]);
    assert_eq!(
        (answer.status, answer.body.contains("NOPERM")),
        (403, true),
        "{}",
        answer.body
    );
}
