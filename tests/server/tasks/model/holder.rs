//! Claims, and the commands of their holders.

use super::queue::{Queue, State};
use super::{IDS, Run};
use crate::support::Value;

impl Run {
    pub(super) fn claim(&mut self, queue: &'static str) {
        let (worker, count) = (format!("w{}", self.random.below(3)), 1 + self.random.below(3));
        let reply = self.call(format!("TASK.CLAIM {queue} {worker} COUNT {count} LEASE 3600000"));
        self.claimed(queue, &worker, count, "", &reply);
    }

    pub(super) fn claim_any(&mut self) {
        let reply = self.call("TASK.MCLAIM 2 r q w1 COUNT 2".into());
        let has_some = |queue: &Queue| !queue.paused && !queue.ready().is_empty();
        if has_some(&self.queues["r"]) {
            return self.claimed("r", "w1", 2, "queue: 'r', ", &reply);
        }
        // The search for work in r skipped the ghosts.
        if !self.queues["r"].paused {
            self.queues.get_mut("r").unwrap().pop(1);
        }
        self.claimed("q", "w1", 2, "queue: 'q', ", &reply);
    }

    pub(super) fn claimed(&mut self, queue: &'static str, worker: &str, count: usize, prefix: &str, reply: &Value) {
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
                "{{{prefix}id: '{id}', token: {token}, attempt: {}, kind: null, payload: '{}'}}",
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

    /// One of the four commands of a claim's holder, mostly with the right token.
    pub(super) fn holder(&mut self, queue: &'static str, verb: &str) {
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
                State::Claimed => "claimed with another token",
                State::Dead(_) => "dead",
            };
            return self.expect(
                words,
                &format!("-STALE this token holds no claim: the task is now {now}"),
            );
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
                    let due = self.shown(queue, &id, "due_at");
                    self.task(queue, &id).state = State::Scheduled(due);
                }
            }
            _ => self.fail(queue, &id, &end, words),
        }
    }

    pub(super) fn fail(&mut self, queue: &'static str, id: &str, end: &str, words: String) {
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
                let died = self.shown(queue, id, "finished_at");
                self.task(queue, id).state = State::Dead(died);
            }
            "ready" => self.queues.get_mut(queue).unwrap().push(id, false),
            _ => self.task(queue, id).state = State::Scheduled(reply.field("due_at").int()),
        }
    }
}
