//! Runs what docs/recipes.md shows: each recipe by hand, with what goes wrong, and with steward.

mod nodes;
mod process_id;
mod standby;
mod task_manager;
mod timed;

use std::fs;
use std::process::Stdio;

use crate::support::{Client, Document, Folder, Process, Server, Value};

/// The two halves of a recipe: by hand, with steward.
#[track_caller]
fn recipe(heading: &str) -> [Document; 2] {
    let recipe = Document::read("docs/recipes.md").part(heading);
    let headings = recipe.headings(3);
    assert_eq!(headings.len(), 2, "{heading}");
    assert!(headings[0].ends_with(", by hand") && headings[1].ends_with(", with steward"));
    [recipe.part(headings[0]), recipe.part(headings[1])]
}

/// A folder with the programs of a half, with short sleeps and the host named by $ON.
#[track_caller]
fn folder(server: &Server, half: &Document) -> Folder {
    let folder = Folder::new(server);
    for program in half.blocks("sh") {
        let about = program.lines().nth(1).and_then(|line| line.strip_prefix("# "));
        let name = about.and_then(|about| about.split([' ', ':']).next());
        folder.add(name.expect("a program that says its name"), &program);
    }
    folder.add("sleep", "#!/bin/sh\nPATH=${PATH#*:} exec sleep 0.2\n");
    folder.add("uname", "#!/bin/sh\necho \"${ON:-a3}\"\n");
    folder
}

/// Starts a program of the folder, without its error output.
#[track_caller]
fn spawn(folder: &Folder, words: &[&str], variable: (&str, &str)) -> Process {
    Process::spawn(folder.program(words, variable).stderr(Stdio::null()))
}

/// The lines of a stand-in for work: on the host, or as the worker, of that name it takes as long as a file exists, and
/// another file says that it has begun.
const HELD: &str = "while [ -e \"hold-$ON$IS\" ]; do touch \"held-$ON$IS\"; sleep 1; done\n";

fn hold(folder: &Folder, name: &str) {
    fs::write(folder.path().join(format!("hold-{name}")), "").unwrap();
}

fn is_held(folder: &Folder, name: &str) -> bool {
    folder.path().join(format!("held-{name}")).exists()
}

fn let_go(folder: &Folder, name: &str) {
    fs::remove_file(folder.path().join(format!("hold-{name}"))).unwrap();
}

/// How often a line is in a file of the folder.
fn times(folder: &Folder, file: &str, line: &str) -> usize {
    folder.lines(file).iter().filter(|found| *found == line).count()
}

/// The items of a list.
#[track_caller]
fn list(client: &mut Client, key: &str) -> Vec<String> {
    let items = client.must(&format!("LRANGE {key} 0 -1"));
    items.items().iter().map(Value::text).collect()
}

#[test]
fn each_is_there_by_hand_and_with_steward() {
    let recipes = Document::read("docs/recipes.md");
    let headings = recipes.headings(2);
    let ours = [
        process_id::RECIPE,
        standby::RECIPE,
        task_manager::RECIPE,
        nodes::RECIPE,
        timed::RECIPE,
    ];
    assert_eq!(headings, ours);
}
