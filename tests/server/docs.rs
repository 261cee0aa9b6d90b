//! What the server tells about our commands: COMMAND DOCS, INFO, GETKEYS, arity, TASK.HELP.

use crate::support::{Server, Value};

/// Every command: name, arity as Redis counts it, flags.
const COMMANDS: &[(&str, i64, &str)] = &[
    ("task.ack", -4, "write blocking"),
    ("task.cancel", -3, "write"),
    ("task.claim", -3, "write blocking"),
    ("task.config|get", -3, "readonly"),
    ("task.config|set", -5, "write"),
    ("task.drop", -2, "write"),
    ("task.extend", -4, "write"),
    ("task.fail", -4, "write"),
    ("task.get", 3, "readonly"),
    ("task.help", 1, "readonly"),
    ("task.list", -3, "readonly"),
    ("task.mack", -5, "write"),
    ("task.mclaim", -4, "write blocking"),
    ("task.mschedule", -4, "write denyoom"),
    ("task.pause", -2, "write"),
    ("task.purge", -3, "write"),
    ("task.queues", -1, "readonly"),
    ("task.release", -4, "write"),
    ("task.reschedule", -3, "write"),
    ("task.resume", 2, "write"),
    ("task.retry", -3, "write"),
    ("task.retryall", -2, "write"),
    ("task.schedule", -3, "write denyoom"),
    ("task.stats", 2, "readonly"),
    ("task.workers", 2, "readonly"),
];

/// COMMAND INFO of a command or of one of a container's.
fn info(client: &mut crate::support::Client, name: &str) -> Value {
    let info = client.must(&format!("COMMAND INFO {name}"));
    info.item(0).clone()
}

#[test]
fn the_commands_are_these_and_no_others() {
    let server = Server::start();
    let mut client = server.client();
    let listed = client.must("COMMAND LIST FILTERBY MODULE steward");
    let mut listed: Vec<String> = listed.items().iter().map(|name| name.text().to_lowercase()).collect();
    // A debug build has the contract of the port as a command.
    listed.retain(|name| name != "steward.contract");
    listed.sort();
    let mut expected: Vec<&str> = COMMANDS.iter().map(|(name, ..)| *name).collect();
    expected.extend(["steward.apply", "task.config"]);
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

#[test]
fn arity_and_flags_are_declared_and_enforced() {
    let server = Server::start();
    let mut client = server.client();
    for (name, arity, flags) in COMMANDS {
        let info = info(&mut client, name);
        assert_eq!(info.item(1).int(), *arity, "{name}");
        let told: Vec<String> = info.item(2).items().iter().map(Value::text).collect();
        for flag in ["write", "readonly", "denyoom", "blocking"] {
            let declared = flags.split(' ').any(|declared| declared == flag);
            assert_eq!(
                told.iter().any(|told| told == flag),
                declared,
                "{name} {flag}: {told:?}"
            );
        }
        let words = name.to_uppercase().replace('|', " ");
        let given = words.split(' ').count() as i64;
        let short = format!("{words}{}", " x".repeat((arity.abs() - given - 1).max(0) as usize));
        if arity.abs() > given {
            let refused = client.call(&short).to_string();
            assert!(
                refused.starts_with("-ERR wrong number of arguments for '"),
                "{short}: {refused}"
            );
        }
        if *arity > 0 {
            let long = format!("{words}{}", " x".repeat((arity - given + 1) as usize));
            let refused = client.call(&long).to_string();
            assert!(
                refused.starts_with("-ERR wrong number of arguments for '"),
                "{long}: {refused}"
            );
        }
    }
}

#[test]
fn the_queue_names_are_the_keys() {
    let server = Server::start();
    let mut client = server.client();
    for (words, keys) in [
        ("TASK.SCHEDULE mail x", "['mail']"),
        ("TASK.MSCHEDULE mail 2 x y", "['mail']"),
        ("TASK.CLAIM mail w COUNT 3", "['mail']"),
        ("TASK.MCLAIM 3 a b c w COUNT 3", "['a', 'b', 'c']"),
        ("TASK.ACK mail id 5", "['mail']"),
        ("TASK.MACK mail 1 id 5", "['mail']"),
        ("TASK.CONFIG GET mail", "['mail']"),
        ("TASK.CONFIG SET mail lease 5", "['mail']"),
        ("TASK.STATS mail", "['mail']"),
        ("TASK.DROP mail", "['mail']"),
        ("TASK.LIST mail ready", "['mail']"),
    ] {
        assert_eq!(client.call(&format!("COMMAND GETKEYS {words}")), keys, "{words}");
    }
    assert!(client.call("COMMAND GETKEYS TASK.QUEUES").is_error());
    for (name, ..) in COMMANDS
        .iter()
        .filter(|(name, ..)| !["task.help", "task.queues", "task.mclaim"].contains(name))
    {
        let first = if name.contains('|') { 2 } else { 1 };
        assert_eq!(info(&mut client, name).item(3).int(), first, "{name}");
    }
}

#[test]
fn every_command_is_documented() {
    let server = Server::start();
    let mut client = server.client();
    for (name, ..) in COMMANDS {
        let docs = client.must(&format!("COMMAND DOCS {name}"));
        let Value::Map(docs) = docs else { panic!("{docs}") };
        let docs = &docs[0].1;
        for field in ["summary", "since", "complexity"] {
            assert!(!docs.field(field).text().is_empty(), "{name} {field}");
        }
        if !["task.help"].contains(name) {
            assert!(!docs.field("arguments").items().is_empty(), "{name}");
        }
    }
    let docs = client.must("COMMAND DOCS task.claim").to_string();
    for token in ["COUNT", "LEASE", "BLOCK", "BIND", "FULL"] {
        assert!(docs.contains(&format!("token: '{token}'")), "{token} in {docs}");
    }
}

#[test]
fn help_has_a_line_for_each_command() {
    let server = Server::start();
    let help = server.client().call("TASK.HELP").to_string();
    for (name, ..) in COMMANDS {
        let name = name.to_uppercase().replace('|', " ");
        assert!(help.contains(&name), "{name} in {help}");
    }
    assert!(!help.contains("STEWARD.APPLY"));
}

#[test]
fn info_has_the_fields_of_the_contract() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x");
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q {id} {token} DEAD"));
    client.schedule("q y");
    for (field, value) in [
        ("ready_total", "1"),
        ("dead_total", "1"),
        ("lost_total", "0"),
        ("waiting_clients", "0"),
        ("skipped_foreign", "0"),
        ("eviction_unsafe", "0"),
        ("timer_backlog", "0"),
    ] {
        assert_eq!(client.info(&format!("steward_{field}")), value, "{field}");
    }
    for field in ["timer_late_ms_p99", "oldest_ready_ms", "stalls", "since"] {
        assert_ne!(client.info(&format!("steward_{field}")), "", "{field}");
    }
    assert!(client.call("INFO steward").text().contains("steward_ready_total:1"));
}
