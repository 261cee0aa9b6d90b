//! Two hundred processes compete for the lead and die at random: no epoch ever has two leaders, epochs only grow, and
//! no write of an outdated epoch succeeds. `STEWARD_SOAK=1` makes it a minute instead of some seconds.

mod process;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use self::process::{Process, Wait, live};
use crate::support::{Client, Random, Server, Value, unix_ms, wait_until};

const PROCESSES: usize = 200;

/// Between two deaths.
const MOMENT: Duration = Duration::from_millis(3);

/// How long they compete, ms.
fn duration() -> i64 {
    if std::env::var_os("STEWARD_SOAK").is_some() {
        60_000
    } else {
        3_000
    }
}

/// What they share.
struct Arena {
    /// The current primary.
    socket: Mutex<PathBuf>,
    over: AtomicBool,
    /// The leaders, by epoch.
    holders: Mutex<BTreeMap<i64, String>>,
}

impl Arena {
    /// Records the leader of this epoch, from a grant or HB.LEADER.
    fn note(&self, epoch: i64, member: &str) {
        let mut holders = self.holders.lock().unwrap();
        let first = holders.entry(epoch).or_insert_with(|| member.into());
        assert_eq!(first, member, "two holders of epoch {epoch}");
    }
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
    /// A connection, as soon as there is a server; `None` when the test is over.
    fn connect(&self) -> Option<Client> {
        while !self.is_over() {
            let socket = self.socket.lock().unwrap().clone();
            if let Some(mut client) = Client::connect(&socket)
                && client.try_call("PING").is_ok_and(|pong| pong == "+PONG")
                && client.try_call("HELLO 3").is_ok()
            {
                return Some(client);
            }
            std::thread::sleep(MOMENT);
        }
        None
    }
}

/// Polls HB.LEADER.
fn observe(arena: &Arena) {
    let mut last = 0;
    while let Some(mut client) = arena.connect() {
        while let Some(Ok(leader)) = (!arena.is_over()).then(|| client.try_call("HB.LEADER s")) {
            if leader != Value::Null {
                let epoch = leader.field("epoch").int();
                assert!(epoch >= last, "epochs only grow");
                last = epoch;
                arena.note(epoch, &leader.field("member").text());
            }
        }
    }
}

/// Kills connections of competitors at random.
fn kill(arena: &Arena) {
    let mut random = Random::new(7);
    while let Some(mut client) = arena.connect() {
        while let Some(Ok(list)) = (!arena.is_over()).then(|| client.try_call("CLIENT LIST")) {
            let list = list.text();
            let wants = |line: &&str| line.contains("cmd=pid.") || line.contains("cmd=hb.");
            let ids: Vec<&str> = list
                .lines()
                .filter(|line| wants(line) && !line.contains("cmd=hb.leader"))
                .filter_map(|line| line.strip_prefix("id=")?.split(' ').next())
                .collect();
            if !ids.is_empty() {
                let _ = client.try_call(&format!("CLIENT KILL ID {}", random.pick(&ids)));
            }
            std::thread::sleep(MOMENT);
        }
    }
}

/// What happens to the server while they compete.
enum Trouble {
    Nothing,
    Crash,
    Failover,
}

#[track_caller]
fn contend(wait: Wait, trouble: Trouble) {
    let builder = Server::builder()
        .set("steward.events", "1000000")
        .set("maxclients", "500");
    let (mut server, mut replica) = match trouble {
        Trouble::Nothing => (builder.start(), None),
        Trouble::Crash => (builder.append_always().start(), None),
        Trouble::Failover => {
            let server = builder.clone().listening().start();
            let replica = server.replica_with(builder);
            (server, Some(replica))
        }
    };
    let arena = Arc::new(Arena {
        socket: Mutex::new(server.socket()),
        over: AtomicBool::new(false),
        holders: Mutex::default(),
    });
    let mut threads: Vec<JoinHandle<()>> = (0..PROCESSES)
        .map(|number| {
            let arena = arena.clone();
            std::thread::spawn(move || live(arena, number, wait))
        })
        .collect();
    for work in [observe, kill] {
        let arena = arena.clone();
        threads.push(std::thread::spawn(move || work(&arena)));
    }
    // For so long, and longer on a slow machine, until so many have held it.
    let goes_on = |grants: usize| {
        let start = unix_ms();
        let enough = || unix_ms() > start + duration() / 2 && arena.holders.lock().unwrap().len() > grants;
        while !enough() && unix_ms() < start + 60_000 && !threads.iter().any(JoinHandle::is_finished) {
            std::thread::sleep(MOMENT);
        }
    };
    goes_on(PROCESSES / 40);
    match (trouble, &mut replica) {
        (Trouble::Crash, _) => {
            server.kill_9();
            server.start_again(&[]);
        }
        (Trouble::Failover, Some(replica)) => {
            server.client().must("FAILOVER");
            let mut there = replica.client();
            wait_until("the replica leads", || there.info("role") == "master");
            std::mem::swap(&mut server, replica);
            *arena.socket.lock().unwrap() = server.socket();
        }
        _ => {}
    }
    goes_on(PROCESSES / 20);
    arena.over.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("a process that saw nothing wrong");
    }
    let mut client = server.client();
    let log: Vec<i64> = client
        .must("LRANGE log 0 -1")
        .items()
        .iter()
        .map(|epoch| epoch.text().parse().expect("no late write"))
        .collect();
    assert!(log.is_sorted(), "a write of an old epoch came after one of a newer");
    assert_eq!(client.must("GET counter").text(), log.len().to_string());
    let holders = arena.holders.lock().unwrap();
    assert!(log.iter().all(|epoch| holders.contains_key(epoch)));
    assert!(holders.len() > PROCESSES / 20, "only {} grants", holders.len());
    // The stream has the same leaders, in the same order.
    let events = client.events("s");
    let led: Vec<(i64, String)> = events.iter().filter_map(|line| elected(line)).collect();
    assert!(led.is_sorted_by(|one, other| one.0 < other.0), "epochs only grow");
    let led: BTreeMap<i64, String> = led.into_iter().collect();
    for (epoch, member) in holders.iter() {
        assert_eq!(led.get(epoch), Some(member), "epoch {epoch}");
    }
    wait_until("all have died with their connections", || {
        client.members("s").is_empty()
    });
    assert_eq!(client.leader("s"), "nobody");
}

/// The epoch and the member of an event of a new leader.
fn elected(line: &str) -> Option<(i64, String)> {
    let (member, epoch) = line.strip_prefix("leader ")?.split_once(" epoch=")?;
    Some((epoch.split(' ').next()?.parse().ok()?, member.into()))
}

#[test]
fn only_one_is_ever_registered_as_the_only_one() {
    contend(Process::register, Trouble::Nothing);
}

#[test]
fn only_one_is_ever_elected() {
    contend(Process::campaign, Trouble::Nothing);
}

#[test]
fn only_one_is_ever_registered_over_a_crash_of_the_server() {
    contend(Process::register, Trouble::Crash);
}

#[test]
fn only_one_is_ever_elected_over_a_planned_failover() {
    contend(Process::campaign, Trouble::Failover);
}
