//! `steward top`, in a real terminal.

use rustix::process::Signal;

use crate::support::{Server, Stage, Terminal, send, wait_until};
use crate::web::house::{Load, create_users, furnish};

/// Starts it in a terminal of this size, which says with what code it has ended.
#[track_caller]
fn start(server: &Server, width: u16, height: u16, command: &str) -> Terminal {
    let terminal = Terminal::start(server, width, height);
    terminal.enter(&format!("{command}; echo code=$?"));
    terminal.wait_for("F1Help");
    terminal
}

/// The cells of the row of this name.
#[track_caller]
fn row(terminal: &Terminal, name: &str) -> Vec<String> {
    let begin = format!("{name} ");
    let line = terminal.wait_for_line(&format!("a row {name}"), |line| line.starts_with(&begin));
    line.split_whitespace().map(str::to_string).collect()
}

/// The first words of the rows under a header that begins with this.
fn names(terminal: &Terminal, header: &str) -> Vec<String> {
    let screen = terminal.screen();
    let mut rows: Vec<&str> = screen
        .lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(1)
        .collect();
    // The keys.
    rows.pop();
    let names = rows.iter().filter_map(|line| line.split_whitespace().next());
    names.map(str::to_string).collect()
}

/// Whether this is the first row.
fn is_first(terminal: &Terminal, name: &str) -> bool {
    names(terminal, "QUEUE").first().is_some_and(|first| first == name)
}

#[test]
fn queues_are_followed_sorted_filtered_and_found() {
    let server = Server::start();
    let _house = furnish(&server);
    for number in 0..40 {
        let _: String = server.call(&format!("TASK.SCHEDULE q{number:02} x"));
    }
    let _load = Load::on(&server, "busy");
    let terminal = start(&server, 80, 24, "steward top -d 300ms");
    assert_eq!(row(&terminal, "mail")[1..6], ["2", "1", "1", "1", "6"]);
    terminal.wait_for_line("work goes on", |line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let rates = cells.get(9..11).unwrap_or_default();
        line.starts_with("busy ") && rates.iter().all(|rate| rate.parse().is_ok_and(|rate: f64| rate > 1.0))
    });
    terminal.wait_for_line("it goes on as a line of bars", |line| {
        line.starts_with("busy ") && line.ends_with('█')
    });

    assert_eq!(names(&terminal, "QUEUE")[..3], ["busy", "mail", "q00"]);
    terminal.press("End");
    terminal.wait_for("q39");
    terminal.press("PageUp");
    terminal.press("Home");
    wait_until("it is at the first again", || is_first(&terminal, "busy"));
    terminal.press("F6");
    terminal.wait_for("Sort by");
    for _ in 0..6 {
        terminal.press("Down");
    }
    terminal.press("Enter");
    wait_until("it is sorted by dead tasks", || is_first(&terminal, "mail"));
    terminal.press("F4");
    for letter in ["q", "3"] {
        terminal.press(letter);
    }
    wait_until("others are left out", || names(&terminal, "QUEUE").len() == 10);
    terminal.wait_for("filter q3: 10");
    terminal.press("Escape");
    wait_until("they are there again", || names(&terminal, "QUEUE").len() > 10);
    terminal.press("/");
    terminal.press("m");
    terminal.press("a");
    terminal.press("Enter");
    terminal.press("Enter");
    terminal.wait_for("bob");
    terminal.press("q");
    terminal.wait_for("code=0");
    assert!(!terminal.screen().contains("QUEUE"), "{}", terminal.screen());
}

#[test]
fn a_queue_is_opened_with_its_tasks_kinds_workers_and_events() {
    let server = Server::start();
    let _house = furnish(&server);
    let mut put = redis::cmd("TASK.SCHEDULE");
    put.arg(&["mail", "x", "ID", "evil", "USED", "1", "DEAD"])
        .arg(b"\x1b[2J\xff\xe2\x80\xaeoh\n");
    let _: String = put.query(&mut server.client()).unwrap();
    let terminal = start(&server, 110, 30, "steward top");
    row(&terminal, "mail");
    terminal.press("Enter");
    terminal.wait_for("waiting");
    terminal.wait_for("bob");
    for (key, shown) in [
        ("Tab", "worker-1"),
        ("Right", "dan"),
        ("Tab", "eve"),
        ("Tab", "RAN"),
        ("Tab", "no such address"),
        ("Tab", "welcome"),
        ("Tab", "WORKER"),
        ("Tab", "cancelled"),
        ("Tab", "bob"),
    ] {
        terminal.press(key);
        terminal.wait_for(shown);
    }
    for _ in 0..4 {
        terminal.press("BTab");
    }
    terminal.wait_for(r"\u{1b}[2J\xff\u{202e}oh\n");
    // The server finds what a filter says, also where nothing of it is shown.
    terminal.press("F4");
    for letter in ["q", "u", "o", "t", "a"] {
        terminal.press(letter);
    }
    wait_until("others are left out", || names(&terminal, "ID").len() == 2);
    terminal.press("Enter");
    terminal.press("Enter");
    terminal.wait_for("dead letter");
    // All lines of an error are there to be read.
    terminal.wait_for_line("the second line", |line| line.trim().starts_with("line "));
    terminal.press("Escape");
    terminal.wait_for("filter quota: 2");
    terminal.press("2");
    terminal.wait_for_line("members", |line| {
        line.starts_with("web ") && line.contains("leader") && line.contains("a3")
    });
    terminal.press("3");
    // Rows of another view are gone as soon as the columns are those of this one.
    terminal.wait_for("LEADER");
    terminal.wait_for_line("leaders", |line| {
        line.starts_with("web ") && line.contains("m1") && line.contains("4711")
    });
    terminal.press("End");
    terminal.press("Enter");
    terminal.wait_for("candidate");
}

#[test]
fn a_screen_may_become_any_size() {
    let server = Server::start();
    let _house = furnish(&server);
    let terminal = start(&server, 80, 24, "steward top -d 200ms");
    terminal.wait_for("every 200ms");
    for (width, height) in [(120, 40), (40, 10), (12, 4), (2, 2), (80, 1), (200, 60)] {
        terminal.resize(width, height);
        let is_wide = width >= 40;
        let shown = if height > 5 { "QUEUE" } else { "" };
        wait_until("it is drawn anew", || {
            let screen = terminal.screen();
            screen.contains(shown) && (screen.contains("LATE50") == (width >= 110) || !is_wide)
        });
    }
    terminal.wait_for("NOTE");
    assert_eq!(row(&terminal, "mail")[5], "6");
    terminal.press("F10");
    terminal.wait_for("code=0");
}

#[test]
fn what_stops_or_ends_it_gives_the_terminal_back() {
    let server = Server::start();
    let stage = Stage::new();
    let pid = stage.file("pid");
    let command = format!("sh -c 'echo $$ >{}; exec steward top'", pid.display());
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let terminal = Terminal::start(&server, 80, 24);
        terminal.enter(&command);
        terminal.wait_for("F1Help");
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        send(pid, signal);
        wait_until("the shell is there", || !terminal.screen().contains("F1Help"));
        terminal.enter("echo code=$?");
        terminal.wait_for(&format!("code={code}"));
        let modes = terminal.run("stty -a");
        assert!(modes.contains(" icanon") && modes.contains(" echo "), "{modes}");
    }
    let terminal = start(&server, 80, 24, "steward top");
    terminal.press("C-z");
    wait_until("the shell is there", || !terminal.screen().contains("F1Help"));
    assert!(terminal.run("echo I am here").contains("I am here"));
    terminal.enter("fg");
    terminal.wait_for("F1Help");
    terminal.wait_for("queues 0");
    terminal.press("C-c");
    wait_until("it ends", || !terminal.screen().contains("F1Help"));
    assert!(terminal.run("stty -a").contains(" icanon"));
}

#[test]
fn a_server_that_is_gone_is_told_and_one_that_is_back_is_followed() {
    let mut server = Server::with("appendonly yes\nappendfsync always");
    let _: String = server.call("TASK.SCHEDULE mail x");
    let terminal = start(&server, 80, 24, "steward top -d 100ms");
    row(&terminal, "mail");
    server.kill();
    terminal.wait_for("cannot reach the server, trying again");
    row(&terminal, "mail");
    server.start_again();
    let _: String = server.call("TASK.SCHEDULE news x");
    row(&terminal, "news");
    assert!(!terminal.screen().contains("cannot reach"), "{}", terminal.screen());
    terminal.press("q");
    terminal.wait_for("code=0");
    server.kill();
    let screen = terminal.run("steward top; echo code=$?");
    assert!(
        screen.contains("code=69") && screen.contains("Connection refused"),
        "{screen}"
    );
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let server = Server::start();
    let text = "steward: top needs a terminal: use steward stats --watch, or steward queues -o json";
    assert_eq!(server.run(&["top"]), (64, String::new(), text.into()));
    for wrong in ["2", "50ms", "never"] {
        assert_eq!(server.run(&["top", "-d", wrong]).0, 64, "{wrong}");
    }
    let terminal = Terminal::start(&server, 100, 24);
    assert!(terminal.run("TERM=dumb steward top").contains("top needs a terminal"));
}

#[test]
fn colours_are_left_out_for_those_who_do_not_want_them() {
    let server = Server::start();
    let _house = furnish(&server);
    let coloured = |text: &str| {
        let codes = text.split("\u{1b}[").skip(1).filter_map(|part| part.split('m').next());
        let mut numbers = codes
            .flat_map(|code| code.split(';'))
            .filter_map(|code| code.parse().ok());
        numbers.any(|code: u32| (30..39).contains(&code) || (40..49).contains(&code) || code >= 90)
    };
    for (command, expected) in [
        ("steward top", true),
        ("NO_COLOR=1 steward top", false),
        ("NO_COLOR= steward top", true),
    ] {
        let terminal = start(&server, 80, 24, command);
        row(&terminal, "mail");
        assert_eq!(coloured(&terminal.colours()), expected, "{command}");
    }
}

#[test]
fn a_viewer_sees_every_view_of_what_it_may_see() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let url = format!("redis://viewer:change-me@127.0.0.1:{}", server.port);
    let terminal = start(&server, 110, 30, &format!("REDIS_URL={url} steward top"));
    row(&terminal, "mail");
    for (keys, shown) in [
        (&["2"][..], "4711"),
        (&["3"], "LEADER"),
        (&["1"], "QUEUE"),
        (&[], "mail "),
        (&["Enter"], "bob"),
        (&["BTab"], "cancelled"),
        (&["BTab"], "worker-1"),
        (&["BTab"], "welcome"),
        (&["BTab"], "quota"),
        (&["Enter"], "finished_at"),
    ] {
        for key in keys {
            terminal.press(key);
        }
        terminal.wait_for(shown);
        assert!(!terminal.screen().contains("NOPERM"), "{}", terminal.screen());
    }
    assert!(!terminal.screen().contains("change-me"), "{}", terminal.screen());
}
