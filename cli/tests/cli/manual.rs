//! The sessions and the settings file in the manual, as they stand there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::{Running, Server, Stage, in_shell, lines, steward, told, wait_until};

/// The fenced blocks of this kind.
fn blocks(kind: &str) -> Vec<String> {
    blocks_of("steward.md", kind)
}

/// Those on this page.
pub(crate) fn blocks_of(page: &str, kind: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(page).unwrap();
    let parts = text.split("```").skip(1).step_by(2);
    parts
        .filter_map(|part| Some(part.strip_prefix(kind)?.trim().to_string()))
        .collect()
}

/// Numbers and the host differ.
pub(crate) fn alike(text: &str) -> String {
    let text = text.replace(rustix::system::uname().nodename().to_str().unwrap(), "a3");
    let mut alike = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if alike.ends_with('#') => {}
            '0'..='9' => alike.push('#'),
            letter => alike.push(letter),
        }
    }
    alike
}

#[test]
fn the_sessions_are_as_they_are_shown() {
    let (server, stage) = (Server::start(), Stage::new());
    std::fs::write(stage.file("report-daemon"), "#!/bin/sh\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(stage.file("report-daemon"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let [begin, session] = &blocks("console")[..] else {
        panic!("two sessions")
    };
    let shell = |command: &str| -> Command {
        let mut shell = in_shell(command, &server, &stage);
        shell.env("TZ", "UTC");
        shell
    };
    let begin = begin
        .replace("$ export REDIS_URL=redis://localhost", "")
        .replace("$ ", "exec ");
    let _lead = Running::start(&mut shell(&begin));
    wait_until("the register shows the program", || {
        server.run(&["pid", "report"]).0 == 0
    });

    let mut commands = 0;
    for part in session.split("$ steward ").skip(1) {
        let (command, shown) = part.split_once('\n').unwrap();
        let (code, out, error) = told(&shell(&format!("steward {command}")).output().unwrap());
        assert_eq!((code, &error[..]), (0, ""), "{command}");
        assert_eq!(alike(&out), alike(shown.trim_end()), "{command}");
        commands += 1;
    }
    assert_eq!(commands, 3);

    let epoch = server.call::<Vec<String>>("HB.LEADER report")[3].clone();
    let [fenced] = &blocks("sh")[..] else {
        panic!("one script")
    };
    let output = shell(fenced).env("STEWARD_EPOCH", epoch).output().unwrap();
    assert_eq!(told(&output), (0, "OK".into(), String::new()));
    assert_eq!(server.call::<String>("GET {report}day"), "monday");
}

#[test]
fn shells_and_readers_get_the_command_line_too() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = told(&crate::support::steward(&["completions", shell]).output().unwrap());
        assert_eq!((code, script.contains("takeover")), (0, true), "{shell}");
    }
    let stage = Stage::new();
    let dir = stage.file("");
    let (code, _, error) = told(
        &crate::support::steward(&["man", dir.to_str().unwrap()])
            .output()
            .unwrap(),
    );
    assert_eq!((code, &error[..]), (0, ""));
    let page = std::fs::read_to_string(stage.file("steward-lead.1")).unwrap();
    assert!(page.contains("takeover") && !page.contains("__guardian"));
    assert_eq!(
        told(&crate::support::steward(&["man", "/nonexistent"]).output().unwrap()).0,
        64
    );
}

/// The subcommands with their options, as the reference has them.
fn subcommands() -> Vec<(String, Vec<String>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/steward.md");
    let page = std::fs::read_to_string(page).unwrap();
    let parts = page.split("\n## steward ").skip(1);
    let option = |row: &str| {
        let typed = row.strip_prefix("| `")?.split('`').next()?;
        let long = typed.split(' ').find(|word| word.starts_with("--"))?;
        Some(long.split('[').next()?.to_string())
    };
    parts
        .map(|part| {
            let (name, rest) = part.split_once('\n').unwrap();
            (name.to_string(), rest.lines().filter_map(option).collect())
        })
        .collect()
}

#[test]
fn every_subcommand_has_a_page_of_the_manual_with_its_options() {
    let stage = Stage::new();
    let dir = stage.file("");
    assert_eq!(told(&steward(&["man", dir.to_str().unwrap()]).output().unwrap()).0, 0);
    let all = subcommands();
    assert!(all.len() > 30);
    for (name, options) in all {
        let file = format!("steward-{}.1", name.replace(' ', "-"));
        let page = std::fs::read_to_string(stage.file(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for option in options {
            assert!(page.contains(&option.replace('-', "\\-")), "{name}: {option}");
        }
    }
}

#[test]
fn bash_completes_subcommands_options_and_values() {
    let (code, script, _) = told(&steward(&["completions", "bash"]).output().unwrap());
    assert_eq!(code, 0);
    let complete = |typed: &str| {
        let words: Vec<&str> = typed.split(' ').collect();
        let (last, at) = (words[words.len() - 1], words.len() - 1);
        let run = format!(
            "{script}\nCOMP_WORDS=({}) COMP_CWORD={at}\n_steward steward \"{last}\" \"{}\"\necho \"${{COMPREPLY[*]}}\"",
            words
                .iter()
                .map(|word| format!("\"{word}\""))
                .collect::<Vec<_>>()
                .join(" "),
            words[at - 1]
        );
        let (code, out, error) = told(&std::process::Command::new("bash").args(["-c", &run]).output().unwrap());
        assert_eq!((code, &error[..]), (0, ""), "{typed}");
        out
    };
    assert_eq!(complete("steward pu"), "put purge");
    assert_eq!(complete("steward cron a"), "apply");
    assert_eq!(complete("steward -o "), "text json");
    assert_eq!(complete("steward cancel mail --state s"), "scheduled");
    let first = complete("steward ");
    for (name, options) in subcommands() {
        assert!(
            name.contains(' ') || first.split(' ').any(|word| word == name),
            "{name}: {first}"
        );
        let offered = complete(&format!("steward {name} --"));
        for option in options {
            assert!(
                offered.split(' ').any(|word| word == option),
                "{name} {option}: {offered}"
            );
        }
    }
}

#[test]
fn the_settings_file_is_read() {
    let stage = Stage::new();
    let [settings] = &blocks("toml")[..] else {
        panic!("one file")
    };
    let password = stage.file("password");
    std::fs::write(&password, "x").unwrap();
    std::fs::write(
        stage.file("steward.toml"),
        settings.replace("/etc/steward.password", password.to_str().unwrap()),
    )
    .unwrap();
    let mut command = crate::support::steward(&["leader", "web"]);
    let (code, _, error) = told(&command.env("XDG_CONFIG_HOME", stage.file("")).output().unwrap());
    // These sentinels are nowhere.
    assert_eq!(code, 69, "{error}");
    assert!(
        error.contains("redis+sentinel://:***@s1:26379,s2:26379,s3:26379/main"),
        "{error}"
    );
}

/// Each of these is run here or in `verbs::manual`.
#[test]
fn no_page_of_the_program_is_forgotten() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let names = std::fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let of_the_program = names.filter(|name| name.starts_with("steward"));
    let mut pages: Vec<String> = of_the_program
        .filter(|name| !blocks_of(name, "console").is_empty())
        .collect();
    pages.sort();
    let known = ["cron", "doctor", "metrics", "verbs"].map(|page| format!("steward-{page}.md"));
    assert_eq!(pages, [&known[..], &["steward.md".to_string()]].concat());
}

#[test]
fn the_worker_of_the_deployment_does_its_tasks_and_ends_well() {
    let (server, stage) = (Server::start(), Stage::new());
    let deployment = &blocks_of("guides/containers.md", "yaml")[0];
    let command = deployment
        .lines()
        .find_map(|line| line.trim().strip_prefix("command: "));
    let words: Vec<String> = serde_json::from_str(command.unwrap()).unwrap();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(words[0], "steward");
    std::fs::write(stage.file("deliver"), "#!/bin/sh\ncat >>delivered\necho >>delivered\n").unwrap();
    std::fs::set_permissions(stage.file("deliver"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = steward(&words[1..]);
    command.env("REDIS_URL", server.url()).current_dir(stage.file(""));
    let mut work = Running::start(&mut command);
    assert_eq!(server.run(&["put", "mail", "to ann: hello"]).0, 0);
    wait_until("it is delivered", || {
        lines(&stage.file("delivered")) == ["to ann: hello"]
    });
    work.signal(Signal::TERM);
    assert_eq!(work.end().0, Some(0));
}

#[test]
fn the_metrics_by_which_workers_are_scaled_are_there() {
    let server = Server::start();
    assert_eq!(server.run(&["put", "mail", "to ann: hello"]).0, 0);
    let (_, served, _) = server.run(&["metrics", "--once"]);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/autoscaling.md");
    let page = std::fs::read_to_string(page).unwrap();
    let of_the_queue = page
        .split("{queue=\"mail\"}")
        .map(|before| before.rsplit(['(', ' ']).next().unwrap());
    let names: Vec<&str> = of_the_queue.filter(|name| name.starts_with("steward_")).collect();
    assert_eq!(names.len(), 3);
    for name in names {
        assert!(served.contains(&format!("{name}{{queue=\"mail\"}} ")), "{name}");
    }
}
