//! Who is there, what happens, and what is in the way.

use std::process::Stdio;

use super::objects;
use crate::support::{Running, Server, Terminal, steward, wait_until};

#[test]
fn members_leaders_and_workers_are_listed() {
    let server = Server::start();
    let _: redis::Value = server.call("PID.REGISTER {a}web m1 12 HOST h1 TTL 60000 EXCLUSIVE META 1 zone b");
    let _: redis::Value = server.call("PID.REGISTER app m2 13 HOST h2 TTL 60000");
    let (code, out, error) = server.run(&["members"]);
    assert_eq!((code, out.lines().count(), &error[..]), (0, 3, ""));
    assert!(
        out.contains("{a}web   m1      leader") && out.contains("app      m2      member"),
        "{out}"
    );
    assert_eq!(server.run(&["members", "app"]).1.lines().count(), 2);
    assert_eq!(server.run(&["members", "--host", "h1"]).1.lines().count(), 2);
    let leaders = objects(&server, &["leaders"]);
    assert_eq!(
        (leaders.len(), &leaders[0]["service"], &leaders[0]["pid"]),
        (1, &"{a}web".into(), &12.into())
    );
    assert_eq!(server.run(&["leaders", "app"]), (0, String::new(), String::new()));

    assert_eq!(server.run(&["put", "app", "x"]).0, 0);
    let _: redis::Value = server.call("TASK.CLAIM app m2");
    let (_, out, _) = server.run(&["workers", "app"]);
    assert!(
        out.lines().nth(1).unwrap().starts_with("m2      up     1        "),
        "{out}"
    );
}

#[test]
fn a_signal_goes_to_members_or_to_all() {
    let server = Server::start();
    for member in ["m1", "m2"] {
        let _: redis::Value = server.call(&format!("PID.REGISTER app {member} 12 TTL 60000"));
    }
    let signal = |member: &str| server.call::<Option<String>>(&format!("PID.GET app {member} signal"));
    assert_eq!(
        server.run(&["signal", "app", "quiet", "m1"]),
        (0, "members signalled: 1".into(), String::new())
    );
    assert_eq!((signal("m1"), signal("m2")), (Some("quiet".into()), None));
    let (code, out, error) = server.run(&["signal", "app", "none", "m1", "m9"]);
    assert_eq!(
        (code, &out[..], &error[..]),
        (1, "members signalled: 1", "steward: m9 is not a member of app")
    );
    assert_eq!(server.run(&["signal", "app", "stop", "--all"]).0, 64);
    assert_eq!(
        objects(&server, &["signal", "app", "stop", "--all", "--yes"])[0]["signalled_members"],
        2
    );
    assert_eq!(signal("m2"), Some("stop".into()));
    assert_eq!(server.run(&["signal", "app", "stop"]).0, 64);
}

#[test]
fn events_are_shown_and_followed() {
    let server = Server::start();
    for id in ["a", "b"] {
        assert_eq!(server.run(&["put", "mail", "x", "--id", id]).0, 0);
        assert_eq!(server.run(&["cancel", "mail", id, "--reason", "not\nwanted"]).0, 0);
    }
    let (_, out, _) = server.run(&["events", "mail", "-n", "1"]);
    assert!(out.ends_with(r"cancelled  b  reason=not\nwanted"), "{out}");
    assert_eq!(out.lines().count(), 1);
    let event = &objects(&server, &["events", "mail"])[0];
    assert_eq!(
        (&event["type"], &event["id"], &event["reason"]),
        (&"cancelled".into(), &"a".into(), &"not\nwanted".into())
    );
    assert!(event["happened_at"].as_u64() > Some(1_700_000_000_000), "{event}");
    assert_eq!(server.run(&["events", "nothing"]), (0, String::new(), String::new()));

    let mut command = steward(&["events", "{x}app", "--service", "-f", "-o", "json"]);
    let mut follow = Running::start(command.env("REDIS_URL", server.url()).stdout(Stdio::piped()));
    for member in ["m1", "m2"] {
        let _: redis::Value = server.call(&format!("PID.REGISTER {{x}}app {member} 12 TTL 60000"));
    }
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(follow.take_output()));
    for member in ["m1", "m2"] {
        let event: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&event["member"], &event["pid"]), (&member.into(), &12.into()));
    }
    // Its reader goes: it ends with the next event.
    drop(lines);
    wait_until("it ends", || {
        let _: redis::Value = server.call("HB.SIGNAL {x}app m1 quiet");
        follow.has_ended()
    });
    assert_eq!(follow.end(), (Some(0), String::new()));
}

#[test]
fn stats_are_shown_again_and_again_until_interrupted() {
    let server = Server::start();
    assert_eq!(server.run(&["put", "mail", "x", "--kind", "k"]).0, 0);
    assert_eq!(objects(&server, &["stats", "mail"])[0]["ready_tasks"], 1);
    assert_eq!(objects(&server, &["stats"])[0]["queues"], 1);
    let _: redis::Value = server.call("TASK.CLAIM mail w1");
    let kinds = objects(&server, &["stats", "mail", "--kinds"]);
    assert_eq!(
        (&kinds[0]["kind"], &kinds[0]["claimed_total"]),
        (&"k".into(), &1.into())
    );

    let mut command = steward(&["stats", "mail", "--watch=50ms", "-o", "json"]);
    let mut watch = Running::start(command.env("REDIS_URL", server.url()).stdout(Stdio::piped()));
    let lines = std::io::BufRead::lines(std::io::BufReader::new(watch.take_output()));
    assert!(lines.take(3).all(|line| line.unwrap().contains("\"queue\":\"mail\"")));
    assert_eq!(watch.end(), (Some(0), String::new()));

    let terminal = Terminal::start(&server, 60, 30);
    terminal.enter("clear; steward stats mail --watch=100ms");
    terminal.wait_for("scheduled_total  1  0.0/s");
    assert_eq!(server.run(&["put", "mail", "x"]).0, 0);
    terminal.wait_for("scheduled_total  2  ");
    assert_eq!(
        terminal.screen().matches("scheduled_total").count(),
        1,
        "{}",
        terminal.screen()
    );
    terminal.press("C-c");
    terminal.enter("echo code=$?");
    terminal.wait_for("code=130");
}

#[test]
fn what_is_in_the_way_is_told_in_whole_sentences() {
    let server = Server::start();
    assert_eq!(server.run(&["put", "mail", "x"]).0, 0);
    assert_eq!(server.run(&["pause", "mail"]).0, 0);
    let causes = objects(&server, &["explain", "mail", "w1"]);
    assert_eq!(causes[0]["cause"], "paused");
    let terminal = Terminal::start(&server, 40, 10);
    let screen = terminal.run("steward explain mail");
    assert!(
        screen.contains("paused until ") && screen.contains("\n           TASK.RESUME\n"),
        "{screen}"
    );
    assert!(!screen.contains('…'), "{screen}");
}

#[test]
fn without_colours_there_are_none() {
    let server = Server::start();
    assert_eq!(server.run(&["put", "mail", "x"]).0, 0);
    let terminal = Terminal::start(&server, 90, 10);
    terminal.run("steward queues");
    assert!(
        terminal.colours().contains("\u{1b}[1mQUEUE"),
        "{:?}",
        terminal.colours()
    );
    terminal.run("NO_COLOR=1 steward queues");
    assert!(!terminal.colours().contains('\u{1b}'), "{:?}", terminal.colours());
}
