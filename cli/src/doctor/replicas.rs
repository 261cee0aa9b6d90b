//! Replicas: whether they follow, with which version of the module, and by which clock.

use redis::cmd;

use super::Finding;
use super::facts::{Facts, fields};
use crate::connect::{CallError, Link, PATIENCE, Reply, version};
use crate::output::text::span;
use crate::verbs::Server;

const CHECK: &str = "replication";
/// How far a replica may be behind, bytes and seconds.
const BEHIND: u64 = 1 << 20;
const SILENT: u64 = 10;
/// How far clocks may be apart, milliseconds.
const APART: u64 = 1_000;
const CLOCKS: &str = "run chrony or ntpd on all hosts: chronyc tracking, or timedatectl, shows their state";

pub(super) fn check(server: &mut Server<'_>, facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(own_clock(&mut server.link));
    if facts.info("role") == "slave" {
        found.extend(following(facts));
        return found;
    }
    found.extend(too_few(facts));
    for (name, value) in &facts.info {
        let is_replica = name
            .strip_prefix("slave")
            .is_some_and(|number| number.parse::<u32>().is_ok());
        if is_replica {
            found.extend(replica(server, facts, value));
        }
    }
    found
}

/// Of a server that is a replica itself.
fn following(facts: &Facts) -> Option<Finding> {
    let primary = format!("{}:{}", facts.info("master_host"), facts.info("master_port"));
    if facts.info("master_link_status") == "up" {
        let what = format!("this is a replica of {primary}: it changes nothing, and its totals stay 0");
        let remedy = format!("steward doctor --url redis://{primary} tells what is wrong with its queues");
        return Some(Finding::note(CHECK, what, remedy));
    }
    let what = format!("this is a replica, and its link to {primary} is down");
    let remedy =
        "look at the primary and at the network; if it is gone for good: REPLICAOF NO ONE, here or on the best replica";
    Some(Finding::error(CHECK, what, remedy))
}

fn too_few(facts: &Facts) -> Option<Finding> {
    let least: u64 = facts.config("min-replicas-to-write").parse().unwrap_or(0);
    let good = facts.number("min_slaves_good_slaves");
    (least > 0 && good < least).then(|| {
        let what = format!("writes are refused: {good} replicas listen, min-replicas-to-write is {least}");
        let remedy = format!("bring the replicas back; or CONFIG SET min-replicas-to-write {good}, and in redis.conf");
        Finding::error(CHECK, what, remedy)
    })
}

/// One line of INFO: `ip=127.0.0.1,port=7001,state=online,offset=14,lag=0`.
fn replica(server: &mut Server<'_>, facts: &Facts, line: &str) -> Vec<Finding> {
    let field = |name: &str| {
        line.split(',')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or("")
    };
    let number = |name: &str| field(name).parse::<u64>().unwrap_or(0);
    let address = format!("{}:{}", field("ip"), field("port"));
    let mut found = Vec::new();
    // It acknowledges once a second; what it has by now it says itself.
    let mut offset = number("offset");
    let asked = server.connector.open_at(field("ip"), number("port"));
    let asked = asked.and_then(|mut link| {
        let info = link.call(cmd("INFO").arg("replication"), PATIENCE)?;
        let info = fields(&info.text().unwrap_or_default());
        let own = info.get("slave_repl_offset").and_then(|own| own.parse().ok());
        offset = offset.max(own.unwrap_or(0));
        found.extend(version(server, &mut link, &address)?);
        found.extend(clock(&mut link, &address, &mut server.link)?);
        Ok(())
    });
    if let Err(error) = asked {
        let what = format!("the replica {address} cannot be asked from here: {error}");
        found.push(Finding::note(CHECK, what, "run this where it can be reached"));
    }
    let behind = facts.number("master_repl_offset").saturating_sub(offset);
    if field("state") != "online" {
        let what = format!("the replica {address} is not ready: {}", field("state"));
        found.push(Finding::warning(
            CHECK,
            what,
            "wait for its first copy; if it never ends, see its log",
        ));
    } else if behind > BEHIND || number("lag") > SILENT {
        let what = format!(
            "the replica {address} is {behind} bytes behind and was last heard {} s ago: a failover would lose what it lacks",
            number("lag")
        );
        let remedy = "look at its host and at the network; CONFIG SET min-replicas-to-write 1 refuses writes meanwhile (min-replicas-max-lag)";
        found.push(Finding::warning(CHECK, what, remedy));
    }
    found
}

fn version(server: &mut Server<'_>, link: &mut Link, address: &str) -> Result<Option<Finding>, CallError> {
    let (ours, theirs) = (version::of(&mut server.link)?, version::of(link)?);
    let shown = |version: Option<u32>| version.map_or_else(|| "none".into(), version::shown);
    Ok((ours != theirs).then(|| {
        let what = format!(
            "the module is {} on the primary and {} on the replica {address}: it may not understand what it is sent",
            shown(ours),
            shown(theirs)
        );
        let remedy = "the same version on all nodes: docs/operating/upgrading.md; in an upgrade replicas come first";
        Finding::error("version", what, remedy)
    }))
}

/// How far the clock of a replica is from that of its primary.
fn clock(link: &mut Link, address: &str, primary: &mut Link) -> Result<Option<Finding>, CallError> {
    Ok(apart(link, || time(primary))?.map(|apart| {
        let what = format!(
            "the clock of the replica {address} is {apart} that of its primary: after a failover all that is due moves by that"
        );
        Finding::warning("clock", what, CLOCKS)
    }))
}

/// How far the clock of the server is from that of this machine.
fn own_clock(link: &mut Link) -> Option<Finding> {
    let here = || Ok(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0));
    match apart(link, here) {
        Ok(apart) => apart.map(|apart| {
            let what = format!(
                "the clock of this server is {apart} that of this machine: times given here (--at) mean other moments there"
            );
            Finding::warning("clock", what, CLOCKS)
        }),
        Err(error) => Some(Finding::left_out("clock", "TIME", &error)),
    }
}

/// How far the clock of a server is ahead of another one or behind it, if it is too far. How long the answer took does not
/// count.
fn apart(link: &mut Link, mut other: impl FnMut() -> Result<u64, CallError>) -> Result<Option<String>, CallError> {
    let (before, there, after) = (other()?, time(link)?, other()?);
    let (ahead, behind) = (there.saturating_sub(after), before.saturating_sub(there));
    let shown = format!(
        "{} {} of",
        span(ahead.max(behind), 2),
        if ahead > behind { "ahead" } else { "behind" }
    );
    Ok((ahead.max(behind) > APART).then_some(shown))
}

/// Its clock, unix milliseconds.
fn time(link: &mut Link) -> Result<u64, CallError> {
    let parts = link.call(&cmd("TIME"), PATIENCE)?.items();
    let part = |at: usize| parts.get(at).and_then(Reply::number).unwrap_or(0);
    Ok(part(0) * 1_000 + part(1) / 1_000)
}
