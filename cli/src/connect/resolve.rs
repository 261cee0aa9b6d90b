//! Finds the server: asks sentinels for the primary, or a cluster for the node of a name.

use std::time::Duration;

use redis::{RedisConnectionInfo, Value, cmd};

use super::address::{Host, Place};
use super::link::{CallError, Link, Reply};
use super::{Connector, Node};

/// A connection, or where it should have led to and why it does not.
pub(crate) type Opened = Result<Link, (String, CallError)>;

/// Connects to the server that has this name.
pub(super) fn open(connector: &Connector, name: &str, patience: Duration) -> Result<Link, CallError> {
    let login = |host: &Host| connector.connect(&Node::Host(host), connector.login(), patience);
    match &connector.address.place {
        Place::Node(host) => login(host),
        Place::Socket(path) => connector.connect(&Node::Socket(path), connector.login(), patience),
        Place::Sentinel(sentinels, primary) => {
            let found = first(sentinels, |sentinel| {
                // Sentinels have no databases and, as a rule, no password.
                let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
                let mut link = connector.connect(&Node::Host(sentinel), settings, patience)?;
                primary_of(&mut link, primary, patience)
            });
            // That a sentinel is away says nothing about the server.
            login(&found.map_err(CallError::indirect)?)
        }
        Place::Cluster(seeds) => {
            let found = first(seeds, |seed| {
                let mut link = login(seed)?;
                owner_of(&mut link, name, seed, patience)
            });
            login(&found.map_err(CallError::indirect)?)
        }
    }
}

/// Connects to each primary. Of several, those that are away have an error of their own.
pub(super) fn open_each(connector: &Connector, patience: Duration) -> Result<Vec<Opened>, CallError> {
    let Place::Cluster(seeds) = &connector.address.place else {
        return Ok(vec![Ok(open(connector, "", patience)?)]);
    };
    let login = |host: &Host| connector.connect(&Node::Host(host), connector.login(), patience);
    let hosts = first(seeds, |seed| {
        let ranges = login(seed)?.call(cmd("CLUSTER").arg("SLOTS"), patience)?;
        let nodes = ranges
            .items()
            .into_iter()
            .filter_map(|range| range.items().get(2).map(Reply::items));
        let mut hosts: Vec<Host> = nodes.filter_map(|node| host_in(&node, &seed.name)).collect();
        hosts.sort();
        hosts.dedup();
        let none = || CallError::Closed("no node of the cluster has a slot".into());
        if hosts.is_empty() { Err(none()) } else { Ok(hosts) }
    });
    let hosts = hosts.map_err(CallError::indirect)?;
    let opened = |host: Host| login(&host).map_err(|error| (host.to_string(), error));
    Ok(hosts.into_iter().map(opened).collect())
}

/// The first answer, or the last error.
fn first<T>(hosts: &[Host], mut ask: impl FnMut(&Host) -> Result<T, CallError>) -> Result<T, CallError> {
    let mut last = CallError::Closed("no host is named".into());
    for host in hosts {
        match ask(host) {
            Ok(found) => return Ok(found),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn primary_of(link: &mut Link, name: &str, patience: Duration) -> Result<Host, CallError> {
    let reply = link.call(cmd("SENTINEL").arg("get-master-addr-by-name").arg(name), patience)?;
    host_in(&reply.items(), "")
        .ok_or_else(|| CallError::Closed(format!("the Sentinels do not know a primary {name:?}")))
}

/// The node that has the slot of this name.
fn owner_of(link: &mut Link, name: &str, seed: &Host, patience: Duration) -> Result<Host, CallError> {
    let slot = link.call(cmd("CLUSTER").arg("KEYSLOT").arg(name), patience)?.number();
    let ranges = link.call(cmd("CLUSTER").arg("SLOTS"), patience)?;
    let node = ranges.items().into_iter().find_map(|range| {
        let range = range.items();
        let (from, to) = (range.first()?.number()?, range.get(1)?.number()?);
        let holds = slot.is_some_and(|slot| (from..=to).contains(&slot));
        holds.then(|| range.get(2).map(Reply::items))?
    });
    // A node that does not know its own address leaves it out.
    node.and_then(|node| host_in(&node, &seed.name))
        .ok_or_else(|| CallError::Closed(format!("no node of the cluster has the slot of {name:?}")))
}

fn host_in(items: &[Reply], unknown: &str) -> Option<Host> {
    let name = items.first()?.text().filter(|name| !name.is_empty());
    let port = match &items.get(1)?.0 {
        Value::Int(port) => u16::try_from(*port).ok()?,
        _ => items.get(1)?.text()?.parse().ok()?,
    };
    let name = name.unwrap_or_else(|| unknown.to_string());
    Some(Host { name, port })
}
