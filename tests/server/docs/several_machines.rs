//! Runs what docs/guides/several-machines.md shows: a failover by three Sentinels, and a cluster whose slots move.

use crate::support::{Client, Document, Folder, Server, Session, wait_until};

pub(super) const PAGE: &str = "docs/guides/several-machines.md";

/// The commands that two sections show are run here: those of Sentinel, and those of the cluster.
const SENTINEL: &str = "## A replica, and Sentinel";
const CLUSTER: [&str; 3] = ["## A cluster", "## One queue over many slots", "## When slots move"];

/// A Sentinel with the lines of the page.
fn sentinel(conf: &str, primary: &Server) -> Server {
    let mut builder = Server::builder().sentinel();
    for line in conf.lines().filter(|line| line.starts_with("sentinel ")) {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let value = words[2].replace(" 6379 ", &format!(" {} ", primary.port()));
        builder = builder.set(&words[..2].join(" "), &value);
    }
    builder.start()
}

/// A field of what the Sentinel knows of the primary.
fn known(client: &mut Client, field: &str) -> String {
    let known = client.must("SENTINEL MASTER main");
    known.field(field).text()
}

#[test]
fn a_claim_survives_the_machine_of_the_primary() {
    let part = Document::read(PAGE).part(SENTINEL);
    let mut primary = Server::builder().listening().start();
    let replica = primary.replica();
    let conf = part.block("conf", "sentinel monitor");
    let sentinels = [(); 3].map(|()| sentinel(&conf, &primary));
    let mut clients = sentinels.each_ref().map(Server::client);
    for client in &mut clients {
        wait_until("it knows the replica and the others", || {
            let known = ["num-slaves", "num-other-sentinels"].map(|field| known(client, field));
            let replicas = client.must("SENTINEL REPLICAS main");
            known == ["1", "2"] && replicas.item(0).field("master-link-status").text() == "ok"
        });
    }

    let [before, after] = &part.blocks("console")[..] else {
        panic!("two sessions")
    };
    let mut session = Session::at(&primary);
    for (port, server) in [("26379", &sentinels[0]), ("6379", &primary), ("6380", &replica)] {
        session.let_be(port, &server.port().to_string());
    }
    let mut commands = session.run(before);
    let digest = primary.client().digest();
    wait_until("the replica has it", || replica.client().digest() == digest);
    primary.kill_9();
    let promoted = replica.port().to_string();
    wait_until("the Sentinel tells of the replica", || {
        known(&mut clients[0], "port") == promoted
    });
    commands += session.run(after);
    assert_eq!(commands, part.text().matches("\n$ ").count(), "all were run");
}

/// Nodes that are no cluster yet, and a folder whose redis-cli knows them by the ports of the page.
struct Nodes([Server; 3]);

impl Nodes {
    const PORTS: [&str; 3] = ["7001", "7002", "7003"];

    fn start() -> Nodes {
        Nodes([(); 3].map(|()| Server::builder().cluster().start()))
    }

    /// Runs a command line of the page that only sets something up.
    #[track_caller]
    fn set_up(&self, line: &str) {
        let mut line = line.to_string();
        for (port, node) in Self::PORTS.iter().zip(&self.0) {
            // Their buses have ports of their own.
            let address = format!("127.0.0.1:{}@{}", node.port(), node.bus_port());
            line = line.replace(&format!("127.0.0.1:{port}"), &address);
            line = line.replace(&format!("-p {port}"), &format!("-p {}", node.port()));
        }
        let output = Folder::new(&self.0[0])
            .command("sh")
            .args(["-c", &line])
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}\n{output:?}");
    }

    fn is_up(&self) {
        for node in &self.0 {
            let mut client = node.client();
            wait_until("the cluster is up", || {
                let info = client.must("CLUSTER INFO").text();
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            });
        }
    }
}

#[test]
fn queues_are_spread_over_a_cluster_and_move_with_their_slots() {
    let page = Document::read(PAGE);
    let parts = CLUSTER.map(|heading| page.part(heading));
    let nodes = Nodes::start();
    nodes.set_up(&parts[0].block("sh", "--cluster create"));
    nodes.is_up();

    let mut session = Session::at(&nodes.0[0]);
    for (port, node) in Nodes::PORTS.iter().zip(&nodes.0) {
        session.let_be(port, &node.port().to_string());
    }
    let mut commands = session.run(&parts[0].blocks("console").concat());
    commands += session.run(&parts[1].blocks("console").concat());
    let [before, after] = &parts[2].blocks("console")[..] else {
        panic!("two sessions")
    };
    commands += session.run(before);
    nodes.set_up(&parts[2].block("sh", "--cluster reshard"));
    nodes.is_up();
    commands += session.run(after);
    let shown: usize = parts.iter().map(|part| part.text().matches("\n$ ").count()).sum();
    assert_eq!(commands, shown, "all were run");
}

#[test]
fn no_session_of_the_page_is_left_out() {
    let page = Document::read(PAGE);
    let parts = [SENTINEL].iter().chain(&CLUSTER).map(|heading| page.part(heading));
    let shown: usize = parts.map(|part| part.text().matches("\n$ ").count()).sum();
    assert_eq!(shown, page.text().matches("\n$ ").count());
}
