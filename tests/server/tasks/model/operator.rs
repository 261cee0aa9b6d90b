//! Commands on tasks that need no claim.

use super::queue::{State, Task};
use super::{FAR, IDS, Run};

impl Run {
    pub(super) fn cancel(&mut self, queue: &'static str, id: &str) {
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

    pub(super) fn reschedule(&mut self, queue: &'static str, id: &str) {
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

    pub(super) fn retry(&mut self, queue: &'static str, id: &str) {
        let dead = self.queues[queue].dead();
        let one = self.random.once_in(2);
        let back: Vec<String> = match one {
            true => dead.into_iter().filter(|dead| dead == id).collect(),
            false => dead.into_iter().take(2).collect(),
        };
        for id in &back {
            self.task(queue, id).used = 0;
            self.queues.get_mut(queue).unwrap().push(id, false);
        }
        match one {
            true => self.expect(format!("TASK.RETRY {queue} {id}"), &back.len().to_string()),
            false => self.expect_step(format!("TASK.RETRYALL {queue} COUNT 2"), back.len()),
        }
    }

    pub(super) fn purge(&mut self, queue: &'static str) {
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
        self.expect_step(format!("TASK.PURGE {queue} {state} COUNT {count}"), gone.len());
    }
}
