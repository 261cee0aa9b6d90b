//! The reference in docs/reference, as far as it comes from the declarations: these tests say what it must be, and write
//! it with `UPDATE_DOCS=1 cargo test --lib docs`. What is written by hand stands outside of the markers.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::tests::all;
use crate::command::{Access, Arg, Kind, SINCE, Spec};
use crate::error::CODES;
use crate::time::DAY;

/// A page of the reference, by its path below docs/reference.
fn path(page: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "docs/reference", page].iter().collect()
}

/// Two tests write parts of one page, and another reads all pages.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ensures that this is between the markers of the name on the page, or writes it there.
fn hold(page: &str, name: &str, text: &str) {
    let _turn = turn();
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let path = path(page);
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let old = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        assert!(update, "{}: {error}", path.display());
        format!("{begin}{end}\n")
    });
    let from = old.find(&begin).expect("a begin marker") + begin.len();
    let to = old.find(&end).expect("an end marker");
    let mut new = old.clone();
    new.replace_range(from..to, text);
    if update {
        std::fs::write(&path, new).unwrap();
    } else {
        let path = path.display();
        assert!(old == new, "{path}: run `UPDATE_DOCS=1 cargo test --lib docs`");
    }
}

/// A table; a `|` would end a cell.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let rules = vec!["---".to_string(); head.len()];
    [head, rules].into_iter().chain(rows).map(|row| line(&row)).collect()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// `task-config-get`: of `TASK.CONFIG GET`.
fn file(spec: &Spec) -> String {
    spec.name.to_lowercase().replace(['.', ' '], "-")
}

/// What a value may be.
fn values(arg: &Arg) -> String {
    let several = |args: &[Arg]| {
        let values = args.iter().filter(|arg| !arg.is_option()).map(values);
        values
            .filter(|values| !values.is_empty())
            .collect::<Vec<_>>()
            .join(", then ")
    };
    match &arg.kind {
        Kind::Name | Kind::Text => "1 to 256 bytes of UTF-8".into(),
        Kind::Bytes => "any bytes".into(),
        Kind::Int(min, max, unit) => range(*min, *max, unit),
        Kind::IntOr(min, max, unit, word) => format!("{} or {word}", range(*min, *max, unit)),
        // The syntax shows them.
        Kind::Words(_) | Kind::Flag => String::new(),
        Kind::Counted(min, max, items) => format!("{min} to {max}, then of each: {}", several(items)),
        Kind::Group(args)
        | Kind::Repeated(args)
        | Kind::Shared(args)
        | Kind::OneOf(args)
        | Kind::Either(args)
        | Kind::Many(args)
        | Kind::ManyBefore(args, _)
        | Kind::Any(args)
        | Kind::AsMany(args) => several(args),
    }
}

/// A range of integers; how long it is if that is not to be seen.
fn range(min: i64, max: i64, unit: &str) -> String {
    let days = max / DAY;
    let long = match unit {
        "ms" if days >= 365 => format!(" ({} years)", days / 365),
        "ms" if days > 1 => format!(" ({days} days)"),
        "ms" if days == 1 => " (a day)".into(),
        _ => String::new(),
    };
    format!("{min} to {max} {unit}{long}").trim_end().into()
}

/// The rows of arguments: each with what is written in front of it, what it is for, and its values.
fn rows(args: &[Arg], before: &str) -> Vec<Vec<String>> {
    let row = |arg: &Arg| {
        let inner = match arg.kind {
            Kind::Group(inner)
            | Kind::Repeated(inner)
            | Kind::Shared(inner)
            | Kind::OneOf(inner)
            | Kind::Either(inner) => inner,
            _ => &[],
        };
        let word = arg.word.unwrap_or_default();
        if word.is_empty() && !inner.is_empty() {
            return rows(inner, before);
        }
        assert!(!arg.meaning.is_empty(), "{} means nothing", arg.key());
        let (options, required): (Vec<Arg>, Vec<Arg>) = inner.iter().partition(|arg| arg.is_option());
        let required: Vec<String> = required.iter().map(Arg::inner_syntax).collect();
        let syntax = match inner {
            [] => arg.inner_syntax(),
            _ => format!("{word} {}", required.join(" ")),
        };
        let dots = if required.is_empty() { "" } else { "… " };
        let mut found = rows(&options, &format!("{before}{word} {dots}"));
        let syntax = code(format!("{before}{syntax}").trim_end());
        found.insert(0, vec![syntax, arg.meaning.into(), values(arg)]);
        found
    };
    args.iter().flat_map(row).collect()
}

/// The usage line in lines of at most so many characters, if no argument is longer.
fn usage(spec: &Spec) -> String {
    const WIDTH: usize = 100;
    let (mut lines, mut depth, mut arg) = (vec![spec.name.to_string()], 0, String::new());
    let syntax = spec.syntax().replacen(spec.name, "", 1) + " ";
    for letter in syntax.chars().skip(1) {
        depth += i32::from(letter == '[' || letter == '(') - i32::from(letter == ']' || letter == ')');
        if letter != ' ' || depth > 0 {
            arg.push(letter);
            continue;
        }
        if lines
            .last()
            .is_some_and(|line| line.chars().count() + 1 + arg.chars().count() > WIDTH)
        {
            lines.push("   ".into());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(&std::mem::take(&mut arg));
        }
    }
    lines.join("\n")
}

/// The part of a command's page that comes from its declaration.
fn head(spec: &Spec) -> String {
    let access = match spec.access {
        Access::Read => "reads",
        Access::Write if spec.errors.iter().any(|(code, _)| *code == "OOM") => {
            "writes; what is new is refused when memory is full"
        }
        Access::Write => "writes, also when memory is full",
        Access::Grow => "writes; refused when memory is full",
    };
    let categories: Vec<String> = spec.categories().split(' ').map(|name| format!("`@{name}`")).collect();
    let facts = vec![
        access.into(),
        categories.join(" "),
        spec.complexity.into(),
        SINCE.into(),
    ];
    let mut head = format!(
        "# {}\n\n```text\n{}\n```\n\n{}\n\n",
        spec.name,
        usage(spec),
        spec.summary
    );
    head.push_str(&table(&["access", "ACL", "complexity", "since"], [facts]));
    let arguments = rows(spec.args, "");
    if !arguments.is_empty() {
        head.push_str("\n## Arguments\n\n");
        head.push_str(&table(&["argument", "what", "values"], arguments));
    }
    let mut reply = spec.reply.to_string();
    if let Some(first) = reply.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    head.push_str(&format!("\n## Reply\n\n{reply}.\n\n## Errors\n\n"));
    if spec.errors.is_empty() {
        head.push_str("None but those that [any command](../errors.md) may answer.\n");
    } else {
        head.push_str("Besides those that [any command](../errors.md) may answer:\n\n");
        let errors = spec.errors.iter();
        head.push_str(&table(
            &["code", "when"],
            errors.map(|(name, when)| vec![code(name), (*when).into()]),
        ));
    }
    head
}

#[test]
fn the_pages_of_commands_in_the_docs_are_those_of_the_declarations() {
    let mut index = String::new();
    for family in ["TASK", "PID", "HB"] {
        let specs = all()
            .into_iter()
            .filter(|spec| spec.name.split('.').next() == Some(family));
        let rows = specs.map(|spec| {
            let file = file(&spec);
            hold(&format!("commands/{file}.md"), "command", &head(&spec));
            let first = spec.summary.split_inclusive(". ").next().unwrap_or_default();
            vec![format!("[{}](commands/{file}.md)", spec.name), first.trim_end().into()]
        });
        index.push_str(&format!(
            "\n## {family}\n\n{}",
            table(&["command", "what it does"], rows)
        ));
    }
    hold("commands.md", "commands", &index);
}

#[test]
fn the_tables_of_the_docs_are_those_of_the_declarations() {
    let errors = CODES
        .iter()
        .map(|(codes, when, what)| vec![code(codes), (*when).into(), (*what).into()]);
    let errors = table(&["code", "when", "the client should"], errors);
    hold("errors.md", "errors", &errors);
    hold("settings.md", "settings", &crate::settings::manual_table());
}

/// The settings of the module are described in the example of a configuration: each in the comment above it.
#[test]
fn the_settings_of_the_module_in_the_docs_are_those_of_the_example() {
    let example = include_str!("../../redis.conf.example");
    let (mut text, mut comment) = (String::new(), String::new());
    for block in example.split("\n\n") {
        if let Some(setting) = block.strip_prefix("steward.") {
            let name = setting.split(' ').next().unwrap_or_default();
            text.push_str(&format!("\n### `steward.{name}`\n\n{comment}"));
        }
        let lines = block.lines().filter_map(|line| line.strip_prefix("# "));
        comment = lines
            .filter(|line| !line.starts_with("---"))
            .map(|line| format!("{line}\n"))
            .collect();
    }
    hold("settings.md", "module-settings", &text);
}

/// What is written by hand of a command: a session with it, the fields of a long reply, and where to read on.
#[test]
fn every_page_of_the_docs_in_the_folder_of_commands_is_one_of_a_command_and_is_whole() {
    let _turn = turn();
    let files = std::fs::read_dir(path("commands")).unwrap();
    let mut files: BTreeSet<String> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for spec in all() {
        let file = format!("{}.md", file(&spec));
        let page = std::fs::read_to_string(path("commands").join(&file)).unwrap();
        let (_, by_hand) = page.split_once("<!-- command:end -->\n").unwrap();
        let session: String = by_hand
            .split("```")
            .filter(|part| part.starts_with("console\n"))
            .collect();
        let mut calls = session.lines().filter(|line| line.starts_with("$ "));
        assert!(calls.any(|call| call.contains(spec.name)), "{file}: no session with it");
        assert!(by_hand.contains("\n## See also\n"), "{file}: no See also");
        if let Some((_, fields)) = by_hand.split_once("\n## Fields\n\n") {
            let fields = fields.split("\n\n").next().unwrap().lines().skip(2);
            let shown: Vec<&str> = fields.map(|row| row.split('`').nth(1).unwrap()).collect();
            let mut declared: Vec<&str> = spec.reply.split('`').skip(1).step_by(2).collect();
            let mut seen = BTreeSet::new();
            declared.retain(|name| seen.insert(*name));
            assert_eq!(shown, declared, "{file}: fields");
        }
        files.remove(&file);
    }
    assert!(files.is_empty(), "pages of no command: {files:?}");
}
