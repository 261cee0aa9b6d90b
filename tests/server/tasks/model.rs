//! A random history of commands against a small reference model: every reply is as in the model, and every few steps
//! everything that the server shows is.
//!
//! The timer is off, so that nothing happens by itself; `history` is the same with the timer.

mod holder;
mod operator;
mod queue;

use std::collections::BTreeMap;

use self::queue::{Queue, State, Task};
use crate::support::{Client, Random, Server, Value, places};

const IDS: [&str; 14] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
const QUEUES: [&str; 2] = ["q", "r"];
/// 2050: nothing scheduled by the history becomes due.
const FAR: i64 = 2_524_608_000_000;

struct Run {
    client: Client,
    random: Random,
    queues: BTreeMap<&'static str, Queue>,
    last_token: i64,
    log: Vec<String>,
}

#[test]
fn a_random_history_is_what_the_model_says() {
    for seed in 1..=3 {
        let server = Server::builder().set("steward.timer", "no").start();
        let mut client = server.client();
        for queue in QUEUES {
            client.must(&format!("TASK.CONFIG SET {queue} attempts 3"));
            client.call_args(&["TASK.CONFIG", "SET", queue, "backoff", "FIXED 3600000"]);
        }
        let queues = QUEUES.map(|queue| (queue, Queue::default())).into();
        let mut run = Run {
            client,
            random: Random::new(seed),
            queues,
            last_token: 0,
            log: Vec::new(),
        };
        for step in 0..2_000 {
            run.step();
            for queue in QUEUES {
                let (shown, expected) = (run.client.counts(queue), run.queues[queue].counts());
                assert_eq!(shown, expected, "{}", run.tail());
            }
            if step % 50 == 0 {
                run.compare_everything();
            }
        }
        run.compare_everything();
    }
}

impl Run {
    #[track_caller]
    fn call(&mut self, words: String) -> Value {
        let reply = self.client.call(&words);
        self.log.push(format!("{words} -> {reply}"));
        reply
    }

    #[track_caller]
    fn expect(&mut self, words: String, reply: &str) {
        let given = self.call(words);
        assert!(given == reply, "not {reply}:\n{}", self.tail());
    }

    /// A step over many tasks changes so many.
    #[track_caller]
    fn expect_step(&mut self, words: String, changed: usize) {
        let given = self.call(words);
        assert!(given.item(1) == &changed.to_string(), "not {changed}:\n{}", self.tail());
    }

    fn tail(&self) -> String {
        self.log[self.log.len().saturating_sub(40)..].join("\n")
    }

    fn number(&mut self, words: String) -> i64 {
        let reply = self.call(words);
        let Value::Int(number) = reply else {
            panic!("no number:\n{}", self.tail())
        };
        number
    }

    /// A field of a task that only the server knows: when it died or is due.
    fn shown(&mut self, queue: &str, id: &str, field: &str) -> i64 {
        self.client.call(&format!("TASK.GET {queue} {id}")).field(field).int()
    }

    fn step(&mut self) {
        let queue = *self.random.pick(&QUEUES);
        let id = (*self.random.pick(&IDS)).to_string();
        match self.random.below(30) {
            0..=5 => self.schedule(queue, &id),
            6..=10 => self.claim(queue),
            11..=13 => self.holder(queue, "ACK"),
            14 => self.holder(queue, "ACK-NEXT"),
            15..=17 => self.holder(queue, "FAIL"),
            18..=19 => self.holder(queue, "RELEASE"),
            20 => self.holder(queue, "EXTEND"),
            21..=22 => self.cancel(queue, &id),
            23..=25 => self.reschedule(queue, &id),
            26 => self.retry(queue, &id),
            27 => self.purge(queue),
            28 => {
                let paused = self.random.once_in(2);
                self.queues.get_mut(queue).unwrap().paused = paused;
                self.expect(
                    format!("TASK.{} {queue}", if paused { "PAUSE" } else { "RESUME" }),
                    "+OK",
                );
            }
            _ if self.random.once_in(8) => {
                let gone = self.queues[queue].tasks.len();
                // DROP takes the settings too.
                self.expect(format!("TASK.DROP {queue} FORCE"), &gone.to_string());
                self.queues.insert(queue, Queue::default());
                self.expect(format!("TASK.CONFIG SET {queue} attempts 3"), "+OK");
                self.client
                    .call_args(&["TASK.CONFIG", "SET", queue, "backoff", "FIXED 3600000"]);
            }
            _ => self.claim_any(),
        }
    }

    fn schedule(&mut self, queue: &'static str, id: &str) {
        let priority = *self.random.pick(&[0, 5, 5, 9]);
        let attempts = 1 + self.random.below(3) as i64;
        let due = if self.random.once_in(3) {
            FAR + self.random.below(5) as i64
        } else {
            0
        };
        let payload = format!("p{}", self.random.below(3));
        let when = if due > 0 { format!("AT {due}") } else { String::new() };
        let words = format!("TASK.SCHEDULE {queue} {payload} ID {id} PRIORITY {priority} ATTEMPTS {attempts} {when}");
        if let Some(task) = self.queues[queue].tasks.get(id) {
            let state = match task.state {
                State::Scheduled(_) => "scheduled",
                State::Ready => "ready",
                State::Claimed => "claimed",
                State::Dead(_) => "dead",
            };
            let same = task.payload == payload && !task.cancelled && state != "dead";
            let refusal = format!("-DUPLICATE {state} {id}");
            return self.expect(words, &if same { format!("'{id}'") } else { refusal });
        }
        self.expect(words, &format!("'{id}'"));
        let state = State::Scheduled(due);
        let task = Task {
            state,
            priority,
            used: 0,
            attempts,
            deliveries: 0,
            token: 0,
            worker: String::new(),
            cancelled: false,
            payload,
        };
        let model = self.queues.get_mut(queue).unwrap();
        model.tasks.insert(id.into(), task);
        if due == 0 {
            model.push(id, false);
        }
    }

    fn task(&mut self, queue: &'static str, id: &str) -> &mut Task {
        self.queues.get_mut(queue).unwrap().tasks.get_mut(id).unwrap()
    }

    fn compare_everything(&mut self) {
        for queue in QUEUES {
            let tail = self.tail();
            let model = &self.queues[queue];
            assert_eq!(self.client.listed(queue, "ready"), model.ready(), "{tail}");
            assert_eq!(self.client.listed(queue, "scheduled"), model.scheduled(), "{tail}");
            assert_eq!(self.client.listed(queue, "dead"), model.dead(), "{tail}");
            let mut claimed = self.client.listed(queue, "claimed");
            claimed.sort();
            assert_eq!(claimed, model.claimed(), "{tail}");
            for id in IDS {
                let shown = self.client.get(
                    queue,
                    id,
                    "priority attempt max_attempts deliveries cancelled payload worker",
                );
                let expected = model.tasks.get(id).map_or("gone".into(), |task| {
                    let held = task.state == State::Claimed;
                    format!(
                        "priority {}, attempt {}, max_attempts {}, deliveries {}, cancelled {}, payload '{}', worker {}",
                        task.priority,
                        task.used + i64::from(held),
                        task.attempts,
                        task.deliveries,
                        i64::from(task.cancelled),
                        task.payload,
                        if held {
                            format!("'{}'", task.worker)
                        } else {
                            "null".into()
                        }
                    )
                });
                assert_eq!(shown, expected, "{queue} {id}\n{tail}");
            }
            if !self.client.keys().iter().any(|key| key.contains(":drop:")) {
                places::check(&mut self.client, queue);
            }
        }
    }
}
