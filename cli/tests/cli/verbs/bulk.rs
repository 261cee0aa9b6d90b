//! Changes of tasks that are named, and of many.

use std::process::Stdio;

use rustix::process::Signal;

use super::{field, objects};
use crate::support::{Running, Server, Terminal, steward, wait_until};

/// A server with so many ready tasks `t0` and so on, of the kinds even and odd.
fn with_tasks(count: usize) -> Server {
    let server = Server::start();
    let ids: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
    for kind in ["even", "odd"] {
        let ids: Vec<&String> = ids.iter().skip(usize::from(kind == "odd")).step_by(2).collect();
        for ids in ids.chunks(1000) {
            let mut command = redis::cmd("TASK.MSCHEDULE");
            command.arg("mail").arg(ids.len()).arg(vec!["x"; ids.len()]);
            command.arg("IDS").arg(ids).arg("KIND").arg(kind);
            let _: Vec<String> = command.query(&mut server.client()).unwrap();
        }
    }
    server
}

fn count(server: &Server, state: &str) -> u64 {
    objects(server, &["queues"])[0][format!("{state}_tasks")]
        .as_u64()
        .unwrap()
}

/// Code, output and error.
fn run(server: &Server, words: &[&str]) -> (i32, String, String) {
    server.run(words)
}

#[test]
fn tasks_that_are_named_are_changed_without_a_question() {
    let server = with_tasks(6);
    let done = |text: &str| (0, text.to_string(), String::new());
    assert_eq!(
        run(&server, &["bury", "mail", "t0", "t1", "--reason", "no such address"]),
        done("buried 2 tasks")
    );
    assert_eq!(field(&server, "t1", "error"), "no such address");
    assert_eq!(run(&server, &["retry", "mail", "t0"]), done("retried 1 task"));
    assert_eq!(run(&server, &["cancel", "mail", "t2"]), done("cancelled 1 task"));
    assert_eq!(
        run(&server, &["purge", "mail", "t0", "t1", "t3"]),
        done("purged 3 tasks")
    );
    let _: redis::Value = server.call("TASK.CLAIM mail w1 COUNT 10");
    assert_eq!(run(&server, &["unclaim", "mail", "t4"]), done("unclaimed 1 task"));
    assert_eq!(field(&server, "t4", "state"), "ready");

    let missed = |text: &str, said: &str| (1, text.to_string(), format!("steward: {said}"));
    assert_eq!(
        run(&server, &["unclaim", "mail", "t4", "t5"]),
        missed("unclaimed 1 task", "1 of 2 not unclaimed")
    );
    assert_eq!(
        run(&server, &["bury", "mail", "t4", "t9"]),
        missed("buried 1 task", "1 of 2 not buried")
    );
    let changed = objects(&server, &["retry", "mail", "t4"]);
    assert_eq!(
        changed[0].to_string(),
        r#"{"changed_tasks":1,"queue":"mail","verb":"retry"}"#
    );
}

#[test]
fn an_id_may_be_the_word_of_an_option() {
    let server = with_tasks(3);
    let _: String = server.call("TASK.SCHEDULE mail x ID reason");
    let cancelled = run(&server, &["cancel", "mail", "t0", "reason", "t1"]);
    assert_eq!(cancelled, (0, "cancelled 3 tasks".into(), String::new()));
    assert_eq!(count(&server, "ready"), 1);
}

#[test]
fn many_are_changed_in_steps_and_only_those_that_the_filters_let_through() {
    let server = with_tasks(4500);
    let done = |text: &str| (0, text.to_string(), String::new());
    let say = |words: &[&str]| run(&server, &[words, &["--yes"]].concat());
    assert_eq!(
        say(&["bury", "mail", "--state", "ready", "--kind", "odd"]),
        done("buried 2250 tasks")
    );
    assert_eq!(say(&["retry", "mail", "--all"]), done("retried 2250 tasks"));
    assert_eq!(
        say(&["bury", "mail", "--state", "ready", "--all"]),
        done("buried 4500 tasks")
    );
    assert_eq!(say(&["retry", "mail", "--kind", "odd"]), done("retried 2250 tasks"));
    assert_eq!(
        say(&["purge", "mail", "--state", "dead", "--older", "1h", "--all"]),
        done("purged 0 tasks")
    );
    assert_eq!(
        say(&["purge", "mail", "--state", "dead", "--all"]),
        done("purged 2250 tasks")
    );
    for _ in 0..3 {
        let _: redis::Value = server.call("TASK.CLAIM mail w1 COUNT 1000");
    }
    assert_eq!(say(&["unclaim", "mail", "--worker", "w2"]), done("unclaimed 0 tasks"));
    assert_eq!(
        say(&["unclaim", "mail", "--worker", "w1"]),
        done("unclaimed 2250 tasks")
    );
    assert_eq!(count(&server, "ready"), 2250);
    assert_eq!(
        say(&["cancel", "mail", "--state", "ready", "--match", "t1?"]),
        done("cancelled 5 tasks")
    );
    assert_eq!(
        say(&["cancel", "mail", "--state", "ready", "--all"]),
        done("cancelled 2245 tasks")
    );
}

#[test]
fn without_a_terminal_it_says_how_many_and_wants_yes() {
    let server = with_tasks(3);
    let (code, out, error) = run(&server, &["purge", "mail", "--state", "ready", "--all"]);
    assert_eq!((code, &out[..]), (64, ""));
    assert_eq!(
        error,
        "steward: would purge 3 ready tasks of mail: add --yes to do so without being asked"
    );
    let (_, _, error) = run(&server, &["cancel", "mail", "--state", "ready", "--kind", "odd"]);
    assert!(error.contains("would cancel 1 ready task of mail"), "{error}");
    assert_eq!(count(&server, "ready"), 3);
    for (words, said) in [
        (&["cancel", "mail"][..], "name tasks"),
        (&["cancel", "mail", "--all"], "--state"),
        (&["cancel", "mail", "t1", "--all"], "cannot be used with"),
        (&["cancel", "mail", "t1", "--state", "ready"], "cannot be used with"),
        (&["retry", "mail", "--kind", "x", "--all"], "cannot be used with"),
        (&["purge", "mail", "--state", "claimed", "--all"], "invalid value"),
    ] {
        let (code, _, error) = run(&server, words);
        assert_eq!((code, error.contains(said)), (64, true), "{words:?}: {error}");
    }
}

#[test]
fn in_a_terminal_it_asks_and_shows_how_far_it_is() {
    let server = with_tasks(3000);
    let terminal = Terminal::start(&server, 90, 10);
    terminal.enter("steward bury mail --state ready --all; echo code=$?");
    terminal.wait_for("bury 3000 ready tasks of mail? [y/N]");
    terminal.enter("n");
    terminal.wait_for("code=1");
    assert_eq!(count(&server, "ready"), 3000);
    terminal.enter("clear; steward bury mail --state ready --all; echo code=$?");
    terminal.wait_for("bury 3000 ready tasks of mail? [y/N]");
    terminal.enter("y");
    terminal.wait_for("code=0");
    assert!(
        terminal.screen().contains("buried 3000 tasks\ncode=0"),
        "{}",
        terminal.screen()
    );
    assert_eq!(count(&server, "dead"), 3000);
}

#[test]
fn age_and_worker_are_filters_too() {
    let server = with_tasks(4);
    assert_eq!(run(&server, &["bury", "mail", "t0", "t1"]).0, 0);
    let _: redis::Value = server.call("TASK.CLAIM mail w1");
    let would = |words: &[&str]| run(&server, words).2;
    assert!(would(&["purge", "mail", "--state", "dead", "--older", "0s"]).contains("would purge 2 dead tasks of mail"));
    assert!(
        would(&["purge", "mail", "--state", "ready", "--older", "0s"]).contains("would purge 1 ready task of mail")
    );
    assert_eq!(
        run(&server, &["purge", "mail", "--state", "dead", "--older", "1h"]),
        (0, "purged 0 tasks".into(), String::new())
    );
    for verb in ["cancel", "bury", "unclaim"] {
        let error = would(&[verb, "mail", "--worker", "w1"]);
        assert!(
            error.contains(&format!("would {verb} 1 claimed task of mail")),
            "{error}"
        );
    }
    assert_eq!(
        run(&server, &["cancel", "mail", "--worker", "w1", "--yes"]),
        (0, "cancelled 1 task".into(), String::new())
    );
}

/// Starts to bury all tasks, and waits until the server holds the first thousand up.
fn held_up(server: &Server) -> Running {
    let _: redis::Value = server.call("CLIENT PAUSE 60000 WRITE");
    let mut command = steward(&["bury", "mail", "--state", "ready", "--all", "--yes"]);
    let running = Running::start(command.env("REDIS_URL", server.url()).stdout(Stdio::piped()));
    wait_until("it is held up", || server.info("blocked_clients") == "1");
    running
}

#[test]
fn an_interrupt_and_a_failure_leave_the_rest_and_tell_what_was_done() {
    let mut server = with_tasks(3000);
    let mut bury = held_up(&server);
    bury.deliver(Signal::INT);
    let _: redis::Value = server.call("CLIENT UNPAUSE");
    assert_eq!(bury.rest(), "buried 1000 tasks\n");
    assert_eq!(bury.end(), (None, "steward: interrupted: 2000 left".into()));
    assert_eq!((count(&server, "dead"), count(&server, "ready")), (1000, 2000));

    let mut bury = held_up(&server);
    server.kill();
    let (code, said) = bury.end();
    assert_eq!((code, said.lines().count()), (Some(69), 1), "{said}");
    assert!(said.starts_with("steward: after 0 tasks: "), "{said}");
}

/// What a terminal shows after an interrupt of a change that the server holds up; none when that took longer than the
/// change waits for an answer.
fn interrupted() -> Option<String> {
    let server = with_tasks(3000);
    let _: redis::Value = server.call("CLIENT PAUSE 60000 WRITE");
    let terminal = Terminal::start(&server, 90, 10);
    terminal.enter("steward bury mail --state ready --all --yes");
    terminal.wait_for(" 0 of 3000, ");
    terminal.press("C-c");
    terminal.wait_for("^C");
    let _: redis::Value = server.call("CLIENT UNPAUSE");
    terminal.wait_for_line("it ends", |line| line.starts_with("steward: "));
    terminal.enter("echo code=$?");
    terminal.wait_for("code=");
    Some(terminal.screen()).filter(|screen| !screen.contains("no answer in time"))
}

#[test]
fn an_interrupt_in_a_terminal_does_too() {
    let screen = (0..10).find_map(|_| interrupted()).unwrap();
    assert!(
        screen.contains("buried 1000 tasks\nsteward: interrupted: 2000 left\n"),
        "{screen}"
    );
    assert!(screen.contains("\ncode=130\n"), "{screen}");
}
