//! Users who can do too much, or too little, and those who may not ask.

use super::{diagnosis, finds, healthy, is_redis_since, put, set};
use crate::support::{Server, steward, told};

#[test]
fn users_who_can_do_too_much_or_too_little_are_found() {
    let server = healthy();
    let acl = |rules: &str| server.call::<String>(&format!("ACL SETUSER someone reset on >x {rules}"));
    for (rules, text, remedy) in [
        (
            "~mail -@all +task.claim +task.ack +task.fail",
            "user someone may run TASK.CLAIM, and not TASK.EXTEND",
            "ACL SETUSER someone +task.extend",
        ),
        (
            "%RW~mail* -@all +pid.register +pid.deregister",
            "user someone may run PID.REGISTER, and not HB.BEAT",
            "ACL SETUSER someone +hb.beat",
        ),
        (
            "-@all (~mail +hb.campaign +hb.beat)",
            "user someone may run HB.CAMPAIGN, and not HB.RESIGN",
            "ACL SETUSER someone +hb.resign",
        ),
    ] {
        acl(rules);
        finds(&server, "warning", "users", text, remedy);
    }
    acl("~mail -@all +task.claim +task.ack +task.fail +task.extend");
    assert_eq!(diagnosis(&server), (0, Vec::new()));
    acl("~mail +@all -@write");
    if is_redis_since(&server, (7, 2)) || !server.info("valkey_version").is_empty() {
        assert_eq!(diagnosis(&server), (0, Vec::new()));
    } else {
        let (text, remedy) = ("user someone may run TASK.DROP", "ACL SETUSER someone -@all +task.get");
        finds(&server, "error", "users", text, remedy);
    }
    // The users of the manual are as they should be.
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/acl.md")).unwrap();
    let _: u32 = server.call("ACL DELUSER someone");
    for line in manual.lines().filter(|line| line.starts_with("ACL SETUSER")) {
        let _: String = server.call(line);
    }
    assert_eq!(diagnosis(&server), (0, Vec::new()));
}

/// What is found for a user with these rights.
fn told_to(server: &Server, rights: &str) -> (i32, String) {
    let user = format!("ACL SETUSER watcher reset on >x ~* -@all +info +ping {rights}");
    let _: String = server.call(user.trim_end());
    let url = format!("redis://watcher:x@127.0.0.1:{}", server.port);
    let mut doctor = steward(&["doctor", "-o", "json"]);
    let (code, out, error) = told(&doctor.env("REDIS_URL", url).output().unwrap());
    assert_eq!(error, "");
    (code, out)
}

#[test]
fn a_user_who_may_not_ask_is_told_what_was_left_out() {
    let server = healthy();
    put(&server, &["--in", "1h"]);
    let (code, out) = told_to(&server, "");
    assert_eq!(code, 0, "{out}");
    for word in ["CONFIG GET", "ACL LIST", "TIME", "TASK.QUEUES"] {
        assert!(out.contains(&format!("not checked: {word}: NOPERM ")), "{out}");
    }
    assert_eq!(out.matches("run this as an administrator").count(), 4, "{out}");
    let (code, out) = told_to(&server, "+acl|list");
    assert!(code == 0 && out.contains("not checked: ACL DRYRUN: NOPERM "), "{out}");
    let (code, out) = told_to(&server, "+task.queues");
    assert!(
        code == 0 && out.contains("TASK.EXPLAIN") && !out.contains("TASK.QUEUES"),
        "{out}"
    );
    // What the server says of its settings by itself is found all the same.
    set(&server, "timeout", "300");
    set(&server, "maxmemory-policy", "allkeys-lru");
    let (code, out) = told_to(&server, "");
    assert!(
        code == 2 && out.contains("timeout 300: ") && out.contains("policy allkeys-lru "),
        "{out}"
    );
    set(&server, "timeout", "0");
    set(&server, "maxmemory-policy", "noeviction");
    set(&server, "steward.timer", "no");
    let (code, out) = told_to(&server, "+task.queues +task.explain");
    assert!(
        code == 2 && out.contains("steward.timer is no: ") && out.contains("CONFIG SET steward.timer yes"),
        "{out}"
    );
}
