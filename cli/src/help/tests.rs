//! The page of the manual that has every subcommand with its options: docs/reference/steward.md. This test says what it
//! must be, and writes it with `UPDATE_DOCS=1 cargo test -p steward-cli --features no-fuse docs`.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use crate::args::Given;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/steward.md");

fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

/// A row: what is typed, the default, the variable that stands in for it, what it is.
fn row(arg: &Arg) -> Option<String> {
    let help = arg.get_help()?.to_string();
    let short = arg.get_short().map_or(String::new(), |short| format!("-{short}, "));
    let typed = code(format!("{short}{arg}").replace('|', "\\|"));
    let takes_values = arg.get_action().takes_values();
    let default = arg.get_default_values().iter().filter(|_| takes_values);
    let default: Vec<String> = default.map(|value| code(value.display())).collect();
    let default = default.join(" ");
    let variable = arg.get_env().map_or(String::new(), |name| code(name.display()));
    let values = arg.get_possible_values();
    let values: Vec<String> = values.iter().map(|value| code(value.get_name())).collect();
    let values = if takes_values && !values.is_empty() {
        format!(" ({})", values.join(", "))
    } else {
        String::new()
    };
    Some(format!("| {typed} | {default} | {variable} | {help}{values} |\n"))
}

fn rows(command: &Command, is_global: bool) -> String {
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let own =
        args.filter(|arg| arg.is_global_set() == is_global && !["help", "version"].contains(&arg.get_id().as_str()));
    let rows: String = own.filter_map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("\n| option | default | variable | what |\n| --- | --- | --- | --- |\n{rows}")
}

/// A subcommand, and those beneath it.
fn part(name: &str, command: &Command, page: &mut String) {
    for sub in command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    {
        let name = format!("{name} {}", sub.get_name());
        let usage = sub.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = write!(
            page,
            "\n## {name}\n\n{about}.\n\n```text\n{usage}\n```\n{}",
            rows(sub, false)
        );
        part(&name, sub, page);
    }
}

#[test]
fn the_page_of_the_docs_is_that_of_the_command_line() {
    let mut command = Given::command();
    command.build();
    let mut text = rows(&command, true);
    part("steward", &command, &mut text);
    let old = std::fs::read_to_string(PAGE).unwrap();
    let (begin, end) = ("<!-- steward:begin -->\n", "<!-- steward:end -->");
    let from = old.find(begin).expect("a begin marker") + begin.len();
    let to = old.find(end).expect("an end marker");
    let mut new = old.clone();
    new.replace_range(from..to, &text);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, new).unwrap();
    } else {
        assert!(
            old == new,
            "run `UPDATE_DOCS=1 cargo test -p steward-cli --features no-fuse docs`"
        );
    }
}

/// The words of the options of a command, as its page has them.
fn words_of(command: &str) -> Vec<String> {
    let path = format!("{}/../docs/reference/commands/{command}.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let syntax = page.split("```").nth(1).unwrap().trim_start_matches("text\n");
    let (_, options) = syntax.split_once(' ').unwrap();
    let words = options.split(|letter: char| !letter.is_ascii_uppercase());
    words.filter(|word| word.len() > 1).map(str::to_string).collect()
}

#[test]
fn a_verb_has_every_option_of_its_command() {
    let backoff = ["FIXED", "EXPONENTIAL", "MAX", "JITTER"].map(|word| (word, "backoff"));
    let put = [
        ("FOR", "unique-for"),
        ("UNTIL", "until-claim"),
        ("CLAIM", "until-claim"),
        ("ON", "on-dead"),
        ("IN", "after-in"),
        ("RUN", "on-fail"),
        ("CANCEL", "on-fail"),
        ("WAIT", "on-fail"),
    ];
    let put = [&backoff[..], &put].concat();
    // Verbs go on by themselves to the last page, or as far as their limit.
    let walk = [("CURSOR", "all"), ("COUNT", "all"), ("IDS", "all")];
    let mut command = Given::command();
    command.build();
    for (of, verb, others) in [
        ("task-schedule", "put", &put[..]),
        ("task-list", "ls", &walk),
        ("task-retryall", "retry", &walk),
        ("task-cancelall", "cancel", &walk),
        ("task-bury", "bury", &[]),
        ("task-purge", "purge", &walk),
        ("task-pause", "pause", &[]),
        ("task-stats", "stats", &[]),
        ("task-history", "history", &[]),
        ("pid-list", "members", &[("CURSOR", "output"), ("COUNT", "output")]),
    ] {
        let sub = command.find_subcommand(verb).unwrap();
        for word in words_of(of) {
            let other = others.iter().find(|(known, _)| *known == word);
            let wanted = other.map_or_else(|| word.to_lowercase(), |(_, option)| option.replace('-', ""));
            let has = sub.get_arguments().any(|arg| {
                let names = arg.get_long_and_visible_aliases().unwrap_or_default();
                names.iter().any(|name| name.replace('-', "") == wanted)
            });
            assert!(has, "{verb}: {word} of {of}");
        }
    }
}

/// Sessions are run by the tests in `cli/tests/cli/manual.rs`; what is shown in a block of `sh` is at least understood.
#[test]
fn every_command_line_in_the_docs_is_one_that_the_program_takes() {
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let entries = std::fs::read_dir(format!("{top}/docs")).unwrap();
    let pages = entries.map(|entry| entry.unwrap().path());
    let pages = pages.filter(|page| page.extension().is_some_and(|end| end == "md"));
    let mut taken = 0;
    for page in pages.chain([format!("{top}/README.md").into()]) {
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks = text.split("\n```sh\n").skip(1);
        let lines = blocks.flat_map(|block| block.split("\n```").next().unwrap().lines());
        // That with a variable has a test of its own.
        for line in lines.filter(|line| line.starts_with("steward ") && !line.contains('$')) {
            let given = Given::command().try_get_matches_from(line.split_whitespace());
            assert!(given.is_ok(), "{}: {line}: {:?}", page.display(), given.err());
            taken += 1;
        }
    }
    assert!(taken > 4, "{taken}");
}
