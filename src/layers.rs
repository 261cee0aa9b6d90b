//! Tests which module may import which, from the `use` lines of the source.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// A file of `src`, such as `task/mod.rs`, and its text.
type Files = BTreeMap<String, String>;

/// Only the edge may use Redis or read a clock.
#[test]
fn nothing_outside_the_edge_names_redis_or_a_clock() {
    let files = files();
    assert!(files.len() > 10);
    for (file, text) in files {
        if file.starts_with("redis/") || ["lib.rs", "layers.rs"].contains(&file.as_str()) {
            continue;
        }
        for word in ["redis_module", "SystemTime", "Instant::now", "crate::redis"] {
            assert!(!text.contains(word), "{file} names {word}");
        }
    }
}

/// Where a task is in its life is decided in one file; an index only says what stands where.
#[test]
fn only_the_lifecycle_assigns_a_state() {
    let mut assigned = 0;
    for (file, text) in files() {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        if file.starts_with("task/tests/") || !file.starts_with("task/") {
            continue;
        }
        let assigns = code.matches(".state = TaskState::").count();
        assert!(assigns == 0 || file == "task/lifecycle.rs", "{file} assigns a state");
        assigned += assigns;
        let calls = file.starts_with("task/index/") && code.contains("use crate::task::lifecycle");
        assert!(!calls, "{file} calls the lifecycle");
    }
    assert!(assigned > 3);
}

/// Files that import each other can only be understood together.
#[test]
fn no_files_import_each_other_in_a_circle() {
    let files = files();
    let imports: BTreeMap<&str, BTreeSet<&str>> = files
        .iter()
        .filter(|(file, _)| !is_test(file, &files))
        .map(|(file, text)| (file.as_str(), imports(file, text, &files)))
        .collect();
    // Each circle is reported once, from the first of its files.
    let circles = imports.keys().filter_map(|file| circle(file, &imports));
    let circles = circles.filter(|circle| circle.iter().min() == circle.first());
    let circles: Vec<String> = circles.map(|circle| circle.join(" -> ")).collect();
    assert!(circles.is_empty(), "files import each other:\n{}", circles.join("\n"));
}

/// Unwinding into the server would end it.
#[test]
fn every_callback_of_the_server_is_guarded_against_panics() {
    let mut callbacks = 0;
    for (file, text) in files() {
        for function in text.split("extern \"C\" fn ").skip(1) {
            let (name, body) = (
                function.split(['(', '<']).next().unwrap(),
                function.split("\n}\n").next().unwrap(),
            );
            let is_guarded = ["guard(", "change(", "reply::answer("]
                .iter()
                .any(|by| body.contains(by));
            assert!(is_guarded, "{name} in {file}");
            callbacks += 1;
        }
    }
    assert!(callbacks > 20, "{callbacks}");
}

fn files() -> Files {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Files::new();
    let mut paths = vec![src.clone()];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let file = path.strip_prefix(&src).unwrap().to_str().unwrap().to_string();
            files.insert(file, read_to_string(&path).unwrap());
        }
    }
    files
}

/// The module that a file defines: `task/mod.rs` is `["task"]`.
fn module(file: &str) -> Vec<&str> {
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if matches!(module.last(), Some(&"mod" | &"lib")) {
        module.pop();
    }
    module
}

/// The file that defines a module.
fn file_of<'f>(module: &[&str], files: &'f Files) -> Option<&'f str> {
    let path = module.join("/");
    let names = if path.is_empty() {
        ["lib.rs".into(), String::new()]
    } else {
        [format!("{path}.rs"), format!("{path}/mod.rs")]
    };
    let name = names.iter().find_map(|name| files.get_key_value(name));
    name.map(|(file, _)| file.as_str())
}

/// Whether the file is part of a module that is declared with `#[cfg(test)]`.
fn is_test(file: &str, files: &Files) -> bool {
    let module = module(file);
    (0..module.len()).any(|depth| {
        let (parent, name) = (file_of(&module[..depth], files), module[depth]);
        let is_declared = |how| parent.is_some_and(|at| files[at].contains(&format!("#[cfg(test)]\n{how} {name};")));
        ["mod", "pub mod", "pub(crate) mod"].into_iter().any(is_declared)
    })
}

/// The files that a file imports from. What it only re-exports, with `pub use`, does not count.
fn imports<'f>(file: &str, text: &str, files: &'f Files) -> BTreeSet<&'f str> {
    let module = module(file);
    let mut imports = BTreeSet::new();
    for tree in text.split("\nuse ").skip(1) {
        for path in paths(tree.split(';').next().unwrap()) {
            let mut path: Vec<&str> = path.split("::").map(str::trim).collect();
            let above = &module[..module.len().saturating_sub(1)];
            let mut full = match path.remove(0) {
                "crate" => Vec::new(),
                "super" => above.to_vec(),
                "self" => module.clone(),
                first => [&module[..], &[first]].concat(),
            };
            if full.len() > module.len() && file_of(&full, files).is_none() {
                continue; // another crate
            }
            full.extend(path);
            let defined_in = (0..=full.len()).rev().find_map(|depth| file_of(&full[..depth], files));
            imports.extend(defined_in.filter(|at| *at != file));
        }
    }
    imports
}

/// The paths of a tree such as `crate::{time::Ms, tx}`.
fn paths(tree: &str) -> Vec<String> {
    let Some((start, rest)) = tree.split_once('{') else {
        return vec![tree.to_string()];
    };
    let mut depth = 0;
    let is_comma = |char: char| {
        depth += i32::from(char == '{') - i32::from(char == '}');
        char == ',' && depth == 0
    };
    let branches = rest.rsplit_once('}').unwrap().0.split(is_comma);
    branches
        .filter(|branch| !branch.trim().is_empty())
        .flat_map(paths)
        .map(|path| format!("{start}{}", path.trim()))
        .collect()
}

/// The shortest chain of imports from a file back to itself.
fn circle<'f>(file: &'f str, imports: &BTreeMap<&'f str, BTreeSet<&'f str>>) -> Option<Vec<&'f str>> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in imports.get(way.last()?).into_iter().flatten() {
            let way = [&way[..], &[next]].concat();
            if *next == file {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back(way);
            }
        }
    }
    None
}
