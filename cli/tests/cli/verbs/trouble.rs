//! What every verb says when the server is not there, or does not do it.

use crate::support::{Plain, Server, Stage, Standby, steward, told};

/// Those that change something, of the queue and the service `mail`.
const CHANGING: [&str; 13] = [
    "put mail x",
    "retry mail t",
    "cancel mail t",
    "bury mail t",
    "unclaim mail t",
    "purge mail t",
    "pause mail",
    "resume mail",
    "config mail lease=1m",
    "signal mail quiet m1",
    "cron run r --queue mail",
    "cron apply tasks.toml",
    "cron next tasks.toml",
];
/// Those that show something of it.
const SHOWING: [&str; 10] = [
    "ls mail ready",
    "show mail t",
    "config mail",
    "stats mail",
    "stats mail --kinds",
    "workers mail",
    "members mail",
    "events mail",
    "history mail",
    "explain mail",
];
/// Those that show something of all queues or services.
const OF_ALL: [&str; 6] = ["queues", "stats", "members", "leaders", "cron ls", "metrics --once"];

/// Runs each of these in a folder with a file for `cron`, and expects this code and one line on standard error, with this
/// in it, and nothing else.
#[track_caller]
fn all_say(url: &str, verbs: &[&str], code: i32, said: &str) {
    let stage = Stage::new();
    std::fs::write(stage.file("tasks.toml"), "queue = \"mail\"\n[task.r]\nevery = \"1h\"\n").unwrap();
    for verb in verbs {
        let words: Vec<&str> = verb.split(' ').collect();
        let mut command = steward(&words);
        command.current_dir(stage.file("")).env("REDIS_URL", url);
        let (found, out, error) = told(&command.output().unwrap());
        assert_eq!(
            (found, &out[..], error.lines().count()),
            (code, "", 1),
            "{verb}: {error}"
        );
        assert!(
            error.starts_with("steward: ") && error.contains(said),
            "{verb}: {error}"
        );
    }
}

#[test]
fn a_server_that_is_away_has_no_module_or_wants_another_password() {
    let all = [&CHANGING[..], &SHOWING, &OF_ALL].concat();
    all_say("redis://127.0.0.1:1", &all, 69, "check REDIS_URL or --url");
    all_say(&Plain::start().url(), &all, 69, "the module steward: load it");
    let server = Server::with("requirepass s3cret");
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
    all_say(&url("wrong"), &all, 78, "check the user and password");
    let _: redis::Value = redis::cmd("ACL")
        .arg(&["SETUSER", "nobody", "on", ">x", "allkeys", "-@all"])
        .query(&mut redis::Client::open(url("s3cret")).unwrap().get_connection().unwrap())
        .unwrap();
    let nobody = format!("redis://nobody:x@127.0.0.1:{}", server.port);
    all_say(&nobody, &all, 78, "NOPERM");
}

#[test]
fn a_node_of_a_cluster_that_has_others() {
    let nodes = Server::cluster();
    let slot: u16 = nodes[0].call("CLUSTER KEYSLOT mail");
    let other = &nodes[usize::from(slot <= 8191)];
    all_say(&other.url(), &CHANGING, 64, "use redis+cluster://");
    all_say(&other.url(), &SHOWING, 64, "use redis+cluster://");
}

#[test]
fn a_replica_shows_and_changes_nothing() {
    let server = Server::start();
    assert_eq!(server.run(&["put", "mail", "x", "--id", "t"]).0, 0);
    let _: redis::Value = server.call("TASK.REPEAT mail r x EVERY 60000");
    let standby = Standby::of(&server);
    let replica = &standby.server;
    crate::support::wait_until("the replica has it", || replica.run(&["show", "mail", "t"]).0 == 0);
    all_say(&replica.url(), &CHANGING, 69, "READONLY");
    for verb in SHOWING.iter().chain(&OF_ALL) {
        let words: Vec<&str> = verb.split(' ').collect();
        let (code, _, error) = replica.run(&words);
        assert_eq!((code, &error[..]), (0, ""), "{verb}");
    }
}

#[test]
fn a_name_that_is_none_and_numbers_out_of_range() {
    let server = Server::start();
    let long = "x".repeat(257);
    let with = |name: &str| {
        // Events are read from a key, and may have any name.
        let all = CHANGING.iter().chain(&SHOWING);
        let all = all.filter(|verb| !verb.contains("tasks.toml") && !verb.starts_with("events"));
        for verb in all {
            let words: Vec<&str> = verb
                .split(' ')
                .map(|word| if word == "mail" { name } else { word })
                .collect();
            let (code, out, error) = server.run(&words);
            assert_eq!((code, &out[..], error.lines().count()), (64, "", 1), "{verb}: {error}");
        }
    };
    with("");
    with(&long);
    let huge = usize::MAX.to_string();
    for words in [
        "ls mail ready -n -1",
        "ls mail",
        "ls mail Ready",
        "ls mail ready --kid x",
        "lst mail ready",
        "events mail -n x",
        "history mail --days 401",
        "history mail --hours 0",
        "put mail x --priority 10",
        "put mail x --attempts 0",
        "put mail x --lease 21d",
        "put mail x --in 200y",
        "pause mail --for 200y",
        "stats mail --watch=5",
        "stats --kinds",
        "config mail attempts=0",
        "config mail concurrency=-1",
        "metrics --listen nowhere",
    ] {
        let (code, out, error) = server.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!((code, &out[..], error.lines().count()), (64, "", 1), "{words}: {error}");
    }
    let (_, _, error) = server.run(&["ls", "mail", "Ready\u{1b}[2J\nx"]);
    assert!(!error.contains('\u{1b}') && error.lines().count() == 1, "{error}");
    let said = "invalid value 'Ready x' for '<STATE>' [possible values: scheduled, ready, blocked, claimed, done, dead]; tip: ";
    assert!(error.contains(said), "{error}");
    for words in ["ls mail ready -n", "events mail -n"] {
        let words: Vec<&str> = words.split(' ').chain([&huge[..]]).collect();
        assert_eq!(server.run(&words), (0, String::new(), String::new()), "{words:?}");
    }
}
