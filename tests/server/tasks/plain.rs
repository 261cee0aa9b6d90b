//! Plain tasks go a short way of their own, which must not be told from the general one: a random history is run through
//! both at the same moments, and every reply, every effect that is sent and all data must be the same.

use crate::support::history::History;
use crate::support::{Client, Random, Server, Stream, Value};

const STEPS: usize = 1_500;

/// Two servers with the same clock, of which the second one takes the general way only: somebody might listen to its
/// notifications.
struct Both {
    clients: [Client; 2],
    /// What they send to replicas, if they have any.
    streams: Option<[Stream; 2]>,
    has_events: bool,
    now: u64,
    _servers: [Server; 2],
}

impl Both {
    fn start(listened: bool, has_events: bool) -> Both {
        let server = |events: &str| {
            Server::builder()
                .set("steward.timer", "no")
                .set("notify-keyspace-events", events)
                .start()
        };
        let servers = [server(""), server("KEA")];
        Both {
            clients: servers.each_ref().map(Server::client),
            streams: listened.then(|| servers.each_ref().map(Stream::of)),
            has_events,
            now: 1_800_000_000_000_000,
            _servers: servers,
        }
    }

    /// The reply of both.
    #[track_caller]
    fn call(&mut self, words: &str) -> Value {
        let clock = format!("steward.contract q CLOCK {}", self.now);
        let [short, general] = self.clients.each_mut().map(|client| {
            client.must(&clock);
            client.call(words)
        });
        assert_eq!(short, general, "{words}");
        short
    }

    /// How many steps went the short way on each.
    fn plain_steps(&mut self) -> [i64; 2] {
        self.clients
            .each_mut()
            .map(|client| client.must("steward.contract q PLAIN").int())
    }

    /// What was sent, and everything that there is.
    #[track_caller]
    fn assert_same(&mut self) {
        if let Some(streams) = &mut self.streams {
            if self.has_events {
                let [short, general] = streams.each_mut().map(|stream| {
                    let lines = stream.take();
                    // Events are numbered by the server's own clock.
                    let effects = lines.iter().flat_map(|line| line.split("; "));
                    let effects = effects.filter(|effect| !effect.contains("xadd"));
                    effects.map(String::from).collect::<Vec<_>>()
                });
                assert_eq!(short, general);
            } else {
                let [short, general] = streams.each_mut().map(Stream::take_commands);
                assert!(short == general, "the records differ");
            }
        }
        for words in [
            "TASK.STATS q",
            "TASK.WORKERS q",
            "TASK.LIST q claimed COUNT 1000",
            "TASK.LIST q ready COUNT 1000",
            "TASK.EXPLAIN q w0",
        ] {
            self.call(words);
        }
        let mut keys = self.clients[0].keys();
        assert_eq!(keys, self.clients[1].keys());
        keys.retain(|key| !key.ends_with(":events"));
        for key in keys {
            self.call(&format!("DEBUG DIGEST-VALUE {key}"));
        }
    }
}

/// A history of which most steps are plain.
struct Mixed {
    random: Random,
    others: History,
    claims: Vec<(String, i64)>,
    /// How many of a hundred steps are not plain.
    others_share: usize,
}

impl Mixed {
    fn step(&mut self, both: &mut Both) {
        both.now += self.random.number() % 3_000;
        if self.random.below(100) < self.others_share {
            let words = self.others.command();
            let reply = both.call(&words);
            self.others.learn(&words, &reply);
            return;
        }
        let worker = self.random.below(3);
        let words = match self.random.below(12) {
            0..=4 => format!("TASK.SCHEDULE q {}", "p".repeat(self.random.below(300))),
            5 => format!("TASK.CLAIM q w{worker}"),
            6 => format!("TASK.CLAIM q w{worker} count {}", 1 + self.random.below(70)),
            7 => "TASK.CLAIM q w0 COUNT 0".into(),
            8..=9 => format!("TASK.ACK q {}", self.claim()),
            _ => {
                let claims: Vec<String> = (0..1 + self.random.below(4)).map(|_| self.claim()).collect();
                format!("TASK.MACK q {} {}", claims.len(), claims.join(" "))
            }
        };
        let reply = both.call(&words);
        if let (true, Value::Array(tasks)) = (words.contains("CLAIM"), &reply) {
            let claim = |task: &Value| (task.field("id").text(), task.field("token").int());
            self.claims.extend(tasks.iter().map(claim));
        }
    }

    /// A claim that lives, mostly.
    fn claim(&mut self) -> String {
        if self.claims.is_empty() || self.random.once_in(20) {
            return format!("nobody {}", self.random.below(9));
        }
        let at = self.random.below(self.claims.len().min(5));
        let (id, token) = if self.random.once_in(10) {
            self.claims[at].clone()
        } else {
            self.claims.remove(at)
        };
        match self.random.below(40) {
            0 => format!("{id} {}", token + 1),
            1 => format!("{id} +{token}"),
            _ => format!("{id} {token}"),
        }
    }
}

fn run(seed: u64, listened: bool, others_share: usize) {
    let mut both = Both::start(listened, others_share > 0);
    let mut mixed = Mixed {
        random: Random::new(seed),
        others: History::new(seed),
        claims: Vec::new(),
        others_share,
    };
    if seed % 2 == 1 {
        both.call("TASK.CONFIG SET q concurrency 90 rate 40/100");
    }
    for step in 1..=STEPS {
        mixed.step(&mut both);
        if step % 100 == 0 {
            both.assert_same();
        }
    }
    let [short, general] = both.plain_steps();
    assert_eq!(general, 0);
    // Of a history without anything else, all but the first steps and those that answer an error or nothing.
    let least = if others_share == 0 { STEPS / 2 } else { 10 };
    assert!(short > least as i64, "{short} plain steps");
}

#[test]
fn replies_effects_and_data_of_the_short_way_are_those_of_the_general_one() {
    for seed in 0..3 {
        run(seed, true, 0);
        run(10 + seed, true, 15);
    }
}

#[test]
fn so_are_replies_and_data_where_nobody_listens() {
    for seed in 0..2 {
        run(20 + seed, false, 0);
        run(30 + seed, false, 15);
    }
}
