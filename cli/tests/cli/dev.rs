//! `steward dev`.

use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{Running, steward, told, wait_until};

#[test]
fn a_program_gets_a_fresh_server_that_is_gone_at_its_end() {
    let script = "redis-cli -u $REDIS_URL SET a 1 && redis-cli -u $REDIS_URL TASK.SCHEDULE mail x >/dev/null && \
                  redis-cli -u $REDIS_URL INFO server | grep process_id; exit 7";
    let (code, out, error) = told(&steward(&["dev", "--", "sh", "-c", script]).output().unwrap());
    assert_eq!((code, error), (7, String::new()));
    let pid = out.trim().strip_prefix("OK\nprocess_id:").unwrap().to_string();
    wait_until("the server is gone", || !is_running(&pid));
}

#[test]
fn signals_reach_the_program_and_its_end_by_a_signal_is_told_as_a_shell_tells_it() {
    let mut command = steward(&["dev", "--", "sh", "-c", "echo up; exec sleep 600"]);
    let mut dev = Running::start(command.stdout(Stdio::piped()));
    assert_eq!(dev.line(), "up");
    dev.signal(Signal::TERM);
    assert_eq!(dev.wait().code(), Some(143));
    dev.wait_until_nothing_is_left();
}

#[test]
fn the_server_goes_with_a_dev_that_is_killed_or_interrupted() {
    for (signal, code) in [(Signal::KILL, None), (Signal::INT, Some(0)), (Signal::TERM, Some(0))] {
        let mut dev = Running::start(steward(&["-o", "json", "dev"]).stdout(Stdio::piped()));
        let line: serde_json::Value = serde_json::from_str(&dev.line()).unwrap();
        let server = line["pid"].to_string();
        assert!(line["url"].as_str().unwrap().starts_with("redis://127.0.0.1:"));
        dev.signal(signal);
        assert_eq!(dev.wait().code(), code);
        wait_until("the server is gone", || !is_running(&server));
    }
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn what_is_missing_is_told() {
    let (code, _, error) = told(&steward(&["dev", "--server", "/nonexistent"]).output().unwrap());
    assert_eq!(code, 69);
    assert!(error.contains("/nonexistent"), "{error}");
    let (code, _, error) = told(&steward(&["dev", "--module", "/nonexistent"]).output().unwrap());
    assert_eq!(code, 69);
    assert!(error.contains("--module"), "{error}");
    assert_eq!(told(&steward(&["dev", "--", "/nonexistent"]).output().unwrap()).0, 127);
}
