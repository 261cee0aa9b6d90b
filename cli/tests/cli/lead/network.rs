//! The network is cut at the leader only: it accepts and is silent.

use crate::support::{Proxy, Running, Server, Stage, wait_until};

/// Longer than it takes a busy machine to answer a heartbeat.
const TTL: &str = "2s";

/// A steward behind a network of its own.
struct Host {
    network: Proxy,
    lead: Running,
}

struct Cuts {
    server: Server,
    stage: Stage,
    hosts: Vec<Host>,
    variables: Vec<(&'static str, &'static str)>,
}

impl Cuts {
    fn new(variables: &[(&'static str, &'static str)]) -> Cuts {
        let mut cuts = Cuts {
            server: Server::start(),
            stage: Stage::new(),
            hosts: Vec::new(),
            variables: variables.to_vec(),
        };
        cuts.add();
        cuts.stage.wait_for_start(1);
        cuts.add();
        cuts
    }

    fn add(&mut self) {
        let network = Proxy::to(self.server.port);
        let name = self.hosts.len().to_string();
        let mut command = self
            .stage
            .command(&name, &network.url(), &["--ttl", TTL], "exec sleep 600");
        let lead = Running::start(command.envs(self.variables.iter().copied()));
        self.hosts.push(Host { network, lead });
    }

    /// Cuts the leader off until another one leads, then mends the network, and adds a host.
    fn cut(&mut self) {
        self.server.wait_for_members("web", 2);
        let starts = self.stage.starts();
        let leader: usize = starts.last().unwrap().name.parse().unwrap();
        self.hosts[leader].network.cut();
        self.stage.wait_for_start(starts.len() + 1);
        self.hosts[leader].network.mend();
        assert_eq!(self.hosts[leader].lead.wait().code(), Some(75));
        self.add();
    }

    /// How long programs ran side by side, or the gap between two, in ms.
    fn report(&self, count: usize) {
        let written = self.stage.written();
        let overlaps: Vec<f64> = written
            .iter()
            .filter(|end| end.word == "alone")
            .map(|end| {
                let start = written
                    .iter()
                    .find(|start| start.word == "overlap" && start.pid == end.pid)
                    .unwrap();
                (end.micros - start.micros) as f64 / 1000.0
            })
            .collect();
        let longest = overlaps.iter().copied().fold(0.0, f64::max);
        println!(
            "{count} cuts, {} take-overs, {} overlaps, the longest {longest:.0} ms",
            self.stage.starts().len() - 1,
            self.stage.overlaps()
        );
    }
}

#[test]
fn a_leader_that_is_cut_off_ends_its_program_before_the_next_one_leads() {
    let mut cuts = Cuts::new(&[]);
    (0..2).for_each(|_| cuts.cut());
    assert_eq!((cuts.stage.starts().len(), cuts.stage.overlaps()), (3, 0));
}

#[test]
#[cfg(feature = "no-fuse")]
fn without_a_fuse_two_programs_run_at_once() {
    let mut cuts = Cuts::new(&[("STEWARD_NO_FUSE", "1")]);
    cuts.cut();
    assert_eq!(cuts.stage.overlaps(), 1);
    wait_until("it is alone", || cuts.stage.written().last().unwrap().word == "alone");
    cuts.report(1);
}

#[test]
#[ignore = "minutes: make long"]
fn fifty_cuts() {
    let mut cuts = Cuts::new(&[]);
    (0..50).for_each(|_| cuts.cut());
    cuts.report(50);
    assert_eq!((cuts.stage.starts().len(), cuts.stage.overlaps()), (51, 0));
}

#[test]
fn a_short_cut_changes_nothing() {
    let server = Server::start();
    let network = Proxy::to(server.port);
    let stage = Stage::new();
    // A third of it passes without a word.
    let mut lead = stage.lead("a", &network.url(), &["--ttl", "6s"], "exec sleep 600");
    stage.wait_for_start(1);
    wait_until("it is registered", || server.run(&["pid", "web"]).0 == 0);
    network.cut();
    std::thread::sleep(std::time::Duration::from_secs(2));
    network.mend();
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert!(!lead.has_ended());
    assert_eq!((stage.starts().len(), server.members("web").len()), (1, 1));
}

#[test]
fn a_leader_that_is_heard_and_hears_nothing_ends_its_program_before_the_next_one_leads() {
    let server = Server::start();
    let network = Proxy::to(server.port);
    let stage = Stage::new();
    // The server hears it for all that time, so that only its own deadline can end the program.
    let mut lead = stage.lead("a", &network.url(), &["--ttl", "10s"], "exec sleep 600");
    stage.wait_for_start(1);
    let _next = stage.lead("b", &server.url(), &["--ttl", "10s"], "exec sleep 600");
    server.wait_for_members("web", 2);
    network.cut_replies();
    assert_eq!(lead.wait().code(), Some(75));
    assert_eq!(stage.wait_for_start(2).name, "b");
    assert_eq!(stage.overlaps(), 0);
}
