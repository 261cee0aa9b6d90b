//! `steward queues`, `ls` and `show`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use redis::cmd;

use super::objects;
use crate::support::{Server, Terminal};

/// What moves the cursor, ends lines, reorders letters, and is no UTF-8.
const HOSTILE: &[u8] = b"\x1b[2J\x1b]0;title\x07\r\nsecond \xe2\x80\xaecab\xe2\x80\xa8\xc2\x9b31m \xff\0\"\t end";

fn put(server: &Server, id: &str, payload: &[u8]) {
    let _: String = cmd("TASK.SCHEDULE")
        .arg(&["mail"])
        .arg(payload)
        .arg(&["ID", id])
        .query(&mut server.client())
        .unwrap();
}

#[test]
fn queues_are_listed_with_what_they_have_on_all_nodes_of_a_cluster() {
    let nodes = Server::cluster();
    let url = format!("redis+cluster://127.0.0.1:{}", nodes[0].port);
    let names: Vec<String> = (0..20).map(|n| format!("q{n:02}")).collect();
    for name in &names {
        let (code, _, error) = nodes[0].run(&["--url", &url, "put", name, "x"]);
        assert_eq!(code, 0, "{error}");
    }
    let (code, out, error) = nodes[0].run(&["--url", &url, "-o", "json", "queues"]);
    assert_eq!((code, &error[..]), (0, ""));
    let mut found: Vec<String> = Vec::new();
    for line in out.lines() {
        let queue: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(queue["ready_tasks"], 1);
        found.push(queue["queue"].as_str().unwrap().into());
    }
    found.sort();
    assert_eq!(found, names);
    let (_, out, _) = nodes[0].run(&["--url", &url, "queues", "q0*"]);
    assert_eq!(out.lines().count(), 11, "{out}");
}

#[test]
fn a_table_in_a_pipe_is_whole_and_each_task_is_one_line() {
    let server = Server::start();
    put(&server, "t1", HOSTILE);
    put(&server, "t2", "é 漢字 ".repeat(100).as_bytes());
    let (code, out, error) = server.run(&["ls", "mail", "ready", "--payloads"]);
    assert_eq!((code, &error[..]), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].starts_with("ID  KIND  DUE "), "{out}");
    let shown = r#"\u{1b}[2J\u{1b}]0;title\u{7}\r\nsecond \u{202e}cab\u{2028}\u{9b}31m \xff\u{0}"\t end"#;
    assert!(lines[1].starts_with("t1  -     ") && lines[1].ends_with(shown), "{out}");
    assert!(lines[2].ends_with(&"é 漢字 ".repeat(100).trim_end()), "{out}");
    assert!(
        server
            .run(&["show", "mail", "t1"])
            .1
            .ends_with(&format!("payload       {shown}"))
    );
}

#[test]
fn an_object_is_a_line_and_has_all_bytes() {
    let server = Server::start();
    put(&server, "t1", HOSTILE);
    put(&server, "t2", "a\u{2028}\u{9b}\n".as_bytes());
    let (_, out, _) = server.run(&["ls", "mail", "ready", "--payloads", "-o", "json"]);
    assert_eq!(out.lines().count(), 2);
    assert!(
        out.is_ascii() && !out.replace('\n', "").contains(char::is_control),
        "{out}"
    );
    let tasks = objects(&server, &["ls", "mail", "ready", "--payloads"]);
    assert_eq!(tasks[0]["payload_base64"], BASE64.encode(HOSTILE));
    assert_eq!(tasks[1]["payload"], "a\u{2028}\u{9b}\n");
    let keys = |task: &serde_json::Value| task.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let reply: Vec<redis::Value> = server.call("TASK.GET mail t2");
    assert_eq!(keys(&tasks[1]).len(), reply.len() / 2);
}

#[test]
fn a_list_says_when_there_is_more() {
    let server = Server::start();
    for n in 0..250 {
        put(&server, &format!("t{n:03}"), b"x");
    }
    let said = |shown| format!("steward: these are the first {shown}, there may be more: use --limit N or --all");
    for (words, lines, error) in [
        (&[][..], 101, &said(100)[..]),
        (&["-n", "250"], 251, ""),
        (&["-n", "249"], 250, &said(249)),
        (&["--all"], 251, ""),
        (&["--match", "t24*"], 11, ""),
        (&["--match", "t24*", "-n", "3"], 4, &said(3)),
        (&["--kind", "none"], 0, ""),
    ] {
        let (code, out, said) = server.run(&[&["ls", "mail", "ready"], words].concat());
        assert_eq!((code, out.lines().count(), &said[..]), (0, lines, error), "{words:?}");
    }
    assert_eq!(server.run(&["ls", "mail", "nonsense"]).0, 64);
    let (code, out, error) = server.run(&["show", "mail", "t999"]);
    assert_eq!((code, &out[..], &error[..]), (1, "", "steward: no task t999 in mail"));
    assert_eq!(server.run(&["show", "mail", "t001", "--field", "nonsense"]).0, 64);
}

#[test]
fn a_table_fits_the_terminal() {
    let server = Server::start();
    put(&server, "t1", HOSTILE);
    put(&server, "t2", "漢字 ".repeat(100_000).as_bytes());
    let terminal = Terminal::start(&server, 72, 20);
    let screen = terminal.run("steward ls mail ready --payloads");
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines.len(), 3, "{screen}");
    assert!(lines[0].starts_with("ID ") && lines[0].contains("PAYLOAD"), "{screen}");
    assert!(
        lines[1].starts_with("t1 ") && lines[1].contains(r"\u{1b}[2J"),
        "{screen}"
    );
    assert!(lines[2].starts_with("t2 ") && lines[2].ends_with('…'), "{screen}");
}
