//! The verbs, in pipes and in a terminal.

mod bulk;
mod cron;
mod doctor;
mod history;
mod listing;
pub(crate) mod manual;
mod metrics;
mod put;
mod running;
mod settings;

use serde_json::Value;

use crate::support::Server;

/// The objects that `steward -o json` prints, one a line.
#[track_caller]
fn objects(server: &Server, words: &[&str]) -> Vec<Value> {
    let (code, out, error) = server.run(&[&["-o", "json"], words].concat());
    assert_eq!((code, &error[..]), (0, ""), "{words:?}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A field of a task.
#[track_caller]
fn field(server: &Server, id: &str, name: &str) -> String {
    let (code, out, error) = server.run(&["show", "mail", id, "--field", name]);
    assert_eq!((code, &error[..]), (0, ""), "{id} {name}");
    out
}
