//! A random history of commands against a small reference model: every reply is what the model says, and
//! every few steps everything the server shows is.
//!
//! The timer is off, so that time moves nothing; `history` is the same with time.

use std::collections::BTreeMap;

use crate::support::{Client, Random, Server, Value, places};

const IDS: [&str; 14] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
const QUEUES: [&str; 2] = ["q", "r"];
/// 2050: nothing scheduled by the history becomes due.
const FAR: i64 = 2_524_608_000_000;

#[derive(Clone, PartialEq)]
enum State {
    Scheduled(i64),
    Ready,
    Claimed,
    Dead(i64),
}

struct Task {
    state: State,
    priority: usize,
    used: i64,
    attempts: i64,
    deliveries: i64,
    token: i64,
    worker: String,
    cancelled: bool,
    payload: String,
}

/// One queue. A list entry that is not live stands for a task that left the list other than by a claim.
#[derive(Default)]
struct Queue {
    tasks: BTreeMap<String, Task>,
    lists: [Vec<(String, bool)>; 10],
    paused: bool,
}

impl Queue {
    fn push(&mut self, id: &str, head: bool) {
        let task = self.tasks.get_mut(id).unwrap();
        task.state = State::Ready;
        let list = &mut self.lists[task.priority];
        match list.iter_mut().find(|(entry, _)| entry == id) {
            Some(entry) => entry.1 = true,
            None if head => list.insert(0, (id.into(), true)),
            None => list.push((id.into(), true)),
        }
    }

    fn leave(&mut self, id: &str) {
        let list = &mut self.lists[self.tasks[id].priority];
        list.iter_mut().find(|(entry, _)| entry == id).unwrap().1 = false;
    }

    /// The next `count` ready ids; ids that are not live are passed over on the way.
    fn pop(&mut self, count: usize) -> Vec<String> {
        let mut popped = Vec::new();
        for list in &mut self.lists {
            while popped.len() < count && !list.is_empty() {
                let (id, live) = list.remove(0);
                if live {
                    popped.push(id);
                }
            }
        }
        popped
    }

    fn ready(&self) -> Vec<String> {
        self.lists
            .iter()
            .flatten()
            .filter(|(_, live)| *live)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Ids of a state, in the order of LIST.
    fn sorted(&self, of: impl Fn(&State) -> Option<i64>) -> Vec<String> {
        let mut found: Vec<(i64, String)> = self
            .tasks
            .iter()
            .filter_map(|(id, task)| of(&task.state).map(|score| (score, id.clone())))
            .collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }
    fn scheduled(&self) -> Vec<String> {
        self.sorted(|state| {
            if let State::Scheduled(due) = state {
                Some(*due)
            } else {
                None
            }
        })
    }
    fn dead(&self) -> Vec<String> {
        self.sorted(|state| {
            if let State::Dead(died) = state {
                Some(*died)
            } else {
                None
            }
        })
    }
    fn claimed(&self) -> Vec<String> {
        self.sorted(|state| (*state == State::Claimed).then_some(0))
    }

    fn counts(&self) -> String {
        let counts = [
            ("scheduled", self.scheduled().len()),
            ("ready", self.ready().len()),
            ("claimed", self.claimed().len()),
            ("dead", self.dead().len()),
        ];
        let shown: Vec<String> = counts
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(state, n)| format!("{state} {n}"))
            .collect();
        shown.join(" ")
    }
}

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
        let payload = format!("p{}", self.random.below(100));
        let when = if due > 0 { format!("AT {due}") } else { String::new() };
        let words = format!("TASK.SCHEDULE {queue} {payload} ID {id} PRIORITY {priority} ATTEMPTS {attempts} {when}");
        if self.queues[queue].tasks.contains_key(id) {
            return self.expect(words, &format!("-DUPLICATE {id}"));
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

    fn claim(&mut self, queue: &'static str) {
        let (worker, count) = (format!("w{}", self.random.below(3)), 1 + self.random.below(3));
        let reply = self.call(format!("TASK.CLAIM {queue} {worker} COUNT {count} LEASE 3600000"));
        self.claimed(queue, &worker, count, "", &reply);
    }

    fn claim_any(&mut self) {
        let reply = self.call("TASK.MCLAIM 2 r q w1 COUNT 2".into());
        let has_some = |queue: &Queue| !queue.paused && !queue.ready().is_empty();
        if has_some(&self.queues["r"]) {
            return self.claimed("r", "w1", 2, "queue: 'r', ", &reply);
        }
        // Looking for work in r passed over what is there.
        if !self.queues["r"].paused {
            self.queues.get_mut("r").unwrap().pop(1);
        }
        self.claimed("q", "w1", 2, "queue: 'q', ", &reply);
    }

    fn claimed(&mut self, queue: &'static str, worker: &str, count: usize, prefix: &str, reply: &Value) {
        let model = self.queues.get_mut(queue).unwrap();
        let ids = if model.paused { Vec::new() } else { model.pop(count) };
        let mut expected = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            let token = match reply {
                Value::Array(tasks) if tasks.len() == ids.len() => tasks[at].field("token").int(),
                _ => 0,
            };
            let task = model.tasks.get_mut(id).unwrap();
            task.state = State::Claimed;
            task.token = token;
            task.worker = worker.into();
            task.deliveries += 1;
            expected.push(format!(
                "{{{prefix}id: '{id}', token: {token}, attempt: {}, payload: '{}'}}",
                task.used + 1,
                task.payload
            ));
            assert!(token > self.last_token, "tokens grow");
            self.last_token = token;
        }
        let expected = if ids.is_empty() {
            "null".into()
        } else {
            format!("[{}]", expected.join(", "))
        };
        assert!(*reply == expected, "not {expected}:\n{}", self.tail());
    }

    /// One of the four verbs of a holder, mostly with the right token.
    fn holder(&mut self, queue: &'static str, verb: &str) {
        let held = self.queues[queue].claimed();
        let id = if held.is_empty() || self.random.once_in(5) {
            (*self.random.pick(&IDS)).into()
        } else {
            self.random.pick(&held).clone()
        };
        let wrong = self.random.once_in(6);
        let token = self.queues[queue]
            .tasks
            .get(&id)
            .map_or(7, |task| task.token + i64::from(wrong));
        let end = match (verb, self.random.below(4)) {
            ("ACK-NEXT", _) => " NEXT".to_string(),
            ("FAIL", 0) => " DEAD".into(),
            ("FAIL" | "RELEASE", 1) => " DELAY 3600000".into(),
            ("FAIL" | "RELEASE", 2) => " DELAY 0".into(),
            _ => String::new(),
        };
        let verb = verb.trim_end_matches("-NEXT");
        let words = format!("TASK.{verb} {queue} {id} {token}{end}");
        let model = self.queues.get_mut(queue).unwrap();
        let Some(task) = model.tasks.get_mut(&id) else {
            return self.expect(words, "-NOTASK no such task");
        };
        if wrong || task.state != State::Claimed {
            let now = match task.state {
                State::Scheduled(_) => "scheduled",
                State::Ready => "ready",
                State::Claimed => "claimed again",
                State::Dead(_) => "dead",
            };
            return self.expect(words, &format!("-STALE the claim was lost: the task is now {now}"));
        }
        let cancelled = task.cancelled;
        match verb {
            "EXTEND" if cancelled => {
                self.expect(words, "-CANCELLED the task was cancelled: stop, then ACK or RELEASE it");
            }
            "EXTEND" => assert!((1..=3_600_000).contains(&self.number(words))),
            "ACK" if end.is_empty() => {
                model.tasks.remove(&id);
                self.expect(words, "+OK");
            }
            "ACK" => {
                let worker = model.tasks.remove(&id).unwrap().worker;
                let reply = self.call(words);
                self.claimed(queue, &worker, 1, "", &reply);
            }
            "RELEASE" => {
                if cancelled {
                    model.tasks.remove(&id);
                } else if !end.contains("3600000") {
                    model.push(&id, true);
                }
                self.expect(words, "+OK");
                if !cancelled && end.contains("3600000") {
                    let due = self.shown(queue, &id, "due");
                    self.task(queue, &id).state = State::Scheduled(due);
                }
            }
            _ => self.fail(queue, &id, &end, words),
        }
    }

    fn fail(&mut self, queue: &'static str, id: &str, end: &str, words: String) {
        let reply = self.call(words);
        let task = self.task(queue, id);
        task.used += 1;
        let attempt = task.used;
        let (state, cancelled) = (reply.field("state").text(), task.cancelled);
        let last = attempt >= task.attempts || end.contains("DEAD");
        let expected = match (cancelled, last, end) {
            (true, ..) => "cancelled",
            (_, true, _) => "dead",
            (_, _, " DELAY 0") => "ready",
            _ => "scheduled",
        };
        assert!(
            state == expected && *reply.field("attempt") == Value::Int(attempt),
            "not {expected}:\n{}",
            self.tail()
        );
        match expected {
            "cancelled" => drop(self.queues.get_mut(queue).unwrap().tasks.remove(id)),
            "dead" => {
                let died = self.shown(queue, id, "died");
                self.task(queue, id).state = State::Dead(died);
            }
            "ready" => self.queues.get_mut(queue).unwrap().push(id, false),
            _ => self.task(queue, id).state = State::Scheduled(reply.field("due").int()),
        }
    }

    fn task(&mut self, queue: &'static str, id: &str) -> &mut Task {
        self.queues.get_mut(queue).unwrap().tasks.get_mut(id).unwrap()
    }

    fn cancel(&mut self, queue: &'static str, id: &str) {
        let other = *self.random.pick(&IDS);
        let model = self.queues.get_mut(queue).unwrap();
        let mut count = 0;
        for id in [id, other] {
            match model.tasks.get_mut(id) {
                Some(task) if task.state == State::Claimed => {
                    count += i64::from(!task.cancelled);
                    task.cancelled = true;
                }
                Some(Task {
                    state: State::Dead(_), ..
                })
                | None => {}
                Some(task) => {
                    if task.state == State::Ready {
                        model.leave(id);
                    }
                    model.tasks.remove(id);
                    count += 1;
                }
            }
        }
        self.expect(format!("TASK.CANCEL {queue} {id} {other}"), &count.to_string());
    }

    fn reschedule(&mut self, queue: &'static str, id: &str) {
        let due = *self.random.pick(&[None, Some(0), Some(FAR), Some(FAR + 3)]);
        let priority = *self.random.pick(&[None, Some(0), Some(5), Some(9)]);
        let mut words = format!("TASK.RESCHEDULE {queue} {id}");
        match due {
            Some(0) => words.push_str(" DELAY 0"),
            Some(due) => words.push_str(&format!(" AT {due}")),
            None => {}
        }
        if let Some(priority) = priority {
            words.push_str(&format!(" PRIORITY {priority}"));
        }
        let reply = self.call(words);
        let code = if due.is_none() && priority.is_none() {
            "BADARG"
        } else {
            match self.queues[queue].tasks.get(id).map(|task| &task.state) {
                None => "NOTASK",
                Some(State::Claimed | State::Dead(_)) => "BADSTATE",
                Some(_) => "",
            }
        };
        if !code.is_empty() {
            assert!(
                reply.is_error() && (code == "BADSTATE" || reply.code() == code),
                "not {code}:\n{}",
                self.tail()
            );
            return;
        }
        let model = self.queues.get_mut(queue).unwrap();
        let task = model.tasks.get_mut(id).unwrap();
        let to = priority.unwrap_or(task.priority);
        let far = due.filter(|due| *due > 0);
        match (task.state.clone(), far) {
            (State::Ready, None) if to == task.priority => {}
            (State::Ready, far) => {
                model.leave(id);
                model.tasks.get_mut(id).unwrap().priority = to;
                match far {
                    Some(due) => model.tasks.get_mut(id).unwrap().state = State::Scheduled(due),
                    None => model.push(id, false),
                }
            }
            (_, far) => {
                task.priority = to;
                match (far, due) {
                    (Some(due), _) => task.state = State::Scheduled(due),
                    (None, Some(_)) => model.push(id, false),
                    (None, None) => {}
                }
            }
        }
    }

    fn retry(&mut self, queue: &'static str, id: &str) {
        let dead = self.queues[queue].dead();
        let (words, back): (String, Vec<String>) = if self.random.once_in(2) {
            (
                format!("TASK.RETRY {queue} {id}"),
                dead.into_iter().filter(|dead| dead == id).collect(),
            )
        } else {
            (
                format!("TASK.RETRYALL {queue} COUNT 2"),
                dead.into_iter().take(2).collect(),
            )
        };
        for id in &back {
            self.task(queue, id).used = 0;
            self.queues.get_mut(queue).unwrap().push(id, false);
        }
        self.expect(words, &back.len().to_string());
    }

    fn purge(&mut self, queue: &'static str) {
        let count = 1 + self.random.below(3);
        let state = *self.random.pick(&["scheduled", "ready", "dead"]);
        let model = self.queues.get_mut(queue).unwrap();
        let mut gone = match state {
            "scheduled" => model.scheduled(),
            "dead" => model.dead(),
            _ => model.pop(count),
        };
        gone.truncate(count);
        for id in &gone {
            model.tasks.remove(id);
        }
        self.expect(
            format!("TASK.PURGE {queue} {state} COUNT {count}"),
            &gone.len().to_string(),
        );
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
                    "priority attempt attempts deliveries cancelled payload worker",
                );
                let expected = model.tasks.get(id).map_or("gone".into(), |task| {
                    let held = task.state == State::Claimed;
                    format!(
                        "priority {}, attempt {}, attempts {}, deliveries {}, cancelled {}, payload '{}', worker {}",
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
