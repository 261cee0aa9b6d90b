//! Addresses, passwords and settings, from the command line, the environment and a file.

use std::fs;

use crate::support::{Plain, Server, steward, told};

#[test]
fn a_password_comes_from_the_environment_or_a_file_and_never_from_the_command_line() {
    let server = Server::with("requirepass s3cret");
    let url = format!("redis://:s3cret@127.0.0.1:{}", server.port);
    let plain = server.url();

    let (code, _, error) = told(&steward(&["leader", "web", "--url", &url]).output().unwrap());
    assert_eq!(code, 64);
    assert!(
        error.contains("--password-file") && !error.contains("s3cret"),
        "{error}"
    );
    let (code, _, error) = told(&steward(&["--url", &url, "leader", "web"]).output().unwrap());
    assert_eq!((code, error.contains("s3cret")), (64, false));

    let (code, _, error) = told(&steward(&["leader", "web"]).env("REDIS_URL", &url).output().unwrap());
    assert_eq!((code, &error[..]), (1, "steward: nobody leads web"));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    fs::write(&file, "s3cret\n").unwrap();
    let mut command = steward(&["leader", "web", "--url", &plain, "--password-file"]);
    assert_eq!(told(&command.arg(&file).output().unwrap()).0, 1);

    let (code, _, error) = told(&steward(&["leader", "web", "--url", &plain]).output().unwrap());
    assert_eq!(code, 78);
    assert!(error.contains("NOAUTH"), "{error}");
    let wrong = url.replace("s3cret", "wr0ng");
    let (code, _, error) = told(&steward(&["leader", "web"]).env("REDIS_URL", wrong).output().unwrap());
    assert_eq!(code, 78);
    assert!(
        !error.contains("wr0ng") && error.contains("redis://:***@127.0.0.1"),
        "{error}"
    );
}

#[test]
fn no_help_and_no_error_shows_the_address_of_the_environment() {
    for words in [
        &["--help"][..],
        &["lead", "--help"],
        &["lead", "web", "--nonsense"],
        &["leader", "web"],
    ] {
        let output = steward(words)
            .env("REDIS_URL", "redis://me:s3cret@127.0.0.1:1/x")
            .output()
            .unwrap();
        let (_, shown, error) = told(&output);
        assert!(
            !shown.contains("s3cret") && !error.contains("s3cret"),
            "{words:?}: {shown}{error}"
        );
    }
}

#[test]
fn a_server_that_is_away_or_has_no_module_is_told_in_one_line() {
    let (code, _, error) = told(
        &steward(&["leader", "web", "--url", "redis://127.0.0.1:1"])
            .output()
            .unwrap(),
    );
    assert_eq!((code, error.lines().count()), (69, 1));
    assert!(
        error.contains("redis://127.0.0.1:1") && error.contains("REDIS_URL"),
        "{error}"
    );

    let server = Plain::start();
    let (code, _, error) = told(
        &steward(&["leader", "web"])
            .env("REDIS_URL", server.url())
            .output()
            .unwrap(),
    );
    assert_eq!((code, error.lines().count()), (69, 1));
    assert!(error.contains("not have the module steward"), "{error}");

    let primary = format!("sentinel monitor main 127.0.0.1 {} 1\n", server.port());
    let sentinel = Plain::with(&primary, &["--sentinel"]);
    let (code, _, error) = told(&steward(&["queues", "--url", &sentinel.url()]).output().unwrap());
    let remedy = format!("use redis+sentinel://127.0.0.1:{}/NAME", sentinel.port());
    assert!(code == 64 && error.contains(&remedy), "{error}");
}

#[test]
fn a_settings_file_is_below_the_environment_and_that_is_below_the_command_line() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("steward.toml");
    let lead = |text: &str, variables: &[(&str, &str)], words: &[&str]| {
        fs::write(&file, text).unwrap();
        let words = [
            &["lead", "web", "--try"],
            words,
            &["--", "sh", "-c", "redis-cli -u $REDIS_URL PID.LIST web"],
        ]
        .concat();
        let mut command = steward(&words);
        command.env("STEWARD_SETTINGS", &file).env("REDIS_URL", server.url());
        command.envs(variables.iter().copied());
        told(&command.output().unwrap())
    };
    let ttl = |told: (i32, String, String)| {
        let lines: Vec<String> = told.1.lines().map(String::from).collect();
        let at = lines
            .iter()
            .position(|line| line == "ttl_ms")
            .unwrap_or_else(|| panic!("{told:?}"));
        lines[at + 1].clone()
    };
    let given = "url = \"redis://127.0.0.1:1\"\n[lead]\nttl = \"7s\"\n";
    assert_eq!(ttl(lead("", &[], &[])), "15000");
    assert_eq!(ttl(lead(given, &[], &[])), "7000");
    assert_eq!(ttl(lead(given, &[("STEWARD_TTL", "8s")], &[])), "8000");
    assert_eq!(ttl(lead(given, &[("STEWARD_TTL", "8s")], &["--ttl", "9s"])), "9000");

    for (text, word) in [
        ("[lead]\nnonsense = 1\n", "nonsense"),
        ("nonsense = 1\n", "nonsense"),
        ("settings = \"x\"\n", "settings"),
        ("ttl = [1]\n", "ttl"),
        ("url = \"redis://:s3cret@h\n", "line 1"),
    ] {
        let (code, _, error) = lead(text, &[], &[]);
        assert_eq!(code, 78, "{text}: {error}");
        assert!(error.contains(word) && !error.contains("s3cret"), "{text}: {error}");
    }
    assert_eq!(
        told(
            &steward(&["--settings", "/nonexistent", "leader", "web"])
                .output()
                .unwrap()
        )
        .0,
        78
    );
}

#[test]
fn wrong_words_are_code_64_and_durations_need_a_unit() {
    for words in [
        &["nonsense"][..],
        &["lead", "web"],
        &["lead", "web", "--ttl", "15", "--", "true"],
        &["lead", "web", "--grace", "1 parsec", "--", "true"],
        &["leader", "web", "--url", "http://h"],
    ] {
        assert_eq!(told(&steward(words).output().unwrap()).0, 64, "{words:?}");
    }
    for words in [&["--help"], &["--version"]] {
        assert_eq!(told(&steward(words).output().unwrap()).0, 0, "{words:?}");
    }
}
