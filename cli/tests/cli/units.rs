//! The units for systemd, and the files of their settings: that `steward` has what they name, and does what they expect.
//! Whether systemd takes them, `make test-packages` shows.

use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{PATIENCE, Running, Server, Stage, in_shell, lines, steward, told, wait_until};

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contrib/systemd")
}

/// The values of a unit; of a key that is given several times all.
fn unit(name: &str) -> HashMap<String, Vec<String>> {
    let mut unit = HashMap::<String, Vec<String>>::new();
    for line in lines(&dir().join(name)) {
        if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            unit.entry(key.into()).or_default().push(value.into());
        }
    }
    unit
}

/// Starts the program of a unit as systemd would, until it says that it is ready, and ends it as systemd would. Between
/// the two `check` looks at it.
fn runs(name: &str, instance: &str, settings: &[(&str, &str)], check: impl FnOnce(&Server, &Stage)) {
    let (server, stage, unit) = (Server::start(), Stage::new(), unit(name));
    let path = stage.file("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // The shell splits what is in a variable, as systemd does.
    let start = unit["ExecStart"][0].strip_prefix("/usr/bin/").unwrap();
    let mut command = in_shell(&format!("exec {start}"), &server, &stage);
    for (name, value) in unit
        .get("Environment")
        .into_iter()
        .flatten()
        .map(|given| given.split_once('=').unwrap())
    {
        command.env(name, value.replace("%i", instance));
    }
    let mut program = Running::start(command.env("NOTIFY_SOCKET", &path).envs(settings.iter().copied()));
    let mut heard = [0; 512];
    let length = socket.recv(&mut heard).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&heard[..length]).trim_end(),
        "READY=1",
        "{name}"
    );
    check(&server, &stage);
    assert_eq!(unit["KillMode"], ["mixed"], "TERM is for steward alone");
    program.signal(Signal::TERM);
    let code = program.wait().code();
    let fine = [Some(0), None].contains(&code) || unit.contains_key("SuccessExitStatus") && code == Some(143);
    assert!(fine, "{name} ends with {code:?}");
}

#[test]
fn a_worker() {
    let settings = [("PROGRAM", "tee -a mails"), ("QUEUES", "{app}urgent {app}mail")];
    runs("steward-work@.service", "mail", &settings, |server, stage| {
        server.call::<String>("TASK.SCHEDULE {app}mail hello");
        wait_until("it is done", || {
            std::fs::read(stage.file("mails")).is_ok_and(|text| text == b"hello")
        });
    });
    runs("steward-work@.service", "mail", &[("PROGRAM", "cat")], |server, _| {
        assert_eq!(server.members("mail").len(), 1);
    });
    let http = [("STEWARD_HTTP", "http://127.0.0.1:1/")];
    runs("steward-work@.service", "mail", &http, |server, _| {
        assert_eq!(server.members("mail").len(), 1);
    });
}

#[test]
fn a_leader() {
    runs(
        "steward-lead@.service",
        "report",
        &[("PROGRAM", "sleep 600")],
        |server, _| {
            assert_eq!(server.members("report").len(), 1);
        },
    );
    runs(
        "steward-lead@.service",
        "report",
        &[("PROGRAM", "sleep 600"), ("SERVICE", "{app}r")],
        |server, _| {
            assert_eq!(server.members("{app}r").len(), 1);
        },
    );
}

#[test]
fn pages_for_prometheus_and_for_browsers() {
    let settings = [("STEWARD_LISTEN", "127.0.0.1:0")];
    for name in ["steward-metrics.service", "steward-web.service"] {
        runs(name, "", &settings, |_, _| {});
    }
}

#[test]
fn systemd_waits_until_they_are_ready_and_longer_than_their_grace() {
    for file in std::fs::read_dir(dir()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".service") {
            continue;
        }
        let unit = unit(&name);
        assert_eq!(unit["Type"], ["notify"], "{name}");
        let stop = Duration::from_secs(unit["TimeoutStopSec"][0].parse().unwrap());
        let subcommand = unit["ExecStart"][0].split(' ').nth(1).unwrap();
        let help = help(subcommand);
        if help.contains("STEWARD_GRACE") {
            assert!(help.contains("[env: STEWARD_GRACE=] [default: 25s]"), "{help}");
            assert!(stop > Duration::from_secs(25 + 5), "{name}");
        }
    }
}

#[test]
fn their_settings_are_there() {
    for (file, subcommand) in [
        ("steward.env", "work"),
        ("work-mail.env", "work"),
        ("lead-report.env", "lead"),
    ] {
        let (help, settings) = (help(subcommand), lines(&dir().join(file)));
        let names = settings
            .iter()
            .filter_map(|line| Some(line.trim_start_matches('#').split_once('=')?.0));
        let options: Vec<_> = names.filter(|name| name.contains('_') && !name.contains(' ')).collect();
        assert!(!options.is_empty());
        for option in options {
            assert!(help.contains(&format!("[env: {option}")), "{file}: {option}");
        }
    }
}

/// In one line.
fn help(subcommand: &str) -> String {
    let help = told(&steward(&[subcommand, "--help"]).output().unwrap()).1;
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}
