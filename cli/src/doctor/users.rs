//! Users who can do too much, or too little.

use redis::{Cmd, cmd};

use super::Finding;
use super::facts::Facts;
use crate::connect::PATIENCE;
use crate::verbs::Server;

const CHECK: &str = "users";
/// Who may do the first must be able to do the others.
const NEEDS: [(&str, &[&str]); 3] = [
    ("TASK.CLAIM", &["TASK.ACK", "TASK.FAIL", "TASK.EXTEND"]),
    ("PID.REGISTER", &["HB.BEAT", "PID.DEREGISTER"]),
    ("HB.CAMPAIGN", &["HB.BEAT", "HB.RESIGN"]),
];

pub(super) fn check(server: &mut Server<'_>, facts: &Facts) -> Vec<Finding> {
    let list = match server.link.call(cmd("ACL").arg("LIST"), PATIENCE) {
        Ok(list) => list,
        Err(error) => return vec![Finding::left_out(CHECK, "ACL LIST", &error)],
    };
    let mut found = Vec::new();
    if let Err(error) = server
        .link
        .call(cmd("ACL").arg(&["DRYRUN", "default", "PING"]), PATIENCE)
    {
        found.push(Finding::left_out(CHECK, "ACL DRYRUN", &error));
    }
    for rules in list.items().iter().filter_map(crate::connect::Reply::text) {
        let words: Vec<&str> = rules.split(' ').collect();
        let Some(name) = words.get(1).filter(|_| words.contains(&"on")) else {
            continue;
        };
        found.extend(open_to_all(name, &words, facts));
        found.extend(not_read_only(server, name, &words, facts));
        found.extend(too_little(server, name, &words));
    }
    found
}

fn open_to_all(name: &str, words: &[&str], facts: &Facts) -> Option<Finding> {
    let can_do_all = words.contains(&"nopass") && words.contains(&"+@all");
    let is_open = facts.config("protected-mode") == "no";
    (can_do_all && is_open).then(|| {
        let what = format!("user {name} can do everything without a password, from every host that reaches the server");
        let remedy = "CONFIG SET protected-mode yes, and in redis.conf; or a password: CONFIG SET requirepass; or users of your own: docs/reference/acl.md";
        Finding::warning(CHECK, what, remedy)
    })
}

/// Before Redis 7.2 the commands of modules are in no category.
fn not_read_only(server: &mut Server<'_>, name: &str, words: &[&str], facts: &Facts) -> Option<Finding> {
    let is_old = facts.redis_version().is_some_and(|version| version < (7, 2));
    let is_meant = words
        .iter()
        .any(|word| matches!(*word, "-@write" | "-@dangerous" | "-@admin"));
    (is_old && is_meant && may(server, name, "TASK.DROP", words)).then(|| {
        let what = format!("user {name} may run TASK.DROP and PID.EVICT: on this version categories such as -@write do not include the commands of modules");
        let remedy = format!("ACL SETUSER {name} -@all +task.get +task.list +task.stats, and what else it needs: docs/reference/acl.md");
        Finding::error(CHECK, what, remedy)
    })
}

fn too_little(server: &mut Server<'_>, name: &str, words: &[&str]) -> Option<Finding> {
    NEEDS.iter().find_map(|(command, needs)| {
        if !may(server, name, command, words) {
            return None;
        }
        let lacks: Vec<&str> = needs
            .iter()
            .copied()
            .filter(|need| !may(server, name, need, words))
            .collect();
        (!lacks.is_empty()).then(|| {
            let what = format!("user {name} may run {command}, and not {}", lacks.join(", "));
            let rights: Vec<String> = lacks.iter().map(|lack| format!("+{}", lack.to_lowercase())).collect();
            Finding::warning(
                CHECK,
                what,
                format!(
                    "ACL SETUSER {name} {}, and in redis.conf or the ACL file",
                    rights.join(" ")
                ),
            )
        })
    })
}

/// Whether a user may run a command, on a key that the user has.
fn may(server: &mut Server<'_>, name: &str, command: &str, words: &[&str]) -> bool {
    // `~mail`, `%RW~mail`, or in a selector `(~mail`.
    let patterns = words.iter().skip(2).filter_map(|word| Some(word.split_once('~')?.1));
    let pattern = patterns
        .map(|pattern| pattern.trim_end_matches(')'))
        .next()
        .unwrap_or("x");
    let key: String = pattern
        .chars()
        .map(|letter| if "*?[]\\".contains(letter) { 'x' } else { letter })
        .collect();
    let mut ask: Cmd = cmd("ACL");
    ask.arg("DRYRUN").arg(name).arg(command).arg(key);
    // As many words as the longest of them needs; they are not looked at.
    ["x", "1", "x"].iter().take(words_of(command)).for_each(|word| {
        ask.arg(word);
    });
    let reply = server.link.call(&ask, PATIENCE).ok().and_then(|reply| reply.text());
    reply.as_deref() == Some("OK")
}

/// How many words a command has at least, besides the first.
fn words_of(command: &str) -> usize {
    match command {
        "TASK.DROP" => 0,
        "TASK.CLAIM" | "HB.BEAT" => 1,
        "PID.DEREGISTER" => 3,
        _ => 2,
    }
}
