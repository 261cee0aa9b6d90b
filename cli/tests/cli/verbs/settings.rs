//! `steward pause`, `resume` and `config`.

use super::objects;
use crate::support::Server;

#[test]
fn a_queue_is_paused_for_a_time_or_until_it_is_resumed() {
    let server = Server::start();
    let (code, out, _) = server.run(&["pause", "mail", "--for", "10m"]);
    assert!(code == 0 && out.starts_with("mail: paused until 20"), "{out}");
    assert_eq!(
        server.run(&["pause", "mail"]),
        (0, "mail: paused until it is resumed".into(), String::new())
    );
    assert_eq!(objects(&server, &["pause", "mail"])[0]["paused_until"], -1);
    assert!(server.run(&["queues"]).1.ends_with("no end"));
    assert_eq!(
        server.run(&["resume", "mail"]),
        (0, "mail: not paused".into(), String::new())
    );
    assert_eq!(server.run(&["pause", "mail", "--for", "10"]).0, 64);
}

#[test]
fn settings_have_units_and_can_be_typed_as_they_are_shown() {
    let server = Server::start();
    let (code, shown, _) = server.run(&["config", "mail"]);
    assert_eq!(code, 0);
    let words: Vec<&str> = shown.lines().filter(|line| !line.starts_with("dead-queue")).collect();
    assert_eq!(
        server.run(&[&["config", "mail"], &words[..]].concat()),
        (0, String::new(), String::new())
    );
    assert_eq!(server.run(&["config", "mail"]).1, shown);

    let changed = [
        "config",
        "mail",
        "lease=5m",
        "rate=10/1s",
        "backoff=fixed 10s",
        "concurrency=4",
    ];
    assert_eq!(server.run(&changed).0, 0);
    let settings = &objects(&server, &["config", "mail", "lease", "rate", "backoff"])[0];
    assert_eq!(
        settings.to_string(),
        r#"{"backoff":"FIXED 10000 MAX 10000 JITTER 0","lease":"300000","rate":"10/1000"}"#
    );
    assert_eq!(
        server.run(&["config", "mail", "lease", "rate"]).1,
        "lease=5m\nrate=10/1s"
    );

    for (words, said) in [
        (&["lease=5"][..], "unit"),
        (&["rate=10/1000"], "unit"),
        (&["nonsense=1"], "field must be"),
        (&["nonsense"], "field must be"),
        (&["lease", "rate=0"], "either"),
    ] {
        let (code, _, error) = server.run(&[&["config", "mail"], words].concat());
        assert_eq!(
            (code, error.lines().count(), error.contains(said)),
            (64, 1, true),
            "{words:?}: {error}"
        );
    }
}
