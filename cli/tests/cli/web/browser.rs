//! What a person sees in a real browser: `make test-web`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::Web;
use super::house::{Load, furnish};
use crate::support::{Server, Stage, told};

/// Runs browser.js against a furnished server.
#[track_caller]
fn run(words: &[&str]) {
    // Of two browsers at a time, one waited for a minute without asking anybody for anything.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start();
    let _house = furnish(&server);
    if words == ["all"] {
        more(&server);
    }
    let _loads = ["busy", "reports"].map(|queue| Load::on(&server, queue));
    let web = Web::start(&server, &[]);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Beside the programs that cargo has built, where scripts/deps --dev installs them.
    let target = Path::new(env!("CARGO_BIN_EXE_steward")).ancestors().nth(2).unwrap();
    let mut node = Command::new("node");
    node.arg(manifest.join("tests/cli/web/browser.js"))
        .arg(format!("http://{}", web.address))
        .args(words)
        .env("NODE_PATH", target.join("node/node_modules"));
    let (code, out, error) = told(&node.output().expect("node: scripts/deps --dev installs it"));
    assert_eq!(code, 0, "{out}\n{error}");
}

/// What pictures need not show: a payload that wants to run, and more tasks than one step changes.
fn more(server: &Server) {
    let script = "\nto:\t<script>alert(document.cookie)</script>\n<img src=x onerror=alert(document.cookie)>\n";
    let mut hostile = redis::cmd("TASK.SCHEDULE");
    hostile.arg(&["mail", script, "ID", "script", "DELAY", "3600000"]);
    let _: String = hostile.query(&mut server.client()).unwrap();
    for number in 0..4 {
        let _: String = server.call(&format!("TASK.SCHEDULE busy x ID spoilt-{number} USED 1 DEAD spoilt"));
    }
    for _ in 0..30 {
        let _: Vec<String> = server.call(&format!("TASK.MSCHEDULE many 1000 {}", vec!["x"; 1_000].join(" ")));
    }
}

#[test]
fn two_pages_are_shown_without_a_complaint() {
    run(&["smoke"]);
}

#[test]
#[ignore = "takes a minute: make test-web"]
fn all_pages_are_shown_live_and_accessible() {
    run(&["all"]);
}

#[test]
#[ignore = "writes the pictures of the manual: make screenshots"]
fn pictures_are_taken() {
    let stage = Stage::new();
    let directory = std::env::var_os("STEWARD_SCREENSHOTS").map_or(stage.file("pictures"), PathBuf::from);
    run(&["screenshots", directory.to_str().unwrap()]);
    let pictures: Vec<_> = std::fs::read_dir(&directory).unwrap().map(Result::unwrap).collect();
    assert!(!pictures.is_empty());
    for picture in pictures {
        assert!(picture.metadata().unwrap().len() < 150_000, "{picture:?}");
    }
}
