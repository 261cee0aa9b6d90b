//! `--try`, exit codes, and what ends before anything begins.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Server, Stage, steward, told};

#[test]
fn it_ends_with_the_code_of_the_program_and_leaves_the_register() {
    let server = Server::start();
    for (script, code) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -USR1 $$", 138),
        ("kill -9 $$", 137),
    ] {
        assert_eq!(
            server.run(&["lead", "web", "--", "sh", "-c", script]).0,
            code,
            "{script}"
        );
        assert!(server.members("web").is_empty());
    }
}

#[test]
fn with_try_it_ends_at_once_when_another_leads_and_says_who() {
    let server = Server::start();
    let stage = Stage::new();
    let _lead = stage.lead("a", &server.url(), &["--member", "a"], "exec sleep 600");
    stage.wait_for_start(1);
    assert_eq!(
        server.run(&["lead", "web", "--try", "--", "true"]),
        (75, String::new(), "steward: a leads".into())
    );
    assert_eq!(server.run(&["lead", "web", "--try", "-E", "9", "--", "true"]).0, 9);
    let (code, _, error) = server.run(&["lead", "web", "--member", "a", "--try", "--", "true"]);
    assert_eq!(code, 75);
    assert!(error.contains("the name a is taken by pid"), "{error}");
    assert_eq!(server.members("web"), ["a"]);
    assert_eq!(server.run(&["lead", "other", "--try", "--", "true"]).0, 0);
}

#[test]
fn a_program_that_cannot_be_run_is_told_before_anything_is_asked_of_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    let url = "redis://127.0.0.1:1";
    let run = |program: &str| told(&steward(&["lead", "web", "--url", url, "--", program]).output().unwrap()).0;
    assert_eq!(run("/nonexistent"), 127);
    assert_eq!(run("no-such-program"), 127);
    assert_eq!(run(plain.to_str().unwrap()), 126);

    // One that the kernel refuses.
    let server = Server::start();
    std::fs::write(&plain, "#!/nonexistent\n").unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(server.run(&["lead", "web", "--", plain.to_str().unwrap()]).0, 127);
    assert!(server.members("web").is_empty());
}

#[test]
fn what_the_server_refuses_is_told() {
    let server = Server::start();
    let (code, _, error) = server.run(&["lead", "web", "--ttl", "1h", "--", "true"]);
    assert_eq!(code, 64);
    assert!(error.contains("steward.reclaim-window"), "{error}");
    assert_eq!(server.run(&["lead", "not{a}name", "--", "true"]).0, 64);
}
