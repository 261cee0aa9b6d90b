//! A long random history: every command, with times short enough for the timer to take part.

use std::path::PathBuf;

use super::client::Client;
use super::crew::Crew;
use super::random::Random;
use super::value::Value;

/// The state of a history: the claims it made.
pub(crate) struct History {
    pub random: Random,
    claims: Vec<(String, String, i64)>,
    made: usize,
    crew: Option<Crew>,
}

impl History {
    /// Starts a history.
    pub(crate) fn new(seed: u64) -> History {
        History {
            random: Random::new(seed),
            claims: Vec::new(),
            made: 0,
            crew: None,
        }
    }

    /// For a history during which other clients change the keys, which may then have any type.
    pub(crate) fn among_vandals(mut self) -> History {
        if let Some(crew) = &mut self.crew {
            crew.among_vandals = true;
        }
        self
    }

    /// Starts one in which the workers are members of services, on the server of this socket.
    pub(crate) fn with_members(seed: u64, socket: PathBuf) -> History {
        History {
            crew: Some(Crew::new(socket)),
            ..History::new(seed)
        }
    }

    /// Runs this many steps.
    #[track_caller]
    pub(crate) fn run(&mut self, client: &mut Client, steps: usize) {
        for _ in 0..steps {
            if let Some(crew) = self.crew.as_mut().filter(|_| self.random.once_in(2)) {
                crew.step(client, &mut self.random);
                continue;
            }
            let words = self.command();
            let reply = client.call(&words);
            if let Value::Error(text) = &reply {
                let code = text.split(' ').next().unwrap_or_default();
                let vandals = self.crew.as_ref().is_some_and(|crew| crew.among_vandals);
                let foreign = vandals && ["WRONGTYPE", "BADARG"].contains(&code);
                let expected = foreign
                    || [
                        "STALE",
                        "NOTASK",
                        "CANCELLED",
                        "DUPLICATE",
                        "BUSYQUEUE",
                        "QUEUEFULL",
                        "ERR",
                    ]
                    .contains(&code);
                assert!(expected && !text.contains("internal"), "{words}: {text}");
            }
            self.learn(&words, &reply);
        }
    }

    /// Remembers the claims that a command made.
    pub(crate) fn learn(&mut self, words: &str, reply: &Value) {
        if let (true, Value::Array(tasks)) = (words.contains("CLAIM") || words.ends_with("NEXT"), reply) {
            for task in tasks {
                let queue = words.split(' ').nth(1).unwrap_or_default().to_string();
                self.claims
                    .push((queue, task.field("id").text(), task.field("token").int()));
            }
        }
    }

    fn queue(&mut self) -> &'static str {
        ["q", "q", "r", "{q}s"][self.random.below(4)]
    }

    /// An id that may exist.
    fn id(&mut self) -> String {
        let recent = self.made.saturating_sub(60);
        format!("t{}", recent + self.random.below(60.min(self.made) + 1))
    }

    fn holder(&mut self) -> String {
        if self.claims.is_empty() || self.random.once_in(12) {
            return format!("{} {} {}", self.queue(), self.id(), self.random.below(9));
        }
        let at = self.random.below(self.claims.len());
        let (queue, id, token) = if self.random.once_in(6) {
            self.claims[at].clone()
        } else {
            self.claims.swap_remove(at)
        };
        format!("{queue} {id} {token}")
    }

    /// A step for several claims of one queue.
    fn several(&mut self, short: usize) -> String {
        let step = *self.random.pick(&["MFAIL", "MRELEASE", "MEXTEND"]);
        let (first, second) = (self.holder(), self.holder());
        let (queue, first) = first.split_once(' ').unwrap();
        let (_, second) = second.split_once(' ').unwrap();
        let options = match step {
            "MFAIL" => format!(" ERROR broken-{short}"),
            "MRELEASE" => format!(" DELAY {short}"),
            _ => format!(" LEASE {}", short + 1),
        };
        format!("TASK.{step} {queue} 2 {first} {second}{options}")
    }

    /// The next command.
    pub(crate) fn command(&mut self) -> String {
        let short = self.random.below(60);
        let queue = self.queue();
        match self.random.below(40) {
            0..=9 => {
                self.made += 1;
                let mut words = format!("TASK.SCHEDULE {queue} payload-{short} ID t{}", self.made);
                let onfail = ["", " ONFAIL RUN", " ONFAIL WAIT"][self.random.below(3)];
                let others = match queue {
                    "q" if short.is_multiple_of(2) => format!(" IN {{q}}s 1 {}", self.id()),
                    "{q}s" => format!(" IN q 1 {}", self.id()),
                    _ => String::new(),
                };
                for option in [
                    format!(" DELAY {short}"),
                    format!(" PRIORITY {}", self.random.below(10)),
                    format!(" ATTEMPTS {}", 1 + short % 4),
                    format!(" BACKOFF EXPONENTIAL {short} MAX 80 JITTER 50"),
                    format!(" LEASE {}", short + 1),
                    format!(" EXPIRE {}", 20 * short + 1),
                    format!(" UNIQUE k{}{}", self.random.below(300), ["", " UNTIL CLAIM"][short % 2]),
                    format!(" KIND kind-{}", short % 7),
                    format!(" RETAIN {}", short * 4),
                    format!(" GROUP g{}", self.random.below(4)),
                    format!(" TO w{}", self.random.below(4)),
                    format!(" AFTER 2 {} {}{others} MISSINGOK{onfail}", self.id(), self.id()),
                    format!(" REPLY {{{}}}replies{}", tag(queue), ["", " ON DEAD"][short % 2]),
                ] {
                    if self.random.once_in(2) {
                        words.push_str(&option);
                    }
                }
                words
            }
            10 if short < 30 => {
                self.made += 1;
                let past = [" DEAD broken-1 TO w1 UNIQUE k1", " DELAY 9 GROUP g1", ""][short % 3];
                format!(
                    "TASK.SCHEDULE {queue} moved ID t{} KIND kind-{} USED {} CREATED 17000000000{short:02}{past}",
                    self.made,
                    short % 7,
                    short % 5
                )
            }
            10 => format!("TASK.MSCHEDULE {queue} 3 x y z DELAY {short}"),
            11..=17 => format!("TASK.CLAIM {queue} w{} COUNT {}", short % 4, 1 + short % 5),
            18 => format!("TASK.ACK {}", self.holder()),
            19..=20 => format!("TASK.ACK {} RESULT r-{short}", self.holder()),
            21 => format!("TASK.ACK {} NEXT", self.holder()),
            22..=24 => format!("TASK.FAIL {} ERROR broken-{short}", self.holder()),
            25 => format!("TASK.FAIL {} DEAD", self.holder()),
            26 => format!("TASK.FAIL {} DELAY {short}", self.holder()),
            27 if short.is_multiple_of(2) => self.several(short),
            27 => format!("TASK.RELEASE {}", self.holder()),
            28 => format!("TASK.EXTEND {} LEASE {} PROGRESS at-{short}", self.holder(), short + 1),
            29 => format!("TASK.CANCEL {queue} {} {} REASON by-{short}", self.id(), self.id()),
            30..=31 => format!("TASK.CANCEL {queue} {} {}", self.id(), self.id()),
            32 if short < 20 => format!("TASK.UNCLAIM {queue} {} {}", self.id(), self.id()),
            32 if short < 40 => format!("TASK.BURY {queue} {} REASON because-{short}", self.id()),
            32 => format!("TASK.EDIT {queue} {} PAYLOAD edited-{short}", self.id()),
            33 => format!("TASK.RESCHEDULE {queue} {} DELAY {short}", self.id()),
            34 => format!(
                "TASK.RESCHEDULE {queue} {} PRIORITY {}",
                self.id(),
                self.random.below(10)
            ),
            35 if short < 20 => format!(
                "TASK.CANCELALL {queue} {} MATCH *{} COUNT 40",
                self.random.pick(&["scheduled", "ready", "blocked", "claimed"]),
                self.random.below(10)
            ),
            35 if short < 40 => format!("TASK.RETRYALL {queue} MATCH broken-{}* COUNT 9", short % 6),
            35 => format!("TASK.RETRYALL {queue} COUNT 3"),
            36 => format!(
                "TASK.CONFIG SET {queue} lease {} max-lost {} dead-limit {} group-limit {} group-hold {} events-level {}",
                short + 1,
                short % 3,
                short,
                1 + short % 3,
                ["end", "run"][short % 2],
                match short {
                    // Rarely: then no task is plain.
                    55.. => "all",
                    50.. => "ends",
                    _ => "problems",
                }
            ),
            37 if short.is_multiple_of(3) => format!(
                "TASK.CONFIG SET {queue} concurrency {} rate {}/{} max-length 200 retain {} dead-queue {{{}}}replies",
                short % 5 * 10,
                5 + short,
                1 + short,
                short % 2 * 30,
                tag(queue)
            ),
            37 if short % 3 == 1 => format!(
                "TASK.REPEAT {queue} every-{} tick EVERY {} MISFIRE ALL OVERLAP {} GROUP g1 RETAIN 5",
                short % 4,
                3 + short,
                ["ALLOW", "SKIP"][short % 2]
            ),
            37 if short % 6 == 2 => format!("TASK.TRIGGER {queue} every-{}", short % 4),
            37 => format!("TASK.PAUSE {queue} FOR {}", 1 + short / 4),
            38 if short < 20 => format!("TASK.PURGE {queue} ready MATCH *{} COUNT 9", self.random.below(10)),
            38 => format!(
                "TASK.PURGE {queue} {} COUNT 2",
                self.random.pick(&["scheduled", "ready", "blocked", "done", "dead"])
            ),
            _ if self.random.once_in(4) => format!("TASK.UNREPEAT {queue} every-{}", short % 4),
            _ if self.random.once_in(10) => format!("TASK.DROP {queue} FORCE"),
            _ => format!("TASK.STATS {queue}"),
        }
    }
}

/// What the keys of a queue have in braces.
fn tag(queue: &str) -> &str {
    queue.trim_start_matches('{').trim_end_matches("}s")
}
