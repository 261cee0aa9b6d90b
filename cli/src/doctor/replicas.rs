//! Replicas: whether they follow, with which version of the module, and by which clock.

use redis::cmd;

use super::Finding;
use super::facts::{Facts, module_version};
use crate::connect::{CallError, Link, PATIENCE, Reply};
use crate::verbs::Server;

/// How far a replica may be behind, bytes and seconds.
const BEHIND: u64 = 1 << 20;
const SILENT: u64 = 10;
/// How far clocks may be apart, milliseconds.
const APART: u64 = 1_000;

pub(super) fn check(server: &mut Server<'_>, facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(clock(&mut server.link, "this server", "this machine", None));
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
        return Some(Finding::note("replication", what, "ask the primary"));
    }
    let what = format!("this is a replica, and its connection to {primary} is down");
    Some(Finding::error(
        "replication",
        what,
        "check the primary and the network between them",
    ))
}

fn too_few(facts: &Facts) -> Option<Finding> {
    let least: u64 = facts.config("min-replicas-to-write").parse().unwrap_or(0);
    let good = facts.number("min_slaves_good_slaves");
    (least > 0 && good < least).then(|| {
        let what = format!("writes are refused: {good} replicas are connected, min-replicas-to-write is {least}");
        Finding::error(
            "replication",
            what,
            "bring the replicas back, or lower min-replicas-to-write",
        )
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
    let behind = facts.number("master_repl_offset").saturating_sub(number("offset"));
    if field("state") != "online" {
        let what = format!("the replica {address} is not ready: {}", field("state"));
        found.push(Finding::warning(
            "replication",
            what,
            "wait until it has copied the data; if that never ends, see its log",
        ));
    } else if behind > BEHIND || number("lag") > SILENT {
        let what = format!(
            "the replica {address} is {behind} bytes behind, and silent for {} s: a failover loses that",
            number("lag")
        );
        found.push(Finding::warning(
            "replication",
            what,
            "check the network, and whether the replica is overloaded; min-replicas-max-lag refuses writes meanwhile",
        ));
    }
    let asked = server.connector.open_at(field("ip"), number("port"));
    let asked = asked.and_then(|mut link| {
        found.extend(version(server, &mut link, &address)?);
        found.extend(clock(
            &mut link,
            &format!("the replica {address}"),
            "its primary",
            Some(&mut server.link),
        ));
        Ok(())
    });
    if let Err(error) = asked {
        let what = format!("the replica {address} cannot be reached from here: {error}");
        found.push(Finding::note("replication", what, "run this on a host that can reach it"));
    }
    found
}

fn version(server: &mut Server<'_>, link: &mut Link, address: &str) -> Result<Option<Finding>, CallError> {
    let (ours, theirs) = (module_version(&mut server.link)?, module_version(link)?);
    let shown = |version: Option<String>| version.unwrap_or_else(|| "none".into());
    Ok((ours != theirs).then(|| {
        let what = format!(
            "the module is {} on the primary and {} on the replica {address}: the replica may not understand what it receives",
            shown(ours),
            shown(theirs)
        );
        Finding::error(
            "version",
            what,
            "install the same version on all nodes; in an upgrade, replicas first",
        )
    }))
}

/// How far a clock is from another one, or from that of this machine.
fn clock(link: &mut Link, of: &str, from: &str, other: Option<&mut Link>) -> Option<Finding> {
    let there = time(link).ok()?;
    let here = match other {
        Some(other) => time(other).ok()?,
        None => u64::try_from(jiff::Timestamp::now().as_millisecond()).ok()?,
    };
    (there.abs_diff(here) > APART).then(|| {
        let what = format!(
            "the clock of {of} is {} ms from that of {from}: after a failover all due times are off by that",
            there.abs_diff(here)
        );
        Finding::warning("clock", what, "run chrony or ntpd on all hosts")
    })
}

/// Its clock, unix milliseconds.
fn time(link: &mut Link) -> Result<u64, CallError> {
    let parts = link.call(&cmd("TIME"), PATIENCE)?.items();
    let part = |at: usize| parts.get(at).and_then(Reply::number).unwrap_or(0);
    Ok(part(0) * 1_000 + part(1) / 1_000)
}
