//! The programs in `examples/`, as they stand there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Running, Server, Stage, in_shell, lines, told, wait_until};

/// An example, with `steward` and the programs of this folder on the path.
fn example(name: &str, arg: &str, server: &Server, stage: &Stage) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() <= 20, "it is short");
    in_shell(&format!("exec {} {arg}", file.display()), server, stage)
}

/// The code and the output of one.
fn run(name: &str, arg: &str, server: &Server, stage: &Stage) -> (i32, String) {
    let (code, out, _) = told(&example(name, arg, server, stage).output().unwrap());
    (code, out)
}

/// A program for examples to start.
fn program(stage: &Stage, name: &str, script: &str) {
    std::fs::write(stage.file(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(stage.file(name), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_pid_is_shared_by_all_hosts() {
    let (server, stage) = (Server::start(), Stage::new());
    let daemon = "trap 'echo reloaded >>heard' HUP\necho $$ >>started\nwhile :; do sleep 0.01; done";
    program(&stage, "billing", daemon);
    let run = |word: &str| run("shared-pid", word, &server, &stage);
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

#[test]
fn a_task_manager_creates_tasks_and_shows_and_ends_them() {
    let (server, stage) = (Server::start(), Stage::new());
    let run = |words: &str| run("task-manager", words, &server, &stage);
    let json = |words: &str| -> Value { serde_json::from_str(&run(words).1).unwrap() };
    let add = |command: &str| run(&format!("add '{command}'")).1;
    assert_eq!(run("").0, 64);
    let sum = add("echo $((6 * 7)); echo $STEWARD_ID >&2");
    assert_eq!(run("list").1, format!("ready {sum}"));
    let mut work = Running::start(&mut example("task-manager", "work 2", &server, &stage));
    let end = json(&format!("wait {sum}"));
    assert_eq!((&end["state"], &end["result"]), (&json!("done"), &json!("42\n")));

    let (wrong, long) = (add("echo no such page >&2; exit 65"), add("echo $$ >pid; sleep 600"));
    let end = json(&format!("wait {wrong}"));
    assert_eq!(
        (&end["state"], &end["error"]),
        (&json!("dead"), &json!("exit 65: no such page\nno such page"))
    );
    wait_until("the long one runs", || !lines(&stage.file("pid")).is_empty());
    assert_eq!(run("list").1, format!("claimed {long}\ndone {sum}\ndead {wrong}"));
    let workers = &json("workers")[1];
    assert_eq!(
        (&workers[0]["state"], &workers[0]["claimed_tasks"]),
        (&json!("up"), &json!(1))
    );
    assert_eq!(run(&format!("cancel {long}")).1, "1");
    assert_eq!(json(&format!("wait {long}"))["state"], "cancelled");
    let deliveries = || json(&format!("show {wrong}"))["deliveries"].clone();
    assert_eq!(deliveries(), 1);
    assert_eq!(run(&format!("retry {wrong}")).1, "1");
    wait_until("it has run again", || deliveries() == 2);
    work.signal(Signal::TERM);
    assert_eq!(work.wait().code(), Some(0));
}

#[test]
fn a_master_has_chosen_nodes_work_and_collects_their_results() {
    let (server, stage) = (Server::start(), Stage::new());
    let master = |words: &str| -> Value {
        let (_, out) = run("master", &format!("run {words}"), &server, &stage);
        serde_json::from_str(&out).unwrap()
    };
    let node = |name: &str| {
        let mut node = example("master", &format!("node {name}"), &server, &stage);
        Running::start(node.env("STEWARD_TTL", "2s").env("NODE", name))
    };
    assert_eq!(run("master", "", &server, &stage).0, 64);
    let nodes = ["a", "b", "c"].map(node);
    server.wait_for_members("nodes", 3);
    let results = master("'echo $NODE $((6 * 7))' c nobody a");
    let got: Vec<_> = results.as_array().unwrap().iter().map(|end| &end["result"]).collect();
    assert_eq!(got, [&json!("c 42\n"), &Value::Null, &json!("a 42\n")]);
    assert_eq!(results[1]["state"], Value::Null);

    // One that dies leaves it to another.
    let results = std::thread::scope(|scope| {
        let results = scope.spawn(|| master("'echo $NODE >>ran; [ $NODE != b ] || sleep 600; echo $NODE' b"));
        wait_until("it runs", || lines(&stage.file("ran")) == ["b"]);
        nodes[1].signal(Signal::KILL);
        results.join().unwrap()
    });
    assert_eq!(results[0]["state"], "done");
    assert_eq!(lines(&stage.file("ran")).len(), 2);
    assert!(["a\n", "c\n"].contains(&results[0]["result"].as_str().unwrap()));
}

#[test]
fn timed_tasks_run_when_they_are_due_and_each_once() {
    let (server, stage) = (Server::start(), Stage::new());
    program(&stage, "ring", "echo \"$(cat) $(date +%s%3N)\" >>rung");
    let run = |words: &str| run("timed", words, &server, &stage);
    assert_eq!(run("").0, 64);
    let _hosts = [(); 2].map(|()| Running::start(&mut example("timed", "work ring", &server, &stage)));
    let asked = crate::support::micros() / 1000;
    for words in ["in 2 'two seconds'", "at '2 seconds' later", "at 2001-09-09 past"] {
        assert_eq!(run(words).0, 0, "{words}");
    }
    let never = run("in 3600 never").1;
    assert!(run("list").1.contains("\"payload\":\"never\""));
    assert_eq!(run(&format!("cancel {never}")).1, "1");
    let (code, next) = run("cron each '* * * * * *' tick");
    assert!(code == 0 && next.contains(':'), "{next}");
    assert!(run("list").1.contains("CRON * * * * * * TZ UTC"));
    let rung = |text: &str| -> Vec<u128> {
        let rung = lines(&stage.file("rung"));
        let ms = rung
            .iter()
            .filter_map(|line| line.strip_prefix(text)?.trim().parse().ok());
        ms.collect()
    };
    wait_until("all have rung", || {
        rung("tick").len() >= 2
            && ["two seconds", "later", "past"]
                .iter()
                .all(|text| !rung(text).is_empty())
    });
    assert_eq!(run("uncron each").1, "1");
    assert!(rung("two seconds")[0] >= asked + 2_000);
    // A time in whole seconds.
    assert!(rung("later")[0] >= asked + 1_000);
    for text in ["two seconds", "later", "past"] {
        assert_eq!(rung(text).len(), 1, "{text}");
    }
    assert!(rung("never").is_empty());
}
