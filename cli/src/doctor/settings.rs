//! What the settings and the state of a server say.

use super::Finding;
use super::facts::Facts;
use crate::output::text::span;

type Check = fn(&Facts) -> Option<Finding>;

pub(super) const TIMER: &str = "CONFIG SET steward.timer yes, when what you look into is over";

/// One fault each.
const CHECKS: [Check; 10] = [
    eviction,
    full,
    no_limit,
    timeout,
    output_limits,
    replica_limits,
    timer,
    reclaiming,
    foreign,
    stalls,
];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let found = CHECKS.iter().filter_map(|check| check(facts));
    facts.left_out.clone().into_iter().chain(found).collect()
}

fn eviction(facts: &Facts) -> Option<Finding> {
    let policy = facts.info("maxmemory_policy");
    let is_unsafe = policy.starts_with("allkeys") || facts.info("steward_eviction_unsafe") == "1";
    let what = format!("maxmemory-policy {policy} may evict tasks: nothing is promised then");
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
    let remedy = "steward queues tells which is the largest: steward purge what is not needed; or CONFIG SET maxmemory, and in redis.conf";
    Some(if percent >= 100 {
        Finding::error("memory", what, remedy)
    } else {
        Finding::warning("memory", what, remedy)
    })
}

fn no_limit(facts: &Facts) -> Option<Finding> {
    (facts.info("maxmemory") == "0").then(|| {
        let what = "maxmemory is not set: where memory ends, the kernel ends the server";
        let remedy = "CONFIG SET maxmemory 2gb, or what the machine can spare, and in redis.conf";
        Finding::note("memory", what, remedy)
    })
}

fn timeout(facts: &Facts) -> Option<Finding> {
    let seconds = facts.number("steward_client_timeout_ms") / 1_000;
    (seconds > 0).then(|| {
        let what = format!("timeout {seconds}: the server closes connections that are idle for so long, also of bound workers that are busy with a task");
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
    let limits = limits(facts, "normal").filter(|limits| limits.iter().take(2).any(|limit| *limit != "0"))?;
    let what = format!(
        "client-output-buffer-limit normal {}: a client that asks for many tasks, or is slow, is disconnected",
        limits.join(" ")
    );
    Some(Finding::warning(
        "output-limits",
        what,
        "CONFIG SET client-output-buffer-limit \"normal 0 0 0\", and in redis.conf",
    ))
}

fn replica_limits(facts: &Facts) -> Option<Finding> {
    let limits = limits(facts, "slave").or_else(|| limits(facts, "replica"))?;
    let hard: u64 = limits.first()?.parse().ok()?;
    (hard > 0 && hard < 64 << 20).then(|| {
        let what = format!(
            "client-output-buffer-limit replica {}: many tasks at once may cut off the replicas, again and again",
            limits.join(" ")
        );
        Finding::warning(
            "output-limits",
            what,
            "CONFIG SET client-output-buffer-limit \"replica 256mb 64mb 60\", and in redis.conf",
        )
    })
}

fn timer(facts: &Facts) -> Option<Finding> {
    (facts.config("steward.timer") == "no").then(|| {
        let what = "steward.timer is no: nothing becomes due, no lease and no TTL ends";
        Finding::error("timer", what, TIMER)
    })
}

fn reclaiming(facts: &Facts) -> Option<Finding> {
    let services = facts.number("steward_reclaiming_services");
    (services > 0).then(|| {
        let what = format!("services in their reclaim window: {services}: no new leader until it is over, as the old one may still believe that it leads");
        let remedy = "wait, steward.reclaim-window at most; or, if the old leader is certainly gone: PID.EVICT SERVICE MEMBER, as steward members lists them";
        Finding::warning("reclaim", what, remedy)
    })
}

fn foreign(facts: &Facts) -> Option<Finding> {
    let skipped = facts.number("steward_skipped_foreign_total");
    (skipped > 0).then(|| {
        let what = format!(
            "since the module was loaded, it has skipped {skipped} entries under its keys that were not written by it"
        );
        Finding::warning(
            "keys",
            what,
            "the log of the server names the queue or service: let nobody write to task:{...} or proc:{...}",
        )
    })
}

fn stalls(facts: &Facts) -> Option<Finding> {
    let stalls = facts.number("steward_stalls_total");
    (stalls > 0).then(|| {
        let late = span(facts.number("steward_late_p99_ms"), 2);
        let what = format!(
            "the server stalled {stalls} times for more than 100 ms since the module was loaded; p99 of how late tasks became ready: {late}"
        );
        Finding::note(
            "stalls",
            what,
            "SLOWLOG GET shows slow commands; else it is forks (INFO persistence), swap or the disk",
        )
    })
}
