//! What tells clients that an answer has changed: the tips of COMMAND INFO, and the keys to watch.

use crate::support::{Client, Server, Value};

const READS: &str = "nondeterministic_output dont_cache";
const LISTS: &str = "nondeterministic_output dont_cache request_policy:all_shards response_policy:special";

fn tips(info: &Value) -> String {
    let tips: Vec<String> = info.item(7).items().iter().map(Value::text).collect();
    tips.join(" ")
}

#[test]
fn every_read_says_that_its_reply_may_change_and_the_lists_that_each_node_has_its_own() {
    let server = Server::start();
    let mut client = server.client();
    let listed = client.must("COMMAND LIST FILTERBY MODULE steward");
    let mut reads = 0;
    for name in listed.items().iter().map(Value::text) {
        let info = client.must(&format!("COMMAND INFO {name}")).item(0).clone();
        let is_read = info.item(2).items().iter().any(|flag| flag.text() == "readonly");
        let expected = match name.as_str() {
            "task.queues" | "pid.services" => LISTS,
            "task.help" | "pid.help" | "hb.help" | "task.config" => "",
            "steward.contract" => continue,
            _ if is_read => READS,
            _ => "",
        };
        assert_eq!(tips(&info), expected, "{name}");
        reads += i32::from(!expected.is_empty());
    }
    assert!(reads > 10);
    let docs = client.must("COMMAND DOCS TASK.CONFIG");
    let get = docs
        .field("task.config")
        .field("subcommands")
        .field("task.config|get")
        .clone();
    assert_eq!(
        get.field("summary").text(),
        "Shows a queue's settings, including defaults."
    );
    assert_eq!(tips(client.must("COMMAND INFO TASK.CONFIG|GET").item(0)), READS);
}

/// Whether a transaction of one client that watches the key is aborted by what others do.
fn is_noticed(server: &Server, key: &str, step: impl FnOnce(&mut Client)) -> bool {
    let mut watcher = server.client();
    watcher.must(&format!("WATCH {key}"));
    step(&mut server.client());
    watcher.must("MULTI");
    watcher.must("PING");
    watcher.must("EXEC") == Value::Null
}

#[test]
fn the_keys_to_watch_are_those_of_the_manual() {
    let server = Server::start();
    server.client().must("TASK.SCHEDULE mail x ID a");
    let claims = |client: &mut Client| drop(client.must("TASK.CLAIM mail w"));
    assert!(is_noticed(&server, "task:{mail}:t:a", claims));
    assert!(!is_noticed(&server, "mail", |client| drop(
        client.must("TASK.DROP mail FORCE")
    )));
    let leads = |client: &mut Client| drop(client.must("HB.BEAT mail w CAMPAIGN"));
    assert!(is_noticed(&server, "proc:{mail}", leads));
    let joins = |client: &mut Client| drop(client.must("HB.BEAT mail v"));
    assert!(is_noticed(&server, "proc:{mail}:members", joins));
}
