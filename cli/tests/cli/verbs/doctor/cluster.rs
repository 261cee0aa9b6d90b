//! Clusters in which something is away.

use super::{Found, diagnosis_at, has};
use crate::support::{Server, free_port, steward, told};

fn url(node: &Server) -> String {
    format!("redis+cluster://127.0.0.1:{}", node.port)
}

#[test]
fn a_primary_that_is_away_is_found_and_the_others_are_looked_at() {
    let [first, mut second] = Server::cluster();
    let has_cluster = |found: &[Found]| found.iter().any(|[_, check, ..]| check == "cluster");
    let (_, found) = diagnosis_at(&url(&first));
    assert!(!found.is_empty() && !has_cluster(&found), "{found:?}");
    let (_, found) = diagnosis_at(&first.url());
    let alone = "this is one node of a cluster";
    assert!(has(
        &found,
        [
            "note",
            "cluster",
            alone,
            &format!("steward doctor --url {}", url(&first))
        ]
    ));

    second.kill();
    let (code, found) = diagnosis_at(&url(&first));
    let away = [
        "error",
        "cluster",
        "this primary cannot be reached: ",
        "CLUSTER FAILOVER FORCE",
    ];
    assert!(code == 2 && has(&found, away) && found.len() > 1, "{found:?}");
    // The rows say of which node they tell.
    let (_, out, _) = told(&steward(&["doctor"]).env("REDIS_URL", url(&first)).output().unwrap());
    let rows = |port: u16| {
        out.lines()
            .filter(|row| row.starts_with(&format!("127.0.0.1:{port} ")))
            .count()
    };
    assert!(rows(first.port) > 0 && rows(second.port) == 1, "{out}");
}

#[test]
fn slots_that_nobody_has_are_found() {
    let node = Server::with(&format!("cluster-enabled yes\ncluster-port {}", free_port()));
    let _: redis::Value = node.call("CLUSTER ADDSLOTSRANGE 0 99");
    let (code, found) = diagnosis_at(&url(&node));
    let down = ["error", "cluster", "(100 of 16384 slots have a node)", "CLUSTER NODES"];
    assert!(code == 2 && has(&found, down), "{found:?}");

    let _: redis::Value = node.call("CLUSTER DELSLOTSRANGE 0 99");
    let (code, out, error) = told(&steward(&["doctor"]).env("REDIS_URL", url(&node)).output().unwrap());
    assert_eq!((code, &out[..]), (69, ""));
    assert!(error.contains("no node of the cluster has a slot"), "{error}");
}
