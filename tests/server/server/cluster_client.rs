//! A cluster of three, seen by a client library that must find the node of every command by itself.

use std::process::Command;

use crate::support::cluster::nodes;
use crate::support::python;

#[test]
fn a_cluster_client_finds_the_node_of_every_command() {
    let nodes = nodes::<3>();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/server/cluster_client.py");
    let run = Command::new(python())
        .arg(script)
        .arg(nodes[0].port().to_string())
        .output();
    let output = run.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
