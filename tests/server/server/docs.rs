//! What the server reports about our commands: COMMAND DOCS, INFO, GETKEYS, arity, HELP.

use crate::support::{Server, Value};

/// Every command: name, arity as Redis counts it, flags.
const COMMANDS: &[(&str, i64, &str)] = &[
    ("hb.beat", -3, "write"),
    ("hb.campaign", -4, "write blocking"),
    ("hb.check", 3, "write"),
    ("hb.fenced", -4, "write"),
    ("hb.help", 1, "readonly"),
    ("hb.leader", 2, "readonly"),
    ("hb.resign", -4, "write"),
    ("hb.signal", 4, "write"),
    ("hb.withdraw", 4, "write"),
    ("pid.await", -4, "readonly blocking"),
    ("pid.deregister", -5, "write"),
    ("pid.drop", -2, "write"),
    ("pid.evict", -3, "write"),
    ("pid.get", -3, "readonly"),
    ("pid.help", 1, "readonly"),
    ("pid.list", -2, "readonly"),
    ("pid.register", -4, "write blocking"),
    ("pid.services", -1, "readonly"),
    ("task.ack", -4, "write blocking"),
    ("task.bury", -3, "write"),
    ("task.cancel", -3, "write"),
    ("task.cancelall", -3, "write"),
    ("task.claim", -3, "write blocking"),
    ("task.config|get", -3, "readonly"),
    ("task.config|help", 2, "readonly"),
    ("task.config|set", -5, "write"),
    ("task.drop", -2, "write"),
    ("task.edit", -5, "write denyoom"),
    ("task.explain", -2, "readonly"),
    ("task.extend", -4, "write"),
    ("task.fail", -4, "write"),
    ("task.get", 3, "readonly"),
    ("task.help", 1, "readonly"),
    ("task.history", -2, "readonly"),
    ("task.list", -3, "readonly"),
    ("task.mack", -5, "write"),
    ("task.mclaim", -4, "write blocking"),
    ("task.mextend", -5, "write"),
    ("task.mfail", -5, "write"),
    ("task.mrelease", -5, "write"),
    ("task.mresult", -4, "readonly blocking"),
    ("task.mschedule", -4, "write"),
    ("task.pause", -2, "write"),
    ("task.purge", -3, "write"),
    ("task.queues", -1, "readonly"),
    ("task.release", -4, "write"),
    ("task.repeat", -6, "write denyoom"),
    ("task.repeats", -2, "readonly"),
    ("task.reschedule", -3, "write"),
    ("task.result", -3, "readonly blocking"),
    ("task.resume", 2, "write"),
    ("task.retry", -3, "write"),
    ("task.retryall", -2, "write"),
    ("task.schedule", -3, "write"),
    ("task.stats", -2, "readonly"),
    ("task.trigger", 3, "write denyoom"),
    ("task.unclaim", -3, "write"),
    ("task.unrepeat", 3, "write"),
    ("task.workers", -2, "readonly"),
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
    let mut listed: Vec<String> = listed.items().iter().map(Value::text).collect();
    // A debug build has the contract test of the port as a command.
    listed.retain(|name| name != "steward.contract");
    listed.sort();
    let mut expected: Vec<&str> = COMMANDS.iter().map(|(name, ..)| *name).collect();
    expected.extend(["steward", "task.config"]);
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
        let shown: Vec<String> = info.item(2).items().iter().map(Value::text).collect();
        for flag in ["write", "readonly", "denyoom", "blocking"] {
            let declared = flags.split(' ').any(|declared| declared == flag);
            assert_eq!(
                shown.iter().any(|shown| shown == flag),
                declared,
                "{name} {flag}: {shown:?}"
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
fn the_names_are_the_keys() {
    let server = Server::start();
    let mut client = server.client();
    for (words, keys) in [
        ("TASK.SCHEDULE mail x", "['mail']"),
        ("TASK.MSCHEDULE mail 2 x y", "['mail']"),
        ("TASK.CLAIM mail w COUNT 3", "['mail']"),
        ("TASK.MCLAIM 3 a b c w COUNT 3", "['a', 'b', 'c']"),
        ("TASK.ACK mail id 5", "['mail']"),
        ("TASK.MACK mail 1 id 5", "['mail']"),
        ("TASK.MFAIL mail 1 id 5", "['mail']"),
        ("TASK.EDIT mail id PAYLOAD x", "['mail']"),
        ("TASK.CONFIG GET mail", "['mail']"),
        ("TASK.CONFIG SET mail lease 5", "['mail']"),
        ("TASK.STATS mail", "['mail']"),
        ("TASK.DROP mail", "['mail']"),
        ("TASK.LIST mail ready", "['mail']"),
        ("TASK.RESULT mail a", "['mail']"),
        ("TASK.MRESULT mail 1 a", "['mail']"),
        ("TASK.REPEAT mail n x EVERY 5", "['mail']"),
        ("TASK.UNREPEAT mail n", "['mail']"),
        ("TASK.REPEATS mail", "['mail']"),
        ("PID.REGISTER mail m 1 META 1 f v", "['mail']"),
        ("HB.SIGNAL mail m stop", "['mail']"),
        ("HB.FENCED mail 5 SET other x", "['mail']"),
    ] {
        assert_eq!(client.call(&format!("COMMAND GETKEYS {words}")), keys, "{words}");
    }
    assert!(client.call("COMMAND GETKEYS TASK.QUEUES").is_error());
    assert!(client.call("COMMAND GETKEYS PID.SERVICES").is_error());
    let none_first = ["task.queues", "task.mclaim", "pid.services"];
    for (name, ..) in COMMANDS
        .iter()
        .filter(|(name, ..)| !name.ends_with("help") && !none_first.contains(name))
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
        if !name.ends_with("help") {
            assert!(!docs.field("arguments").items().is_empty(), "{name}");
        }
    }
    for (name, tokens) in [
        ("task.claim", "COUNT LEASE BLOCK BIND FULL MEMBER"),
        (
            "pid.register",
            "HOST START BOOT TTL BIND GRACE EXCLUSIVE BLOCK TOKEN META",
        ),
        ("pid.deregister", "TOKEN PID"),
        ("hb.beat", "TOKEN TTL STATUS BIND GRACE CAMPAIGN PRIORITY"),
    ] {
        let docs = client.must(&format!("COMMAND DOCS {name}")).to_string();
        for token in tokens.split(' ') {
            assert!(docs.contains(&format!("token: '{token}'")), "{token} in {docs}");
        }
    }
}

/// The usage of an argument according to COMMAND DOCS.
fn usage(arg: &Value) -> String {
    let text = |field: &str| match arg {
        Value::Map(fields) => {
            let found = fields.iter().find(|(name, _)| name.text() == field);
            found.map(|(_, value)| value.clone())
        }
        _ => panic!("a map: {arg}"),
    };
    let kind = text("type").unwrap().text();
    let parts = |between: &str| {
        let inner: Vec<String> = text("arguments").unwrap().items().iter().map(usage).collect();
        inner.join(between)
    };
    let inner = match kind.as_str() {
        "block" => parts(" "),
        "oneof" => parts("|"),
        "pure-token" => String::new(),
        _ => text("name").unwrap().text(),
    };
    let token = text("token").map(|token| token.text()).unwrap_or_default();
    let mut usage = format!("{token} {inner}").trim().to_string();
    let flags = text("flags").map(|flags| flags.to_string()).unwrap_or_default();
    if flags.contains("multiple") {
        usage.push_str(" ...");
    }
    if flags.contains("optional") {
        usage = format!("[{usage}]");
    }
    usage
}

#[test]
fn the_arguments_are_documented_as_they_are() {
    let server = Server::start();
    let mut client = server.client();
    for (name, expected) in [
        (
            "pid.register",
            "service member pid [HOST host] [START start] [BOOT boot] [TTL ms] [BIND [GRACE ms]] \
             [EXCLUSIVE [BLOCK ms]] [TOKEN token] [META numfields field value ...]",
        ),
        ("pid.deregister", "service member TOKEN token|PID pid"),
        ("pid.await", "service member UP|DOWN [BLOCK ms]"),
        ("pid.get", "service member [field ...]"),
        (
            "hb.beat",
            "service member [TOKEN token] [TTL ms] [STATUS text] [BIND [GRACE ms]] [CAMPAIGN [PRIORITY n]]",
        ),
        ("hb.fenced", "service epoch command [arg ...]"),
        ("task.mack", "queue numtasks id token ..."),
        (
            "task.claim",
            "queue worker [COUNT n] [LEASE ms|MEMBER] [BLOCK ms] [BIND] [FULL]",
        ),
    ] {
        let docs = client.must(&format!("COMMAND DOCS {name}"));
        let Value::Map(docs) = docs else { panic!("{docs}") };
        let args = docs[0].1.field("arguments");
        let usages: Vec<String> = args.items().iter().map(usage).collect();
        assert_eq!(usages.join(" "), expected, "{name}");
    }
    let docs = client.must("COMMAND DOCS task.config").to_string();
    assert!(
        docs.contains("settings of a queue") && docs.contains("group: 'module'"),
        "{docs}"
    );
}

#[test]
fn arguments_have_a_summary() {
    let server = Server::start();
    let mut client = server.client();
    for (name, argument, summary) in [
        ("task.claim", "bind", "the claims are lost when the connection closes"),
        (
            "task.schedule",
            "unique",
            "refused while another task holds this key, until that task ends",
        ),
        ("pid.evict", "service", "the service"),
    ] {
        let docs = client.must(&format!("COMMAND DOCS {name}")).to_string();
        assert!(docs.contains(&format!("name: '{argument}'")), "{docs}");
        assert!(docs.contains(&format!("summary: '{summary}'")), "{docs}");
    }
}

#[test]
fn help_has_a_line_for_each_command() {
    let server = Server::start();
    let mut client = server.client();
    for family in ["TASK", "PID", "HB"] {
        let help = client.call(&format!("{family}.HELP")).to_string();
        for (name, ..) in COMMANDS {
            let name = name.to_uppercase().replace('|', " ");
            let is_of_it = name.starts_with(&format!("{family}."));
            assert_eq!(help.contains(&name), is_of_it, "{name} in {help}");
        }
        assert!(!help.contains("STEWARD.APPLY"));
    }
    let help = client.call("TASK.CONFIG HELP").to_string();
    for (command, is_of_it) in [("GET", true), ("SET", true), ("HELP", true), ("DROP", false)] {
        assert_eq!(help.contains(&format!(" {command}")), is_of_it, "{help}");
    }
}

#[test]
fn info_has_the_fields_of_the_contract() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x");
    let (id, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q {id} {token} DEAD"));
    client.schedule("q y");
    client.must("PID.REGISTER s a 1 EXCLUSIVE");
    client.must("PID.REGISTER s b 2");
    client.must("PID.REGISTER empty c 3");
    client.must("PID.EVICT empty c");
    for (field, value) in [
        ("ready_tasks", "1"),
        ("dead_total", "1"),
        ("lost_total", "0"),
        ("waiting_clients", "0"),
        ("skipped_foreign_total", "0"),
        ("eviction_unsafe", "0"),
        ("timer_backlog", "0"),
        ("services", "2"),
        ("members", "2"),
        ("leaders", "1"),
        ("reclaiming_services", "0"),
        ("members_lost_total", "1"),
    ] {
        assert_eq!(client.info(&format!("steward_{field}")), value, "{field}");
    }
    for field in ["late_p99_ms", "oldest_ready_ms", "stalls_total", "since_at"] {
        assert_ne!(client.info(&format!("steward_{field}")), "", "{field}");
    }
    let zones = client.info("steward_time_zones");
    assert!(zones.starts_with("20") && zones.len() == 5, "{zones}");
    assert!(client.call("INFO steward").text().contains("steward_ready_tasks:1"));
}
