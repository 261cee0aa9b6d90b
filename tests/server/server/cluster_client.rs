//! A cluster of three, seen by client libraries that must find the node of every command by themselves.

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use crate::support::cluster::{name_of, nodes, slot};
use crate::support::{Server, node_modules, python};

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into()
}

#[test]
fn a_cluster_client_finds_the_node_of_every_command() {
    let nodes = nodes::<3>();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/server/cluster_client.py");
    let port = nodes[0].port().to_string();
    let output = Command::new(python()).args([script, &port]).output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
}

/// It does not know where a command goes that it does not know: any node sends it on.
#[test]
fn a_cluster_client_that_asks_any_node_is_sent_on() {
    let nodes = nodes::<3>();
    let script = "const { Cluster } = require('ioredis');\n\
        const cluster = new Cluster([{ host: '127.0.0.1', port: +process.argv[1] }]);\n\
        (async () => {\n\
          for (let n = 0; n < 30; n++) {\n\
            await cluster.call('TASK.SCHEDULE', `mail${n}`, 'x');\n\
            await cluster.call('TASK.CONFIG', 'SET', `mail${n}`, 'lease', 5000);\n\
            const tasks = await cluster.call('TASK.MCLAIM', 1, `mail${n}`, 'w');\n\
            if (tasks.length !== 1) throw new Error(`mail${n}`);\n\
          }\n\
        })().finally(() => cluster.disconnect());";
    let dir = tempfile::tempdir().unwrap();
    symlink(node_modules(), dir.path().join("node_modules")).unwrap();
    let port = nodes[0].port().to_string();
    let output = Command::new("node")
        .args(["-e", script, &port])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", errors(&output));
}

#[test]
fn a_slot_on_the_move_is_an_exhausted_ttl_to_redis_py() {
    let nodes = nodes::<3>();
    let [mut first, mut second] = [nodes[0].client(), nodes[1].client()];
    let name = name_of(&mut first, 0);
    let slot = slot(&mut first, &name);
    first.schedule(&format!("{name} x"));
    let id = |server: &Server| server.client().must("CLUSTER MYID").text();
    second.must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", id(&nodes[0])));
    first.must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", id(&nodes[1])));
    let script = "import sys, redis\n\
        redis.RedisCluster(host='127.0.0.1', port=int(sys.argv[1])).execute_command('TASK.SCHEDULE', sys.argv[2], 'x')";
    let port = nodes[0].port().to_string();
    let output = Command::new(python())
        .args(["-c", script, &port, &name])
        .output()
        .unwrap();
    assert!(
        errors(&output).contains("ClusterError: TTL exhausted"),
        "{}",
        errors(&output)
    );
}
