//! `steward metrics`, the alerts and the dashboard.

mod serving;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{Server, steward, told, wait_until};

fn contrib(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contrib").join(file)
}

/// What `promtool` says to this on its standard input.
fn promtool(words: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new("promtool");
    command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool: run scripts/deps --dev");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    told(&child.wait_with_output().unwrap())
}

/// A server with a queue of every kind of number.
fn used() -> Server {
    let server = Server::start();
    for words in [
        &["put", "mail", "x", "--id", "a", "--kind", "send"][..],
        &["put", "mail", "x", "--id", "b"],
        &["put", "mail", "x", "--id", "c", "--attempts", "1"],
        &["put", "{\"odd\"}\\q", "x", "--in", "1h"],
    ] {
        assert_eq!(server.run(words).0, 0, "{words:?}");
    }
    for end in ["ACK", "ACK", "FAIL"] {
        let claim: Vec<Vec<Option<String>>> = server.call("TASK.CLAIM mail w1");
        let (id, token) = (claim[0][1].clone().unwrap(), claim[0][3].clone().unwrap());
        let _: redis::Value = server.call(&format!("TASK.{end} mail {id} {token}"));
    }
    assert_eq!(server.run(&["put", "news", "x", "--in", "1ms"]).0, 0);
    wait_until("it is due", || {
        server.run(&["ls", "news", "ready"]).1.lines().count() == 2
    });
    let _: redis::Value = server.call("PID.REGISTER app m1 1 TTL 60000 EXCLUSIVE");
    let _: redis::Value = server.call("PID.REGISTER app m2 2 TTL 60000");
    server
}

fn once(server: &Server, format: &str) -> String {
    let (code, out, error) = server.run(&["metrics", "--once", "--format", format]);
    assert_eq!((code, &error[..]), (0, ""));
    out + "\n"
}

#[test]
fn names_of_queues_break_nothing() {
    let server = Server::start();
    for name in [
        "a\"b",
        "back\\slash",
        "\\n",
        "ü漢",
        "ls\u{2028}",
        "sp ace",
        "{tag}x",
        "other",
        "a,b=\"c\" 1",
    ] {
        assert_eq!(server.run(&["put", name, "x", "--kind", name]).0, 0, "{name}");
        let _: redis::Value = redis::cmd("TASK.CLAIM")
            .arg(&[name, "w1"])
            .query(&mut server.client())
            .unwrap();
    }
    let text = once(&server, "prometheus");
    assert_eq!(
        promtool(&["check", "metrics"], &text),
        (0, String::new(), String::new())
    );
    assert!(
        text.contains("steward_tasks_claimed_total{queue=\"a\\\"b\",kind=\"a\\\"b\"} 1\n"),
        "{text}"
    );
    assert_eq!(text.matches("\nsteward_queue_claimed_tasks{").count(), 9);
}

#[test]
fn they_are_printed_once_whatever_the_environment_says_of_the_address() {
    let server = Server::start();
    let mut command = steward(&["metrics", "--once"]);
    command
        .env("REDIS_URL", server.url())
        .env("STEWARD_LISTEN", "127.0.0.1:1");
    let (code, out, error) = told(&command.output().unwrap());
    assert_eq!((code, &error[..]), (0, ""));
    assert!(out.ends_with("steward_up 1\n# EOF"), "{out}");
}

/// The names of all families.
fn families(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_string()).collect()
}

#[test]
fn numbers_have_their_labels_and_units() {
    let text = once(&used(), "openmetrics");
    for line in [
        "steward_tasks_acked_total{queue=\"mail\",kind=\"send\"} 1",
        "steward_tasks_acked_total{queue=\"mail\",kind=\"\"} 1",
        "steward_tasks_failed_total{queue=\"mail\",kind=\"\"} 1",
        "steward_tasks_scheduled_total{queue=\"mail\"} 3",
        "steward_queue_dead_tasks{queue=\"mail\"} 1",
        "steward_queue_scheduled_tasks{queue=\"{\\\"odd\\\"}\\\\q\"} 1",
        "steward_service_members{service=\"app\"} 2",
        "steward_service_leaders{service=\"app\"} 1",
        "steward_up 1",
        "# UNIT steward_task_run_seconds seconds",
        "# TYPE steward_task_run_seconds summary",
        "# TYPE steward_tasks_acked counter",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    let run = text
        .lines()
        .find_map(|line| line.strip_prefix("steward_task_run_seconds{queue=\"mail\",quantile=\"0.99\"} "));
    assert!(run.unwrap().parse::<f64>().unwrap() < 60.0);
    // Each family has its help, type and unit before its samples, and there is one end.
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
    let mut family = String::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        match line.strip_prefix("# HELP ") {
            Some(help) => family = help.split(' ').next().unwrap().to_string(),
            None => assert!(
                line.trim_start_matches("# TYPE ")
                    .trim_start_matches("# UNIT ")
                    .starts_with(&family),
                "{line}"
            ),
        }
    }
}

#[test]
fn promtool_accepts_the_metrics_the_alerts_and_their_tests() {
    let text = once(&used(), "prometheus");
    assert_eq!(
        promtool(&["check", "metrics"], &text),
        (0, String::new(), String::new())
    );
    let rules = contrib("prometheus/steward.rules.yml");
    let (code, out, error) = promtool(&["check", "rules", rules.to_str().unwrap()], "");
    assert_eq!(code, 0, "{out}{error}");
    let tests = contrib("prometheus/steward.rules.test.yml");
    let (code, out, error) = promtool(&["test", "rules", tests.to_str().unwrap()], "");
    assert_eq!(code, 0, "{out}{error}");
    let (rules, tests) = (
        std::fs::read_to_string(rules).unwrap(),
        std::fs::read_to_string(tests).unwrap(),
    );
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        for case in ["fires", "is silent"] {
            assert!(tests.contains(&format!("- name: {alert} {case}\n")), "{alert} {case}");
        }
    }
}

#[test]
fn alerts_and_dashboard_use_only_what_is_served() {
    let served = families(&once(&used(), "prometheus"));
    let dashboard = std::fs::read_to_string(contrib("grafana/steward.json")).unwrap();
    let _: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let rules = std::fs::read_to_string(contrib("prometheus/steward.rules.yml")).unwrap();
    let mut used = 0;
    for text in [dashboard, rules] {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for name in words.filter(|word| word.starts_with("steward_")) {
            assert!(served.contains(name), "{name}");
            used += 1;
        }
    }
    assert!(used > 30);
}

#[test]
#[ignore = "a figure: what a scrape of a thousand queues costs the server, with ARGS=--release"]
fn a_scrape_of_a_thousand_queues_costs_the_server_little() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..1_000 {
        let _: redis::Value = redis::cmd("TASK.SCHEDULE")
            .arg(&[&format!("q{n}"), "x", "KIND", "k"])
            .query(&mut client)
            .unwrap();
    }
    let cost = |ask: &dyn Fn()| {
        let _: redis::Value = server.call("CONFIG RESETSTAT");
        ask();
        let stats: String = server.call("INFO commandstats");
        let all = stats.lines().filter(|line| !line.starts_with("cmdstat_config"));
        let of = |line: &str| line.split("usec=").nth(1)?.split(',').next()?.parse::<u64>().ok();
        all.filter_map(of).sum::<u64>()
    };
    // What others do at the same time only adds to it.
    let least = |ask: &dyn Fn()| (0..20).map(|_| cost(ask)).min().unwrap();
    let scrape = least(&|| {
        let text = once(&server, "openmetrics");
        assert_eq!(text.matches("steward_queue_ready_tasks{").count(), 1_000);
    });
    let each = least(&|| {
        let mut stats = redis::pipe();
        for n in 0..1_000 {
            stats.cmd("TASK.STATS").arg(format!("q{n}"));
        }
        let _: Vec<redis::Value> = stats.query(&mut server.client()).unwrap();
    });
    println!("a scrape of 1,000 queues: {scrape} us of the server; TASK.STATS of each: {each} us");
    assert!(scrape < each, "{scrape} us, {each} us");
}
