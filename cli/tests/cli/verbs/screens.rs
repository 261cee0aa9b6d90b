//! Every verb in a real terminal, narrow and wide.

use crate::support::{Server, Stage, Terminal, wait_until};

/// A queue with tasks in all states, of long ids and names that are no ASCII, and a service.
fn used() -> Server {
    let server = Server::start();
    let long = "order-".repeat(30);
    for (id, options) in [
        (&long[..], "KIND k"),
        ("später", "DELAY 3600000"),
        ("漢字", "AFTER 1 später"),
        ("done", "PRIORITY 0 RETAIN 3600000"),
        ("claimed", "PRIORITY 1 KIND c"),
        ("dead", "PRIORITY 2"),
    ] {
        let _: String = server.call(&format!("TASK.SCHEDULE mail x ID {id} {options}"));
    }
    let claimed: Vec<Vec<Option<String>>> = server.call("TASK.CLAIM mail worker-1 COUNT 2 LEASE 600000");
    let token = claimed[0][3].clone().unwrap();
    let _: redis::Value = server.call(&format!("TASK.ACK mail done {token}"));
    let _: redis::Value = server.call("TASK.BURY mail dead");
    let _: redis::Value = server.call("PID.REGISTER app m1 12 HOST h1 TTL 60000 EXCLUSIVE");
    let _: redis::Value = server.call("TASK.REPEAT mail nightly x EVERY 86400000 OWNER o");
    server
}

/// Columns are as wide as they must be.
fn bare(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Interrupts what runs, which ends by that.
#[track_caller]
fn interrupt(terminal: &Terminal) {
    terminal.press("C-c");
    // What is typed before it has ended is lost.
    wait_until("the shell reads again", || terminal.reads() == "sh");
    terminal.enter("echo code=$?");
    terminal.wait_for("code=130");
}

#[test]
fn every_verb_fits_a_narrow_and_a_wide_one() {
    let server = used();
    let mut wrong = String::new();
    for width in [80, 200] {
        let terminal = Terminal::start(&server, width, 50);
        for (command, shown) in [
            ("put mail x --id new", "new\n"),
            ("queues", "\nmail   "),
            ("ls mail ready --payloads", "\norder-"),
            ("ls mail scheduled", "\nspäter  "),
            ("ls mail blocked", "\n漢字  "),
            ("ls mail claimed", "\nclaimed  c     worker-1  "),
            ("ls mail done", "\ndone  "),
            ("ls mail dead", "\ndead  "),
            ("show mail dead", "\nstate         dead\n"),
            ("bury mail new", "buried 1 task\n"),
            ("retry mail new", "retried 1 task\n"),
            ("unclaim mail new", "unclaimed 0 tasks\nsteward: 1 of 1 not unclaimed\n"),
            ("purge mail new", "purged 1 task\n"),
            ("put mail x --id new", "new\n"),
            ("cancel mail new", "cancelled 1 task\n"),
            ("pause mail --for 1h", "mail: paused until "),
            ("explain mail", "\npaused "),
            ("resume mail", "mail: not paused\n"),
            ("config mail lease=1m && echo set", "set\n"),
            ("config mail lease", "lease=1m\n"),
            ("stats mail", "\ndead_tasks        1\n"),
            ("stats mail --kinds", "\nc     1        1 "),
            ("stats", "\nqueues               1\n"),
            ("workers mail", "\nworker-1  -      1        "),
            ("members", "\napp      m1      leader "),
            ("leaders", "\napp      m1      "),
            ("signal app quiet m1", "members signalled: 1\n"),
            ("events mail", "reason=buried"),
            ("history mail", "\n20"),
            ("cron ls", "\nmail   nightly  EVERY 864"),
            ("cron run nightly", "nightly:"),
            ("metrics --once | grep -c '^steward_up 1$'", "1\n"),
        ] {
            let screen = terminal.run(&format!("steward {command}"));
            let screen = format!("\n{}\n", screen.trim_matches('\n'));
            if !bare(&screen).contains(&bare(shown)) {
                wrong.push_str(&format!("{width}: {command}: {shown:?}\n{screen}"));
            }
            if command.starts_with("ls ") {
                let rows: Vec<&str> = screen.trim().lines().skip(1).collect();
                assert!(
                    rows.iter().all(|row| row.contains(" UTC")),
                    "{width}: {command}\n{screen}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn ids_and_moments_are_whole_where_they_fit() {
    let server = used();
    for n in 0..3 {
        assert_eq!(
            server
                .run(&[
                    "put",
                    "news",
                    "a long payload ".repeat(9).trim(),
                    "--id",
                    &format!("1j1aqe3op8{n}-{n}")
                ])
                .0,
            0
        );
    }
    let _: redis::Value = server.call("TASK.CLAIM news worker-of-a-host-12345 LEASE 600000");
    let terminal = Terminal::start(&server, 80, 10);
    for (command, id) in [
        ("ls news claimed", "1j1aqe3op80-0"),
        ("ls news ready --payloads", "1j1aqe3op82-2"),
    ] {
        let screen = terminal.run(&format!("steward {command}"));
        let row = screen.lines().find(|row| row.starts_with(&format!("{id} ")));
        assert!(row.is_some_and(|row| row.contains(" UTC ")), "{screen}");
    }
    assert_eq!(terminal.run("steward ls news dead").trim(), "steward: nothing found");
    let narrow = Terminal::start(&server, 40, 10);
    let screen = narrow.run("steward ls news ready --payloads");
    assert!(screen.lines().count() == 3 && screen.contains('…'), "{screen}");
}

#[test]
fn what_cannot_be_undone_is_asked() {
    let (server, stage) = (used(), Stage::new());
    let file = stage.file("tasks.toml");
    std::fs::write(&file, "owner = \"o\"\n").unwrap();
    let prune = format!("cron apply {} --prune", file.display());
    let terminal = Terminal::start(&server, 120, 10);
    let questions = [
        (
            "retry mail --all",
            "retry 1 dead task of mail? [y/N] ",
            "retried 1 task",
        ),
        (
            "unclaim mail --all",
            "unclaim 1 claimed task of mail? [y/N] ",
            "unclaimed 1 task",
        ),
        (
            "cancel mail --state blocked --all",
            "cancel 1 blocked task of mail? [y/N] ",
            "cancelled 1 task",
        ),
        (
            "purge mail --state done --older 0s",
            "purge 1 done task of mail? [y/N] ",
            "purged 1 task",
        ),
        (
            "signal app stop --all",
            "signal stop to all members of app? [y/N] ",
            "members signalled: 1",
        ),
        (
            &prune,
            "remove 1 of the 1 recurring tasks of this owner? [y/N] ",
            "code=0",
        ),
    ];
    for (command, question, done) in questions {
        for (answer, code) in [("", 1), ("nonsense", 1), ("Y", 0)] {
            terminal.enter(&format!("clear; steward {command}; echo code=$?"));
            terminal.wait_for(question.trim_end());
            terminal.enter(answer);
            terminal.wait_for(&format!("code={code}"));
            assert_eq!(terminal.screen().contains(done), code == 0, "{}", terminal.screen());
        }
        // Where nothing is left, nothing is asked.
        if !command.starts_with("signal") {
            terminal.run(&format!("steward {command}"));
        }
    }
    terminal.enter("clear; steward purge mail --state ready --all");
    terminal.wait_for("[y/N]");
    interrupt(&terminal);
}

#[test]
fn what_goes_on_is_ended_by_an_interrupt() {
    let server = used();
    let terminal = Terminal::start(&server, 80, 10);
    terminal.enter("steward events mail -f");
    terminal.wait_for("reason=buried");
    let _: redis::Value = server.call("TASK.CANCEL mail später");
    terminal.wait_for("cancelled  später");
    interrupt(&terminal);
    terminal.enter("clear; steward metrics --listen 127.0.0.1:0");
    terminal.wait_for("metrics at http://127.0.0.1:");
    interrupt(&terminal);
}

#[test]
fn a_reader_that_goes_is_no_failure() {
    let server = used();
    let terminal = Terminal::start(&server, 80, 10);
    for command in [
        "stats mail",
        "ls mail ready --payloads",
        "metrics --once",
        "config mail",
        "--help",
    ] {
        let screen = terminal.run(&format!(
            "{{ steward {command}; echo code=$? >&2; }} | head -n 1 >/dev/null"
        ));
        assert_eq!(screen.trim(), "code=0", "{command}");
    }
}
