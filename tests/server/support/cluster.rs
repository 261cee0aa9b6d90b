//! Clusters of servers.

use super::{Client, Server, wait_until};

/// A running cluster of `N` nodes, each with an equal share of the slots, in order.
#[track_caller]
pub(crate) fn nodes<const N: usize>() -> [Server; N] {
    let nodes = [(); N].map(|()| Server::builder().cluster().start());
    let mut clients = nodes.each_ref().map(Server::client);
    for (n, client) in clients.iter_mut().enumerate() {
        let (first, end) = (SLOTS * n / N, SLOTS * (n + 1) / N);
        client.must(&format!("CLUSTER ADDSLOTSRANGE {first} {}", end - 1));
        client.must(&format!("CLUSTER SET-CONFIG-EPOCH {}", n + 1));
    }
    for node in &nodes[1..] {
        clients[0].must(&format!("CLUSTER MEET 127.0.0.1 {} {}", node.port(), node.bus_port()));
    }
    for client in &mut clients {
        wait_until("the cluster is up", || {
            let info = client.must("CLUSTER INFO").text();
            info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{N}"))
        });
    }
    nodes
}

const SLOTS: usize = 16_384;

/// Two nodes: the first has the slots up to 8191, the second the others.
pub(crate) struct Pair {
    pub nodes: [Server; 2],
}

impl Pair {
    /// Starts them and waits until the cluster is up.
    #[track_caller]
    pub(crate) fn start() -> Pair {
        Pair { nodes: nodes() }
    }

    /// A connection to each.
    pub(crate) fn clients(&self) -> [Client; 2] {
        [self.nodes[0].client(), self.nodes[1].client()]
    }
}

/// The slot of a key or a name.
pub(crate) fn slot(client: &mut Client, name: &str) -> i64 {
    client.must(&format!("CLUSTER KEYSLOT {name}")).int()
}

/// A queue name whose slot the first node has, or the second.
#[track_caller]
pub(crate) fn name_of(client: &mut Client, node: usize) -> String {
    let mut names = (0..100).map(|n| format!("queue{n}"));
    names.find(|name| (slot(client, name) > 8191) == (node == 1)).unwrap()
}
