//! Clusters of servers.

use super::{Client, Server, wait_until};

/// Two nodes: the first has the slots up to 8191, the second the others.
pub struct Pair {
    pub nodes: [Server; 2],
}

impl Pair {
    /// Starts them and waits until the cluster is up.
    #[track_caller]
    pub fn start() -> Pair {
        let nodes = [(); 2].map(|()| Server::builder().cluster().start());
        let mut clients = [nodes[0].client(), nodes[1].client()];
        clients[0].must("CLUSTER ADDSLOTSRANGE 0 8191");
        clients[1].must("CLUSTER ADDSLOTSRANGE 8192 16383");
        clients[0].must("CLUSTER SET-CONFIG-EPOCH 1");
        clients[1].must("CLUSTER SET-CONFIG-EPOCH 2");
        let bus = nodes[1].bus_port();
        clients[0].must(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", nodes[1].port()));
        for client in &mut clients {
            wait_until("the cluster is up", || {
                let info = client.must("CLUSTER INFO").text();
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
            });
        }
        Pair { nodes }
    }

    /// A connection to each.
    pub fn clients(&self) -> [Client; 2] {
        [self.nodes[0].client(), self.nodes[1].client()]
    }
}

/// The slot of a key or a name.
pub fn slot(client: &mut Client, name: &str) -> i64 {
    client.must(&format!("CLUSTER KEYSLOT {name}")).int()
}

/// A queue name whose slot the first node has, or the second.
#[track_caller]
pub fn name_of(client: &mut Client, node: usize) -> String {
    let mut names = (0..100).map(|n| format!("queue{n}"));
    names.find(|name| (slot(client, name) > 8191) == (node == 1)).unwrap()
}
