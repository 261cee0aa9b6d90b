//! The sessions and the settings file in the manual, as they stand there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{Running, Server, Stage, in_shell, told, wait_until};

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
