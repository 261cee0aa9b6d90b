//! Two hundred processes want to lead, and die at random: no epoch ever has two holders, epochs only grow,
//! and no write of a late epoch lands. `STEWARD_SOAK=1` makes it a minute instead of some seconds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::{Client, Random, Server, Value, unix_ms, wait_until};

const PROCESSES: usize = 200;

/// Between two deaths.
const MOMENT: Duration = Duration::from_millis(3);

/// How long they contend, ms.
fn duration() -> i64 {
    if std::env::var_os("STEWARD_SOAK").is_some() {
        60_000
    } else {
        4_000
    }
}

/// What all of them know together.
struct Arena {
    socket: PathBuf,
    over: AtomicBool,
    /// Who was told to lead, by epoch.
    holders: Mutex<BTreeMap<i64, String>>,
}

impl Arena {
    /// Somebody leads in this epoch, by a grant or as HB.LEADER says.
    fn note(&self, epoch: i64, member: &str) {
        let mut holders = self.holders.lock().unwrap();
        let first = holders.entry(epoch).or_insert_with(|| member.into());
        assert_eq!(first, member, "two holders of epoch {epoch}");
    }
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
    fn connect(&self) -> Client {
        let mut client = Client::connect(&self.socket).unwrap();
        client.must("HELLO 3");
        client
    }
}

/// Why a process stopped what it was doing.
enum Ended {
    /// Its connection broke.
    Killed,
    /// It is no member any more, or does not lead.
    Over,
}

type Going<T> = Result<T, Ended>;

/// A way to wait to lead: the token and the epoch, or `None` when the wait ran out.
type Wait = fn(&mut Process) -> Going<Option<(i64, i64)>>;

/// One process: its name and, as long as it lives, its connection.
struct Process {
    arena: Arc<Arena>,
    name: String,
    client: Client,
    random: Random,
}

impl Process {
    fn call(&mut self, words: &str) -> Going<Value> {
        self.client.try_send(words).map_err(|_| Ended::Killed)?;
        self.client.try_receive().map_err(|_| Ended::Killed)
    }

    /// Waits to be the only one.
    fn register(&mut self) -> Going<Option<(i64, i64)>> {
        let words = format!("PID.REGISTER s {} 1 TTL 5000 BIND EXCLUSIVE BLOCK 300", self.name);
        let reply = self.call(&words)?;
        if reply == Value::Null {
            return Ok(None);
        }
        assert_eq!(reply.field("status"), "'registered'", "{words}");
        Ok(Some((reply.field("token").int(), reply.field("epoch").int())))
    }

    /// Waits to be elected.
    fn campaign(&mut self) -> Going<Option<(i64, i64)>> {
        let reply = self.call(&format!("PID.REGISTER s {} 1 TTL 5000 BIND", self.name))?;
        assert_eq!(reply.field("status"), "'registered'");
        let token = reply.field("token").int();
        while !self.arena.is_over() {
            let reply = self.call(&format!("HB.CAMPAIGN s {} {token} BLOCK 300", self.name))?;
            if reply != Value::Null {
                assert_eq!(
                    (reply.field("role"), reply.field("leader").text()),
                    (&Value::Bulk(b"leader".to_vec()), self.name.clone())
                );
                return Ok(Some((token, reply.field("epoch").int())));
            }
        }
        Ok(None)
    }

    /// Writes while it leads; leaves in one way or another.
    fn lead(&mut self, token: i64, epoch: i64) -> Going<()> {
        let name = self.name.clone();
        for _ in 0..self.random.below(4) {
            let led = self.fenced(epoch, "HB.LEADER s")?;
            assert_eq!(
                (led.field("member").text(), led.field("epoch").int()),
                (name.clone(), epoch)
            );
            self.write(epoch)?;
        }
        match self.random.below(4) {
            0 => {
                self.call(&format!("PID.DEREGISTER s {name} TOKEN {token}"))?;
            }
            1 => {
                self.call(&format!("HB.RESIGN s {name} {token}"))?;
                // Its connection is bound no more once it is no member.
                self.call(&format!("PID.DEREGISTER s {name} TOKEN {token}"))?;
            }
            _ => return Err(Ended::Killed),
        }
        let late = self.call(&format!("HB.FENCED s {epoch} RPUSH log late"))?;
        assert_eq!(late.code(), "FENCED", "{name} had left");
        Ok(())
    }

    /// What a leader does to its data: two writes, both or none.
    fn write(&mut self, epoch: i64) -> Going<()> {
        self.call("MULTI")?;
        self.call(&format!("HB.FENCED s {epoch} INCR counter"))?;
        self.call(&format!("HB.FENCED s {epoch} RPUSH log {epoch}"))?;
        match self.call("EXEC")?.items() {
            [Value::Error(one), Value::Error(other)] => {
                assert!(one.starts_with("FENCED ") && one == other, "{one}, {other}");
                Err(Ended::Over)
            }
            [counter, length] => {
                assert_eq!(counter, length);
                Ok(())
            }
            _ => panic!("two replies"),
        }
    }

    /// A command under its epoch; over when that is not the epoch any more.
    fn fenced(&mut self, epoch: i64, words: &str) -> Going<Value> {
        match self.call(&format!("HB.FENCED s {epoch} {words}"))? {
            Value::Error(text) => {
                assert!(text.starts_with("FENCED "), "{words}: {text}");
                Err(Ended::Over)
            }
            reply => Ok(reply),
        }
    }
}

/// The life of one process after another, until it is over.
fn live(arena: Arc<Arena>, number: usize, wait: Wait) {
    for life in 0.. {
        if arena.is_over() {
            return;
        }
        let (arena, client) = (arena.clone(), arena.connect());
        let mut process = Process {
            name: format!("p{number}-{life}"),
            random: Random::new((number * 1_000 + life) as u64),
            arena: arena.clone(),
            client,
        };
        while !arena.is_over() {
            let led = wait(&mut process).and_then(|granted| match granted {
                Some((token, epoch)) => {
                    arena.note(epoch, &process.name);
                    process.lead(token, epoch)
                }
                None => Ok(()),
            });
            match led {
                Ok(()) => process.name.push('+'),
                // The connection is dropped, as that of a process that died.
                Err(_) => break,
            }
        }
    }
}

/// Looks at the leader all the time.
fn observe(arena: &Arena) {
    let mut client = arena.connect();
    let mut last = 0;
    while !arena.is_over() {
        let leader = client.must("HB.LEADER s");
        if leader != Value::Null {
            let epoch = leader.field("epoch").int();
            assert!(epoch >= last, "epochs only grow");
            last = epoch;
            arena.note(epoch, &leader.field("member").text());
        }
    }
}

/// Kills connections at random.
fn kill(arena: &Arena) {
    let mut client = arena.connect();
    let mut random = Random::new(7);
    while !arena.is_over() {
        let list = client.must("CLIENT LIST").text();
        // Not those of the observer, of this one, and of the test.
        let named = list
            .lines()
            .filter(|line| line.contains("cmd=pid.") || line.contains("cmd=hb."));
        let ids: Vec<&str> = named
            .filter(|line| !line.contains("cmd=hb.leader"))
            .filter_map(|line| line.strip_prefix("id=")?.split(' ').next())
            .collect();
        if !ids.is_empty() {
            client.call(&format!("CLIENT KILL ID {}", random.pick(&ids)));
        }
        std::thread::sleep(MOMENT);
    }
}

#[track_caller]
fn contend(wait: Wait) {
    let server = Server::builder()
        .set("steward.events", "1000000")
        .set("maxclients", "500")
        .start();
    let arena = Arc::new(Arena {
        socket: server.socket(),
        over: AtomicBool::new(false),
        holders: Mutex::default(),
    });
    let mut threads: Vec<JoinHandle<()>> = (0..PROCESSES)
        .map(|number| {
            let arena = arena.clone();
            std::thread::spawn(move || live(arena, number, wait))
        })
        .collect();
    for look in [observe, kill] {
        let arena = arena.clone();
        threads.push(std::thread::spawn(move || look(&arena)));
    }
    let until = unix_ms() + duration();
    while unix_ms() < until && !threads.iter().any(JoinHandle::is_finished) {
        std::thread::sleep(MOMENT);
    }
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
    assert!(holders.len() > PROCESSES, "only {} grants", holders.len());
    // The stream tells of the same leaders, in the same order.
    let told = client.told("s");
    let led: Vec<(i64, String)> = told.iter().filter_map(|line| elected(line)).collect();
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

/// The epoch and the member of an event that tells of a new leader.
fn elected(line: &str) -> Option<(i64, String)> {
    let (member, epoch) = line.strip_prefix("leader ")?.split_once(" epoch=")?;
    Some((epoch.split(' ').next()?.parse().ok()?, member.into()))
}

#[test]
fn only_one_is_ever_registered_as_the_only_one() {
    contend(Process::register);
}

#[test]
fn only_one_is_ever_elected() {
    contend(Process::campaign);
}
