//! Clusters: nodes that are away, slots that nobody has.

use redis::cmd;

use super::Finding;
use super::facts::{Facts, fields};
use crate::connect::{CallError, PATIENCE};
use crate::verbs::Server;

pub(super) fn check(server: &mut Server<'_>, facts: &Facts) -> Vec<Finding> {
    if facts.info("cluster_enabled") != "1" {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !server.connector.is_cluster() {
        let remedy = format!("steward doctor --url redis+cluster://{}", server.link.node());
        let what = "this is one node of a cluster: the others were not checked";
        found.push(Finding::note("cluster", what, remedy));
    }
    match server.link.call(cmd("CLUSTER").arg("INFO"), PATIENCE) {
        Ok(reply) => found.extend(state(&fields(&reply.text().unwrap_or_default()))),
        Err(error) => found.push(Finding::left_out("cluster", "CLUSTER INFO", &error)),
    }
    found
}

/// What a node says of the cluster.
fn state(info: &std::collections::BTreeMap<String, String>) -> Option<Finding> {
    let of = |name: &str| info.get(name).map_or("", String::as_str);
    let assigned = of("cluster_slots_assigned");
    (of("cluster_state") != "ok").then(|| {
        let what = format!(
            "the cluster is down for this node ({assigned} of 16384 slots have a node): commands are refused"
        );
        let remedy = "CLUSTER NODES tells who is away: start it again, let a replica take over (CLUSTER FAILOVER), or give its slots to others";
        Finding::error("cluster", what, remedy)
    })
}

/// Of a primary that cannot be reached.
pub(super) fn away(error: &CallError) -> Finding {
    Finding::error(
        "cluster",
        format!("this primary cannot be reached: {error}: its queues and services are unavailable"),
        "start it again, or let one of its replicas take over: CLUSTER FAILOVER FORCE there",
    )
}
