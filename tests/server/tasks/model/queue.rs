//! The reference: one queue as the documents describe it.

use std::collections::BTreeMap;

#[derive(Clone, PartialEq)]
pub(super) enum State {
    Scheduled(i64),
    Ready,
    Claimed,
    Dead(i64),
}

pub(super) struct Task {
    pub state: State,
    pub priority: usize,
    pub used: i64,
    pub attempts: i64,
    pub deliveries: i64,
    pub token: i64,
    pub worker: String,
    pub cancelled: bool,
    pub payload: String,
}

/// One queue. A list entry that is not live is a ghost: its task left the list other than by a claim.
#[derive(Default)]
pub(super) struct Queue {
    pub tasks: BTreeMap<String, Task>,
    pub lists: [Vec<(String, bool)>; 10],
    pub paused: bool,
}

impl Queue {
    pub(super) fn push(&mut self, id: &str, head: bool) {
        let task = self.tasks.get_mut(id).unwrap();
        task.state = State::Ready;
        let list = &mut self.lists[task.priority];
        match list.iter_mut().find(|(entry, _)| entry == id) {
            Some(entry) => entry.1 = true,
            None if head => list.insert(0, (id.into(), true)),
            None => list.push((id.into(), true)),
        }
    }

    pub(super) fn leave(&mut self, id: &str) {
        let list = &mut self.lists[self.tasks[id].priority];
        list.iter_mut().find(|(entry, _)| entry == id).unwrap().1 = false;
    }

    /// The next `count` ready ids; ghosts on the way are dropped.
    pub(super) fn pop(&mut self, count: usize) -> Vec<String> {
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

    pub(super) fn ready(&self) -> Vec<String> {
        self.lists
            .iter()
            .flatten()
            .filter(|(_, live)| *live)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Ids of a state, in the order of LIST.
    pub(super) fn sorted(&self, of: impl Fn(&State) -> Option<i64>) -> Vec<String> {
        let mut found: Vec<(i64, String)> = self
            .tasks
            .iter()
            .filter_map(|(id, task)| of(&task.state).map(|score| (score, id.clone())))
            .collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }
    pub(super) fn scheduled(&self) -> Vec<String> {
        self.sorted(|state| {
            if let State::Scheduled(due) = state {
                Some(*due)
            } else {
                None
            }
        })
    }
    pub(super) fn dead(&self) -> Vec<String> {
        self.sorted(|state| {
            if let State::Dead(died) = state {
                Some(*died)
            } else {
                None
            }
        })
    }
    pub(super) fn claimed(&self) -> Vec<String> {
        self.sorted(|state| (*state == State::Claimed).then_some(0))
    }

    pub(super) fn counts(&self) -> String {
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
