//! What the settings and the state of a server say.

use super::Finding;
use super::facts::Facts;
use crate::output::text::span;

type Check = fn(&Facts) -> Option<Finding>;

/// One fault each.
const CHECKS: [Check; 17] = [
    unknown,
    eviction,
    full,
    no_limit,
    no_persistence,
    snapshots_only,
    no_sync,
    io_threads,
    busy_disk,
    failed_writes,
    timeout,
    output_limits,
    replica_limits,
    timer,
    reclaiming,
    foreign,
    stalls,
];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    CHECKS.iter().filter_map(|check| check(facts)).collect()
}

fn unknown(facts: &Facts) -> Option<Finding> {
    facts.config.is_empty().then(|| {
        let what = "this user may not run CONFIG GET: the checks that need settings were left out";
        Finding::note("settings", what, "run this as an administrator")
    })
}

fn eviction(facts: &Facts) -> Option<Finding> {
    let policy = facts.info("maxmemory_policy");
    let is_unsafe = policy.starts_with("allkeys") || facts.info("steward_eviction_unsafe") == "1";
    let what = format!("maxmemory-policy {policy} may evict tasks: then there is no guarantee");
    is_unsafe.then(|| {
        let remedy = "CONFIG SET maxmemory-policy noeviction, and in redis.conf; a cache needs a server of its own";
        if facts.number("maxmemory") > 0 {
            Finding::error("eviction", what, remedy)
        } else {
            Finding::warning("eviction", what, remedy)
        }
    })
}

fn full(facts: &Facts) -> Option<Finding> {
    let (used, most) = (facts.number("used_memory"), facts.number("maxmemory"));
    let percent = (most > 0)
        .then(|| used.saturating_mul(100) / most)
        .filter(|percent| *percent >= 80)?;
    let what = format!("{percent} % of maxmemory is used; at 100 % new tasks and members are refused");
    let remedy = "find the largest queue with `steward queues`, remove what you do not need, or raise maxmemory";
    Some(if percent >= 100 {
        Finding::error("memory", what, remedy)
    } else {
        Finding::warning("memory", what, remedy)
    })
}

fn no_limit(facts: &Facts) -> Option<Finding> {
    (facts.config("maxmemory") == "0").then(|| {
        let what = "maxmemory is not set: when memory runs out, the kernel kills the server";
        Finding::note("memory", what, "set maxmemory with maxmemory-policy noeviction")
    })
}

fn has_log(facts: &Facts) -> bool {
    facts.info("aof_enabled") == "1"
}

fn no_persistence(facts: &Facts) -> Option<Finding> {
    let is_lost = !facts.config.is_empty() && !has_log(facts) && facts.config("save").is_empty();
    is_lost.then(|| {
        let what = "nothing is stored: a restart loses all tasks and members";
        Finding::warning("persistence", what, "appendonly yes")
    })
}

fn snapshots_only(facts: &Facts) -> Option<Finding> {
    let is_so = !has_log(facts) && !facts.config("save").is_empty();
    is_so.then(|| {
        let changes = facts.number("rdb_changes_since_last_save");
        let what = format!("only snapshots are stored: a crash now would lose {changes} changes");
        Finding::warning("persistence", what, "appendonly yes")
    })
}

fn no_sync(facts: &Facts) -> Option<Finding> {
    if !has_log(facts) {
        return None;
    }
    match (facts.config("appendfsync"), facts.config("no-appendfsync-on-rewrite")) {
        ("no", _) => Some(Finding::warning(
            "persistence",
            "appendfsync no: when power fails, what the kernel has not written yet is lost, about half a minute",
            "CONFIG SET appendfsync always, or everysec",
        )),
        (sync, "yes") => Some(Finding::warning(
            "persistence",
            format!("no-appendfsync-on-rewrite yes: appendfsync {sync} has no effect while the file is rewritten"),
            "CONFIG SET no-appendfsync-on-rewrite no",
        )),
        ("everysec", _) => Some(Finding::note(
            "persistence",
            "appendfsync everysec: the last second or two are lost when power fails, and by kill -9 while the disk is busy",
            "appendfsync always, if no accepted task may be lost",
        )),
        _ => None,
    }
}

/// Measured with and without this module.
fn io_threads(facts: &Facts) -> Option<Finding> {
    let threads: u32 = facts.config("io-threads").parse().unwrap_or(1);
    let is_affected = facts.redis_version().is_some_and(|version| version >= (8, 6));
    let always = has_log(facts) && facts.config("appendfsync") == "always";
    (is_affected && always && threads > 1).then(|| {
        let version = facts.info("redis_version");
        let what =
            format!("Redis {version} with io-threads {threads} loses answered writes in spite of appendfsync always");
        Finding::error("persistence", what, "set io-threads 1 in redis.conf, and restart")
    })
}

fn busy_disk(facts: &Facts) -> Option<Finding> {
    let delayed = facts.number("aof_delayed_fsync");
    (delayed > 0).then(|| {
        let what = format!("{delayed} times the disk was too busy to sync within a second: commands waited, and more than a second may be lost");
        Finding::warning("persistence", what, "use a faster disk, or one that nothing else uses; no-appendfsync-on-rewrite hides this and loses more")
    })
}

fn failed_writes(facts: &Facts) -> Option<Finding> {
    let parts = [
        "aof_last_write_status",
        "aof_last_bgrewrite_status",
        "rdb_last_bgsave_status",
    ];
    let failed = parts.into_iter().find(|part| !matches!(facts.info(part), "ok" | ""))?;
    let what = format!(
        "{failed} is {}: new data are not stored, and the server may refuse writes",
        facts.info(failed)
    );
    Some(Finding::error(
        "persistence",
        what,
        "see the log of the server: the disk is full, or the server may not write there",
    ))
}

fn timeout(facts: &Facts) -> Option<Finding> {
    let seconds = facts.number("steward_client_timeout_ms") / 1_000;
    (seconds > 0).then(|| {
        let what = format!("timeout {seconds}: the server closes connections that have been idle for that long, even those of bound workers that are busy with a task");
        Finding::error("timeout", what, "CONFIG SET timeout 0, and in redis.conf")
    })
}

/// The limits of a class of clients: hard, soft, seconds.
fn limits<'a>(facts: &'a Facts, class: &str) -> Option<Vec<&'a str>> {
    let words: Vec<&str> = facts.config("client-output-buffer-limit").split(' ').collect();
    let at = words.iter().position(|word| *word == class)?;
    words.get(at + 1..at + 4).map(<[&str]>::to_vec)
}

fn output_limits(facts: &Facts) -> Option<Finding> {
    let limits = limits(facts, "normal").filter(|limits| limits.iter().any(|limit| *limit != "0"))?;
    let what = format!(
        "client-output-buffer-limit normal {}: a client that asks for many tasks, or is slow, is disconnected",
        limits.join(" ")
    );
    Some(Finding::warning(
        "output-limits",
        what,
        "CONFIG SET client-output-buffer-limit \"normal 0 0 0\"",
    ))
}

fn replica_limits(facts: &Facts) -> Option<Finding> {
    let limits = limits(facts, "slave").or_else(|| limits(facts, "replica"))?;
    let hard: u64 = limits.first()?.parse().ok()?;
    (hard > 0 && hard < 64 << 20).then(|| {
        let what = format!(
            "client-output-buffer-limit replica {}: a burst of tasks may disconnect the replicas, again and again",
            limits.join(" ")
        );
        Finding::warning(
            "output-limits",
            what,
            "CONFIG SET client-output-buffer-limit \"replica 256mb 64mb 60\"",
        )
    })
}

fn timer(facts: &Facts) -> Option<Finding> {
    (facts.config("steward.timer") == "no").then(|| {
        let what = "steward.timer is no: nothing becomes due, no lease and no TTL ends";
        Finding::error(
            "timer",
            what,
            "CONFIG SET steward.timer yes, when the incident is over",
        )
    })
}

fn reclaiming(facts: &Facts) -> Option<Finding> {
    let services = facts.number("steward_reclaiming_services");
    (services > 0).then(|| {
        let what = format!("{services} services are in their reclaim window: they get no new leader until it is over, since an old one may still be at work");
        Finding::warning("reclaim", what, "wait, a minute at most; or evict members that are certainly gone: PID.EVICT")
    })
}

fn foreign(facts: &Facts) -> Option<Finding> {
    let skipped = facts.number("steward_skipped_foreign_total");
    (skipped > 0).then(|| {
        let what = format!("{skipped} entries under the keys of the module were not written by it");
        Finding::warning(
            "keys",
            what,
            "the log of the server names the queue or service; no program may write to task:{...} or proc:{...}",
        )
    })
}

fn stalls(facts: &Facts) -> Option<Finding> {
    let stalls = facts.number("steward_stalls_total");
    (stalls > 0).then(|| {
        let late = span(facts.number("steward_late_p99_ms"), 2);
        let what = format!(
            "the server stalled {stalls} times for more than 100 ms; tasks became ready late, p99 {late}"
        );
        Finding::note(
            "stalls",
            what,
            "see SLOWLOG GET: slow commands of other clients; forks, swapping, the disk",
        )
    })
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
            let facts = with(
                &[("redis_version", version), (fork, version), ("aof_enabled", "1")],
                &always,
            );
            assert_eq!(io_threads(&facts).is_some(), finds, "{fork} {version}");
        }
        let facts = |threads| {
            with(
                &[("redis_version", "8.6.3"), ("aof_enabled", "1")],
                &[("appendfsync", "always"), ("io-threads", threads)],
            )
        };
        assert!(io_threads(&facts("1")).is_none() && io_threads(&facts("2")).is_some());
    }

    #[test]
    fn a_disk_that_is_busy_or_full_is_seen_in_what_the_server_counts() {
        let facts = with(&[("aof_delayed_fsync", "3"), ("aof_last_write_status", "err")], &[]);
        assert_eq!(
            busy_disk(&facts).map(|finding| finding.severity),
            Some(Severity::Warning)
        );
        assert_eq!(
            failed_writes(&facts).map(|finding| finding.severity),
            Some(Severity::Error)
        );
        let facts = with(&[("aof_delayed_fsync", "0"), ("aof_last_write_status", "ok")], &[]);
        assert_eq!((busy_disk(&facts), failed_writes(&facts)), (None, None));
    }
}
