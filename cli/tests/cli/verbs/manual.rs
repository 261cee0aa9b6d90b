//! The sessions in the manual, as they stand there.

use std::process::Command;

use crate::manual::{alike, blocks_of};
use crate::support::{Server, Stage, in_shell};

/// Numbers, durations and the width of columns differ.
fn bare(text: &str) -> String {
    let units = ["#d", "#h", "#ms", "#m", "#s"];
    let word = |word: &str| {
        let left = units.iter().fold(word.to_string(), |left, unit| left.replace(unit, ""));
        if left.is_empty() {
            "#ms".into()
        } else {
            word.to_string()
        }
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    alike(text).lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Each command of a session, and what is shown beneath it.
pub(crate) fn steps(session: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = session.split("$ ").skip(1);
    parts.map(|part| part.split_once('\n').unwrap_or((part, "")))
}

/// Types a command, and compares what it prints with what is shown.
#[track_caller]
pub(crate) fn enter(command: &str, shown: &str, shell: impl Fn(&str) -> Command) {
    let output = shell(&format!("{{ {command}; }} 2>&1")).env("TZ", "UTC").output();
    let out = String::from_utf8(output.unwrap().stdout).unwrap();
    // A machine that is busy stalls any server.
    let out: String = out
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("note      stalls"))
        .collect();
    assert_eq!(bare(out.trim_end()), bare(shown.trim_end()), "{command}\n{out}");
}

/// Runs the sessions of a page, one after the other, in one folder.
#[track_caller]
fn run(page: &str, stage: &Stage, server: &Server) {
    let sessions = blocks_of(page, "console");
    assert!(!sessions.is_empty());
    for (command, shown) in sessions.iter().flat_map(|session| steps(session)) {
        enter(command, shown, |line| in_shell(line, server, stage));
    }
}

#[test]
fn the_sessions_are_as_they_are_shown() {
    run("steward-verbs.md", &Stage::new(), &Server::start());
}

#[test]
fn recurring_tasks_are_those_of_the_file() {
    let stage = Stage::new();
    let [file] = &blocks_of("steward-cron.md", "toml")[..] else {
        panic!("one file")
    };
    std::fs::write(stage.file("billing.toml"), file).unwrap();
    run("steward-cron.md", &stage, &Server::start());
}

#[test]
fn a_diagnosis_is_as_it_is_shown() {
    let server = Server::with("appendonly yes\nappendfsync always");
    run("steward-doctor.md", &Stage::new(), &server);
}

#[test]
fn metrics_are_as_they_are_shown() {
    run("steward-metrics.md", &Stage::new(), &Server::start());
}
