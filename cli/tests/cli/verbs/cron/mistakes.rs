//! Files with mistakes, and users who may not apply one.

use super::{Deploy, done};
use crate::support::{steward, told};

#[test]
fn a_mistake_is_told_and_nothing_is_changed() {
    let deploy = Deploy::new();
    let task = |text: &str| format!("[task.good]\nqueue = \"q\"\nevery = \"1h\"\n[task.x]\nqueue = \"q\"\n{text}\n");
    for (text, said) in [
        (task("cron = \"0 25 * * *\""), "tasks.toml: line 4: task x: BADARG CRON"),
        (task("cron = \"0 9 * * *\"\ntz = \"Mars\""), "line 4: task x: BADARG TZ"),
        (
            task("crom = \"0 9 * * *\""),
            "line 6: unknown field `crom`, expected one of `cron`, `every`",
        ),
        (
            task("every = 5"),
            "line 6: invalid type: integer `5`, expected a string",
        ),
        (task("every = \"1h\"\n[task.good]"), "line 7: duplicate key"),
        (task("every = \"1h\"\nevery = \"2h\""), "line 7: duplicate key"),
        (task("every = \"1h\"\nnow = true"), "line 4: task x: BADARG"),
        (
            task("every = \"1h\"\nstart = \"soon\""),
            "line 4: task x: start: write a time",
        ),
        (
            task("every = \"1h\"\nbackoff = \"soon\""),
            "line 4: task x: backoff: write it as in",
        ),
        (
            task("cron = \"0 9 * * *\"\nevery = \"1h\""),
            "task x: give either cron or every",
        ),
        (
            task("every = \"5\""),
            "line 4: task x: every: write a number and its unit",
        ),
        (task("every = \"1h\"\nnonsense = 1"), "line 7: unknown field `nonsense`"),
        (task("every = \"1h\"\nmisfire = \"never\""), "task x: BADARG"),
        (task("every = \"1h\"\nend = \"2001-01-01 00:00\""), "task x: BADARG"),
        ("[task.x]\nevery = \"1h\"".into(), "line 1: task x: queue is missing"),
        ("owner =".into(), "line 1: "),
    ] {
        let (code, out, error) = deploy.apply(&text, &[]);
        assert_eq!((code, &out[..], error.lines().count()), (78, "", 1), "{text}: {error}");
        assert!(error.contains(said), "{text}: {error}");
    }
    std::fs::write(deploy.stage.file("binary"), b"\xff").unwrap();
    for file in [
        "/nonexistent".into(),
        deploy.stage.file(""),
        deploy.stage.file("binary"),
    ] {
        for verb in ["apply", "next"] {
            let (code, out, error) = deploy.server.run(&["cron", verb, file.to_str().unwrap()]);
            assert_eq!((code, &out[..], error.lines().count()), (66, "", 1), "{error}");
            assert!(error.contains(file.to_str().unwrap()), "{error}");
        }
    }
    let (code, out, error) = deploy.apply("", &[]);
    assert_eq!((code, &out[..]), (0, ""));
    assert!(error.ends_with("tasks.toml has no [task.NAME]"), "{error}");
    assert_eq!(deploy.apply("", &["--prune"]).0, 64);
    assert_eq!(deploy.server.call::<Vec<String>>("KEYS *"), Vec::<String>::new());
}

#[test]
fn the_operator_of_the_manual_may_apply_and_a_user_who_may_not_leaves_nothing() {
    let deploy = Deploy::new();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/acl.md")).unwrap();
    let operator = page
        .lines()
        .find(|line| line.starts_with("ACL SETUSER operator "))
        .unwrap();
    let _: String = deploy.server.call(operator);
    let _: String = deploy
        .server
        .call("ACL SETUSER half on >x ~mail -@all +task.repeat +task.repeats");
    let file = deploy.file("queue = \"mail\"\n[task.x]\nevery = \"1h\"\n");
    let apply = |user: &str| {
        let url = format!("redis://{user}@127.0.0.1:{}", deploy.server.port);
        let mut command = steward(&["cron", "apply", file.to_str().unwrap()]);
        told(&command.env("REDIS_URL", url).output().unwrap())
    };
    let (code, out, error) = apply("half:x");
    assert_eq!(
        (code, &out[..], error.contains("line 2: task x: ")),
        (78, "", true),
        "{error}"
    );
    assert!(error.contains("NOPERM"), "{error}");
    assert_eq!(deploy.server.call::<Vec<String>>("KEYS *"), Vec::<String>::new());
    assert_eq!(apply("operator:change-me"), done("+ mail/x  EVERY 3600000"));
}
