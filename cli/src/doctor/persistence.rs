//! What a restart or a crash would lose: persistence as it really is.

use super::Finding;
use super::facts::Facts;

const CHECK: &str = "persistence";
const LOG_ON: &str =
    "CONFIG SET appendonly yes, and only then in redis.conf: a server that starts with it reads no snapshot";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = failed_writes(facts);
    if facts.info("aof_enabled") == "1" {
        found.extend([sync(facts), io_threads(facts), busy_disk(facts)].into_iter().flatten());
    } else if !facts.config.is_empty() {
        found.push(no_log(facts));
    }
    found
}

/// Of a server without an append-only file.
fn no_log(facts: &Facts) -> Finding {
    if facts.config("save").is_empty() {
        let what = "nothing is stored: a restart loses all tasks and members";
        return Finding::warning(CHECK, what, LOG_ON);
    }
    let changes = facts.number("rdb_changes_since_last_save");
    let what = format!("only snapshots are stored: a crash now would lose {changes} changes");
    Finding::warning(CHECK, what, LOG_ON)
}

fn sync(facts: &Facts) -> Option<Finding> {
    match (facts.config("appendfsync"), facts.config("no-appendfsync-on-rewrite")) {
        ("no", _) => Some(Finding::warning(
            CHECK,
            "appendfsync no: when power fails, what the kernel has not written is lost, half a minute or so",
            "CONFIG SET appendfsync always, or everysec, and in redis.conf",
        )),
        (sync, "yes") => Some(Finding::warning(
            CHECK,
            format!("no-appendfsync-on-rewrite yes: appendfsync {sync} does not hold while the file is rewritten"),
            "CONFIG SET no-appendfsync-on-rewrite no, and in redis.conf",
        )),
        ("everysec", _) => Some(Finding::note(
            CHECK,
            "appendfsync everysec: the last second or two are lost when power fails, and by kill -9 while the disk is busy",
            "CONFIG SET appendfsync always, and in redis.conf, if no accepted task may be lost",
        )),
        _ => None,
    }
}

/// Measured with and without this module.
fn io_threads(facts: &Facts) -> Option<Finding> {
    let threads: u32 = facts.config("io-threads").parse().unwrap_or(1);
    let is_affected = facts.redis_version().is_some_and(|version| version >= (8, 6));
    (is_affected && facts.config("appendfsync") == "always" && threads > 1).then(|| {
        let version = facts.info("redis_version");
        let what =
            format!("Redis {version} with io-threads {threads} loses answered writes in spite of appendfsync always");
        Finding::error(CHECK, what, "io-threads 1 in redis.conf, and a restart")
    })
}

fn busy_disk(facts: &Facts) -> Option<Finding> {
    let delayed = facts.number("aof_delayed_fsync");
    (delayed > 0).then(|| {
        let what = format!(
            "{delayed} times since the start the disk was too busy to be synced within a second: commands waited, and a crash then loses more than everysec says"
        );
        let remedy = "a faster disk, or one that others do not use; then CONFIG RESETSTAT, to count anew. no-appendfsync-on-rewrite hides this and loses more";
        Finding::warning(CHECK, what, remedy)
    })
}

fn failed_writes(facts: &Facts) -> Vec<Finding> {
    let dir = Some(facts.config("dir")).filter(|dir| !dir.is_empty()).unwrap_or("DIR");
    let failed = |(field, what): (&str, &str)| {
        let status = facts.info(field);
        (!matches!(status, "ok" | "")).then(|| {
            let remedy =
                format!("df -h {dir}, ls -ld {dir}, and the server's log: a full disk, or no right to write there");
            Finding::error(CHECK, format!("{what} ({field} is {status})"), remedy)
        })
    };
    let parts = [
        (
            "aof_last_write_status",
            "the append-only file cannot be written: what is new is not stored, and writes are refused",
        ),
        (
            "aof_last_bgrewrite_status",
            "the last rewrite of the append-only file failed: it grows until one succeeds",
        ),
        (
            "rdb_last_bgsave_status",
            "the last snapshot failed: the one on disk is old, and the server may refuse writes",
        ),
    ];
    parts.into_iter().filter_map(failed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    fn with(info: &[(&str, &str)], config: &[(&str, &str)]) -> Facts {
        let all = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect()
        };
        Facts {
            info: all(info),
            config: all(config),
            left_out: None,
        }
    }

    #[test]
    fn threads_lose_writes_only_on_redis_from_8_6_on() {
        let always = [("appendfsync", "always"), ("io-threads", "4")];
        for (version, fork, finds) in [
            ("8.6.3", "redis_version", true),
            ("8.10.2", "redis_version", true),
            ("8.0.2", "redis_version", false),
            ("7.0.15", "redis_version", false),
            ("9.1.2", "valkey_version", false),
        ] {
            let facts = with(&[("redis_version", version), (fork, version)], &always);
            assert_eq!(io_threads(&facts).is_some(), finds, "{fork} {version}");
        }
        let facts = |threads| {
            with(
                &[("redis_version", "8.6.3")],
                &[("appendfsync", "always"), ("io-threads", threads)],
            )
        };
        assert!(io_threads(&facts("1")).is_none() && io_threads(&facts("2")).is_some());
    }

    #[test]
    fn a_disk_that_is_busy_or_full_is_seen_in_what_the_server_counts() {
        let severities = |facts: &Facts| {
            let found = failed_writes(facts).into_iter().chain(busy_disk(facts));
            found.map(|finding| finding.severity).collect::<Vec<_>>()
        };
        let facts = with(&[("aof_delayed_fsync", "3"), ("aof_last_write_status", "err")], &[]);
        assert_eq!(severities(&facts), [Severity::Error, Severity::Warning]);
        let facts = with(&[("aof_delayed_fsync", "0"), ("aof_last_write_status", "ok")], &[]);
        assert_eq!(severities(&facts), []);
    }
}
