//! `steward put`.

use std::io::Write;
use std::process::{Output, Stdio};

use super::{field, objects};
use crate::support::{Server, Stage, steward, told};

/// Runs `steward put` with this on its standard input.
fn put(server: &Server, words: &[&str], input: &[u8]) -> Output {
    let mut command = steward(&[&["put", "mail"], words].concat());
    command.env("REDIS_URL", server.url()).env("TZ", "Europe/Paris");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_payload_is_an_argument_a_file_or_standard_input_whatever_its_bytes() {
    let (server, stage) = (Server::start(), Stage::new());
    let bytes: Vec<u8> = (0..=255).collect();
    std::fs::write(stage.file("payload"), &bytes).unwrap();
    let file = stage.file("payload");
    for (words, input, payload) in [
        (&["to ann", "--id", "t"][..], &b""[..], &b"to ann"[..]),
        (&["-x", "--id", "t"], b"", b"-x"),
        (&["", "--id", "t"], b"", b""),
        (&["--id", "t"], &bytes, &bytes),
        (&["-", "--id", "t"], b"a\n", b"a\n"),
        (&["--id", "t", "--file", file.to_str().unwrap()], b"", &bytes),
    ] {
        assert_eq!(
            told(&put(&server, words, input)),
            (0, "t".into(), String::new()),
            "{words:?}"
        );
        let shown = steward(&["show", "mail", "t", "--field", "payload"])
            .env("REDIS_URL", server.url())
            .output()
            .unwrap();
        assert_eq!(shown.stdout, payload, "{words:?}");
        assert_eq!(server.call::<u32>("TASK.CANCEL mail t"), 1);
    }
}

#[test]
fn each_line_is_a_task_and_its_id_is_printed() {
    let server = Server::start();
    let lines: String = (0..2_500).map(|n| format!("line {n}\n")).collect();
    let (code, out, error) = told(&put(
        &server,
        &["--lines", "--kind", "k", "--in", "1h"],
        lines.as_bytes(),
    ));
    assert_eq!((code, out.lines().count()), (0, 2_500), "{error}");
    let last = out.lines().last().unwrap();
    assert_eq!(field(&server, last, "payload"), "line 2499");
    assert_eq!(field(&server, last, "kind"), "k");
    assert_eq!(server.call::<u32>("ZCARD task:{mail}:scheduled"), 2_500);

    // Each empty line is one too, and the last one needs no end.
    let (_, out, _) = told(&put(&server, &["--lines"], b"\n\nx"));
    assert_eq!(out.lines().count(), 3);

    assert_eq!(server.call::<String>("TASK.CONFIG SET mail max-length 3000"), "OK");
    let (code, out, error) = told(&put(&server, &["--lines"], lines.as_bytes()));
    assert_eq!((code, out.lines().count()), (75, 0), "{error}");
    assert!(error.starts_with("steward: after 0 tasks: QUEUEFULL"), "{error}");
}

#[test]
fn its_options_are_those_of_schedule() {
    let server = Server::start();
    let words = [
        "x",
        "--id",
        "t",
        "--kind",
        "k",
        "--priority",
        "2",
        "--attempts",
        "7",
        "--backoff",
        "exponential 1s max 1h jitter 20",
        "--lease",
        "2m",
        "--expire",
        "1d",
        "--retain",
        "7d",
        "--unique",
        "u",
        "--replace",
        "--group",
        "g",
        "--reply",
        "{mail}r",
        "--on-dead",
        "--in",
        "10m",
    ];
    let server_says = |words: &[&str]| told(&put(&server, words, b""));
    let (code, out, error) = server_says(&words);
    assert_eq!((code, &out[..]), (0, "t"), "{error}");
    let task = &objects(&server, &["show", "mail", "t"])[0];
    for (name, value) in [
        ("kind", "\"k\""),
        ("priority", "2"),
        ("max_attempts", "7"),
        ("backoff", "\"EXPONENTIAL 1000 MAX 3600000 JITTER 20\""),
        ("lease_ms", "120000"),
        ("unique", "\"u\""),
        ("group", "\"g\""),
        ("state", "\"scheduled\""),
    ] {
        assert_eq!(task[name].to_string(), value, "{name}");
    }
    assert_eq!(
        server_says(&["y", "--after", "t", "--on-fail", "run", "--id", "child"]).0,
        0
    );
    assert_eq!(field(&server, "child", "state"), "blocked");
    let parents = [
        "y",
        "--id",
        "heir",
        "--after",
        "t",
        "--after-in",
        "{mail}r",
        "a",
        "--after-in",
        "{mail}r",
        "b",
    ];
    assert_eq!(
        server_says(&[&parents[..], &["--missing-ok", "--on-fail", "wait"]].concat()).0,
        0
    );
    assert_eq!(field(&server, "heir", "after"), "t");
    let (code, _, error) = server_says(&["y", "--after-in", "{mail}r", "a"]);
    assert_eq!((code, error.contains("a is unknown")), (1, true), "{error}");
    let moved = [
        "y",
        "--id",
        "moved",
        "--used",
        "3",
        "--dead",
        "no address",
        "--created",
        "2026-01-01T00:00Z",
    ];
    assert_eq!(server_says(&moved).0, 0);
    let moved = &objects(&server, &["show", "mail", "moved"])[0];
    assert_eq!(
        (
            &moved["state"],
            &moved["attempt"],
            &moved["error"],
            &moved["created_at"]
        ),
        (
            &"dead".into(),
            &3.into(),
            &"no address".into(),
            &1_767_225_600_000_u64.into()
        )
    );
    let (code, _, error) = server_says(&["y", "--unique", "u"]);
    assert_eq!((code, &error[..]), (1, "steward: DUPLICATE scheduled t"));
    let (code, _, error) = server_says(&["y", "--to", "w9", "--now"]);
    assert_eq!((code, error.starts_with("steward: NOMEMBER")), (1, true), "{error}");
    // Nothing comes from what `work` has put into the environment.
    let mut inside = steward(&["put", "mail", "x", "--id", "inside"]);
    inside
        .env("REDIS_URL", server.url())
        .env("STEWARD_KIND", "other")
        .env("STEWARD_ID", "other");
    assert_eq!(told(&inside.output().unwrap()).1, "inside");
    assert_eq!(field(&server, "inside", "kind"), "");
}

#[test]
fn a_moment_is_said_back_with_its_zone() {
    let server = Server::start();
    for (at, said, unix) in [
        ("2036-07-01 09:00", "2036-07-01 09:00:00 CEST", 2_098_508_400_000_u64),
        ("2036-12-01T09:00", "2036-12-01 09:00:00 CET", 2_111_731_200_000),
        ("2036-12-01T09:00Z", "2036-12-01 10:00:00 CET", 2_111_734_800_000),
    ] {
        let (code, id, error) = told(&put(&server, &["x", "--at", at], b""));
        assert_eq!((code, &error[..]), (0, &format!("steward: due {said}")[..]));
        assert_eq!(field(&server, &id, "due_at"), unix.to_string());
    }
    let out = told(&put(
        &server,
        &["x", "-o", "json", "--id", "j", "--at", "2036-12-01T09:00Z"],
        b"",
    ))
    .1;
    assert_eq!(out, r#"{"due_at":2111734800000,"id":"j","queue":"mail"}"#);
}

#[test]
fn what_is_wrong_is_told_in_a_line_with_its_code() {
    let server = Server::start();
    for (words, code, word) in [
        (&["x", "--in", "10"][..], 64, "unit"),
        (&["x", "--at", "1795258995431"], 64, "write a time"),
        (&["x", "--at", "09:00", "--in", "1h"], 64, "cannot be used with"),
        (&["x", "--unique-for", "1h"], 64, "--unique"),
        (&["x", "--lines", "--id", "a"], 64, "--id"),
        (&["x", "--lines", "--used", "1"], 64, "--used"),
        (&["x", "--missing-ok"], 64, "--after"),
        (&["x", "--after-in", "mail"], 64, "--after-in"),
        (&["x", "--dead", "of it"], 64, "--used"),
        (&["x", "--after", "gone"], 1, "NOTASK"),
        (&["x", "--backoff", "fixed 10"], 64, "unit"),
        (&["x", "--backoff", "soon"], 64, "fixed 10s"),
        (&["x", "--priority", "10"], 64, "PRIORITY"),
        (&["--file", "/nonexistent"], 66, "/nonexistent: "),
        (&["--file", "/"], 66, "/: "),
    ] {
        let (told_code, out, error) = told(&put(&server, words, b""));
        assert_eq!(
            (told_code, &out[..], error.contains(word)),
            (code, "", true),
            "{words:?}: {error}"
        );
    }
    let (code, _, error) = told(&put(&server, &["-"], &vec![b'x'; 2 << 20]));
    assert_eq!(
        (code, error.lines().count(), error.contains("TOOBIG")),
        (64, 1, true),
        "{error}"
    );
}

#[test]
fn an_argument_is_a_payload_whatever_its_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let server = Server::start();
    let bytes = b"\xff\xfe \x01";
    let mut command = steward(&["put", "mail", "--id", "t"]);
    command
        .arg(std::ffi::OsStr::from_bytes(bytes))
        .env("REDIS_URL", server.url());
    assert_eq!(told(&command.output().unwrap()), (0, "t".into(), String::new()));
    let shown = steward(&["show", "mail", "t", "--field", "payload"])
        .env("REDIS_URL", server.url())
        .output()
        .unwrap();
    assert_eq!(shown.stdout, bytes);
}
