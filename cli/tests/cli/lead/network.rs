//! The network is cut at the leader only: it accepts and is silent.

use crate::support::{Proxy, Running, Server, Stage, Start, wait_until};

/// Longer than it takes a busy machine to answer a heartbeat.
const TTL: &str = "2s";

/// A program that writes when it gets TERM, and ends.
const TELLING: &str = "trap 'echo end $NAME $$ $(date +%s%6N) >>starts; exit' TERM; while :; do sleep 0.01; done";

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
        let mut command = self.stage.command(&name, &network.url(), &["--ttl", TTL], TELLING);
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
        let (written, starts) = (self.stage.written(), self.stage.starts());
        let of = |start: &Start, word: &str| {
            let is_it = |other: &&Start| other.pid == start.pid && other.word == word;
            written.iter().find(is_it).map(|found| found.micros)
        };
        let overlaps = starts
            .iter()
            .filter_map(|start| Some(of(start, "alone")? - start.micros));
        let gaps = starts
            .windows(2)
            .filter_map(|pair| Some(pair[1].micros.saturating_sub(of(&pair[0], "end")?)));
        let mut gaps: Vec<u128> = gaps.collect();
        gaps.sort_unstable();
        let gaps = gaps.first().map(|least| {
            let (median, most) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
            format!(
                "; without a program for {} to {} ms, median {}",
                least / 1000,
                most / 1000,
                median / 1000
            )
        });
        println!(
            "{count} cuts, {} take-overs, {} overlaps, the longest {} ms{}",
            starts.len() - 1,
            self.stage.overlaps(),
            overlaps.max().unwrap_or(0) / 1000,
            gaps.unwrap_or_default()
        );
    }
}

#[test]
fn a_leader_that_is_cut_off_ends_its_program_before_the_next_one_leads() {
    let mut cuts = Cuts::new(&[]);
    (0..2).for_each(|_| cuts.cut());
    cuts.report(2);
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
