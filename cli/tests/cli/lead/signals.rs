//! Signals that are passed on, the end by TERM, and what systemd is told.

use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::support::{Running, Server, Stage, lines, steward, wait_until};

#[test]
fn signals_are_passed_on() {
    let server = Server::start();
    let stage = Stage::new();
    let script = "for s in HUP USR1 USR2 WINCH; do trap \"echo $s >>heard\" $s; done; echo x >ready; while :; do sleep 0.01; done";
    let lead = stage.lead("a", &server.url(), &[], script);
    wait_until("it is ready", || stage.file("ready").exists());
    let mut expected = Vec::new();
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
    ] {
        lead.signal(signal);
        expected.push(name.to_string());
        wait_until("it has heard it", || lines(&stage.file("heard")) == expected);
    }
    // The number in the register is for that.
    wait_until("it is registered", || server.run(&["pid", "web"]).0 == 0);
    let pid: i32 = server.run(&["pid", "web"]).1.parse().unwrap();
    crate::support::send(pid, Signal::HUP);
    wait_until("it has heard it", || lines(&stage.file("heard")).len() == 5);
}

#[test]
fn what_nohup_ignores_stays_ignored() {
    let server = Server::start();
    let stage = Stage::new();
    let script = format!(
        "trap '' HUP; exec {} lead web -- sh -c 'echo x >ready; exec sleep 600'",
        env!("CARGO_BIN_EXE_steward")
    );
    let mut lead = stage.shell(&script, &server.url());
    lead.signal(Signal::HUP);
    let guardian = lead.guardian();
    crate::support::send(guardian, Signal::HUP);
    let program = *lead.left().iter().max().unwrap();
    crate::support::send(program, Signal::HUP);
    // Signals are delivered in no order, but TERM ends it all and the program says by which it ended.
    lead.signal(Signal::TERM);
    assert_eq!(lead.end().0, Some(143));
}

#[test]
fn term_is_passed_on_and_only_after_the_end_of_the_program_the_next_one_leads() {
    let server = Server::start();
    let stage = Stage::new();
    let script = "trap 'sleep 0.3; echo ended >>ends; exit 5' TERM; echo x >ready; while :; do sleep 0.01; done";
    let mut first = stage.lead("a", &server.url(), &[], script);
    wait_until("it is ready", || stage.file("ready").exists());
    let _next = stage.lead("b", &server.url(), &[], "wc -l <ends >seen; exec sleep 600");
    server.wait_for_members("web", 2);
    first.signal(Signal::TERM);
    assert_eq!(first.end(), (Some(5), String::new()));
    assert_eq!(stage.wait_for_start(2).name, "b");
    wait_until("it has looked", || lines(&stage.file("seen")) == ["1"]);
    assert_eq!(stage.overlaps(), 0);
}

#[test]
fn one_that_ignores_term_is_killed_after_the_grace_or_by_a_second_term() {
    let server = Server::start();
    let stubborn = "trap '' TERM; echo x >>ready; while :; do sleep 0.01; done";
    for (grace, is_once) in [("100ms", true), ("1h", false)] {
        let stage = Stage::new();
        let mut lead = stage.lead("a", &server.url(), &["--grace", grace], stubborn);
        wait_until("it is ready", || stage.file("ready").exists());
        match is_once {
            true => lead.signal(Signal::TERM),
            false => lead.insist(Signal::TERM),
        }
        assert_eq!(lead.end().0, Some(137));
        lead.wait_until_nothing_is_left();
        assert!(server.members("web").is_empty());
    }
}

#[test]
fn a_standby_leaves_at_once() {
    let server = Server::start();
    let stage = Stage::new();
    let _first = stage.lead("a", &server.url(), &["--member", "a"], "exec sleep 600");
    stage.wait_for_start(1);
    let mut standby = stage.lead("b", &server.url(), &[], "exec sleep 600");
    server.wait_for_members("web", 2);
    standby.signal(Signal::TERM);
    assert_eq!(standby.end(), (Some(0), String::new()));
    assert_eq!(server.members("web"), ["a"]);
}

#[test]
fn systemd_is_told_when_it_stands_in_line_and_when_it_leads() {
    let server = Server::start();
    let stage = Stage::new();
    let heard = |socket: &UnixDatagram| {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim_end().to_string()
    };
    let start = |name: &str, options: &[&str]| {
        let path = stage.file(&format!("notify-{name}"));
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        let words = [
            &["lead", "web", "--member", name],
            options,
            &["--", "sh", "-c", "env >env; exec sleep 600"],
        ]
        .concat();
        let mut command = steward(&words);
        command
            .env("NOTIFY_SOCKET", &path)
            .env("REDIS_URL", server.url())
            .current_dir(stage.file(""));
        (Running::start(&mut command), socket)
    };
    let (mut first, socket) = start("a", &[]);
    assert_eq!(heard(&socket), "READY=1");
    assert!(heard(&socket).starts_with("STATUS=leader: epoch "));
    wait_until("it runs", || !lines(&stage.file("env")).is_empty());
    assert!(
        lines(&stage.file("env"))
            .iter()
            .all(|line| !line.starts_with("NOTIFY_SOCKET"))
    );

    let (_next, waiting) = start("b", &["--ready-when-leading"]);
    assert_eq!(heard(&waiting), "STATUS=standby: a leads");
    first.signal(Signal::TERM);
    first.wait();
    // What it tells again is as before.
    let told: Vec<String> = std::iter::repeat_with(|| heard(&waiting))
        .take_while(|word| word != "READY=1")
        .collect();
    assert!(told.last().unwrap().starts_with("STATUS=leader"), "{told:?}");
    assert_eq!(
        std::iter::repeat_with(|| heard(&socket))
            .find(|word| word == "STOPPING=1")
            .unwrap(),
        "STOPPING=1"
    );
}
