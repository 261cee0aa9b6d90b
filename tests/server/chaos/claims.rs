//! What the reply to a call proves about a task.

use super::checker::{Call, Checker, Task};
use super::wishes::Wishes;
use crate::support::Value;

impl Checker {
    /// A task has been accepted.
    pub(super) fn accept(&mut self, key: String, wishes: Wishes, call: &Call) {
        let mark = self.mark(call);
        if let Some(other) = self.holder_of_its_key(&key, &wishes, call) {
            self.violated(&key, &format!("accepted while {other} has its unique key"));
        }
        let known = self.tasks.get(&key).cloned().unwrap_or_default();
        let is_again = known.was_there(call);
        if is_again && known.is_live() && known.wishes.payload != wishes.payload && !wishes.replaces {
            self.violated(&key, "accepted with another payload");
        }
        if known.sent == 0 {
            self.begin(key.clone(), wishes, call);
            // It may have been claimed, and have ended, before this reply was read.
            let task = self.tasks.entry(key.clone()).or_default();
            *task = Task {
                wishes: task.wishes.clone(),
                sent: task.sent,
                sent_ms: task.sent_ms,
                loose: task.loose,
                ..known
            };
        }
        let task = self.tasks.entry(key).or_default();
        task.accepted.get_or_insert(mark);
        if is_again {
            task.again = Some(mark);
        }
    }

    /// A task has been refused.
    pub(super) fn refused(&mut self, queue: &str, wishes: &Wishes, call: &Call, error: &str) {
        let Some(id) = &wishes.id else { return };
        let task = self.task(queue, id);
        // It may have been lost too often.
        let is_wrong = task.is_live() && task.was_there(call) && !error.starts_with("DUPLICATE dead ");
        if is_wrong && task.wishes.payload == wishes.payload {
            self.violated(&format!("{queue} {id}"), "refused, and it is there with that payload");
        }
    }

    fn holder_of_its_key(&mut self, key: &str, wishes: &Wishes, call: &Call) -> Option<String> {
        let unique = wishes.unique.as_ref().filter(|_| !wishes.replaces)?;
        let queue = key.split(' ').next()?;
        self.before(&format!("{queue} unique {unique}"), key, |task| {
            task.accepted.is_some_and(|accepted| accepted.read < call.sent)
        })
    }

    /// The first other task of a line that must be there and of which this is true.
    fn before(&mut self, line: &str, key: &str, is: impl Fn(&Task) -> bool) -> Option<String> {
        let tasks = &self.tasks;
        let line = self.lines.get_mut(line)?;
        line.retain(|key| tasks.get(key).is_some_and(|task| task.ended.is_none() && !task.loose));
        let mut others = line.iter().filter(|other| *other != key);
        others
            .find(|other| tasks[*other].is_live() && is(&tasks[*other]))
            .cloned()
    }

    /// A batch has been accepted, or not.
    pub(super) fn batch_accepted(&mut self, name: &str, queue: &str, call: &Call, reply: &Value) {
        if reply.is_error() {
            self.batches.remove(name);
            return;
        }
        let keys: Vec<String> = reply
            .items()
            .iter()
            .map(|id| format!("{queue} {}", id.text()))
            .collect();
        let mark = self.mark(call);
        let batch = self.batches.get_mut(name).expect("a known batch");
        batch.accepted = Some(mark);
        batch.keys = keys.iter().cloned().map(Some).collect();
        for key in keys {
            // It may have been claimed before the reply was read.
            let task = self.tasks.entry(key).or_default();
            task.sent = task.sent.max(call.sent);
            task.accepted.get_or_insert(mark);
        }
    }

    /// Tasks have been claimed; an empty queue is told by each of them.
    pub(super) fn claims(&mut self, queue: &str, worker: &str, call: &Call, reply: &Value) {
        let Value::Array(tasks) = reply else { return };
        for task in tasks {
            let queue = if queue.is_empty() {
                task.field("queue").text()
            } else {
                queue.into()
            };
            let key = format!("{queue} {}", task.field("id").text());
            self.seen(&key, &task.field("payload").text());
            let token = task.field("token").int();
            let known = self.tasks.get(&key).cloned().unwrap_or_default();
            for what in self.wrong_claim(&key, &known, (worker, token), call) {
                self.violated(&key, &what);
            }
            let mark = self.mark(call);
            let task = self.tasks.entry(key).or_default();
            task.accepted.get_or_insert(mark);
            task.claimed = true;
            if token > task.token {
                (task.token, task.token_read) = (token, mark.read);
            }
        }
    }

    /// What is wrong about a claim of a task by a worker, with a token.
    fn wrong_claim(&mut self, key: &str, task: &Task, claim: (&str, i64), call: &Call) -> Vec<String> {
        let (worker, token) = claim;
        let mark = self.mark(call);
        let mut wrong = Vec::new();
        let mut check = |is_wrong: bool, what: String| wrong.extend(is_wrong.then_some(what));
        check(
            task.ended.is_some_and(|ended| ended.read < call.sent),
            "acknowledged, and claimed again".into(),
        );
        check(
            task.cancelled.is_some_and(|cancelled| cancelled.read < call.sent),
            "cancelled, and claimed".into(),
        );
        check(
            token == task.token || (token < task.token && task.token_read < call.sent),
            format!("token {token} after {}", task.token),
        );
        let wishes = &task.wishes;
        check(
            !wishes.replaces && mark.read_ms < task.sent_ms + wishes.delay,
            "claimed before it was due".into(),
        );
        check(
            // Others may have it once it is known that their worker is dead.
            wishes
                .to
                .as_ref()
                .is_some_and(|to| to.starts_with("nobody") && !worker.is_empty() && to != worker),
            format!("claimed by {worker}"),
        );
        let queue = key.split(' ').next().unwrap_or_default();
        for parent in &wishes.after {
            let parent = self.tasks.get(&format!("{queue} {parent}"));
            let waits = parent.is_some_and(|parent| {
                parent.is_live() && parent.accepted.is_some_and(|accepted| accepted.read < task.sent)
            });
            check(waits, "claimed before the end of one that it comes after".into());
        }
        if let Some(group) = &wishes.group {
            let line = format!("{queue} group {group}");
            let running = self.before(&line, key, |other| other.claimed);
            check(
                running.is_some(),
                format!("claimed while {running:?} of its group runs"),
            );
            let earlier = self.before(&line, key, |other| {
                let accepted = other.accepted.is_some_and(|accepted| accepted.read < task.sent);
                accepted && other.wishes.is_plain() && wishes.is_plain()
            });
            check(
                earlier.is_some() && !task.loose,
                format!("claimed before {earlier:?} of its group"),
            );
        }
        wrong
    }

    /// A call that ends a claim was answered.
    pub(super) fn end_of(&mut self, key: &str, token: &str, call: &Call, is_done: bool) {
        let mark = self.mark(call);
        let task = self.tasks.entry(key.into()).or_default();
        task.ending = task.ending.saturating_sub(1);
        if !is_done {
            return;
        }
        let retained = task.wishes.retained;
        task.kept = (!retained || !task.loose).then_some(retained);
        if task.ended.replace(mark).is_some() {
            self.violated(key, "acknowledged twice");
        }
        self.held(key, token, call);
    }

    /// A call with this token was accepted.
    pub(super) fn held(&mut self, key: &str, token: &str, call: &Call) {
        let task = self.tasks.entry(key.into()).or_default();
        let (newer, read) = (task.token, task.token_read);
        if newer.to_string() != token && read < call.sent {
            self.violated(key, &format!("token {token} was accepted after {newer}"));
        }
    }

    /// A task of this payload exists: it may be of a batch, a reply, or an occurrence.
    pub(super) fn seen(&mut self, key: &str, payload: &str) {
        let (queue, id) = key.split_once(' ').unwrap_or_default();
        if let Some((name, number)) = payload.split_once('.')
            && let Some(batch) = self.batches.get_mut(&format!("{queue} {name}"))
        {
            batch.keys[number.parse::<usize>().unwrap()] = Some(key.into());
        }
        if let Some(rest) = payload.strip_prefix("{\"id\":\"") {
            let ended = rest.split('"').next().unwrap_or_default();
            self.replies.entry(ended.into()).or_default().insert(key.into());
        }
        if let Some((name, due)) = id.split_once(':') {
            let due = due.parse().expect("the due time of an occurrence");
            self.occurrences
                .entry(format!("{queue} {name}"))
                .or_default()
                .insert(due);
        }
    }
}
