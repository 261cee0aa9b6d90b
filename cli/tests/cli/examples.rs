//! The programs in `examples/`, as they stand there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::{Running, Server, Stage, in_shell, lines, told, wait_until};

/// An example, with `steward` and the programs of this folder on the path.
fn example(name: &str, arg: &str, server: &Server, stage: &Stage) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() <= 20, "it is short");
    in_shell(&format!("exec {} {arg}", file.display()), server, stage)
}

#[test]
fn a_pid_is_shared_by_all_hosts() {
    let (server, stage) = (Server::start(), Stage::new());
    let daemon = "#!/bin/sh\ntrap 'echo reloaded >>heard' HUP\necho $$ >>started\nwhile :; do sleep 0.01; done\n";
    std::fs::write(stage.file("billing"), daemon).unwrap();
    std::fs::set_permissions(stage.file("billing"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = |word: &str| told(&example("shared-pid", word, &server, &stage).output().unwrap());
    assert_eq!(run("where").0, 1);
    assert_eq!(run("reload").0, 1);
    assert_eq!(run("").0, 64);

    let start = || Running::start(&mut example("shared-pid", "start", &server, &stage));
    let mut hosts = [start(), start()];
    server.wait_for_members("billing", 2);
    wait_until("the register shows the daemon", || {
        let started = lines(&stage.file("started"));
        server.run(&["pid", "billing"]).1 == started.concat() && !started.is_empty()
    });
    assert!(
        run("where")
            .1
            .contains(&format!("pid {}", lines(&stage.file("started"))[0]))
    );
    assert_eq!(run("reload").0, 0);
    wait_until("it has reloaded", || lines(&stage.file("heard")) == ["reloaded"]);
    assert_eq!(run("stop").0, 0);
    wait_until("one has ended", || hosts.iter_mut().any(Running::has_ended));
    wait_until("the other one runs it", || lines(&stage.file("started")).len() == 2);
}

#[test]
fn a_standby_goes_on_with_the_next_page_and_none_is_there_twice() {
    let (server, stage) = (Server::start(), Stage::new());
    let start = || {
        let mut command = example("standby", "", &server, &stage);
        Running::start(command.env("PAUSE", "0.01").env("TTL", "1s"))
    };
    let pages = || server.call::<Vec<String>>("LRANGE {report}pages 0 -1");
    let written = |more: usize| {
        let before = pages().len();
        wait_until("pages are written", || pages().len() >= before + more);
    };
    let leader = start();
    written(3);
    let mut next = start();
    server.wait_for_members("report", 2);
    leader.signal(Signal::KILL);
    written(3);
    // One that sleeps for longer than its TTL.
    let _third = start();
    server.wait_for_members("report", 2);
    next.signal(Signal::STOP);
    wait_until("another leads", || {
        server
            .call::<Option<Vec<String>>>("HB.LEADER report")
            .is_some_and(|l| !l[1].ends_with(&format!("-{}", next.pid())))
    });
    written(3);
    next.signal(Signal::CONT);
    assert_eq!(next.wait().code(), Some(75));
    for (number, page) in pages().iter().enumerate() {
        assert!(page.starts_with(&format!("page {} by ", number + 1)), "{page}");
    }
}
