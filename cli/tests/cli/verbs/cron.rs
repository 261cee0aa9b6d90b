//! `steward cron`.

mod mistakes;

use std::path::PathBuf;

use super::objects;
use crate::support::{Server, Stage, steward, told};

const FILE: &str = r#"
owner = "billing"
queue = "mail"
tz = "Europe/Paris"

[task.digest]
cron = "0 9 * * MON-FRI"
payload = "the week"
attempts = 3
misfire = "skip"
overlap = "skip"

[task.sweep]
every = "5m"
queue = "chores"
kind = "sweep"
"#;

struct Deploy {
    server: Server,
    stage: Stage,
}

impl Deploy {
    fn new() -> Deploy {
        Deploy {
            server: Server::start(),
            stage: Stage::new(),
        }
    }

    fn file(&self, text: &str) -> PathBuf {
        std::fs::write(self.stage.file("tasks.toml"), text).unwrap();
        self.stage.file("tasks.toml")
    }

    /// `steward cron apply` of this text.
    fn apply(&self, text: &str, options: &[&str]) -> (i32, String, String) {
        let file = self.file(text);
        self.server
            .run(&[&["cron", "apply", file.to_str().unwrap()], options].concat())
    }

    fn names(&self) -> Vec<String> {
        let tasks = objects(&self.server, &["cron", "ls"]);
        tasks
            .iter()
            .map(|task| task["name"].as_str().unwrap().to_string())
            .collect()
    }
}

fn done(text: &str) -> (i32, String, String) {
    (0, text.into(), String::new())
}

#[test]
fn a_file_is_applied_and_then_there_is_no_difference() {
    let deploy = Deploy::new();
    let shown = "+ chores/sweep  EVERY 300000\n+ mail/digest  CRON 0 9 * * MON-FRI TZ Europe/Paris";
    assert_eq!(deploy.apply(FILE, &["--dry-run"]), (2, shown.into(), String::new()));
    assert_eq!(deploy.server.call::<Vec<String>>("KEYS *"), Vec::<String>::new());
    assert_eq!(deploy.apply(FILE, &[]), done(shown));
    assert_eq!(deploy.apply(FILE, &[]), done(""));
    assert_eq!(deploy.apply(FILE, &["--dry-run", "--prune"]), done(""));
    let digest = &objects(&deploy.server, &["cron", "ls", "mail"])[0];
    for (name, value) in [
        ("owner", "\"billing\""),
        ("misfire", "\"SKIP\""),
        ("overlap", "\"SKIP\""),
        ("payload", "\"the week\""),
        ("options", r#"["ATTEMPTS","3"]"#),
    ] {
        assert_eq!(digest[name].to_string(), value);
    }

    let changed = FILE
        .replace("attempts = 3", "attempts = 5")
        .replace("\"5m\"", "\"10m\"");
    let shown =
        "~ chores/sweep\n    rule: EVERY 300000 -> EVERY 600000\n~ mail/digest\n    options: ATTEMPTS 3 -> ATTEMPTS 5";
    assert_eq!(deploy.apply(&changed, &["--dry-run"]), (2, shown.into(), String::new()));
    let (_, json, _) = deploy.apply(&changed, &["-o", "json"]);
    let change: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&change["change"], &change["fields"]["options"][1]),
        (&"change".into(), &"ATTEMPTS 5".into())
    );
    assert_eq!(deploy.apply(&changed, &["--dry-run"]), done(""));
}

#[test]
fn every_option_is_the_one_that_the_server_shows() {
    let deploy = Deploy::new();
    let all = r#"
        owner = "o"
        [task.all]
        queue = "mail"
        cron = "0  9 * *  MON"
        tz = "europe/paris"
        start = 2036-01-01T00:00:00Z
        end = "2037-01-01 00:00"
        limit = 7
        payload = "é\u001b\n"
        misfire = "all"
        within = "1h"
        overlap = "skip"
        kind = "k"
        priority = 2
        attempts = 3
        backoff = "exponential 1s max 1h jitter 20"
        lease = "2m"
        expire = "1d"
        retain = "7d"
        group = "g"
        to = "w1"
        now = true
        reply = "{mail}r"
        on-dead = true
    "#;
    let (code, out, error) = deploy.apply(all, &[]);
    assert_eq!((code, &error[..]), (0, ""), "{out}");
    assert_eq!(deploy.apply(all, &["--dry-run"]), done(""));
    for line in [
        "start = ",
        "end = ",
        "limit = ",
        "misfire = ",
        "overlap = ",
        "kind = ",
        "now = ",
        "on-dead = ",
        "payload = ",
        "within = ",
    ] {
        let without: String = all
            .lines()
            .filter(|text| !text.trim().starts_with(line))
            .map(|text| format!("{text}\n"))
            .collect();
        let (code, out, _) = deploy.apply(&without, &["--dry-run"]);
        assert_eq!((code, out.starts_with("~ mail/all\n")), (2, true), "{line}: {out}");
        assert!(!out.contains('\u{1b}'));
    }
}

#[test]
fn only_what_is_its_own_is_pruned_and_much_of_it_only_when_that_is_meant() {
    let deploy = Deploy::new();
    let of = |owner: &str, names: &[&str]| {
        let tasks: String = names
            .iter()
            .map(|name| format!("[task.{name}]\nqueue = \"q{name}\"\nevery = \"1h\"\n"))
            .collect();
        format!("owner = \"{owner}\"\n{tasks}")
    };
    assert_eq!(deploy.apply(&of("a", &["a1", "a2", "a3", "a4"]), &[]).0, 0);
    assert_eq!(deploy.apply(&of("b", &["b1"]), &[]).0, 0);
    let (code, out, error) = deploy.apply(&of("a", &["a1", "a2", "a3"]), &[]);
    assert_eq!((code, &out[..]), (0, ""));
    assert_eq!(
        error,
        "steward: 1 more of this owner are not in the file: --prune removes them"
    );
    assert_eq!(
        deploy.apply(&of("a", &["a1", "a2", "a3"]), &["--prune"]),
        done("- qa4/a4  EVERY 3600000")
    );

    for few in [&["a1"][..], &[]] {
        let (code, out, error) = deploy.apply(&of("a", few), &["--prune"]);
        assert_eq!((code, out.lines().count()), (64, 3 - few.len()));
        assert!(
            error.contains("would remove") && error.contains("of the 3 recurring tasks"),
            "{error}"
        );
    }
    assert_eq!(deploy.apply(&of("a", &["a1"]), &["--prune", "--yes"]).0, 0);
    let mut names = deploy.names();
    names.sort();
    assert_eq!(names, ["a1", "b1"]);
    let (code, _, error) = deploy.apply("[task.x]\nqueue = \"q\"\nevery = \"1h\"", &["--prune"]);
    assert_eq!((code, error.contains("owner")), (64, true), "{error}");
    // One that moves to another queue is removed from the first.
    let moved = of("b", &["b1"]).replace("qb1", "other");
    let (_, out, _) = deploy.apply(&moved, &["--prune", "--yes"]);
    assert_eq!(out, "+ other/b1  EVERY 3600000\n- qb1/b1  EVERY 3600000");
}

#[test]
fn the_next_times_are_those_of_the_server() {
    let deploy = Deploy::new();
    let text = r#"
        queue = "mail"
        tz = "Europe/Paris"
        [task.gap]
        cron = "30 2 * * *"
        start = 2036-03-29T00:00:00Z
        [task.end]
        every = "1h"
        start = 2036-01-01T00:00:00Z
        end = 2036-01-01T02:00:00Z
        [task.twice]
        cron = "30 2 * * *"
        start = 2036-10-25T12:00:00Z
    "#;
    let file = deploy.file(text);
    let next = || {
        let mut command = steward(&["cron", "next", file.to_str().unwrap(), "-n", "3"]);
        told(
            &command
                .env("REDIS_URL", deploy.server.url())
                .env("TZ", "UTC")
                .output()
                .unwrap(),
        )
    };
    let (code, out, error) = next();
    assert_eq!((code, &error[..]), (0, ""));
    let dues: Vec<&str> = out.lines().skip(1).map(|line| &line[line.len() - 23..]).collect();
    // At half past two on 30 March 2036 the clocks of Paris are set forward.
    let gap = [
        "2036-03-29 01:30:00 UTC",
        "2036-03-30 01:00:00 UTC",
        "2036-03-31 00:30:00 UTC",
    ];
    let end = [
        "2036-01-01 00:00:00 UTC",
        "2036-01-01 01:00:00 UTC",
        "2036-01-01 02:00:00 UTC",
    ];
    // At that time on 26 October they are set back: it is half past two twice.
    let twice = [
        "2036-10-26 00:30:00 UTC",
        "2036-10-27 01:30:00 UTC",
        "2036-10-28 01:30:00 UTC",
    ];
    assert_eq!(dues, [end, gap, twice].concat());
    assert_eq!(deploy.server.call::<Vec<String>>("KEYS *"), Vec::<String>::new());
    assert_eq!(deploy.apply(text, &[]).0, 0);
    assert_eq!(next().1, out);
    for task in objects(&deploy.server, &["cron", "ls"]) {
        assert!(out.contains(task["name"].as_str().unwrap()));
    }
}

#[test]
fn one_is_made_now() {
    let deploy = Deploy::new();
    assert_eq!(deploy.apply(FILE, &[]).0, 0);
    let (code, id, error) = deploy.server.run(&["cron", "run", "digest"]);
    assert_eq!((code, id.starts_with("digest:"), &error[..]), (0, true, ""));
    assert_eq!(
        deploy.server.run(&["show", "mail", &id, "--field", "payload"]).1,
        "the week"
    );
    let said = (
        1,
        String::new(),
        "steward: no queue has a recurring task nothing".to_string(),
    );
    assert_eq!(deploy.server.run(&["cron", "run", "nothing"]), said);
    assert_eq!(deploy.server.run(&["cron", "run", "digest", "--queue", "chores"]).0, 1);
    let twice = FILE.replace("[task.sweep]", "[task.digest2]") + "\n";
    assert_eq!(
        deploy
            .apply(&twice.replace("digest2", "sweep").replace("chores", "more"), &[])
            .0,
        0
    );
    let (code, _, error) = deploy.server.run(&["cron", "run", "sweep"]);
    assert_eq!((code, error.contains("--queue")), (64, true), "{error}");
}

#[test]
fn one_that_changes_hands_is_told() {
    let deploy = Deploy::new();
    let of = |owner: &str| format!("owner = \"{owner}\"\n[task.x]\nqueue = \"q\"\nevery = \"1h\"\n");
    assert_eq!(deploy.apply(&of("a"), &[]).0, 0);
    assert_eq!(deploy.apply(&of("b"), &[]), done("~ q/x\n    owner: a -> b"));
    // The first one, which still has it in its file, takes it back; and what it has no more is not its own.
    assert_eq!(deploy.apply("owner = \"a\"", &["--prune"]).1, "");
    assert_eq!(deploy.apply(&of("a"), &[]), done("~ q/x\n    owner: b -> a"));
    assert_eq!(
        deploy.apply("[task.x]\nqueue = \"q\"\nevery = \"1h\"\n", &[]),
        done("~ q/x\n    owner: a -> -")
    );
    for (words, lines) in [(&["cron", "ls", "--owner", "a"][..], 0), (&["cron", "ls", "q"], 2)] {
        assert_eq!(deploy.server.run(words).1.lines().count(), lines, "{words:?}");
    }
}

#[test]
fn pruning_may_be_refused_in_a_terminal() {
    let deploy = Deploy::new();
    assert_eq!(deploy.apply(FILE, &[]).0, 0);
    let file = deploy.file("owner = \"billing\"");
    let terminal = crate::support::Terminal::start(&deploy.server, 100, 12);
    terminal.enter(&format!("steward cron apply {} --prune; echo code=$?", file.display()));
    terminal.wait_for("remove 2 of the 2 recurring tasks of this owner? [y/N]");
    assert!(
        terminal
            .screen()
            .contains("- chores/sweep  EVERY 300000\n- mail/digest  CRON 0 9 ")
    );
    terminal.enter("n");
    terminal.wait_for("code=1");
    assert_eq!(deploy.names().len(), 2);
}
